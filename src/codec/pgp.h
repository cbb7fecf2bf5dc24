/*
 * OpenPGP: the road map of the pgp_* modules, and what they share. Only these modules use gpgme.
 *
 *   pure (bytes in, facts out; fuzzed)          with gpg (blocking; in a crypto worker only)
 *   pgp_packet  packet headers and chains       pgp_home  make a GnuPG home, its agent, its clock
 *   pgp_armor   base64 in and out, streaming    pgp_open  decrypt, verify
 *   pgp_scan    what a message is               pgp_seal  sign once, encrypt to a group
 *   pgp_split   one copy per recipient          pgp_key   examine, import, export, generate
 *   pgp_cert    what a certificate says
 *
 * How an advisory goes out: pgp_sign_inline in the list's home, once; pgp_encrypt_group in each shard, whose gpg.conf
 * says no-literal, so that gpg puts the signed packets as they are into the encrypted packet (a copy then looks as if
 * it had been signed and encrypted in one go; RFC 3156, section 6.2), while no secret key is in reach of a shard;
 * pgp_split_parse and pgp_split_map; the courier armors PKESK and body while it streams.
 * How a mail comes in: pgp_scan_message; pgp_decrypt in the list's home, which unwraps only; pgp_verify_inline in the
 * home of the signer's shard (pgp_signature.issuer says which where the first home does not know the key).
 *
 * Every home is given by path for each call, shorter than PGP_HOME_MAX bytes (the agent's socket must fit into
 * sun_path), never by environment. Keys are named by the full fingerprint of the primary key, upper-case hex.
 * A gpg operation is believed by its return first; on any error the outputs are wiped and empty.
 *
 * Rules that these modules set (why->rule): truncated corrupt not-for-us no-integrity bomb symmetric unsupported
 * not-encrypted locked-key agent pgp.home pgp.engine pgp.result pgp.usage key.* (pgp_key.h), and too-large.
 */
#ifndef CODEC_PGP_H
#define CODEC_PGP_H

#define PGP_FPR_SIZE  65  /* 40 or 64 hex digits and a NUL */
#define PGP_HOME_MAX  90  /* bytes of a home's path, the NUL included */
#define PGP_GROUP_MAX 512 /* recipients of one pgp_encrypt_group; a shard holds at most 500 keys */

#endif
