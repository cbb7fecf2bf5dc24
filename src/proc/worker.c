#include "proc/worker.h"

#include "base/frame.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "codec/charset.h"
#include "codec/pgp_home.h"
#include "proc/confine.h"

#include <unistd.h>

/* Enough for 100 MiB of plaintext in all the copies that parsing and decoding make. */
#define MIME_MEMORY_BYTES   ((size_t)2 << 30)
#define CRYPTO_MEMORY_BYTES ((size_t)4 << 30)
#define WORKER_CPU_SECONDS  120

bool worker_said_ready(struct span bytes)
{
    struct span payload;
    uint32_t type;
    size_t used;

    return frame_next(bytes, 0, &type, &payload, &used) == ERR_OK && type == WORKER_READY && used == bytes.len;
}

static enum err give_up(enum worker_kind kind, const struct worker_start *start, struct diag *why)
{
    enum err err = sandbox_common(why);

    if (!err)
        err = sandbox_worker(WORKER_CPU_SECONDS, kind == WORKER_MIME ? MIME_MEMORY_BYTES : CRYPTO_MEMORY_BYTES, why);
    if (!err && kind == WORKER_CRYPTO && start->homes && start->sandbox)
        err = confine_crypto(start->homes, settings_sandbox_word(start->sandbox), why);
    if (err || kind != WORKER_MIME)
        return err;
    charset_open_all();
    return sandbox_compute_only(why);
}

static enum err answer(enum err result, const struct buf *reply, const struct diag *why)
{
    struct buf words = BUF_EMPTY;
    enum err err;

    if (!result)
        return frame_send(WORKER_FD, 0, buf_span(reply), NULL);
    frame_put_str(&words, why->rule);
    frame_put_str(&words, why->text);
    err = frame_send(WORKER_FD, (uint32_t)result, buf_span(&words), NULL);
    buf_free(&words);
    return err;
}

int worker_main(enum worker_kind kind, const struct worker_start *start)
{
    struct buf request = BUF_EMPTY, reply = BUF_EMPTY;
    struct diag why = {0};
    uint32_t op = 0;
    enum err err;

    log_set_role(kind == WORKER_MIME ? "mime" : "crypto");
    reply.max = FRAME_PAYLOAD_MAX;
    err = give_up(kind, start, &why);
    if (!err && kind == WORKER_CRYPTO)
        pgp_home_warm(start->warm, start->n_warm);
    if (!err)
        err = frame_send(WORKER_FD, WORKER_READY, (struct span){NULL, 0}, &why);
    if (!err)
        err = frame_receive(WORKER_FD, FRAME_PAYLOAD_MAX, &op, &request, &why);
    if (err) {
        log_diag(NULL, "worker-start-failed", &why);
        return 1;
    }
    err = kind == WORKER_MIME ? worker_mime_do(op, buf_span(&request), &reply, &why)
                              : worker_crypto_do(op, buf_span(&request), &reply, &why);
    if (!err && reply.over)
        err = diag_set(&why, ERR_LIMIT, "too-large", "the answer of a worker is over the limit");
    err = answer(err, &reply, &why);
    buf_free(&request);
    buf_free(&reply);
    return err ? 1 : 0;
}
