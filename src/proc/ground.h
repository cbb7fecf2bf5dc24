/*
 * What core stands on: the folder of its state, the database, the spool and the sealed bodies. Where one of them is
 * deleted, moved away, unmounted or replaced under the running daemon, its open files go on as if nothing was: a commit
 * succeeds, and its mail leaves the spool, in a place where nobody will find it. So core looks before each round of its
 * loop, and ends instead; it cannot go on until somebody has put things back.
 *
 * A place is the same while its path leads to the same file (device and inode); links are followed, since each may lie
 * on another disk. A path that cannot be looked at for another reason counts as the same: that is no proof, and
 * whoever uses it says what is wrong.
 */
#ifndef PROC_GROUND_H
#define PROC_GROUND_H

#include "base/err.h"
#include "codec/settings.h"

#include <sys/types.h>

#define GROUND_PLACES 4

struct ground {
    struct ground_place {
        char *path;
        dev_t device;
        ino_t inode;
    } places[GROUND_PLACES];
    size_t n;
};

/* Remembers what is there now; what is missing already is not looked after. */
void ground_take(struct ground *ground, const struct settings *settings);
void ground_free(struct ground *ground);

/* ERR_NOT_FOUND, rule state.gone: it is not all there any more. */
enum err ground_check(const struct ground *ground, struct diag *why);

#endif
