#include "flow/duty_kinds.h"

#include "flow/applications.h"
#include "flow/approvals.h"
#include "flow/daily.h"
#include "flow/deadline_effects.h"
#include "flow/flood.h"
#include "flow/key_refresh.h"
#include "flow/key_rotated.h"
#include "flow/list_key.h"
#include "flow/release.h"
#include "flow/key_warnings.h"
#include "flow/reattest.h"
#include "flow/reminders.h"
#include "flow/timer.h"

const struct duty_kind duty_kinds[] = {
    {"approval", approval_duty},
    {"audit-head", audit_head_run},
    {"chase", chase_run},
    {FLOOD_DUTY, flood_digest_run},
    {KEY_ROUND_DUTY, key_round_run},
    {KEY_WARNING_DUTY, key_warning_run},
    {KEY_ROTATED_DUTY, key_rotated_run},
    {LIST_KEY_DUTY, list_key_run},
    {REATTEST_DUTY, reattest_run},
    {REATTEST_ROUND_DUTY, reattest_round_run},
    {"missed", timer_tell_missed},
    {"overdue", overdue_run},
    {"post", post_run},
    {"preflight", preflight_run},
    {"release", release_run},
    {"reminder", reminder_run},
    {"tell", tell_run},
    {APPLY_DECIDE_DUTY, apply_duty_decide},
    {APPLY_CHALLENGE_DUTY, apply_duty_challenge},
    {APPLY_KEY_DUTY, apply_duty_key},
    {NULL, NULL},
};
