#include "flow/receive_apply.h"
#include "flow/receiving.h"

#include "base/frame.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/bounces.h"
#include "flow/cases_flow.h"
#include "flow/mail_commands.h"
#include "flow/policies.h"
#include "flow/reporter.h"
#include "flow/secret_key.h"
#include "store/audit.h"
#include "store/held.h"
#include "store/outbox.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An address of ours is the same in upper case: a mail to both spellings came once. */
static void delivery_bytes(const struct incoming *in, struct buf *out)
{
    buf_printf(out, "%s\n", in->sender);
    for (const char *p = in->recipient; p && *p; p++)
        buf_add_byte(out, (uint8_t)tolower((unsigned char)*p));
    buf_add_str(out, "\n");
    buf_add_buf(out, in->came.len ? &in->came : &in->raw);
}

/* A mail that an admin lets in has been seen as a delivery: what must not be twice is its letting in. */
static const char *kind_seen(const struct incoming *in)
{
    return in->released ? "release" : "delivery";
}

bool receive_is_repeated(struct flow *f, const struct incoming *in)
{
    struct buf bytes = BUF_EMPTY;
    uint8_t digest[BOX_DIGEST_BYTES];
    int64_t at;

    delivery_bytes(in, &bytes);
    box_digest(db_box(f->db), kind_seen(in), buf_span(&bytes), digest);
    buf_free(&bytes);
    at = db_value(f->db, INSTANT_NONE, "SELECT at FROM seen WHERE kind = ? AND digest = ?", "tb", kind_seen(in),
                  (struct span){digest, sizeof digest});
    return at != INSTANT_NONE && at + INCOMING_REDELIVERY_S >= clock_now(f->clock);
}

static enum err note_seen(struct flow *f, const struct incoming *in, const char *kind, struct diag *why)
{
    struct buf bytes = BUF_EMPTY;
    bool seen, same;
    int64_t now = clock_now(f->clock);
    enum err err = seen_forget(f->db, kind, now - INCOMING_REDELIVERY_S, why);

    delivery_bytes(in, &bytes);
    if (!err)
        err = seen_before(f->db, kind, buf_span(&bytes), span_of(in->recipient), now, &seen, &same, why);
    buf_free(&bytes);
    return err;
}

static bool is_to_a_case(const struct settings_list *list, const char *recipient)
{
    struct span suffix = {NULL, 0};

    return list && addr_is_for(recipient, list->address, &suffix) && suffix.len > 2 &&
           strncasecmp((const char *)suffix.data, "c-", 2) == 0;
}

/*
 * The Message-ID inside is the one that a member's list leaves as it is: it opens our mail for its own people, signs
 * and encrypts it anew under a name of its own, and may count us among them.
 */
static bool is_ours(const struct flow *f, const struct mime_message *m)
{
    return m->n_parts && m->message_id && mail_is_ours(f->db, m->message_id);
}

static enum automatic_sort sort_of(const struct flow *f, const struct incoming *in)
{
    const struct settings_list *list = settings_list_for(f->settings, in->recipient);
    struct automatic_facts facts = {.sender = in->sender, .list_address = list ? list->address : NULL, .dsn = &in->dsn};
    enum automatic_sort sort;

    if (!in->outer.n_parts) /* nobody could read it */
        return *in->sender ? AUTOMATIC_NONE : AUTOMATIC_BOUNCE;
    if (is_ours(f, &in->outer) || (in->unpacked && is_ours(f, &in->inner)))
        return AUTOMATIC_OWN;
    sort = automatic_sort_of(buf_span(&in->raw), &in->outer, &facts);
    /* Another team answers by its list too; the address of a case is known only to whom we wrote. */
    return automatic_may_be_a_report(sort) && is_to_a_case(list, in->recipient) ? AUTOMATIC_NONE : sort;
}

const char *receive_automatic_rule(struct flow *f, const struct incoming *in)
{
    const struct settings_list *list = settings_list_for(f->settings, in->recipient);
    struct span suffix = {NULL, 0};

    if (list && addr_is_for(in->recipient, list->address, &suffix) && suffix.len > 2 &&
        strncasecmp((const char *)suffix.data, "b-", 2) == 0)
        return automatic_rule(AUTOMATIC_BOUNCE);
    return automatic_rule(sort_of(f, in));
}

