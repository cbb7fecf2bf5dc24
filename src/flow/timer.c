#include "flow/timer.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/duty_kinds.h"
#include "store/audit.h"
#include "store/deadlines.h"

#include <stdlib.h>
#include <string.h>

static enum err tell(struct flow *f, const struct deadline_row *d, const struct case_row *c, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, c->list_id, why);
    char at[INSTANT_TEXT_SIZE], *subject, *text;
    enum err err;

    if (!list)
        return ERR_NOT_FOUND;
    subject = mem_printf("[%s] deadline: %s", case_label(c), d->clock);
    text = mem_printf("A deadline of case %s has come.\n\nClock:  %s%s%s\nAt:     %s\nRule:   %s (%s)\nState:  %s\n\n"
                      "What is next:  embargoctl case show %s\n",
                      c->code, d->clock, d->tier ? ", tier " : "", d->tier ? d->tier : "", instant_text(d->at, at),
                      d->rule, d->force, c->state, c->code);
    err = case_notify_team(f, list, c->list_id, c, subject, text, why);
    mem_free_secret(&subject);
    mem_free_secret(&text);
    return err;
}

static enum err fire_one(struct flow *f, const struct deadline_row *d, struct diag *why)
{
    struct case_row c = {0};
    struct actor by;
    enum case_state state;
    enum err err = db_begin(f->db, why);

    actor_daemon(&by);
    if (!err)
        err = case_by_id(f->db, d->case_id, &c, why);
    if (!err)
        err = deadline_set_fired(f->db, d->id, clock_now(f->clock), why);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), by.name, "deadline", c.code, d->rule, NULL, why);
    /* A case that is over needs nobody's hurry. */
    if (!err && case_state_parse(c.state, &state) && case_is_open(state))
        err = tell(f, d, &c, why);
    if (!err)
        err = db_commit(f->db, why);
    if (err)
        db_rollback(f->db);
    else
        log_event(c.code, "deadline", d->rule, NULL);
    case_row_free(&c);
    return err;
}

static enum err run_duty(struct flow *f, const struct duty_row *d, struct diag *why)
{
    for (const struct duty_kind *kind = duty_kinds; kind->name; kind++)
        if (strcmp(kind->name, d->kind) == 0)
            return kind->run(f, d, why);
    log_event(NULL, "duty-unknown", d->kind, NULL);
    return ERR_OK;
}

static enum err carry_out(struct flow *f, const struct duty_row *d, struct diag *why)
{
    enum err err = db_begin(f->db, why);

    /* Done first: a handler that repeats puts it again. */
    if (!err)
        err = duty_set_done(f->db, d->id, clock_now(f->clock), why);
    if (!err)
        err = run_duty(f, d, why);
    if (!err)
        err = db_commit(f->db, why);
    if (err)
        db_rollback(f->db);
    else
        log_event(NULL, "duty", d->kind, NULL);
    return err;
}

/* In the order of their instants, whatever they are; what fails does not hold up the rest. */
enum err timer_fire(struct flow *f, struct diag *why)
{
    struct deadline_row *deadlines = NULL;
    struct duty_row *duties = NULL;
    size_t n_deadlines = 0, n_duties = 0, i = 0, k = 0;
    struct diag reason;
    enum err failed = ERR_OK, err = deadline_due(f->db, clock_now(f->clock), &deadlines, &n_deadlines, why);

    if (!err)
        err = duty_due(f->db, clock_now(f->clock), &duties, &n_duties, why);
    while (!err && (i < n_deadlines || k < n_duties)) {
        bool is_duty = i == n_deadlines || (k < n_duties && duties[k].at < deadlines[i].at);
        enum err one = is_duty ? carry_out(f, &duties[k++], &reason) : fire_one(f, &deadlines[i++], &reason);

        if (one && !failed) {
            failed = one;
            *why = reason;
        }
    }
    for (i = 0; i < n_deadlines; i++)
        deadline_row_free(&deadlines[i]);
    for (k = 0; k < n_duties; k++)
        duty_row_free(&duties[k]);
    free(deadlines);
    free(duties);
    return err ? err : failed;
}

int64_t timer_count_due(struct flow *f)
{
    int64_t now = clock_now(f->clock);

    return deadline_count_due(f->db, now) + duty_count_due(f->db, now);
}
