#include "flow/reporter.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/automatic.h"
#include "codec/addr.h"
#include "codec/header.h"
#include "codec/lower.h"
#include "flow/policies.h"
#include "flow/texts.h"
#include "store/audit.h"
#include "store/held.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ACKNOWLEDGEMENTS_PER_HOUR        60
#define ACKNOWLEDGEMENTS_PER_ADDRESS_DAY 5

/* Drops comments and quoted strings, so that neither "(dmarc=pass)" nor a local part of that name is a result. */
static void without_comments(const char *in, struct buf *out)
{
    bool quoted = false;
    int depth = 0;

    for (; *in; in++) {
        if (*in == '\\' && in[1]) {
            in++;
            continue;
        }
        if (*in == '"' && !depth)
            quoted = !quoted;
        else if (*in == '(' && !quoted)
            depth++;
        else if (*in == ')' && depth)
            depth--;
        else if (!depth && !quoted)
            buf_add_byte(out, (uint8_t)tolower((unsigned char)*in));
    }
}

static bool says_pass(const char *value, const char *authserv_id)
{
    size_t id_len = strlen(authserv_id);
    const char *at;

    value += strspn(value, " \t");
    if (strncasecmp(value, authserv_id, id_len) != 0 || !strchr("; \t", value[id_len]))
        return false;
    for (at = strstr(value, "dmarc"); at; at = strstr(at + 1, "dmarc")) {
        const char *eq = at + 5 + strspn(at + 5, " \t");

        if (at > value && !strchr("; \t", at[-1]))
            continue;
        if (*eq != '=')
            continue;
        eq += 1 + strspn(eq + 1, " \t");
        return strncmp(eq, "pass", 4) == 0 && !isalnum((unsigned char)eq[4]);
    }
    return false;
}

bool reporter_dmarc_passed(struct span header_block, const char *authserv_id)
{
    struct header_iter it = {header_block};
    struct span name, value;
    bool passed = false, found = false;

    /* Our MTA adds its field at the top: only the first of its name counts, whatever stands below. */
    while (!found && header_next(&it, &name, &value)) {
        struct buf plain = BUF_EMPTY, unfolded = BUF_EMPTY;

        if (!header_name_is(name, "Authentication-Results"))
            continue;
        header_unfold(value, &unfolded);
        without_comments(buf_text(&unfolded), &plain);
        found = strncasecmp(buf_text(&plain) + strspn(buf_text(&plain), " \t"), authserv_id, strlen(authserv_id)) == 0;
        passed = found && says_pass(buf_text(&plain), authserv_id);
        buf_free(&plain);
        buf_free(&unfolded);
    }
    return passed;
}

static const char *address_of(const struct incoming *in)
{
    return in->outer.from.n == 1 ? in->outer.from.items[0].spec : in->sender;
}

enum err reporter_join(struct flow *f, const struct settings_list *list, const struct policy *policy,
                       const struct case_row *c, const struct incoming *in, struct participant_row *out,
                       struct diag *why)
{
    (void)list;
    (void)policy;
    return participant_insert(f->db, c->id, "reporter", address_of(in), buf_span(&in->key),
                              in->key.len ? in->key_fingerprint : NULL, clock_now(f->clock), out, why);
}

static bool is_below(const char *domain, const char *above)
{
    size_t n = strlen(domain), m = strlen(above);

    return n > m && domain[n - m - 1] == '.' && strcasecmp(domain + n - m, above) == 0;
}

/* DMARC speaks of the From's domain; the answer goes to the envelope's sender, who must be of the same. */
static bool sender_is_from(const struct incoming *in)
{
    const char *sender = strchr(in->sender, '@');
    const char *from = in->outer.from.n == 1 ? strchr(in->outer.from.items[0].spec, '@') : NULL;

    return sender && from &&
           (strcasecmp(sender, from) == 0 || is_below(sender + 1, from + 1) || is_below(from + 1, sender + 1));
}

bool reporter_is_authenticated(const struct settings_list *list, const struct incoming *in)
{
    if (incoming_is_signed(in))
        return true;
    return list->authserv_id && sender_is_from(in) &&
           reporter_dmarc_passed((struct span){in->raw.data, header_block_len(buf_span(&in->raw))}, list->authserv_id);
}

bool reporter_may_be_answered(const struct settings_list *list, const struct policy *policy, const struct incoming *in,
                              const char **rule)
{
    const struct policy_value *v = &policy->reporting.acknowledge;
    const struct automatic_facts facts = {.sender = in->sender, .list_address = list->address, .dsn = &in->dsn};

    *rule = "reporting.acknowledge";
    if (policy_is(v, POLICY_ACK_NEVER) || !addr_is_valid(in->sender))
        return false;
    if (!policy_is(v, POLICY_ACK_ALWAYS) && !reporter_is_authenticated(list, in))
        return false;
    *rule = "automatic"; /* one that an admin let in is still a program's */
    return in->outer.n_parts && !automatic_wants_no_answer(buf_span(&in->raw), &in->outer, &facts);
}

