/*
 * The clocks of a case: a pure function of policy, the case's instants and the holidays handed in.
 *
 * How time is counted, in the policy's zone (release.zone, else UTC):
 *   hour            3600 s
 *   calendar-day    the same wall-clock time N days on
 *   calendar-month  the same day and time N months on; a day that the month lacks becomes its last day
 *   business-day    the same time on the Nth day that is no Saturday, Sunday or holiday; the day of the start does
 *                   not count, so that from a Friday or a Saturday one business day leads to Monday
 *   working-week    5 business days
 * A wall-clock time that day-light saving skips becomes the one as much later as the skip is long; of one that it
 * repeats the first is taken. Counting back works the same way. A report at 23:59 local time counts from that day.
 *
 * Instants of publication: what a clock that ends in "publish" gives is moved to a day on which the policy releases
 * (not one of release.forbid_weekdays, nor a holiday; once moved, nor a Saturday or Sunday), and to release.time where
 * that is stated: a min forwards; a max to that hour of its last day, or back; a target to that hour of its day, or
 * forwards, and in between the two. Where that leaves nothing between min and max, the raw instants stand and `clash`
 * is set. release.force unstated counts as limit.
 *
 * Limits are held to the second (14 calendar-days from 09:00 end at 09:00), but for a date given without an hour, and
 * for one at release.time: a limit in days lets these fall on its last day.
 *
 * A clock that starts with "list-post" starts with the pre-disclosure where no such instant is known. On a track of
 * full disclosure no clock leads to or from the telling.
 */
#ifndef POLICY_SCHEDULE_H
#define POLICY_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/instant.h"
#include "policy/policy.h"

/* Days since 1970-01-01, sorted, without repeats; owned. */
struct schedule_holidays {
    int32_t *days;
    size_t n;
};

/* Lines `YYYY-MM-DD words`; empty lines and those that begin with # are passed over. Rule: holidays.line. */
enum err schedule_holidays_parse(const struct policy_text *text, struct conf_faults *faults,
                                 struct schedule_holidays *out);
void schedule_holidays_free(struct schedule_holidays *holidays);

/* The calendar that the policy names (a file under policy/holidays), borrowed; NULL where it names none. */
const char *schedule_holidays_name(const struct policy *policy);

struct schedule_facts {
    const struct policy_track *track; /* of the case; NULL: not chosen, every clock runs, no tier is told */
    int64_t at_utc_s[POLICY_EVENTS];  /* INSTANT_NONE for what has not happened. POLICY_AT_PUBLISH_PLANNED is the
                                         embargo's date as set */
    int64_t patch_defect_utc_s;       /* a clock with restart_on = "patch-defect" starts again here */
    int64_t discoverer_utc_s;         /* the discoverer's date */
    int64_t exploited_utc_s;          /* seen exploited; INSTANT_NONE */
    int64_t leaked_utc_s;             /* the embargo is broken; INSTANT_NONE */
};

/* All INSTANT_NONE. */
void schedule_facts_init(struct schedule_facts *facts);

enum schedule_kind {
    SCHEDULE_MIN,    /* not before */
    SCHEDULE_TARGET, /* aimed at */
    SCHEDULE_MAX,    /* not after */
    SCHEDULE_NOTICE, /* a tier's latest instant to be told */
    SCHEDULE_FINAL,  /* a tier's final notice */
    SCHEDULE_RELEASE /* the date as set, or as an exploit, a leak or the discoverer sets it */
};

struct schedule_deadline {
    const char *clock; /* its name; "notice", "final-notice", "release" for those of tiers and of the date */
    const char *tier;  /* NULL: the case's */
    enum schedule_kind kind;
    enum policy_event end;
    int64_t at_utc_s;
    int64_t raw_utc_s;        /* before it was moved to a day of release */
    char rule[DIAG_RULE_MAX]; /* "clocks.embargo.max", "tiers.distros.notice.before_publish", "release.until", … */
    const char *file;
    int line;
    const char *force;     /* aim, limit, hard, unstated */
    const char *on_expiry; /* remind, escalate, predisclose, publish; NULL: not stated */
    bool met;              /* its end has happened */
    bool clash;            /* no day of release between min and max */
};

struct schedule {
    struct schedule_deadline *items; /* by instant, then as written */
    size_t n;
    char **unstated; /* keys whose value would have set a deadline; owned */
    size_t n_unstated;
};

void schedule_make(const struct policy *policy, const struct schedule_holidays *holidays,
                   const struct schedule_facts *facts, struct schedule *out);
void schedule_free(struct schedule *schedule);

