#include "flow/timer.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "store/audit.h"
#include "store/deadlines.h"

#include <stdlib.h>

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

enum err timer_fire(struct flow *f, struct diag *why)
{
    struct deadline_row *due;
    size_t n;
    enum err err = deadline_due(f->db, clock_now(f->clock), &due, &n, why);

    for (size_t i = 0; i < n; i++) {
        if (!err)
            err = fire_one(f, &due[i], why);
        deadline_row_free(&due[i]);
    }
    free(due);
    return err;
}

int64_t timer_next_in_s(struct flow *f)
{
    int64_t at = deadline_next_at(f->db), now = clock_now(f->clock);

    if (at == INSTANT_NONE)
        return -1;
    return at > now ? at - now : 0;
}
