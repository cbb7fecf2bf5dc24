/*
 * Mail addresses: one addr-spec (RFC 5321, 4.1.2; RFC 5322, 3.4.1), and address lists of header fields.
 *
 * A checked address is "local@domain" in ASCII, at most 254 octets with a local part of at most 64, with neither
 * control characters, spaces, quotes nor brackets, its domain in lower case. Quoted local parts and address literals
 * are refused: nobody here has one, and they are the way to command injection in SMTP.
 * An address says where mail goes and what a sender claims; it never says who somebody is.
 */
#ifndef CODEC_ADDR_H
#define CODEC_ADDR_H

#include "base/buf.h"
#include "base/err.h"

#define ADDR_MAX_BYTES       254
#define ADDR_LOCAL_MAX_BYTES 64
#define ADDR_LIST_MAX        1000 /* mailboxes kept of one list */

struct addr {
    char *name; /* display name in UTF-8 without controls, or NULL */
    char *spec; /* a checked address */
};

struct addr_list {
    struct addr *items;
    size_t n;
    bool damaged; /* something in the field was no address, or more than ADDR_LIST_MAX: do not rely on the rest */
};

/* What stands between the characters of an address; all borrowed from it. */
struct addr_parts {
    struct span local; /* the whole local part */
    struct span base;  /* up to the first '+' */
    struct span suffix;
    struct span domain;
    bool has_suffix; /* there is a '+', even with nothing behind it */
};

/*
 * Checks and normalises; out has ADDR_MAX_BYTES + 1 bytes and is "" on failure. Rules: addr.empty, addr.too-long,
 * addr.bad-character, addr.bad-local, addr.bad-domain (all ERR_REJECT; the text does not repeat the address).
 */
enum err addr_check(struct span in, char *out, struct diag *why);
bool addr_is_valid(const char *spec);

/* False when spec has no '@'. */
bool addr_split(const char *spec, struct addr_parts *out);

/* Case does not count, in the local part neither: two mailboxes that differ in case alone are one person's. */
bool addr_equal(const char *a, const char *b);

/* Is `spec` the address `list`, or `list` with a suffix ("security+apply@…")? The suffix, or an empty span; out_suffix
 * may be NULL. */
bool addr_is_for(const char *spec, const char *list, struct span *out_suffix);

/* "local+suffix@domain" of a checked list address; ERR_REJECT addr.too-long where the local part would pass 64. */
enum err addr_with_suffix(const char *list, const char *suffix, char *out, struct diag *why);

/*
 * Appends the mailboxes of one field's value (folded or not, groups flattened, comments skipped, names decoded by RFC
 * 2047). Linear in time, constant in stack. A mailbox without a valid address is left out, and sets `damaged`.
 */
void addr_list_parse(struct span value, struct addr_list *out);
void addr_list_add(struct addr_list *list, const char *name, const char *spec);
bool addr_list_has(const struct addr_list *list, const char *spec);
void addr_list_free(struct addr_list *list);

#endif
