/*
 * TLS for the courier's sessions: the SSL_CTX that libesmtp is given.
 *
 * libesmtp 1.1.0 does not end a handshake of TLS 1.3, so it is TLS 1.2 with forward secrecy and an AEAD, nothing else.
 * It checks a certificate against the canonical name that the DNS gives, which whoever answers chooses; so the check
 * is made here, within the handshake: a chain to the CAs of the system (or of `smtp.ca` alone) and the name or address
 * of `smtp.host` as it is configured (RFC 6125). Opportunistic TLS checks nothing (RFC 7435).
 */
#ifndef IO_COURIER_TLS_H
#define IO_COURIER_TLS_H

#include "base/err.h"

#include <stdbool.h>

#include <openssl/ssl.h>

struct courier_tls {
    SSL_CTX *ctx;
    char fault[128]; /* why a certificate was refused; "" */
};

/*
 * ca: a file of certificates, NULL for those of the system. ERR_AGAIN rule smtp.ca: it cannot be used. tls stays where
 * it is until courier_tls_close, and is closed in any case.
 */
enum err courier_tls_open(struct courier_tls *tls, const char *host, const char *ca, bool verify, struct diag *why);
void courier_tls_close(struct courier_tls *tls);

#endif
