/*
 * Secret keys in what came by mail: found by their packets, and blanked. Pure, bounded, and linear in what is handed
 * in.
 *
 * What counts as one (RFC 9580, sections 5.5.3 and 6.2):
 *   - armor that says it is a private key, with 32 bytes of data or more, whole or cut off, whatever the data is;
 *   - other armor, base64 at the beginning of a run of lines or behind a `=` (keydata of Autocrypt), and bytes, where a
 *     packet of tag 5 or 7 with all of its public part stands among packets of a key, be it with a CR before each LF;
 *   - an encrypted message whose armor has a Passphrase-Format (Autocrypt Level 1, "Autocrypt Setup Message"): such a
 *     one is a secret key.
 * Armor is found behind quotes ("> "), dash escapes, escapes of quoted-printable and of JSON, and between tags of HTML.
 * Text that names the header line alone, public keys and messages are none. Archives: codec/pgp_secret_archive.h.
 * What is encrypted otherwise is not looked at.
 */
#ifndef CODEC_PGP_SECRET_H
#define CODEC_PGP_SECRET_H

#include "base/buf.h"
#include "codec/pgp.h"

#include <stdbool.h>

#define PGP_SECRET_KEYS_MAX 8

struct pgp_secrets {
    size_t n;                                             /* places */
    size_t n_keys;                                        /* different primary keys of version 4 among them */
    char fingerprints[PGP_SECRET_KEYS_MAX][PGP_FPR_SIZE]; /* what they say of themselves: anyone can put such a packet
                                                              around another's public key */
};

/* Whether the first byte could be that of a key's packets. */
bool pgp_secret_begins(struct span packets);

/* Whether bytes, from the first one, are packets of a key of which one is secret. Adds to *found. */
bool pgp_secret_in_packets(struct span packets, struct pgp_secrets *found);

/* Whether there is one in text or in a mail as it stands. Adds to *found, but not always all of them. */
bool pgp_secret_in_text(struct span text, struct pgp_secrets *found);

/*
 * Overwrites each with a sentence that says what was here, in base64 where it was base64, and blanks; nothing moves,
 * and line ends behind the sentence stay. pgp_secret_blank_lines: all of them do, be the sentence cut by them.
 */
bool pgp_secret_blank(uint8_t *bytes, size_t len, struct pgp_secrets *found);
bool pgp_secret_blank_lines(uint8_t *bytes, size_t len, struct pgp_secrets *found);

/* Appends the text with the sentence in the place of each. False: nothing was found, and nothing is added. */
bool pgp_secret_blank_copy(struct span text, struct buf *out, struct pgp_secrets *found);

/* The sentence alone, for a place of len bytes (a short one where there is no room, nothing at all below that). */
void pgp_secret_sentence(const char *fingerprint, size_t len, struct buf *out);

/* Does it begin with that sentence? */
bool pgp_secret_is_sentence(struct span bytes);

/* Overwrites what is behind a new content: blanks, but for line ends. */
void pgp_secret_pad(uint8_t *bytes, size_t len);

/* Adds a fingerprint once. */
void pgp_secret_note(struct pgp_secrets *found, const char *fingerprint);

/* ---- between pgp_secret.c, pgp_secret_armor.c and pgp_secret_packets.c ---- */

struct pgp_secret_place {
    size_t off, len;
    bool base64; /* and not armor as people see it */
    char of_key[PGP_FPR_SIZE];
};

/* The next armored one from *at on, which moves behind it, or to the end. */
bool pgp_secret_next_armor(struct span in, size_t *at, struct pgp_secret_place *out);

/*
 * The same; of_key is the first primary key's fingerprint ("": not known). claimed: it is announced as a private key,
 * so that a packet that is cut off within its public part counts.
 */
bool pgp_secret_walk(struct span packets, bool claimed, char of_key[PGP_FPR_SIZE]);

#endif
