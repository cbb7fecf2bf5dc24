/*
 * Deadlines of cases, as the policy's schedule gave them. Each fires once for its instant.
 */
#ifndef STORE_DEADLINES_H
#define STORE_DEADLINES_H

#include "store/db.h"

struct deadline_row {
    int64_t id;
    int64_t case_id;
    char *clock;
    char *tier; /* NULL: none */
    int64_t at;
    char *rule;
    char *force;
    int64_t fired_at; /* INSTANT_NONE: not yet */
};

void deadline_row_free(struct deadline_row *row);

/*
 * Puts one deadline of a case: a row of the same clock and tier that has not fired moves to the new instant. One that
 * has fired stays as it is, but where the new instant lies after its firing (an embargo that was extended at its end):
 * then it waits again.
 */
enum err deadline_put(struct db *db, const struct deadline_row *row, struct diag *why);
/* Removes the deadlines of a case that have not fired and were not put again since (keep: their ids). */
enum err deadline_prune(struct db *db, int64_t case_id, const int64_t *keep, size_t n, struct diag *why);
enum err deadline_all(struct db *db, int64_t case_id, struct deadline_row **out, size_t *n, struct diag *why);
/* Those due at now and not fired, oldest first, of all cases. */
enum err deadline_due(struct db *db, int64_t now_utc_s, struct deadline_row **out, size_t *n, struct diag *why);
int64_t deadline_count_due(struct db *db, int64_t now_utc_s);
/* Only one that is still due then: db_changes tells. */
enum err deadline_set_fired(struct db *db, int64_t id, int64_t now_utc_s, struct diag *why);
/* One of a case by clock and tier; ERR_NOT_FOUND. */
enum err deadline_find(struct db *db, int64_t case_id, const char *clock, const char *tier, struct deadline_row *out,
                       struct diag *why);
/* Those of a list that fired then, more than late_s after their instants, in order. */
enum err deadline_missed(struct db *db, int64_t list_id, int64_t fired_utc_s, int64_t late_s, struct deadline_row **out,
                         size_t *n, struct diag *why);

#endif
