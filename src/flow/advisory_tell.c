#include "flow/advisory_tell.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/policies.h"
#include "flow/public_id.h"
#include "policy/schedule.h"
#include "store/audit.h"
#include "store/outbox.h"

#include <stdlib.h>
#include <string.h>

/* The case is pre-disclosed by the first advisory that goes out; it gets its public id then. */
static enum err predisclose(struct flow *f, const struct policy *policy, struct case_row *row, const struct actor *by,
                            struct diag *why)
{
    enum case_state state;
    enum err err = ERR_OK;

    case_state_parse(row->state, &state);
    if (state == CASE_PREDISCLOSED)
        return ERR_OK;
    if (!row->public_id)
        err = public_id_give(f, policy, row, why);
    if (!err)
        err = case_step(f, row, CASE_PREDISCLOSE, by, "advisory.send", NULL, why);
    if (!err && !row->embargo_status)
        row->embargo_status = mem_strdup("active");
    if (!err && row->embargo_start_at == INSTANT_NONE)
        row->embargo_start_at = row->predisclosed_at;
    return err;
}

/* The command answers when a tier is told; an unstated use stays denied. */
static bool is_notice(const char *key)
{
    static const char end[] = ".notice.before_publish";
    size_t len = strlen(key);

    return len > sizeof end - 1 && strcmp(key + len - (sizeof end - 1), end) == 0;
}

static enum err audit_answers(struct flow *f, const struct case_row *row, const struct fanout *fan,
                              const struct actor *by, struct diag *why)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < fan->unstated.n; i++)
        if (is_notice(fan->unstated.items[i]))
            err = audit_append(f->db, clock_now(f->clock), by->name, "policy.unstated", row->code,
                               fan->unstated.items[i], "answered by advisory send", why);
    return err;
}

enum err advisory_tell(struct flow *f, const struct policy *policy, struct case_row *row,
                       const struct settings_list *list, struct advisory_view *v, const struct fanout *fan,
                       const struct actor *by, struct diag *why)
{
    enum err err = predisclose(f, policy, row, by, why);

    if (!err && strcmp(v->row.state, "draft") == 0)
        err = advisory_set_sent(f->db, v->row.id, clock_now(f->clock), why);
    if (!err && row->version < v->row.version)
        row->version = v->row.version;
    if (!err)
        err = case_update(f->db, row, why);
    if (!err)
        err = advisory_queue(f, policy, row, list, v, fan, why);
    if (!err)
        err = audit_answers(f, row, fan, by, why);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), by->name, "advisory.send", row->code, "", NULL, why);
    return err ? err : case_reschedule(f, policy, row, why);
}

static size_t count_send(const struct fanout *fan)
{
    size_t n = 0;

    for (size_t i = 0; i < fan->n; i++)
        n += fan->rows[i].send;
    return n;
}

/* The version that the clock tells; false where none is written, or none that may go. */
static bool load_version(struct flow *f, const struct case_row *row, bool final, bool draft_is_final,
                         struct advisory_view *v)
{
    struct diag none;

    if (advisory_view_load(f, row->id, 0, v, &none))
        return false;
    if (!final || draft_is_final || strcmp(v->row.state, "draft") != 0)
        return true;
    advisory_view_free(v);
    return row->version > 0 && !advisory_view_load(f, row->id, row->version, v, &none);
}

enum err advisory_tell_by_clock(struct flow *f, const struct policy *policy, struct case_row *row,
                                const struct settings_list *list, const char *final_tier, bool draft_is_final,
                                size_t *n, struct diag *why)
{
    struct fanout_wish wish = {.tier = final_tier, .only_told = final_tier != NULL};
    struct advisory_view v = {0};
    struct fanout fan = {0};
    struct actor by;
    enum err err;

    *n = 0;
    actor_daemon(&by);
    if (!load_version(f, row, final_tier != NULL, draft_is_final, &v))
        return ERR_OK;
    wish.version = v.row.version;
    err = fanout_make(f, policy, row, &wish, &fan, why);
    for (size_t i = 0; !err && final_tier && i < fan.n; i++)
        fan.rows[i].at = INSTANT_NONE;
    if (!err && (*n = count_send(&fan)))
        err = advisory_tell(f, policy, row, list, &v, &fan, &by, why);
    fanout_free(&fan);
    advisory_view_free(&v);
    return err;
}

enum err advisory_move_staged(struct flow *f, const struct policy *policy, const struct case_row *row, struct diag *why)
{
    int64_t now = clock_now(f->clock), events[POLICY_EVENTS];
    struct schedule_holidays holidays;
    struct decide_telling telling;
    struct told_row *waiting;
    size_t n;
    enum err err = policies_holidays(f->policies, policy, &holidays, why);

    if (err)
        return err;
    fanout_telling(policy, row, now, events, &telling);
    telling.holidays = &holidays;
    err = told_waiting(f->db, row->id, now, &waiting, &n, why);
    for (size_t i = 0; i < n; i++) {
        const struct policy_tier *tier = policy_tier_find(policy, waiting[i].tier);
        struct decide_keys unstated = {0};
        struct decide_tier decided;
        int64_t at = waiting[i].at;

        if (!err && tier) {
            decide_tier(policy, tier, &telling, &decided, &unstated);
            at = decided.earliest_at_utc_s == INSTANT_NONE ? at : decided.earliest_at_utc_s;
            at = at < now ? now : at;
            err = copy_move_staged(f->db, row->id, waiting[i].member_id, now, at, why);
        }
        if (!err && tier)
            err = told_move(f->db, row->id, waiting[i].member_id, now, at, why);
        decide_keys_free(&unstated);
        free(waiting[i].tier);
    }
    free(waiting);
    schedule_holidays_free(&holidays);
    return err;
}