/* The team is told of each held mail; of what a program wrote, only so often in a day: a notice is mail too, and may be
 * what the other program answers. Two daemons that write to each other fall silent by this. */
static bool may_announce(struct flow *f, const struct incoming *in, int64_t list_id, const char *rule)
{
    enum automatic_sort sort = sort_of(f, in);
    int64_t most = automatic_may_be_a_report(sort) ? RECEIVE_NOTICES_OF_LISTS : 1;

    return sort == AUTOMATIC_NONE || held_count_since(f->db, list_id, rule, clock_now(f->clock) - 86400) < most;
}

/* code: what it is called by. */
static enum err hold_rows(struct flow *f, const struct incoming *in, const char *rule, enum flood_who who, bool quiet,
                          char code[BOX_ID_SIZE], struct diag *why)
{
    const struct settings_list *list = settings_list_for(f->settings, in->recipient);
    struct buf envelope = BUF_EMPTY;
    struct list_row row = {0};
    struct held_row held = {.at = clock_now(f->clock), .rule = (char *)rule};
    const char *flooded = NULL;
    bool announced = false;
    enum err err = ERR_OK;

    if (list)
        err = list_by_name(f->db, list->name, &row, why);
    held.list_id = row.id;
    if (!err && list && !quiet)
        announced = may_announce(f, in, row.id, rule);
    if (!err && list)
        flooded = flood_rule(f, row.id, in, who);
    frame_put_str(&envelope, in->sender);
    frame_put_str(&envelope, in->recipient);
    frame_put_i64(&envelope, in->received_at);
    if (!err)
        err = held_insert(f->db, &held, buf_span(&envelope), buf_span(in->kept.len ? &in->kept : &in->raw), why);
    memcpy(code, held.code, BOX_ID_SIZE);
    if (!err)
        err = audit_append(f->db, held.at, "embargod", "mail.held", held.code, rule, NULL, why);
    if (!err && list)
        err = flood_note(f, row.id, in, who, held.code, rule, !announced || !flooded, why);
    if (!err && announced && flooded)
        log_event(held.code, "told-by-digest", flooded, NULL);
    if (!err && announced && !flooded) {
        struct buf secret = BUF_EMPTY;
        char *text;

        secret_key_words(in, &secret);
        text = mem_printf("A mail of %zu bytes is held under the rule `%s`.\n%s\n"
                          "See it:      embargoctl held show %s\n"
                          "Let it in:   embargoctl held release %s\n"
                          "Forget it:   embargoctl held discard %s\n",
                          in->raw.len, rule, buf_text(&secret), held.code, held.code, held.code);
        err = case_notify_team(f, list, row.id, NULL, "A mail is held", text, why);
        free(text);
        buf_free(&secret);
    }
    if (!err && list && who == FLOOD_STRANGER && !quiet && !flooded)
        err = reporter_acknowledge_held(f, list, row.id, in, why);
    buf_free(&envelope);
    list_row_free(&row);
    return err;
}

static void receiving_free(struct receiving *r)
{
    list_row_free(&r->list_row);
    policy_free(&r->policy);
    case_row_free(&r->c);
    participant_row_free(&r->participant);
    member_row_free(&r->member);
}

/* Of a mail that nobody could open: who sent it is not known. */
static enum err report_secret(struct receiving *r, const char *code, struct diag *why)
{
    enum err err = list_by_name(r->f->db, r->list->name, &r->list_row, why);

    if (!err)
        err = policies_of_list(r->f, r->list, &r->policy, why);
    return err ? err : secret_key_report(r, code, why);
}

enum err receive_hold(struct flow *f, const struct incoming *in, const struct diag *reason, struct diag *why)
{
    struct receiving r = {.f = f, .in = in, .list = settings_list_for(f->settings, in->recipient)};
    char code[BOX_ID_SIZE] = "";
    enum err err = db_begin(f->db, why);

