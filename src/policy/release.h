/*
 * May a case be published at this instant? Pure; a rule that is missing holds.
 *
 * In this order:
 *   release.not-yet       its instant has not come, or there is none
 *   tracks.NAME.mode      the policy leaves open whether the issue is held back at all; tracks.none: no track fits
 *   release.no-advisory   there is no text that could be published
 *   release.automatic     the policy does not release by itself, and what is there has not been approved
 *   clock.unsynchronised, clock.jumped   the clock is not believed (flow/clock_guard.h)
 *   release.restored      the instant was before a backup was restored: the date may have been moved; an admin is asked
 *   release.late          the instant is more than a day ago: an admin is asked
 * A confirmation goes past the clock's rules and past the lateness and the doubt, and past nothing else.
 */
#ifndef POLICY_RELEASE_H
#define POLICY_RELEASE_H

#include "policy/policy.h"
#include "policy/schedule.h"

#define RELEASE_LATE_S INT64_C(86400)

enum release_clock { RELEASE_CLOCK_TRUSTED, RELEASE_CLOCK_UNSYNCHRONISED, RELEASE_CLOCK_JUMPED };

struct release_facts {
    const struct policy_track *track;
    int64_t now_utc_s;
    int64_t due_utc_s; /* release_due; INSTANT_NONE: no date */
    bool has_text;
    bool approved; /* by as many admins as the policy asks for, and what they approved is what is there */
    bool confirmed;
    enum release_clock clock; /* trusted where the clock's rules are off */
    bool doubted;             /* due before a restored instance was accepted (flow/restored.h) */
    /* Lateness counts from here where that is later than the instant: of a rehearsal, whose clock may be moved. */
    int64_t ready_utc_s;
};

enum release_verdict {
    RELEASE_WAIT, /* nobody has to do anything */
    RELEASE_HOLD, /* it stands still until an admin or the clock has changed */
    RELEASE_ASK,  /* the same, for publish confirm */
    RELEASE_GO
};

struct release_decision {
    enum release_verdict verdict;
    char rule[DIAG_RULE_MAX]; /* "" where it goes */
    const char *file;         /* of the policy; "" */
    int line;
    char words[256]; /* for people, with the remedy */
};

void release_decide(const struct policy *policy, const struct release_facts *facts, struct release_decision *out);

/* How many admins have to approve; 0: the policy releases by itself. */
int release_needs(const struct policy *policy);

/*
 * When: the date as it stands; or, earlier, the max of a clock that says on_expiry = "publish"; on a track of full
 * disclosure as soon as it is accepted. INSTANT_NONE: no date. rule (DIAG_RULE_MAX bytes) says which.
 */
int64_t release_due(const struct policy *policy, const struct schedule_holidays *holidays,
                    const struct schedule_facts *facts, char *rule);

const char *release_verdict_name(enum release_verdict verdict); /* "wait", "hold", "ask", "go" */

#endif
