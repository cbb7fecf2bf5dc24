/*
 * Copies of a restored instance that may have gone already (flow/restored.h): put aside under the code
 * restore.maybe-sent, deferred to the year 9999, until an admin says queue retry or queue drop.
 */
#ifndef STORE_COPIES_RESTORED_H
#define STORE_COPIES_RESTORED_H

#include "store/db.h"

#define COPY_MAYBE_SENT "restore.maybe-sent"

int64_t copy_last_id(struct db *db);
/* Those up to last_id that wait and were due by now. */
enum err copy_put_aside(struct db *db, int64_t now_utc_s, int64_t last_id, int64_t *n, struct diag *why);
/* Those after last_id that are due and go to others than the team. */
enum err copy_put_aside_others(struct db *db, int64_t now_utc_s, int64_t last_id, struct diag *why);
int64_t copy_count_aside(struct db *db);

#endif
