#include "proc/crypto_request.h"

#include "base/instant.h"
#include "codec/pgp_home.h"

#include <stdlib.h>

void crypto_request_begin(struct crypto_request *q, struct span request)
{
    *q = (struct crypto_request){0};
    frame_reader_init(&q->r, request);
    q->now_utc_s = frame_get_i64(&q->r);
    q->home = frame_get_str(&q->r);
}

void crypto_request_free(struct crypto_request *q)
{
    free(q->home);
    free(q->fingerprint);
}

void crypto_request_get_key(struct crypto_request *q)
{
    q->names_key = true;
    q->fingerprint = frame_get_str(&q->r);
}

enum err crypto_request_damaged(struct diag *why)
{
    return diag_set(why, ERR_INTERNAL, "frame.bad", "a request to a worker is damaged");
}

enum err crypto_request_whole(const struct crypto_request *q, struct diag *why)
{
    return frame_done(&q->r) && q->home && (q->fingerprint || !q->names_key) ? ERR_OK : crypto_request_damaged(why);
}

enum err crypto_request_set_time(const struct crypto_request *q, const char *home, struct diag *why)
{
    return q->now_utc_s == INSTANT_NONE ? ERR_OK : pgp_home_set_time(home, q->now_utc_s, why);
}
