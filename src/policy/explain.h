/*
 * What a policy says of a case, a sender or a member, and what it says altogether: as plain data, of which JSON is made
 * above, and as words for people. Pure.
 *
 * Order of calls: explain_make, then the writers, explain_free. What is made borrows from the policy.
 */
#ifndef POLICY_EXPLAIN_H
#define POLICY_EXPLAIN_H

#include "base/buf.h"
#include "policy/decide.h"
#include "policy/schedule.h"

struct explain_question {
    const struct decide_case *facts;          /* which track; NULL: a case of which nothing is known */
    const struct schedule_facts *instants;    /* NULL: none has happened; its track is not looked at */
    const struct schedule_holidays *holidays; /* may be NULL */
    int64_t now_utc_s;
    const struct decide_member *member; /* asks for a member, or NULL */
    const struct decide_sender *sender; /* asks for a sender, or NULL; goes before a member */
    enum policy_address to;             /* of the sender's mail */
};

struct explain {
    const char *verdict; /* of a sender allow, hold, refuse; of a member send, queue, skip; of a case tell, publish,
                            ask */
    char rule[DIAG_RULE_MAX];
    char reason[256];
    const char *file; /* "" where no line says it */
    int line;
    struct decide_track track;
    struct decide_tier *tiers; /* each tier of the policy, told or not */
    size_t n_tiers;
    const struct policy_tier *uses_of; /* whose uses follow: the member's tier; NULL: none */
    struct decide_use uses[POLICY_USES];
    struct decide_keys unstated; /* what would have to be asked */
    struct schedule schedule;
};

/*
 * The instants of a case that is not there: reported now, and its date the one that the policy itself would set
 * (schedule_propose), or none. The track is that of facts (NULL: of a case of which nothing is known).
 */
void explain_suppose(const struct policy *policy, const struct schedule_holidays *holidays,
                     const struct decide_case *facts, int64_t now_utc_s, struct schedule_facts *out);

void explain_make(const struct policy *policy, const struct explain_question *question, struct explain *out);
void explain_free(struct explain *explain);

/* For people: verdict, tiers with what they may do, uses, deadlines, what is unstated. */
void explain_write(const struct policy *policy, const struct explain *explain, struct buf *out);

/* "may build_test; as the advisory says deploy_hosted; must not tell_cve; unstated: …". */
void explain_write_uses(const struct policy_tier *tier, struct buf *out);

/* Whether there is something to draw: a tier is told, or there is a date. */
bool explain_has_embargo(const struct explain *explain);

/* The time line of the embargo, a row for each tier: 60 columns of text, or an SVG picture. */
void explain_write_timeline(const struct explain *explain, int64_t now_utc_s, struct buf *out);
void explain_write_svg(const struct explain *explain, int64_t now_utc_s, struct buf *out);

/* The twelve questions of the survey. number is 1 to 12. */
#define EXPLAIN_QUESTIONS 12
const char *explain_question_text(int number);

/* Appends the answer in words; "unstated" where the policy does not say. */
void explain_answer(const struct policy *policy, int number, struct buf *out);

/* All twelve, with the head of the policy: `policy show`. */
void explain_show(const struct policy *policy, struct buf *out);

#endif