static bool may_acknowledge(struct flow *f, const struct settings_list *list, const struct policy *policy,
                            const struct incoming *in, const char **rule)
{
    int64_t now = clock_now(f->clock);
    struct buf address = BUF_EMPTY;
    bool few;

    if (!reporter_may_be_answered(list, policy, in, rule))
        return false;
    *rule = "limits.acknowledgements";
    if (db_value(f->db, 0, "SELECT COUNT(*) FROM mail WHERE kind = 'acknowledgement' AND made_at > ?", "i",
                 now - 3600) >= ACKNOWLEDGEMENTS_PER_HOUR)
        return false;
    /* What went to this address counts, not what claims to come from it: nobody can use it up for another. */
    lower_add(span_of(in->sender), &address);
    few = seen_count(f->db, "acknowledged", buf_span(&address), now - 86400) < ACKNOWLEDGEMENTS_PER_ADDRESS_DAY;
    buf_free(&address);
    return few;
}

static enum err note_acknowledged(struct flow *f, const struct incoming *in, struct diag *why)
{
    struct buf address = BUF_EMPTY;
    int64_t now = clock_now(f->clock);
    bool seen, same;
    enum err err = seen_forget(f->db, "acknowledged", now - 86400, why);

    lower_add(span_of(in->sender), &address);
    if (!err)
        err = seen_before(f->db, "acknowledged", buf_span(&in->raw), buf_span(&address), now, &seen, &same, why);
    buf_free(&address);
    return err;
}

/* security+c-TOKEN@…; the caller wipes and frees. NULL where there is none. participant_id 0: one that leads nowhere.
 */
static char *thread_address(struct flow *f, const struct settings_list *list, int64_t participant_id)
{
    char *token = participant_id ? participant_token(f->db, participant_id) : participant_token_of_nobody();
    char *suffix, out[ADDR_MAX_BYTES + 1] = "";
    struct diag why;

    if (!token)
        return NULL;
    suffix = mem_printf("c-%s", token);
    addr_with_suffix(list->address, suffix, out, &why);
    mem_free_secret(&token);
    mem_free_secret(&suffix);
    return *out ? mem_strdup(out) : NULL;
}

/* c and participant_id: NULL and 0 where it belongs to no case. */
static enum err send_acknowledgement(struct flow *f, const struct settings_list *list, int64_t list_id,
                                     const struct policy *policy, const struct case_row *c, int64_t participant_id,
                                     const struct incoming *in, struct diag *why)
{
    char *thread = thread_address(f, list, participant_id);
    struct tmpl_value values[] = {{"list", list->address}, {"address", thread}, {"key", list->fingerprint}};
    struct outgoing_to to = {.participant_id = participant_id, .secret_address = in->sender};
    struct buf text = BUF_EMPTY;
    struct content content;
    enum err err = text_fill("acknowledgement", values, sizeof values / sizeof values[0], &text, why);

    if (!err)
        err = content_cleared(CLEARED_NOTICE, policy, c, &content, why);
    if (!err) {
        struct outgoing mail = {.kind = "acknowledgement",
                                .list = list,
                                .list_id = list_id,
                                .c = c,
                                .subject = "Your mail to the security team has arrived",
                                .text = buf_text(&text),
                                .reply_to = thread,
                                .in_reply_to = in->outer.message_id,
                                .automatic = true,
                                .earliest_at = INSTANT_NONE};
        err = outgoing_queue(f, &mail, content, &to, 1, NULL, why);
    }
    if (!err)
        err = note_acknowledged(f, in, why);
    buf_free(&text);
    mem_free_secret(&thread);
    return err;
}

enum err reporter_acknowledge(struct flow *f, const struct settings_list *list, const struct policy *policy,
                              struct case_row *c, const struct incoming *in, const struct participant_row *p,
                              struct diag *why)
{
    const char *rule;
    enum err err;

    if (!may_acknowledge(f, list, policy, in, &rule)) {
        log_event(c->code, "not-acknowledged", rule, NULL);
        return ERR_OK;
    }
    err = send_acknowledgement(f, list, c->list_id, policy, c, p->id, in, why);
    if (err)
        return err;
    c->acknowledged_at = clock_now(f->clock);
    return case_update(f->db, c, why);
}

enum err reporter_acknowledge_held(struct flow *f, const struct settings_list *list, int64_t list_id,
                                   const struct incoming *in, struct diag *why)
{
    struct span suffix = {NULL, 0};
    struct policy *policy = NULL;
    const char *rule;
    enum err err;

    if (!in->came_encrypted || in->released || !addr_is_for(in->recipient, list->address, &suffix) || suffix.len)
        return ERR_OK;
    err = policies_of_list(f, list, &policy, why);
    if (!err && may_acknowledge(f, list, policy, in, &rule))
        err = send_acknowledgement(f, list, list_id, policy, NULL, 0, in, why);
    policy_free(&policy);
    return err;
}

