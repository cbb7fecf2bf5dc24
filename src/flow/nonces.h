/*
 * The lines that let somebody send commands by mail: each mail to an admin carries a nonce of its own, and so does each
 * answer to a command mail. Good once, for 24 hours, under the key that the mail was sealed for.
 */
#ifndef FLOW_NONCES_H
#define FLOW_NONCES_H

#include "flow/flow.h"

#define NONCE_LIFE_S ((int64_t)24 * 3600)

/* Makes a nonce and appends the lines. owner: an actor's name. */
enum err nonce_write(struct flow *f, const struct settings_list *list, int64_t list_id, const char *owner,
                     const char *fingerprint, struct buf *out, struct diag *why);

#endif
