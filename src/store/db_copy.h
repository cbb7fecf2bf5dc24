/*
 * A consistent copy of the database while it is in use, in steps of a bounded time (SQLite's online backup).
 *
 * What this connection writes meanwhile reaches the copy too, so that the copy is the database as it is at the last
 * step. Steps stand outside of transactions. The copy is a temporary file until it is done: its first bytes are not
 * valid before, and nothing of it is made durable.
 */
#ifndef STORE_DB_COPY_H
#define STORE_DB_COPY_H

#include "store/db.h"

struct db_copy;

/* file: made for its owner alone; must not be there yet. */
enum err db_copy_begin(struct db *db, const char *file, struct db_copy **out, struct diag *why);
/* Copies so many pages (-1: all that are left). ERR_LIMIT disk.full; ERR_INTERNAL store.copy. */
enum err db_copy_step(struct db_copy *copy, int pages, bool *done, struct diag *why);
/* Also in the middle; the file is the caller's to remove. */
void db_copy_end(struct db_copy **copy);

#endif
