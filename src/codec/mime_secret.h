/*
 * Secret keys in a mail: in its texts, its attachments as they are encoded, its header (Autocrypt), and in mails that
 * are attached to it; inside of archives (codec/pgp_secret_archive.h); and Autocrypt Setup Messages. What one is:
 * codec/pgp_secret.h. Pure; what is decoded is bounded by what came, what is unpacked by a budget for the mail. Core
 * blanks by the same steps what a mime worker has found: it opens an archive only after the same code has gone through
 * the same bytes in confinement.
 *
 * m is the structure of raw, or NULL where nobody could read it: then raw is looked at as it stands alone.
 */
#ifndef CODEC_MIME_SECRET_H
#define CODEC_MIME_SECRET_H

#include "codec/mime.h"
#include "codec/pgp_secret.h"

/* Whether there is one. Adds to *found. */
bool mime_secret_in(struct span raw, const struct mime_message *m, struct pgp_secrets *found);

/*
 * Overwrites each by a sentence that says so (pgp_secret_blank). Nothing moves: m is as true as it was. A part that is
 * a key in binary, an archive with one, a setup message, and one whose encoding leaves no room for anything else, is
 * all that sentence.
 */
bool mime_secret_blank(uint8_t *raw, size_t len, const struct mime_message *m, struct pgp_secrets *found);

#endif
