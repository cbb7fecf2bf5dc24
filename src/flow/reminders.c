#include "flow/reminders.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/policies.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S      86400
#define ESCALATE_S (6 * 3600)

const char *reminders_clock(const struct schedule_deadline *d, char *out, size_t size)
{
    static const char *const suffix[] = {
        [SCHEDULE_MIN] = ".min", [SCHEDULE_TARGET] = ".target", [SCHEDULE_MAX] = ".max"};

    snprintf(out, size, "%s%s", d->clock, d->kind <= SCHEDULE_MAX ? suffix[d->kind] : "");
    return out;
}

/* Nothing has to be done by an instant that only says "not before". */
static bool is_to_do(const struct schedule_deadline *d)
{
    return !d->met && d->kind != SCHEDULE_MIN;
}

static enum err put_before(struct flow *f, const struct case_row *c, const struct schedule_deadline *d, int64_t now,
                           struct diag *why)
{
    char clock[96];
    enum err err = ERR_OK;

    reminders_clock(d, clock, sizeof clock);
    for (size_t i = 0; !err && i < f->settings->n_reminders; i++) {
        int64_t before = f->settings->reminders_s[i];
        char *detail = mem_printf("%s/%s/%" PRId64, clock, d->tier ? d->tier : "", before);

        /* The day before a release the team gets the pre-flight. */
        if (d->at_utc_s - before > now && !(d->kind == SCHEDULE_RELEASE && before == DAY_S))
            err = duty_put(f->db, c->list_id, "reminder", c->id, detail, d->at_utc_s - before, why);
        free(detail);
    }
    return err;
}

/* Why a case has to be chased; false where it has not. */
static bool wants_date(struct flow *f, const struct policy *policy, const struct case_row *c, char *words, size_t size)
{
    const struct policy_track *track = c->track ? policy_track_find(policy, c->track) : NULL;
    struct schedule_change change = {.now_utc_s = clock_now(f->clock), .by = POLICY_BY_TEAM, .has_reason = true};
    struct schedule_holidays holidays;
    struct schedule_notes notes = {0};
    struct schedule_facts facts;
    struct diag why;
    enum case_state state;
    bool wants = false;

    if (!case_state_parse(c->state, &state) || !case_is_open(state) || state == CASE_NEW)
        return false;
    if (track && policy_is(&track->mode, POLICY_MODE_FULL)) {
        snprintf(words, size, "It is on a track of full disclosure: publish it now (publish approve %s).", c->code);
        return true;
    }
    case_schedule_facts(policy, c, &facts);
    change.until_utc_s = schedule_release_at(policy, &facts);
    if (change.until_utc_s == INSTANT_NONE) {
        snprintf(words, size, "It has no date of publication: embargo set %s --until WHEN gives it one.", c->code);
        return true;
    }
    if (change.until_utc_s <= change.now_utc_s || policies_holidays(f->policies, policy, &holidays, &why))
        return false;
    if (schedule_check_until(policy, &holidays, &facts, &change, &notes, &why) == ERR_DENIED) {
        snprintf(words, size, "Its date is beyond what the policy allows, rule %s: %s", why.rule, why.text);
        wants = true;
    }
    schedule_notes_free(&notes);
    schedule_holidays_free(&holidays);
    return wants;
}

enum err reminders_put(struct flow *f, const struct policy *policy, const struct case_row *c,
                       const struct schedule *schedule, struct diag *why)
{
    int64_t now = clock_now(f->clock);
    enum case_state state;
    char words[640];
    bool open = case_state_parse(c->state, &state) && case_is_open(state);
    enum err err = duty_end(f->db, "reminder", c->id, NULL, why);

    for (size_t i = 0; !err && open && i < schedule->n; i++)
        if (is_to_do(&schedule->items[i]))
            err = put_before(f, c, &schedule->items[i], now, why);
    if (!err && !open)
        err = duty_end(f->db, "overdue", c->id, NULL, why);
    if (err)
        return err;
    return wants_date(f, policy, c, words, sizeof words)
               ? duty_want(f->db, c->list_id, "chase", c->id, "", now + DAY_S, why)
               : duty_end(f->db, "chase", c->id, NULL, why);
}

