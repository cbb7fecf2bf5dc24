/*
 * VERP: the envelope sender of each copy names the copy, authenticated: LOCAL+b-TAG@DOMAIN. TAG is lower-case base32 of
 * the copy's number (5 octets) and 80 bits of a keyed tag over number and list; 24 letters.
 */
#ifndef FLOW_VERP_H
#define FLOW_VERP_H

#include "codec/addr.h"
#include "codec/box.h"

/* out has ADDR_MAX_BYTES + 1 bytes. ERR_REJECT addr.too-long. */
enum err verp_address(const struct box *box, const char *list_address, int64_t copy_id, char *out, struct diag *why);

/* The copy that a tag names; 0: forged, or none. */
int64_t verp_copy(const struct box *box, const char *list_address, struct span tag);

#endif
