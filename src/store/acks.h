/*
 * What members say of a case that they were told of: affected, not-affected, or fixed-by a day. The newest word counts.
 */
#ifndef STORE_ACKS_H
#define STORE_ACKS_H

#include "store/db.h"

/* A member that was told of a case, and its word. */
struct ack_row {
    int64_t member_id;
    char *org;
    char *state; /* the member's */
    char *value; /* NULL: none yet; "affected", "not-affected", "fixed-by" */
    char *day;   /* "2026-12-01" with fixed-by; NULL */
    int64_t at;
    char *by; /* an actor's name; NULL */
};

void ack_rows_free(struct ack_row *rows, size_t n);
enum err ack_put(struct db *db, int64_t case_id, int64_t member_id, const char *value, const char *day,
                 int64_t now_utc_s, const char *by, struct diag *why);
/* Of everybody who has been told of the case by now, in order of organisations. */
enum err ack_all(struct db *db, int64_t case_id, int64_t now_utc_s, struct ack_row **out, size_t *n, struct diag *why);

#endif