/* Adds an amount to an instant as said above; a negative amount counts back. */
int64_t schedule_add(const struct policy *policy, const struct schedule_holidays *holidays, int64_t from_utc_s,
                     int amount, enum policy_unit unit);

/* Adds (or with back takes away) a stated duration; INSTANT_NONE where it is not stated. */
int64_t schedule_add_duration(const struct policy *policy, const struct schedule_holidays *holidays, int64_t from_utc_s,
                              const struct policy_value *duration, bool back);

/* True where the policy releases on the instant's day: no forbidden weekday, no holiday. */
bool schedule_day_allowed(const struct policy *policy, const struct schedule_holidays *holidays, int64_t at_utc_s);

/* A date that is proposed, and by whom. */
struct schedule_change {
    int64_t now_utc_s;
    int64_t until_utc_s;
    enum policy_by by;
    bool has_reason; /* a reason was given and will be recorded */
    bool whole_day;  /* the date was given without an hour (schedule_when_is_day) */
};

struct schedule_notes {
    struct diag *items; /* warnings: rule, words, file, line */
    size_t n;
};
void schedule_notes_free(struct schedule_notes *notes);

/*
 * Whether the embargo may be set or extended to a date.
 *
 * A clock that has not started yet is taken to start now: what is refused then may be allowed once it starts later.
 *
 * ERR_OK      it may; *notes has what falls short of an aim
 * ERR_USAGE   it needs a reason and has none (a limit would be passed); says so
 * ERR_DENIED  a hard rule, the track, or an unstated value forbids it
 * why->rule is the rule (clocks.embargo.max …), why->file and line where it stands; the text names the value asked for,
 * the value allowed, and the last instant that is allowed.
 */
enum err schedule_check_until(const struct policy *policy, const struct schedule_holidays *holidays,
                              const struct schedule_facts *facts, const struct schedule_change *change,
                              struct schedule_notes *notes, struct diag *why);

/*
 * The date that the policy itself would set: the target of its clocks to publication (else the max, else the min), not
 * earlier than now and the longest notice of a tier, on a day of release, a preferred one where the max leaves room.
 * The rule is that of the clock. ERR_NOT_FOUND: no clock sets one. ERR_DENIED: no instant fits between the rules.
 */
enum err schedule_propose(const struct policy *policy, const struct schedule_holidays *holidays,
                          const struct schedule_facts *facts, int64_t now_utc_s, int64_t *out_utc_s, struct diag *why);

/*
 * Reads WHEN: "2026-11-22T15:00:00Z" (any offset), "2026-11-22 15:00" (in the policy's zone), "2026-11-22" (at
 * release.time, else 12:00 UTC). ERR_USAGE otherwise, and for a time of day that the zone skips.
 */
enum err schedule_parse_when(const struct policy *policy, const char *text, int64_t *out_utc_s, struct diag *why);

/* True for the form without an hour. */
bool schedule_when_is_day(const char *text);

/* Parts, for the modules of schedule and for tests. */

bool schedule_is_holiday(const struct schedule_holidays *holidays, int32_t day);
/* The date's release hour (release.time, else 12:00 UTC). */
int64_t schedule_release_instant(const struct policy *policy, int32_t day);
/* The day of an instant in the policy's zone. */
int32_t schedule_local_day(const struct policy *policy, int64_t at_utc_s);
bool schedule_local_day_allowed(const struct policy *policy, const struct schedule_holidays *holidays, int32_t day);
/* The instant from which a clock counts; INSTANT_NONE where it has not started. */
int64_t schedule_start(const struct policy_clock *clock, const struct schedule_facts *facts);
/* The max that holds for a clock that started then, its grace included; false where none can be computed. */
struct schedule_bound {
    int64_t at_utc_s;
    int amount;
    enum policy_unit unit;
    const struct policy_value *value;
    const char *part; /* ".max", ".grace.max" */
};
bool schedule_max(const struct policy *policy, const struct schedule_holidays *holidays,
                  const struct policy_clock *clock, int64_t start_utc_s, struct schedule_bound *out);
/*
 * The instant of publication as it stands: the date as set, unless the discoverer's word, an exploit or a leak makes it
 * another (POLICY_AT_PUBLISH_PLANNED, authority.*). INSTANT_NONE where there is no date. Notices are counted back from
 * it.
 */
int64_t schedule_release_at(const struct policy *policy, const struct schedule_facts *facts);
/* Whether a tier is told on a track that holds anything back, by this policy's own rules. */
bool schedule_tier_on_track(const struct policy_tier *tier, const struct policy_track *track);

#endif
