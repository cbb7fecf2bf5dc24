#include "flow/timer.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/deadline_effects.h"
#include "flow/duty_kinds.h"
#include "flow/flood.h"
#include "store/audit.h"
#include "store/deadlines.h"

#include <stdlib.h>
#include <string.h>

#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS   300000

/* What failed, and until when it is left alone. */
struct pause {
    bool is_duty;
    int64_t id;
    int64_t length_ms, until_ms;
};

struct timer {
    int64_t started_utc_s;
    struct pause *pauses;
    size_t n;
};

struct timer *timer_new(int64_t started_utc_s)
{
    struct timer *t = mem_zero(1, sizeof *t);

    t->started_utc_s = started_utc_s;
    return t;
}

void timer_free(struct timer **t)
{
    if (*t)
        free((*t)->pauses);
    free(*t);
    *t = NULL;
}

int64_t timer_started(const struct timer *t)
{
    return t->started_utc_s;
}

static struct pause *pause_of(struct timer *t, bool is_duty, int64_t id)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->pauses[i].is_duty == is_duty && t->pauses[i].id == id)
            return &t->pauses[i];
    return NULL;
}

static bool is_paused(struct timer *t, bool is_duty, int64_t id)
{
    const struct pause *p = pause_of(t, is_duty, id);

    return p && clock_monotonic_ms() < p->until_ms;
}

static void pause_longer(struct timer *t, bool is_duty, int64_t id)
{
    struct pause *p = pause_of(t, is_duty, id);

    if (!p) {
        t->pauses = mem_resize(t->pauses, t->n + 1, sizeof *t->pauses);
        p = &t->pauses[t->n++];
        *p = (struct pause){.is_duty = is_duty, .id = id, .length_ms = PAUSE_FIRST_MS / 2};
    }
    p->length_ms = p->length_ms * 2 < PAUSE_MAX_MS ? p->length_ms * 2 : PAUSE_MAX_MS;
    p->until_ms = clock_monotonic_ms() + p->length_ms;
}

static void pause_end(struct timer *t, bool is_duty, int64_t id)
{
    struct pause *p = pause_of(t, is_duty, id);

    if (p)
        *p = t->pauses[--t->n];
}

static enum err tell(struct flow *f, const struct deadline_row *d, const struct case_row *c,
                     const struct settings_list *list, struct diag *why)
{
    char at[INSTANT_TEXT_SIZE];
    char *subject = mem_printf("[%s] deadline: %s", case_label(c), d->clock);
    char *text = mem_printf("A deadline of case %s has come.\n\nClock:  %s%s%s\nAt:     %s\nRule:   %s (%s)\n"
                            "State:  %s\n\nWhat is next:  embargoctl case show %s\n",
                            c->code, d->clock, d->tier ? ", tier " : "", d->tier ? d->tier : "",
                            instant_text(d->at, at), d->rule, d->force, c->state, c->code);
    enum err err = case_notify_team(f, list, c->list_id, c, subject, text, why);

    mem_free_secret(&subject);
    mem_free_secret(&text);
    return err;
}

/* A case that is over needs nobody's hurry. */
static enum err take_effect(struct flow *f, const struct deadline_row *d, struct case_row *c, int64_t now,
                            struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, c->list_id, why);
    enum case_state state;
    bool in_digest = false;
    enum err err;

    if (!list)
        return ERR_NOT_FOUND;
    if (!case_state_parse(c->state, &state) || !case_is_open(state))
        return ERR_OK;
    if (now - d->at > TIMER_LATE_S)
        err = duty_put(f->db, c->list_id, "missed", c->list_id, "", now, why);
    else
        err = flood_takes_deadline(f, c->list_id, c->code, d->clock, &in_digest, why);
    if (!err && now - d->at <= TIMER_LATE_S && !in_digest)
        err = tell(f, d, c, list, why);
    return err ? err : deadline_effect(f, d, c, list, why);
}

static enum err fire_one(struct flow *f, const struct deadline_row *d, int64_t now, struct diag *why)
{
    struct case_row c = {0};
    struct actor by;
    bool gone;
    const char *event = now - d->at > TIMER_LATE_S ? "deadline.late" : "deadline";
    enum err err = db_begin(f->db, why);

