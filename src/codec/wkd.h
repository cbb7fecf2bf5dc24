/*
 * Where an address's OpenPGP key is published in its domain's Web Key Directory (draft-koch-openpgp-webkey-service,
 * section 3.1). Pure.
 *
 *   advanced  https://openpgpkey.DOMAIN/.well-known/openpgpkey/DOMAIN/hu/HASH?l=LOCAL
 *   direct    https://DOMAIN/.well-known/openpgpkey/hu/HASH?l=LOCAL
 *
 * HASH is the Z-Base-32 of the SHA-1 of the local part with its ASCII letters in lower case; LOCAL is the local part as
 * it is written. The direct method counts only where the host of the advanced one does not exist.
 */
#ifndef CODEC_WKD_H
#define CODEC_WKD_H

#include "base/buf.h"
#include "base/err.h"

enum wkd_method { WKD_ADVANCED, WKD_DIRECT };

/* Z-Base-32, as RFC 6189, section 5.1.6 gives it: of whole groups of 5 bytes. Appends. */
void wkd_zbase32(struct span in, struct buf *out);

/*
 * host gets the host's name, url the whole URL; both are appended to.
 * ERR_REJECT rule wkd.address: not an address with an ASCII domain.
 */
enum err wkd_url(const char *address, enum wkd_method method, struct buf *host, struct buf *url, struct diag *why);

#endif
