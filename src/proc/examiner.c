#include "proc/examiner.h"

#include "base/frame.h"
#include "base/mem.h"
#include "codec/pgp_wire.h"

#include <stdlib.h>

struct examination {
    struct core *core;
    int64_t list_id;
    struct buf in;
    bool merged; /* what is known was handed in */
    examiner_done *done;
    void *ctx;
};

static void submit(struct examination *e, struct span known);

static void end(struct examination *e, enum err err, const struct pgp_key_info *key, struct span certificate,
                const struct diag *why)
{
    e->done(e->ctx, err, key, certificate, why);
    buf_free(&e->in);
    free(e);
}

/* True where the list has the key: it is examined again, with what is known. */
static bool merge(struct examination *e, const char *fingerprint)
{
    struct key_row *key = mem_zero(1, sizeof *key);
    struct buf known = BUF_EMPTY;
    struct diag none;
    bool found = !e->merged && e->list_id &&
                 !key_by_fingerprint(e->core->flow.db, e->list_id, fingerprint, key, &none) &&
                 !key_certificate(e->core->flow.db, key->id, &known, &none) && known.len;

    if (found) {
        e->merged = true;
        submit(e, buf_span(&known));
    }
    buf_free(&known);
    free(key);
    return found;
}

static void take(struct examination *e, struct span facts, struct span certificate)
{
    struct pgp_key_info *key = mem_zero(1, sizeof *key);
    struct diag why;
    enum err err = ERR_OK;
    bool again = false;

    if (facts.len) {
        err = pgp_key_info_get(facts, key, &why);
        again = !err && merge(e, key->fingerprint);
    } else {
        char *revoked = mem_strndup(certificate.data, certificate.len);

        again = merge(e, revoked);
        if (!again)
            err = diag_set(&why, ERR_DENIED, "key.unknown", "no member or admin has the key that this revokes");
        free(revoked);
    }
    if (!again)
        end(e, err, err ? NULL : key, certificate, err ? &why : NULL);
    free(key);
}

static void answered(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct examination *e = ctx;
    struct frame_reader r;
    struct span facts, certificate;
    struct diag bad;

    if (err) {
        end(e, err, NULL, (struct span){NULL, 0}, why);
        return;
    }
    frame_reader_init(&r, reply);
    facts = frame_get_bytes(&r);
    certificate = frame_get_bytes(&r);
    if (!frame_done(&r)) {
        err = diag_set(&bad, ERR_INTERNAL, "worker.frame", "a worker's answer is damaged");
        end(e, err, NULL, (struct span){NULL, 0}, &bad);
        return;
    }
    take(e, facts, certificate);
}

static void submit(struct examination *e, struct span known)
{
    struct buf request = BUF_EMPTY;

    frame_put_i64(&request, core_gpg_time(e->core));
    frame_put_str(&request, e->core->homes);
    frame_put_buf(&request, &e->in);
    frame_put_bytes(&request, known.data, known.len);
    pool_submit(e->core->pool, WORKER_CRYPTO, CRYPTO_UPDATE, &request, answered, e);
}

void examiner_start(struct core *core, int64_t list_id, struct span in, examiner_done *done, void *ctx)
{
    struct examination *e = mem_zero(1, sizeof *e);
    size_t most = PGP_KEY_RAW_MAX + 1; /* a byte too many is enough for the worker to refuse it by its size */

    e->core = core;
    e->list_id = list_id;
    e->done = done;
    e->ctx = ctx;
    buf_init(&e->in, most);
    buf_add(&e->in, in.data, in.len < most ? in.len : most);
    submit(e, (struct span){NULL, 0});
}
