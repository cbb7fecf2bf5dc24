#include "flow/reattest.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/member_life.h"
#include "flow/member_notices.h"
#include "flow/policies.h"
#include "store/audit.h"

#include <stdlib.h>
#include <string.h>

#define DAY_S     ((int64_t)86400)
#define REMIND_S  (7 * DAY_S)
#define LAST_S    (21 * DAY_S)
#define SUSPEND_S (30 * DAY_S)

enum err reattest_begin(struct flow *f, int64_t list_id, struct diag *why)
{
    return duty_is_put(f->db, REATTEST_ROUND_DUTY, list_id, "")
               ? ERR_OK
               : duty_put(f->db, list_id, REATTEST_ROUND_DUTY, list_id, "", clock_now(f->clock) + DAY_S, why);
}

static enum err ask(struct flow *f, const struct settings_list *list, const struct member_row *m, int64_t until,
                    struct diag *why)
{
    char at[INSTANT_TEXT_SIZE];
    char *text =
        mem_printf("The policy of %s asks every member, from time to time, to say that it still is who it was "
                   "and\nmeets the criteria.\n\nMember:  %s\nClass:   %s\nTier:    %s\n\nIf this holds, answer "
                   "in a signed mail with a nonce:\n\n    Embargo-Command: attest\n\nIf it does not, say what "
                   "has changed. Without an answer the membership is suspended at\n%s.\n",
                   list->address, m->org, m->class_name, m->tier, instant_text(until, at));
    enum err err = member_tell(f, list, m, "Is your membership as it was?", text, NULL, why);

    free(text);
    return err;
}

static enum err begin_asking(struct flow *f, const struct settings_list *list, const struct member_row *m,
                             struct diag *why)
{
    int64_t now = clock_now(f->clock);
    enum err err = ask(f, list, m, now + SUSPEND_S, why);

    if (!err)
        err = audit_append(f->db, now, "embargod", "member.reattest-asked", m->org, "membership.reattest", NULL, why);
    if (!err)
        err = duty_put(f->db, m->list_id, REATTEST_DUTY, m->id, "remind", now + REMIND_S, why);
    if (!err)
        err = duty_put(f->db, m->list_id, REATTEST_DUTY, m->id, "last", now + LAST_S, why);
    if (!err)
        err = duty_put(f->db, m->list_id, REATTEST_DUTY, m->id, "suspend", now + SUSPEND_S, why);
    return err;
}

static bool is_here(const struct member_row *m)
{
    enum member_state state;

    return member_state_parse(m->state, &state) && (state == MEMBER_ACTIVE || state == MEMBER_KEY_TROUBLE);
}

static enum err ask_who_is_due(struct flow *f, const struct settings_list *list, const struct policy *policy,
                               int64_t list_id, struct diag *why)
{
    struct schedule_holidays holidays = {0};
    struct member_row *members = NULL;
    size_t n = 0;
    enum err err = policies_holidays(f->policies, policy, &holidays, why);

    if (!err)
        err = member_all(f->db, list_id, &members, &n, why);
    for (size_t i = 0; i < n; i++) {
        struct member_row *m = &members[i];
        int64_t due = schedule_add_duration(policy, &holidays, member_attested_at(f->db, m->id),
                                            &policy->membership.reattest, false);

        if (!err && is_here(m) && due <= clock_now(f->clock) && !duty_is_put(f->db, REATTEST_DUTY, m->id, "suspend"))
            err = begin_asking(f, list, m, why);
        member_row_free(m);
    }
    free(members);
    schedule_holidays_free(&holidays);
    return err;
}

enum err reattest_round_run(struct flow *f, const struct duty_row *duty, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, duty->list_id, why);
    struct policy *policy = NULL;
    enum err err;

    if (!list)
        return ERR_OK; /* no longer in embargod.conf */
    err = policies_of_list(f, list, &policy, why);
    if (!err && policy->membership.reattest.has == POLICY_STATED)
        err = ask_who_is_due(f, list, policy, duty->list_id, why);
    policy_free(&policy);
    return err ? err
               : duty_put(f->db, duty->list_id, REATTEST_ROUND_DUTY, duty->object, "", clock_now(f->clock) + DAY_S,
                          why);
}

static enum err suspend(struct flow *f, const struct settings_list *list, struct member_row *m, struct diag *why)
{
    static const char words[] = "no answer to the yearly question within 30 days";
    struct member_change change;
    struct actor by;
    char *subject = mem_printf("%s is suspended", m->org);
    char *text =
        mem_printf("%s gave %s (membership.reattest).\nTo let it in again:\n\n    embargoctl member reinstate \"%s\"\n",
                   m->org, words, m->org);
    enum err err;

    actor_daemon(&by);
    err = member_change_state(f, m, MEMBER_SUSPEND, words, &by, &change, why);
    if (!err)
        err = case_notify_team(f, list, m->list_id, NULL, subject, text, why);
    free(subject);
    free(text);
    return err;
}

enum err reattest_run(struct flow *f, const struct duty_row *duty, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, duty->list_id, why);
    struct member_row m = {0};
    enum err err = list ? member_by_id(f->db, duty->object, &m, why) : ERR_NOT_FOUND;

    if (err == ERR_NOT_FOUND || (!err && !is_here(&m)))
        err = ERR_OK;
    else if (!err && strcmp(duty->detail, "suspend") == 0)
        err = suspend(f, list, &m, why);
    else if (!err && !duty_is_overtaken(f->db, duty, "", clock_now(f->clock)))
        err = ask(f, list, &m, duty->at + SUSPEND_S - (strcmp(duty->detail, "last") ? REMIND_S : LAST_S), why);
    member_row_free(&m);
    return err;
}

enum err reattest_given(struct flow *f, const struct member_row *m, const struct actor *by, struct diag *why)
{
    int64_t now = clock_now(f->clock);
    enum err err = member_set_attested(f->db, m->id, now, why);

    if (!err)
        err = duty_end(f->db, REATTEST_DUTY, m->id, NULL, why);
    return err ? err : audit_append(f->db, now, by->name, "member.attested", m->org, "membership.reattest", NULL, why);
}
