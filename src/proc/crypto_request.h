/*
 * What the operations of a crypto worker share: each request begins with the instant for gpg and the GnuPG home
 * (proc/worker.h).
 *
 * crypto_request_begin, the operation's own fields out of r in their order, crypto_request_whole before anything is
 * done, crypto_request_free in any case.
 */
#ifndef PROC_CRYPTO_REQUEST_H
#define PROC_CRYPTO_REQUEST_H

#include "base/frame.h"

struct crypto_request {
    struct frame_reader r;
    int64_t now_utc_s; /* INSTANT_NONE: the machine's clock */
    char *home;        /* or the folder for throw-away homes; owned, not NULL once it is whole */
    char *fingerprint; /* of crypto_request_get_key; so too */
    bool names_key;
};

void crypto_request_begin(struct crypto_request *q, struct span request);
void crypto_request_free(struct crypto_request *q);

/* The next field is a fingerprint. */
void crypto_request_get_key(struct crypto_request *q);

/* ERR_INTERNAL frame.bad: something is missing, or left over. */
enum err crypto_request_whole(const struct crypto_request *q, struct diag *why);
enum err crypto_request_damaged(struct diag *why);

/* What gpg is to take for the time in a home, which need not be the request's. */
enum err crypto_request_set_time(const struct crypto_request *q, const char *home, struct diag *why);

#endif