static enum err write_notice(struct flow *f, const struct settings_list *list, const struct policy *policy,
                             const struct case_row *c, struct outgoing *mail, const struct outgoing_to *to,
                             struct diag *why)
{
    struct tmpl_value values[] = {{"list", list->address}, {"address", mail->reply_to}};
    struct buf text = BUF_EMPTY;
    struct content content;
    enum err err = text_fill("plain-notice", values, 2, &text, why);

    if (!err)
        err = content_cleared(CLEARED_NOTICE, policy, c, &content, why);
    mail->subject = "News about your report";
    mail->text = buf_text(&text);
    mail->kind = "notice";
    if (!err)
        err = outgoing_queue(f, mail, content, to, 1, NULL, why);
    buf_free(&text);
    return err;
}

static struct outgoing reply_of(const struct settings_list *list, const struct case_row *c, const char *subject,
                                const char *text, const char *thread)
{
    return (struct outgoing){.kind = "reply",
                             .list = list,
                             .list_id = c->list_id,
                             .c = c,
                             .subject = subject,
                             .text = text,
                             .reply_to = thread,
                             .earliest_at = INSTANT_NONE};
}

enum err reporter_write(struct flow *f, const struct settings_list *list, const struct policy *policy,
                        const struct case_row *c, const struct participant_row *p, const char *subject,
                        const char *text, bool *notice_only, struct diag *why)
{
    char *thread = thread_address(f, list, p->id), *address = participant_address(f->db, p->id);
    struct outgoing_to to = {.participant_id = p->id, .secret_address = address};
    struct outgoing mail = reply_of(list, c, subject, text, thread);
    const struct policy_value *plain = &policy->reporting.plain_text;
    struct buf key = BUF_EMPTY;
    struct content content;
    enum err err = address ? participant_key(f->db, p->id, &key, why)
                           : diag_set(why, ERR_INTERNAL, "participant.address", "the address does not open");

    *notice_only = false;
    if (!err && key.len) {
        to.fingerprint = p->fingerprint;
        err = outgoing_queue(f, &mail, content_sealed(), &to, 1, NULL, why);
    } else if (!err && policy_is(plain, POLICY_PLAIN_NOTICE_ONLY)) {
        *notice_only = true;
        err = write_notice(f, list, policy, c, &mail, &to, why);
    } else if (!err) {
        err = content_cleared(c->public_at != INSTANT_NONE ? CLEARED_PUBLIC : CLEARED_PLAIN_REPORTER, policy, c,
                              &content, why);
        if (!err)
            err = outgoing_queue(f, &mail, content, &to, 1, NULL, why);
    }
    buf_free(&key);
    mem_free_secret(&thread);
    mem_free_secret(&address);
    return err;
}

enum err reporter_send(struct flow *f, const struct outgoing *mail, const struct participant_row *p, struct diag *why)
{
    char *thread, *address;
    struct outgoing_to to = {.participant_id = p->id, .fingerprint = p->fingerprint};
    struct outgoing own = *mail;
    struct buf key = BUF_EMPTY;
    enum err err = participant_key(f->db, p->id, &key, why);
    bool none = err == ERR_NOT_FOUND || (!err && !key.len);

    buf_free(&key);
    if (err || none)
        return none ? ERR_OK : err;
    thread = thread_address(f, mail->list, p->id);
    address = participant_address(f->db, p->id);
    own.reply_to = thread;
    to.secret_address = address;
    if (thread && address)
        err = outgoing_queue(f, &own, content_sealed(), &to, 1, NULL, why);
    else
        err = diag_set(why, ERR_INTERNAL, "participant.address", "the address does not open");
    mem_free_secret(&thread);
    mem_free_secret(&address);
    return err;
}

enum err reporter_tell_public(struct flow *f, const struct settings_list *list, const struct policy *policy,
                              const struct case_row *c, const struct participant_row *p, const char *subject,
                              const char *text, struct diag *why)
{
    char *thread = thread_address(f, list, p->id), *address = participant_address(f->db, p->id);
    struct outgoing_to to = {.participant_id = p->id, .secret_address = address};
    struct outgoing mail = reply_of(list, c, subject, text, thread);
    struct content content = content_sealed();
    struct buf key = BUF_EMPTY;
    enum err err = address ? participant_key(f->db, p->id, &key, why)
                           : diag_set(why, ERR_INTERNAL, "participant.address", "the address does not open");

    if (!err && key.len)
        to.fingerprint = p->fingerprint;
    else if (!err)
        err = content_cleared(CLEARED_PUBLIC, policy, c, &content, why);
    if (!err)
        err = outgoing_queue(f, &mail, content, &to, 1, NULL, why);
    buf_free(&key);
    mem_free_secret(&thread);
    mem_free_secret(&address);
    return err;
}
