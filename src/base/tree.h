/*
 * A whole folder that is replaced at once, for readers who look at it all the time.
 *
 * The new folder grows beside the old one, under a name of its own; then both change places in one step
 * (renameat2, RENAME_EXCHANGE), so that a reader finds the old files or the new ones and a crash leaves the old. A file
 * whose bytes are those of the old folder is linked, not written: it costs little and keeps its time of change.
 *
 * Order of calls: tree_open, tree_begin, tree_put …, tree_publish, tree_sweep until it has nothing left; after a fault
 * tree_sweep alone, which takes away what was begun. One user at a time. Every file has mode 0644, every folder 0755.
 *
 * Errors as in base/fsx.h: ERR_LIMIT rule disk.full.
 */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct tree;

/* path: the folder that readers see; it may be a symbolic link, or not be there yet. The caller frees with tree_close.
 */
enum err tree_open(const char *path, struct tree **out, struct diag *why);
void tree_close(struct tree **t);

/* Begins an empty folder. What an earlier one has left must have been swept. */
enum err tree_begin(struct tree *t, struct diag *why);

/* A file; its folders are made. path: components of fsx_name_ok with '/' between them. Twice the same: ERR_USAGE. */
enum err tree_put(struct tree *t, const char *path, struct span bytes, struct diag *why);

/* Makes everything durable, then the folders change places. */
enum err tree_publish(struct tree *t, struct diag *why);

/* Removes up to n entries of what lies beside the folder; false when nothing is left. */
bool tree_sweep(struct tree *t, size_t n);

#endif