    if (!err)
        err = hold_rows(f, in, reason->rule, FLOOD_STRANGER, false, code, why);
    if (!err && r.list && in->secrets.n)
        err = report_secret(&r, code, why);
    if (!err)
        err = note_seen(f, in, "delivery", why); /* held again it may be let in again */
    err = db_end(f->db, err, why);
    if (!err)
        log_diag(NULL, "mail-held", reason);
    receiving_free(&r);
    return err;
}

enum flood_who receiving_who(const struct receiving *r)
{
    if (r->admin || r->member.id || r->in->released)
        return FLOOD_EXEMPT;
    return r->proved ? FLOOD_PARTICIPANT : FLOOD_STRANGER;
}

/* ---- the ways ---- */

static enum err receive_automatic(struct receiving *r, struct diag *reason, struct diag *why)
{
    (void)why;
    return diag_set(reason, ERR_REJECT, automatic_rule(r->sort), "no person wrote this mail");
}

static bool is_automatic(const struct receiving *r)
{
    return r->sort != AUTOMATIC_NONE;
}

/* In this order; the first that takes a mail has it. What an admin lets in is a post, or an application. */
static enum err go_its_way(struct receiving *r, struct diag *reason, struct diag *why)
{
    static const struct {
        bool (*takes)(const struct receiving *r);
        enum err (*run)(struct receiving *r, struct diag *reason, struct diag *why);
    } ways[] = {
        {bounces_takes, receive_bounce},
        {is_automatic, receive_automatic},
        {receive_apply_takes, receive_apply},
        {mail_commands_are, receive_commands},
    };

    for (size_t i = 0; !r->in->released && i < sizeof ways / sizeof ways[0]; i++)
        if (ways[i].takes(r))
            return ways[i].run(r, reason, why);
    if (r->in->released && receive_apply_takes_released(r))
        return receive_apply(r, reason, why);
    return receive_post(r, reason, why);
}

static enum err receive_in_transaction(struct receiving *r, enum receive_result *result, struct diag *why)
{
    struct diag reason = {0};
    char held[BOX_ID_SIZE] = "";
    enum err err = list_by_name(r->f->db, r->list->name, &r->list_row, why);

    if (!err)
        err = policies_of_list(r->f, r->list, &r->policy, why);
    if (err)
        return err == ERR_REJECT ? ERR_INTERNAL : err;
    *result = RECEIVE_CASE;
    r->sort = sort_of(r->f, r->in);
    err = receiving_key_news(r, why);
    if (!err)
        err = go_its_way(r, &reason, why);
    if (err == ERR_REJECT && *reason.rule) {
        *result = RECEIVE_HELD;
        snprintf(r->rule, sizeof r->rule, "%s", reason.rule);
        err = hold_rows(r->f, r->in, reason.rule, receiving_who(r), r->quiet, held, why);
    }
    if (!err)
        err = secret_key_report(r, *held ? held : r->c.id ? r->c.code : r->application, why);
    if (!err)
        err = note_seen(r->f, r->in, "delivery", why);
    return err || !r->in->released ? err : note_seen(r->f, r->in, kind_seen(r->in), why);
}

enum err receive_mail(struct flow *f, const struct incoming *in, enum receive_result *result, char *rule,
                      struct diag *why)
{
    struct receiving r = {.f = f, .in = in, .list = settings_list_for(f->settings, in->recipient)};
    struct diag no_list;
    enum err err;

    *rule = 0;
    if (receive_is_repeated(f, in)) {
        *result = RECEIVE_REPEATED;
        return ERR_OK;
    }
    if (!r.list) {
        *result = RECEIVE_HELD;
        diag_set(&no_list, ERR_REJECT, "no-list", "the recipient is no address of a list");
        return receive_hold(f, in, &no_list, why);
    }
    err = db_begin(f->db, why);
    if (!err)
        err = receive_in_transaction(&r, result, why);
    err = db_end(f->db, err, why);
    if (!err)
        log_event(r.c.id ? r.c.code : NULL, *result == RECEIVE_HELD ? "mail-held" : "mail-taken", r.rule, NULL);
    snprintf(rule, DIAG_RULE_MAX, "%s", r.rule);
    receiving_free(&r);
    return err;
}
