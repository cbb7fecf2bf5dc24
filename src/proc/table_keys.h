/*
 * The keys of a table of members go through crypto workers, a hundred at a time (flow/import_table.h).
 */
#ifndef PROC_TABLE_KEYS_H
#define PROC_TABLE_KEYS_H

#include "proc/core.h"

/* Called once, never from table_keys_start. ERR_OK: packed has an entry for each row with a key, in order. */
typedef void table_keys_done(void *ctx, enum err err, struct span packed, const struct diag *why);

/* ERR_REJECT, ERR_LIMIT: the table is not one; done is not called. */
enum err table_keys_start(struct core *core, struct span csv, table_keys_done *done, void *ctx, struct diag *why);

#endif
