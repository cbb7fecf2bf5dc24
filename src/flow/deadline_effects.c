#include "flow/deadline_effects.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/advisory_tell.h"
#include "flow/cases_flow.h"
#include "flow/clock_guard.h"
#include "flow/policies.h"
#include "flow/release.h"
#include "flow/reminders.h"
#include "store/audit.h"
#include "store/outbox.h"

#include <stdio.h>
#include <string.h>

#define AGAIN_S 60

static const struct policy_clock *clock_of(const struct policy *policy, const struct deadline_row *d)
{
    char name[96];

    snprintf(name, sizeof name, "%.90s", d->clock);
    if (strrchr(name, '.'))
        *strrchr(name, '.') = 0;
    return policy_clock_find(policy, name);
}

enum err deadline_effect(struct flow *f, const struct deadline_row *d, struct case_row *c,
                         const struct settings_list *list, struct diag *why)
{
    int64_t now = clock_now(f->clock);
    const struct policy_clock *clock;
    struct policy *policy = NULL;
    enum err err = policies_of_case(f, c, &policy, why);

    (void)list;
    if (err)
        return err;
    clock = clock_of(policy, d);
    if (d->tier && strcmp(d->clock, "final-notice") == 0)
        err = duty_put(f->db, c->list_id, "tell", c->id, d->tier, now, why);
    else if (clock && policy_is(&clock->on_expiry, POLICY_EXPIRY_PREDISCLOSE) && !strstr(d->clock, ".min"))
        err = duty_put(f->db, c->list_id, "tell", c->id, "", now, why);
    if (!err)
        err = reminders_overdue_from(f, policy, c, d, why);
    policy_free(&policy);
    return err;
}

enum err clock_alarm(struct flow *f, struct diag *why)
{
    char words[320], *text;
    enum err err = ERR_OK;

    if (f->guard->alarmed)
        return ERR_OK;
    clock_guard_words(f->guard, words, sizeof words);
    text = mem_printf("Something is due that cannot be undone, and it is held: the clock is not believed.\n\n%s.\n\n"
                      "Rule:  %s\n\nIt goes on by itself once the clock is right, or for one case by\n"
                      "embargoctl publish confirm ID.\n",
                      words, clock_guard_rule(f->guard));
    for (size_t i = 0; !err && i < f->settings->n_lists; i++) {
        const struct settings_list *list = &f->settings->lists[i];
        struct list_row row = {0};

        err = list_by_name(f->db, list->name, &row, why);
        if (!err)
            err = case_notify_team(f, list, row.id, NULL, "ALARM: the clock is not believed", text, why);
        list_row_free(&row);
    }
    mem_free_secret(&text);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), "embargod", "clock.alarm", "", clock_guard_rule(f->guard), NULL,
                           why);
    f->guard->alarmed = !err;
    return err;
}

enum err clock_watch(struct flow *f, struct diag *why)
{
    enum err err;

    if (!f->guard->enforced || f->guard->trust == CLOCK_TRUSTED || f->guard->alarmed ||
        !copy_count_staged_due(f->db, clock_now(f->clock)))
        return ERR_OK;
    err = db_begin(f->db, why);
    if (!err)
        err = clock_alarm(f, why);
    err = db_end(f->db, err, why);
    if (err) {
        f->guard->alarmed = false;
    }
    return err;
}

static enum err tell_case(struct flow *f, const struct duty_row *d, struct case_row *c,
                          const struct settings_list *list, struct diag *why)
{
    struct policy *policy = NULL;
    struct releasing release = {0};
    char *text;
    size_t n = 0;
    enum err err = policies_of_case(f, c, &policy, why);

    if (!err)
        err = release_load(f, c, policy, list, &release, why);
    if (!err)
        err = advisory_tell_by_clock(f, policy, c, list, *d->detail ? d->detail : NULL, release.approved, &n, why);
    release_unload(&release);
    if (!err && !n && !*d->detail) {
        text = mem_printf("By the policy, what is known of case %s is sent now, with or without a patch; but there is "
                          "nothing\nthat could be sent, or nobody to send it to.\n\n"
                          "Write it:  embargoctl advisory new %s --title T, advisory edit %s FILE, advisory send %s\n",
                          c->code, c->code, c->code, c->code);
        err = case_notify_team(f, list, c->list_id, c, "Pre-disclosure is due", text, why);
        mem_free_secret(&text);
    }
    policy_free(&policy);
    return err;
}

enum err clock_let_go(struct flow *f, int64_t case_id, int64_t *n, struct diag *why)
{
    int64_t now = clock_now(f->clock), copies = 0, duties = 0;
    enum err err = ERR_OK;

    if (f->guard->enforced && f->guard->trust != CLOCK_TRUSTED) {
        err = copy_let_staged_go(f->db, case_id, now, &copies, why);
        if (!err)
            err = duty_hasten(f->db, "tell", case_id, now, &duties, why);
    }
    *n = copies + duties;
    return err;
}

/* Has an admin just said that this case may go on, whatever the clock is? */
static bool is_vouched(struct flow *f, int64_t case_id)
{
    int64_t now = clock_now(f->clock);
    struct release_row row = {0};
    struct diag why;
    bool vouched = !release_of_case(f->db, case_id, &row, &why) && row.confirmed_at != INSTANT_NONE &&
                   row.confirmed_at <= now && now - row.confirmed_at < AGAIN_S;

    release_row_free(&row);
    return vouched;
}

enum err tell_run(struct flow *f, const struct duty_row *d, struct diag *why)
{
    const struct settings_list *list;
    struct case_row c = {0};
    enum case_state state;
    enum err err = case_by_id(f->db, d->object, &c, why);

    list = err ? NULL : flow_list_of_row(f, c.list_id, why);
    if (!err && !list)
        err = ERR_NOT_FOUND;
    if (!err && f->guard->enforced && f->guard->trust != CLOCK_TRUSTED && !is_vouched(f, c.id)) {
        err = clock_alarm(f, why);
        if (!err)
            err = duty_put(f->db, d->list_id, d->kind, d->object, d->detail, clock_now(f->clock) + AGAIN_S, why);
    } else if (!err && case_state_parse(c.state, &state) && case_is_open(state) &&
               (*d->detail || state != CASE_PREDISCLOSED)) {
        err = tell_case(f, d, &c, list, why);
    }
    case_row_free(&c);
    return err;
}
