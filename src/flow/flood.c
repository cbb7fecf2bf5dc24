#include "flow/flood.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "store/arrivals.h"

#include <stdlib.h>
#include <string.h>

static const char *sender_of(const struct incoming *in)
{
    return *in->sender ? in->sender : in->outer.from.n ? in->outer.from.items[0].spec : "";
}

const char *flood_rule(struct flow *f, int64_t list_id, const struct incoming *in, enum flood_who who)
{
    const struct settings_limits *l = &f->settings->limits;
    int64_t since = clock_now(f->clock) - FLOOD_WINDOW_S;
    const char *sender = sender_of(in);

    if (who == FLOOD_EXEMPT)
        return NULL;
    if (arrival_count_sender(f->db, list_id, sender, since, l->sender_mails) >= l->sender_mails)
        return "limits.sender_mails";
    if (who == FLOOD_PARTICIPANT)
        return NULL;
    if (arrival_count_domain(f->db, list_id, sender, since, l->domain_mails) >= l->domain_mails)
        return "limits.domain_mails";
    if (arrival_count_list(f->db, list_id, since, l->all_mails) >= l->all_mails)
        return "limits.all_mails";
    return NULL;
}

/* The first that has to wait says when; what comes later goes with it. */
static enum err want_digest(struct flow *f, int64_t list_id, struct diag *why)
{
    return duty_want(f->db, list_id, FLOOD_DUTY, list_id, "",
                     clock_now(f->clock) + (int64_t)f->settings->limits.digest_minutes * 60, why);
}

enum err flood_note(struct flow *f, int64_t list_id, const struct incoming *in, enum flood_who who, const char *code,
                    const char *held_rule, bool told, struct diag *why)
{
    struct arrival_row row = {.list_id = list_id,
                              .at = clock_now(f->clock),
                              .kind = "mail",
                              .sender = sender_of(in),
                              .code = code,
                              .rule = held_rule,
                              .told = told};
    enum err err;

    if (who == FLOOD_EXEMPT)
        return ERR_OK;
    err = arrival_insert(f->db, &row, why);
    return err || told ? err : want_digest(f, list_id, why);
}

enum err flood_takes_deadline(struct flow *f, int64_t list_id, const char *case_code, const char *clock, bool *taken,
                              struct diag *why)
{
    int64_t now = clock_now(f->clock), most = f->settings->limits.all_mails;
    struct arrival_row row = {
        .list_id = list_id, .at = now, .kind = "deadline", .sender = "", .code = case_code, .rule = clock};
    enum err err;

    *taken = arrival_count_notices(f->db, list_id, now - FLOOD_WINDOW_S, most) >= most;
    if (!*taken)
        return ERR_OK;
    err = arrival_insert(f->db, &row, why);
    return err ? err : want_digest(f, list_id, why);
}

static void add_code(struct buf *text, const struct arrival_code *c)
{
    bool deadline = strcmp(c->kind, "deadline") == 0;

    buf_printf(text, "  %s  %s%s", c->code, deadline ? "deadline " : *c->rule ? "held: " : "case", c->rule);
    if (c->n > 1)
        buf_printf(text, ", %lld times", (long long)c->n);
    buf_add_str(text, "\n");
}

static enum err write_digest(struct flow *f, int64_t list_id, const struct arrival_sum *sum, struct buf *text,
                             struct diag *why)
{
    struct arrival_code *codes;
    char from[INSTANT_TEXT_SIZE], to[INSTANT_TEXT_SIZE];
    size_t n = 0;
    enum err err = arrival_untold_codes(f->db, list_id, FLOOD_DIGEST_MOST, &codes, &n, why);

    buf_printf(text,
               "More has come than you are told of one by one (limits.sender_mails, domain_mails and all_mails of\n"
               "embargod.conf). All of it is kept; its senders were not acknowledged.\n\n"
               "From:       %s\nTo:         %s\nMails:      %lld\nSenders:    %lld, of %lld domains\n",
               instant_text(sum->first_at, from), instant_text(sum->last_at, to), (long long)sum->mails,
               (long long)sum->senders, (long long)sum->domains);
    if (sum->deadlines)
        buf_printf(text, "Deadlines:  %lld\n", (long long)sum->deadlines);
    buf_printf(text, "Cases, held mails: %lld\n\n", (long long)sum->codes);
    for (size_t i = 0; i < n; i++)
        add_code(text, &codes[i]);
    if (n == FLOOD_DIGEST_MOST)
        buf_add_str(text, "  and more\n");
    buf_add_str(text, "\nAll of them:  embargoctl case list, embargoctl held list\n"
                      "One of them:  embargoctl case show ID, embargoctl held show ID\n");
    arrival_codes_free(codes, n);
    return err;
}

enum err flood_digest_run(struct flow *f, const struct duty_row *d, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, d->object, why);
    struct arrival_sum sum;
    struct buf text = BUF_EMPTY;
    enum err err = list ? arrival_untold(f->db, d->object, &sum, why) : ERR_NOT_FOUND;

    if (err || sum.mails + sum.deadlines == 0)
        return err;
    err = write_digest(f, d->object, &sum, &text, why);
    if (!err)
        err = case_notify_team(f, list, d->object, NULL, "More mail than usual", buf_text(&text), why);
    if (!err)
        err = arrival_set_told(f->db, d->object, why);
    if (!err)
        log_event(NULL, "digest", NULL, "mails=%lld deadlines=%lld", (long long)sum.mails, (long long)sum.deadlines);
    buf_free(&text);
    return err;
}
