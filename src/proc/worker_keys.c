#include "proc/worker_keys.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_home.h"
#include "codec/pgp_key.h"
#include "codec/pgp_wire.h"
#include "flow/import_table.h"
#include "proc/crypto_request.h"

#include <stdlib.h>
#include <time.h>

/*
 * The time by which certificates are taken. A rehearsal that is behind the machine's clock must not lose keys that were
 * made meanwhile, since gpg drops what is signed in its future; what such a key may be used for, its state says.
 */
static void begin(struct crypto_request *q, struct span request)
{
    int64_t real = (int64_t)time(NULL);

    crypto_request_begin(q, request);
    if (q->now_utc_s != INSTANT_NONE && q->now_utc_s < real)
        q->now_utc_s = real;
}

/* ---- they are examined ---- */

static enum err update(const struct crypto_request *q, struct span known, struct span in, struct buf *reply,
                       struct diag *why)
{
    struct pgp_key_info *info = mem_zero(1, sizeof *info);
    struct buf minimal = BUF_EMPTY, packed = BUF_EMPTY;
    enum err err = pgp_key_update(q->home, q->now_utc_s, known, in, info, &minimal, why);

    if (!err) {
        pgp_key_info_put(info, &packed);
        frame_put_buf(reply, &packed);
        frame_put_buf(reply, &minimal);
    }
    buf_free(&minimal);
    buf_free(&packed);
    free(info);
    return err;
}

enum err worker_update(struct span request, struct buf *reply, struct diag *why)
{
    char revoked[PGP_FPR_SIZE];
    struct crypto_request q;
    struct span in, known;
    enum err err;

    begin(&q, request);
    in = frame_get_bytes(&q.r);
    known = frame_get_bytes(&q.r);
    err = crypto_request_whole(&q, why);
    if (!err && !known.len && pgp_key_is_revocation(in, revoked)) {
        frame_put_bytes(reply, "", 0);
        frame_put_str(reply, revoked);
    } else if (!err) {
        err = update(&q, known, in, reply, why);
    }
    crypto_request_free(&q);
    return err;
}

enum err worker_examine_many(struct span request, struct buf *reply, struct diag *why)
{
    struct pgp_key_examined *found;
    struct crypto_request q;
    struct span *in;
    uint32_t n;
    enum err err;

    begin(&q, request);
    n = frame_get_count(&q.r, 4);
    in = mem_zero(n + 1, sizeof *in);
    found = mem_zero(n + 1, sizeof *found);
    for (uint32_t i = 0; i < n; i++)
        in[i] = frame_get_bytes(&q.r);
    err = crypto_request_whole(&q, why);
    if (!err)
        err = pgp_key_examine_many(q.home, q.now_utc_s, in, n, found, why);
    for (uint32_t i = 0; i < n; i++) {
        if (!err)
            import_key_put(found[i].err, &found[i].why, &found[i].info, buf_span(&found[i].minimal), reply);
        buf_free(&found[i].minimal);
    }
    free(found);
    free(in);
    crypto_request_free(&q);
    return err;
}

/* ---- they come into homes ---- */

static enum err make_home(const struct crypto_request *q, enum pgp_home_kind kind, struct diag *why)
{
    enum err err = crypto_request_whole(q, why);

    if (!err)
        err = pgp_home_make(q->home, kind, why);
    return err ? err : crypto_request_set_time(q, q->home, why);
}

/* All by one call of gpg, which is some ten times faster; where it refuses, one by one, so that one harms no other. */
static void import_all(const char *home, const struct span *certificates, uint32_t n, struct buf *reply)
{
    char fingerprint[PGP_FPR_SIZE];
    bool whole = pgp_key_import_many(home, certificates, n, NULL) == ERR_OK;

    for (uint32_t i = 0; i < n; i++)
        frame_put_bool(reply, whole || !pgp_key_import(home, certificates[i], fingerprint, NULL));
}

enum err worker_import(struct span request, struct buf *reply, struct diag *why)
{
    struct crypto_request q;
    struct span *certificates;
    uint32_t n;
    enum err err;

    begin(&q, request);
    n = frame_get_count(&q.r, 4);
    certificates = mem_zero(n, sizeof *certificates);
    for (uint32_t i = 0; i < n; i++)
        certificates[i] = frame_get_bytes(&q.r);
    err = make_home(&q, PGP_HOME_SHARD, why);
    if (!err) {
        frame_put_u32(reply, n);
        import_all(q.home, certificates, n, reply);
    }
    free(certificates);
    crypto_request_free(&q);
    return err;
}

/* Keys of applicants come and go here, one by one. */
enum err worker_quarantine(struct span request, struct buf *reply, struct diag *why)
{
    char found[PGP_FPR_SIZE];
    struct crypto_request q;
    struct span certificate;
    enum err err;

    (void)reply;
    begin(&q, request);
    crypto_request_get_key(&q);
    certificate = frame_get_bytes(&q.r);
    err = make_home(&q, PGP_HOME_QUARANTINE, why);
    if (!err && certificate.len)
        err = pgp_key_import(q.home, certificate, found, why);
    else if (!err && (err = pgp_key_delete(q.home, q.fingerprint, false, why)) == ERR_NOT_FOUND)
        err = ERR_OK;
    crypto_request_free(&q);
    return err;
}
