/*
 * A stranger's certificate goes through a crypto worker before anything of it is believed: its facts, and its minimised
 * form; where the list has the key already, merged with what is known of it, so that an old certificate undoes nothing.
 */
#ifndef PROC_EXAMINER_H
#define PROC_EXAMINER_H

#include "codec/pgp_key.h"
#include "proc/core.h"

/*
 * Called once, never from examiner_start. err ERR_OK: key and certificate are borrowed for the call. Else why has the
 * rule (key.*, worker.*); ERR_DENIED key.unknown is a revocation alone, of a key that the list does not have.
 */
typedef void examiner_done(void *ctx, enum err err, const struct pgp_key_info *key, struct span certificate,
                           const struct diag *why);

/* list_id 0: nothing is known beforehand. in is copied. */
void examiner_start(struct core *core, int64_t list_id, struct span in, examiner_done *done, void *ctx);

#endif