/* The clock's name without its bound. */
static const struct policy_clock *clock_of(const struct policy *policy, const char *name)
{
    char *base = mem_strdup(name), *dot = strrchr(base, '.');
    const struct policy_clock *clock;

    if (dot)
        *dot = 0;
    clock = policy_clock_find(policy, base);
    free(base);
    return clock;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

static int64_t pause_of(const struct policy *policy, const char *name)
{
    const struct policy_clock *clock = clock_of(policy, name);

    return clock && policy_is(&clock->on_expiry, POLICY_ESCALATE) ? ESCALATE_S : DAY_S;
}

enum err reminders_overdue_from(struct flow *f, const struct policy *policy, const struct case_row *c,
                                const struct deadline_row *d, struct diag *why)
{
    const struct policy_clock *clock = clock_of(policy, d->clock);
    bool asked = clock && clock->on_expiry.has == POLICY_STATED && ends_with(d->clock, ".target");

    if (!ends_with(d->clock, ".max") && !asked)
        return ERR_OK;
    return duty_put(f->db, c->list_id, "overdue", c->id, d->clock, clock_now(f->clock) + pause_of(policy, d->clock),
                    why);
}

/* ---- carried out ---- */

struct duty_case {
    struct case_row row;
    struct policy *policy;
    const struct settings_list *list;
    bool open;
};

static enum err load(struct flow *f, const struct duty_row *d, struct duty_case *out, struct diag *why)
{
    enum case_state state;
    enum err err = case_by_id(f->db, d->object, &out->row, why);

    out->policy = NULL;
    if (!err)
        err = policies_of_case(f, &out->row, &out->policy, why);
    if (!err && !(out->list = flow_list_of_row(f, out->row.list_id, why)))
        err = ERR_NOT_FOUND;
    out->open = !err && case_state_parse(out->row.state, &state) && case_is_open(state);
    return err;
}

static void unload(struct duty_case *k)
{
    policy_free(&k->policy);
    case_row_free(&k->row);
}

static enum err notify(struct flow *f, const struct duty_case *k, char *subject, char *text, struct diag *why)
{
    enum err err = case_notify_team(f, k->list, k->row.list_id, &k->row, subject, text, why);

    mem_free_secret(&subject);
    mem_free_secret(&text);
    return err;
}

/* "6 days", "2 hours", "5 minutes" */
static const char *span_words(int64_t s, char *out, size_t size)
{
    const struct {
        int64_t length;
        const char *name;
    } units[] = {{DAY_S, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t i = 0;

    while (i < 3 && s < units[i].length)
        i++;
    snprintf(out, size, "%lld %s%s", (long long)(s / units[i].length), units[i].name,
             s / units[i].length == 1 ? "" : "s");
    return out;
}

static enum err remind(struct flow *f, const struct duty_case *k, const struct deadline_row *d, struct diag *why)
{
    char left[32], at[INSTANT_TEXT_SIZE];

    span_words(d->at - clock_now(f->clock), left, sizeof left);
    return notify(f, k, mem_printf("[%s] in %s: %s", case_label(&k->row), left, d->clock),
                  mem_printf("A deadline of case %s comes in %s.\n\nClock:  %s%s%s\nAt:     %s\nRule:   %s (%s)\n"
                             "State:  %s\n\nWhat is next:  embargoctl case show %s\n",
                             k->row.code, left, d->clock, d->tier ? ", tier " : "", d->tier ? d->tier : "",
                             instant_text(d->at, at), d->rule, d->force, k->row.state, k->row.code),
                  why);
}

enum err reminder_run(struct flow *f, const struct duty_row *d, struct diag *why)
{
    char *begins = mem_strdup(d->detail), *last = strrchr(begins, '/'), *slash, *tier = NULL;
    struct deadline_row row = {0};
    struct duty_case k = {0};
    struct diag none;
    enum err err = load(f, d, &k, why);

    if (last)
        last[1] = 0;
    if (!err && last && k.open && !duty_is_overtaken(f->db, d, begins, clock_now(f->clock))) {
        *last = 0;
        if ((slash = strrchr(begins, '/'))) {
            *slash = 0;
            tier = slash[1] ? slash + 1 : NULL;
        }
        if (!deadline_find(f->db, k.row.id, begins, tier, &row, &none) && row.fired_at == INSTANT_NONE &&
            row.at > clock_now(f->clock))
            err = remind(f, &k, &row, why);
    }
    deadline_row_free(&row);
    unload(&k);
    free(begins);
    return err;
}

/* Whether the policy's schedule still holds that deadline open. */
static bool is_unmet(struct flow *f, const struct duty_case *k, const char *clock)
{
    struct schedule_holidays holidays;
    struct schedule_facts facts;
    struct schedule schedule = {0};
    struct diag why;
    char name[96];
    bool unmet = false;

    if (policies_holidays(f->policies, k->policy, &holidays, &why))
        return true;
    case_schedule_facts(k->policy, &k->row, &facts);
    schedule_make(k->policy, &holidays, &facts, &schedule);
    for (size_t i = 0; i < schedule.n; i++)
        unmet = unmet || (!schedule.items[i].met && schedule.items[i].at_utc_s <= clock_now(f->clock) &&
                          strcmp(reminders_clock(&schedule.items[i], name, sizeof name), clock) == 0);
    schedule_free(&schedule);
    schedule_holidays_free(&holidays);
    return unmet;
}

enum err overdue_run(struct flow *f, const struct duty_row *d, struct diag *why)
{
    struct deadline_row row = {0};
    struct duty_case k = {0};
    char over[32], at[INSTANT_TEXT_SIZE];
    int64_t now = clock_now(f->clock);
    struct diag none;
    enum err err = load(f, d, &k, why);

    if (!err && k.open && is_unmet(f, &k, d->detail) && !deadline_find(f->db, k.row.id, d->detail, NULL, &row, &none)) {
        span_words(now - row.at, over, sizeof over);
        err = notify(f, &k, mem_printf("[%s] OVERDUE by %s: %s", case_label(&k.row), over, d->detail),
                     mem_printf("A deadline of case %s passed %s ago, and what it asks for is not done.\n\n"
                                "Clock:  %s\nAt:     %s\nRule:   %s (%s)\nState:  %s\n\n"
                                "What is next:  embargoctl case show %s\n",
                                k.row.code, over, d->detail, instant_text(row.at, at), row.rule, row.force, k.row.state,
                                k.row.code),
                     why);
        if (!err)
            err = duty_put(f->db, d->list_id, d->kind, d->object, d->detail, now + pause_of(k.policy, d->detail), why);
    }
    deadline_row_free(&row);
    unload(&k);
    return err;
}

enum err chase_run(struct flow *f, const struct duty_row *d, struct diag *why)
{
    struct duty_case k = {0};
    char words[640];
    enum err err = load(f, d, &k, why);

    if (!err && wants_date(f, k.policy, &k.row, words, sizeof words)) {
        err = notify(f, &k, mem_printf("[%s] no date yet", case_label(&k.row)),
                     mem_printf("Case %s (%s) waits.\n\n%s\n\nThis is said every day until it is done.\n", k.row.code,
                                k.row.state, words),
                     why);
        if (!err)
            err = duty_put(f->db, d->list_id, d->kind, d->object, d->detail, clock_now(f->clock) + DAY_S, why);
    }
    unload(&k);
    return err;
}
