/*
 * Two policies side by side, and what each would have done in a history of cases. Pure.
 *
 * A history is CSV (RFC 4180) whose first line names its columns: id (or cve, issue), reported, told
 * (distros_contacted, to_list), public (public_date, published, crd_or_public), severity, weekday (public_weekday),
 * note; others are passed over, and only id and public must be there. Dates are YYYY-MM-DD or YYYYMMDD, an hour behind
 * them is dropped; "2026-07-01 (actual 2026-08-18)" is a date that was due and the one that came. Rows with impossible
 * dates (told before reported, public before either, no such day, another weekday than stated, a year other than the
 * id's) are left out and named.
 *
 * How a policy is measured, in whole days, at noon UTC of each date, with the history's own date of publication:
 *   notice        what the tier that has the class is told before it (notice.before_publish), on the case's track
 *   from report   from the report to that notice, or to publication: the time in which others knew
 *   exposed       from publication to the end of a roll-out: shortened by the notice where the class may roll out
 * before (distributions: build_test; providers: deploy_hosted or deploy_internal, also as the advisory allows); end
 * users begin at publication verdict       of the embargo as it was, told to public, under the policy's rules
 * (schedule_check_until)
 */
#ifndef POLICY_COMPARE_H
#define POLICY_COMPARE_H

#include "base/buf.h"
#include "policy/decide.h"
#include "policy/schedule.h"

struct compare_case {
    char *id;
    int line;
    int64_t reported_utc_s; /* INSTANT_NONE where not known */
    int64_t told_utc_s;     /* INSTANT_NONE */
    int64_t public_utc_s;   /* the date that was due, where an actual one differs */
    int64_t actual_utc_s;   /* INSTANT_NONE where as due */
    bool without_date;      /* the embargo was asked for without a date */
    enum policy_severity severity;
};

struct compare_history {
    struct compare_case *cases;
    size_t n;
    struct conf_faults left_out; /* a row each: line and reason */
};

/* ERR_REJECT: no heading that can be used. *out is freed by the caller in every case. */
enum err compare_history_parse(const struct policy_text *csv, struct compare_history *out, struct diag *why);
void compare_history_free(struct compare_history *history);

enum compare_verdict {
    COMPARE_WITHIN,
    COMPARE_AT_LIMIT,
    COMPARE_OVER, /* refused, or only with a reason: see rule and refused */
    COMPARE_WITHOUT_DATE,
    COMPARE_NEVER_PUBLISHED, /* due, and not published on its day */
    COMPARE_UNDER_NO_LIMIT,  /* the policy sets no limit that could be held against it */
    COMPARE_FULL,            /* the policy would have published at once: an embargo is refused */
    COMPARE_NOT_KNOWN,       /* the history does not say when anybody was told */
    COMPARE_VERDICTS
};
const char *compare_verdict_name(enum compare_verdict verdict);

struct compare_outcome {
    enum compare_verdict verdict;
    bool refused; /* the embargo as it was would have been refused */
    int days;     /* told to public; -1: not known */
    char rule[DIAG_RULE_MAX];
    char file[256];
    int line;
};

enum compare_class { COMPARE_DISTRIBUTIONS, COMPARE_PROVIDERS, COMPARE_USERS, COMPARE_CLASSES };
const char *compare_class_name(enum compare_class class);

struct compare_exposure {
    size_t n_told;      /* cases in which the class is told early, with a notice that is stated */
    size_t n_unstated;  /* told, but the policy does not state how early */
    double notice_days; /* mean over n_told */
    double report_days; /* mean over the cases whose report is known: */
    size_t n_reported;
    double exposed_days; /* mean over all cases */
};

/* A tier of the policy; its name is borrowed from there. */
struct compare_tier {
    const char *name;
    size_t n_told;      /* cases on whose track it is told, with a notice that is stated */
    size_t n_unstated;  /* told, but the policy does not state how early */
    double notice_days; /* mean over n_told */
};

struct compare_result {
    struct compare_outcome *outcomes; /* as the history's cases */
    size_t n;
    size_t n_verdicts[COMPARE_VERDICTS];
    size_t n_refused;
    struct compare_exposure classes[COMPARE_CLASSES];
    struct compare_tier *tiers; /* owned */
    size_t n_tiers;
};

void compare_run(const struct policy *policy, const struct compare_history *history, int rollout_days,
                 struct compare_result *out);
void compare_result_free(struct compare_result *result);

/* The twelve answers of two policies, those that differ marked with *. */
void compare_write_answers(const struct policy *a, const struct policy *b, struct buf *out);

/* The table of results, each case whose verdict is not plain, and the rows left out. */
void compare_write_history(const struct policy *const policies[2], const struct compare_result results[2],
                           const struct compare_history *history, int rollout_days, struct buf *out);

#endif
