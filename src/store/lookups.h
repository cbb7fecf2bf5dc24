/*
 * Keys that are to be looked up by WKD: recorded in a transaction, carried out by core and the fetch role, handed to
 * the kind's handler (flow/lookup_kinds.c), and then gone. Because of a case nothing is ever put here.
 *
 * A look-up is named by its kind and an object (a row id), and is there once; the address is kept sealed, since whoever
 * applies is no member.
 */
#ifndef STORE_LOOKUPS_H
#define STORE_LOOKUPS_H

#include "store/db.h"

struct lookup_row {
    int64_t id;
    int64_t list_id;
    char *kind;
    int64_t object;
    int64_t at; /* not before, UTC seconds */
    int64_t tries;
    char *address;
};

void lookup_row_free(struct lookup_row *row);
/* One that waits already takes the earlier instant and the new address. */
enum err lookup_put(struct db *db, int64_t list_id, const char *kind, int64_t object, const char *address, int64_t at,
                    struct diag *why);
/* Later, after nobody could be asked. */
enum err lookup_put_off(struct db *db, int64_t id, int64_t at, struct diag *why);
enum err lookup_end(struct db *db, const char *kind, int64_t object, struct diag *why);
/* ERR_NOT_FOUND where it was ended meanwhile. */
enum err lookup_by_id(struct db *db, int64_t id, struct lookup_row *out, struct diag *why);
/* The ids of those due at now, oldest first, at most max. */
size_t lookup_due(struct db *db, int64_t now_utc_s, int64_t *ids, size_t max);

#endif
