/*
 * A public key that came with a mail: attached as application/pgp-keys, or in an Autocrypt header (Autocrypt level 1,
 * 2.1) whose addr is the mail's only From. Found, not believed: it serves for replies to its sender and nothing else.
 */
#ifndef PROC_FIND_KEY_H
#define PROC_FIND_KEY_H

#include "flow/incoming.h"

/* Appends the key's bytes, armored or binary; nothing where there is none. */
void find_key_in_mail(const struct incoming *in, struct buf *out);

#endif
