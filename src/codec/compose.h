/*
 * Mail out: our own writer. Everything it makes is 7-bit with CRLF and lines within 998 octets.
 *
 * Order of calls: compose_new, fields in the order they shall have, one text, attachments, then one writer. Adding
 * functions refuse control characters (header.injection) and leave the message as it was. The writer adds MIME-Version
 * and Content-* itself, and is the only one to do so. A boundary is handed in (random, 20 to 70 letters and digits,
 * see compose_boundary_ok) so that the writer stays pure; it is checked against the content.
 *
 * Encrypted mail in two layers (RFC 3156, 4; RFC 9788):
 *   payload   compose_protect on; every field that stands outside, as it truly is, HP-Outer for each, Embargo-…;
 *             written by compose_write_payload, then sealed
 *   outside   another struct compose with the outer fields alone; compose_write_encrypted gives what stands before
 *             and after the armor, so that a courier streams prefix, armor, suffix
 */
#ifndef CODEC_COMPOSE_H
#define CODEC_COMPOSE_H

#include "base/buf.h"
#include "base/err.h"

struct compose;

struct compose *compose_new(void);
void compose_free(struct compose **c);

/* ---- fields; rule compose.reserved for MIME-Version and Content-*, which the writer makes ---- */
enum err compose_text_field(struct compose *c, const char *name, const char *value_utf8, struct diag *why);
enum err compose_raw_field(struct compose *c, const char *name, const char *value, struct diag *why);
enum err compose_address_field(struct compose *c, const char *name, const char *display_utf8, const char *spec,
                               struct diag *why);
/* Date: in RFC 5322 form. */
enum err compose_date_field(struct compose *c, int64_t at_utc_s, struct diag *why);

/* HP-Outer (RFC 9788, 2.2) for every field of `outer`, as it stands there: call it when outer is complete. */
enum err compose_add_outer(struct compose *payload, const struct compose *outer, struct diag *why);

/* Marks this as a protected payload: hp="cipher" (or "clear" for a signed one) and protected-headers="v1". */
void compose_protect(struct compose *c, bool cipher);

/* ---- content; copied ---- */
void compose_text(struct compose *c, struct span utf8);

/* Is it two tokens and a slash (RFC 2045, 5.1), and neither multipart nor message, which are no attachments? */
bool compose_may_attach(const char *type);

/* type: "text/x-diff"; name: UTF-8, may be NULL. Rule compose.bad-type. */
enum err compose_attach(struct compose *c, const char *type, const char *name, struct span bytes, struct diag *why);

/* ---- writers; append to out ---- */

/* A whole mail: fields, MIME-Version, then text, or multipart/mixed where there are attachments. */
enum err compose_write(const struct compose *c, const char *boundary, struct buf *out, struct diag *why);

/* The same as an entity to be signed or sealed: no MIME-Version. */
enum err compose_write_payload(const struct compose *c, const char *boundary, struct buf *out, struct diag *why);

/* What stands before and after the ASCII armor, which ends with a line break. c: outer fields; its content unused. */
enum err compose_write_encrypted(const struct compose *c, const char *boundary, struct buf *prefix, struct buf *suffix,
                                 struct diag *why);

/*
 * multipart/signed (RFC 3156, 5) around `payload` (canonical bytes exactly as signed: CRLF, the last line break not
 * included in what the signature covers unless it is in `payload`) and an armored detached signature.
 * c: fields of the mail, or NULL for an entity that is going to be sealed. micalg: "pgp-sha512".
 */
enum err compose_write_signed(const struct compose *c, const char *boundary, const char *micalg, struct span payload,
                              struct span armored_signature, struct buf *out, struct diag *why);

/* 20 to 70 letters and digits. */
bool compose_boundary_ok(const char *boundary);

#endif
