/*
 * Numbers for statistics, counted by the database. only_public: of cases that are public or were closed afterwards
 * alone; what is counted so tells nothing of a case under embargo, and no sum over all cases may stand beside it.
 */
#ifndef STORE_STATS_H
#define STORE_STATS_H

#include "store/db.h"

/* One case's time for one step: "acknowledge", "triage", "notice", "public" from its report, "embargo" from a tier's
 * notice to the public. tier: of "notice" and "embargo", else NULL. */
struct stats_span {
    char *step;
    char *severity; /* NULL: not rated */
    char *tier;
    int64_t seconds;
};
void stats_spans_free(struct stats_span *spans, size_t n);
enum err stats_spans(struct db *db, int64_t list_id, bool only_public, struct stats_span **out, size_t *n,
                     struct diag *why);

/* Deadlines that have fired, with what has happened to their cases; INSTANT_NONE: not. */
struct stats_deadline {
    char *clock; /* "embargo.max" */
    char *force;
    int64_t at;
    int64_t acknowledged_at, accepted_at, fix_ready_at, predisclosed_at, public_at;
};
void stats_deadlines_free(struct stats_deadline *rows, size_t n);
enum err stats_deadlines(struct db *db, int64_t list_id, bool only_public, struct stats_deadline **out, size_t *n,
                         struct diag *why);

/* Counts by a word: a callback for each. */
typedef void stats_count(void *ctx, const char *word, int64_t n);
/* Copies of advisories, by their states. */
enum err stats_copies(struct db *db, int64_t list_id, bool only_public, stats_count *count, void *ctx,
                      struct diag *why);
/* Public cases, by severity ("unrated"). */
enum err stats_published(struct db *db, int64_t list_id, stats_count *count, void *ctx, struct diag *why);
/* Words of those who were told (a case and a member each) by now: "affected", "not-affected", "fixed-by"; "none". */
enum err stats_acks(struct db *db, int64_t list_id, bool only_public, int64_t now_utc_s, stats_count *count, void *ctx,
                    struct diag *why);

/* One case of which somebody was told by now: copies of its advisories, and members with their words. */
struct stats_case {
    char *code;
    int64_t sent, waiting, failed; /* copies; dropped ones are none of them */
    int64_t told, acknowledged;    /* members; of those with a word: */
    int64_t affected, not_affected, fixed_by;
};
void stats_cases_free(struct stats_case *rows, size_t n);
/* The newest first. */
enum err stats_cases(struct db *db, int64_t list_id, int64_t now_utc_s, struct stats_case **out, size_t *n,
                     struct diag *why);

/* Members, by their states. */
enum err stats_members(struct db *db, int64_t list_id, stats_count *count, void *ctx, struct diag *why);

#endif
