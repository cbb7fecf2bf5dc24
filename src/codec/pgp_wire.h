/*
 * Facts about keys and signatures as bytes: between a crypto worker and core, and in the database.
 *
 * The readers are strict: short, trailing or impossible values are ERR_REJECT rule frame.bad.
 */
#ifndef CODEC_PGP_WIRE_H
#define CODEC_PGP_WIRE_H

#include "base/frame.h"
#include "codec/pgp_key.h"
#include "codec/pgp_open.h"

void pgp_key_info_put(const struct pgp_key_info *key, struct buf *out);
enum err pgp_key_info_get(struct span in, struct pgp_key_info *out, struct diag *why);

/* Inside a larger payload. */
void pgp_signature_put(const struct pgp_signature *sig, struct buf *out);
void pgp_signature_get(struct frame_reader *r, struct pgp_signature *out);

#endif