    actor_daemon(&by);
    if (!err)
        err = case_by_id(f->db, d->case_id, &c, why);
    if (!err)
        err = deadline_set_fired(f->db, d->id, now, why);
    /* What fired before it in this pass may have moved or ended it. */
    gone = !err && !db_changes(f->db);
    if (!err && !gone)
        err = audit_append(f->db, now, by.name, event, c.code, d->rule, NULL, why);
    if (!err && !gone)
        err = take_effect(f, d, &c, now, why);
    err = db_end(f->db, err, why);
    if (!err && !gone)
        log_event(c.code, event, d->rule, NULL);
    case_row_free(&c);
    return err;
}

enum err timer_tell_missed(struct flow *f, const struct duty_row *d, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, d->object, why);
    struct deadline_row *rows;
    struct buf text = BUF_EMPTY;
    char at[INSTANT_TEXT_SIZE];
    size_t n;
    enum err err = deadline_missed(f->db, d->object, d->at, TIMER_LATE_S, &rows, &n, why);

    buf_printf(&text,
               "These deadlines came while the daemon was down, or its clock was behind. They fired at %s,\n"
               "in their order:\n\n",
               instant_text(d->at, at));
    for (size_t i = 0; i < n; i++) {
        struct case_row c = {0};

        if (!err)
            err = case_by_id(f->db, rows[i].case_id, &c, why);
        if (!err)
            buf_printf(&text, "  %s  case %s  %s%s%s  (%s, %s; state %s)\n", instant_text(rows[i].at, at), c.code,
                       rows[i].clock, rows[i].tier ? ", tier " : "", rows[i].tier ? rows[i].tier : "", rows[i].rule,
                       rows[i].force, c.state);
        case_row_free(&c);
        deadline_row_free(&rows[i]);
    }
    free(rows);
    buf_add_str(&text, "\nWhat is next:  embargoctl next\n");
    if (!err && n && list)
        err = case_notify_team(f, list, d->object, NULL, "Deadlines that were missed", buf_text(&text), why);
    buf_free(&text);
    return list ? err : ERR_NOT_FOUND;
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
    bool gone;
    enum err err = db_begin(f->db, why);

    /* Done first: a handler that repeats puts it again. */
    if (!err)
        err = duty_set_done(f->db, d->id, clock_now(f->clock), why);
    gone = !err && !db_changes(f->db);
    if (!err && !gone)
        err = run_duty(f, d, why);
    err = db_end(f->db, err, why);
    if (!err && !gone)
        log_event(NULL, "duty", d->kind, NULL);
    return err;
}

/* One of a pass; what failed before waits for the end of its pause. */
static enum err fire_next(struct flow *f, const struct duty_row *duty, const struct deadline_row *deadline, int64_t now,
                          struct diag *why)
{
    int64_t id = duty ? duty->id : deadline->id;
    enum err err;

    if (is_paused(f->timer, duty != NULL, id))
        return ERR_OK;
    db_new_turn(f->db);
    err = duty ? carry_out(f, duty, why) : fire_one(f, deadline, now, why);
    if (err)
        pause_longer(f->timer, duty != NULL, id);
    else
        pause_end(f->timer, duty != NULL, id);
    return err;
}

/* In the order of their instants, whatever they are; what fails does not hold up the rest. */
enum err timer_fire(struct flow *f, struct diag *why)
{
    struct deadline_row *deadlines = NULL;
    struct duty_row *duties = NULL;
    size_t n_deadlines = 0, n_duties = 0, i = 0, k = 0;
    int64_t now = clock_now(f->clock);
    struct diag reason;
    enum err failed = ERR_OK, err = deadline_due(f->db, now, &deadlines, &n_deadlines, why);

    if (!err)
        err = duty_due(f->db, now, &duties, &n_duties, why);
    while (!err && (i < n_deadlines || k < n_duties)) {
        bool is_duty = i == n_deadlines || (k < n_duties && duties[k].at < deadlines[i].at);
        enum err one =
            is_duty ? fire_next(f, &duties[k], NULL, now, &reason) : fire_next(f, NULL, &deadlines[i], now, &reason);

        k += is_duty;
        i += !is_duty;
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
