/*
 * Breaches by members: when, who recorded it, what the policy named as its consequence. The reason is sealed.
 */
#ifndef STORE_BREACHES_H
#define STORE_BREACHES_H

#include "store/db.h"

struct breach_row {
    int64_t id;
    int64_t member_id;
    int64_t at; /* UTC seconds */
    char *actor;
    char *consequence;
    char *reason;
};

void breach_row_free(struct breach_row *row);
/* Fills row->id. */
enum err breach_insert(struct db *db, struct breach_row *row, struct diag *why);
/* Oldest first. The caller frees rows and array. */
enum err breach_all(struct db *db, int64_t member_id, struct breach_row **out, size_t *n, struct diag *why);

#endif
