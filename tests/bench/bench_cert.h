/*
 * Certificates for many members, made without gpg: a version 4 Ed25519 primary key that certifies and signs, a
 * Curve25519 subkey that encrypts, one user id, and the two self-signatures (RFC 9580, sections 5.2, 5.5 and 5.5.5.5;
 * key forms of RFC 9580, section 9.2, "legacy"). gpg makes some 30 such keys a second, this some thousands.
 *
 * Only the public parts are written. The secret ones follow from the number, and nothing may ever be sealed to these
 * keys that is not a test.
 */
#ifndef TESTS_BENCH_BENCH_CERT_H
#define TESTS_BENCH_BENCH_CERT_H

#include "base/buf.h"
#include "codec/pgp_key.h"

/* "Member 17 <contact@m00017.example.net>"; address has BENCH_ADDRESS_SIZE bytes. */
#define BENCH_ADDRESS_SIZE 64
void bench_address(unsigned number, char *address);

/* The same number and instant give the same key. out is binary, and is replaced; facts as gpg would give them. */
void bench_cert_make(unsigned number, int64_t made_at_utc_s, struct buf *out, struct pgp_key_info *facts);

#endif
