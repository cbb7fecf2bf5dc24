#include "proc/table_keys.h"

#include "base/frame.h"
#include "base/mem.h"
#include "flow/import_table.h"

#include <stdlib.h>

#define BATCH_KEYS  100
#define BATCH_BYTES ((size_t)32 << 20)

struct batch {
    struct table_keys *all;
    struct buf request; /* the keys, as frames */
    struct buf reply;
    uint32_t n;
};

struct table_keys {
    struct core *core;
    struct batch *batches;
    size_t n, left;
    enum err err;
    struct diag why;
    table_keys_done *done;
    void *ctx;
};

static void release(struct table_keys *t)
{
    for (size_t i = 0; i < t->n; i++) {
        buf_free(&t->batches[i].request);
        buf_free(&t->batches[i].reply);
    }
    free(t->batches);
    free(t);
}

static void finish(struct table_keys *t)
{
    struct buf packed = BUF_EMPTY;

    for (size_t i = 0; i < t->n; i++)
        buf_add_buf(&packed, &t->batches[i].reply);
    t->done(t->ctx, t->err, buf_span(&packed), &t->why);
    buf_free(&packed);
    release(t);
}

static void examined(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct batch *b = ctx;
    struct table_keys *t = b->all;

    if (err && !t->err) {
        t->err = err;
        t->why = *why;
    }
    if (!err)
        buf_add(&b->reply, reply.data, reply.len);
    if (--t->left == 0)
        finish(t);
}

static struct batch *batch_with_room(struct table_keys *t, size_t len)
{
    struct batch *b = t->n ? &t->batches[t->n - 1] : NULL;

    if (b && b->n < BATCH_KEYS && b->request.len + len < BATCH_BYTES)
        return b;
    t->batches = mem_resize(t->batches, t->n + 1, sizeof *t->batches);
    b = &t->batches[t->n++];
    *b = (struct batch){.request = BUF_EMPTY, .reply = BUF_EMPTY};
    return b;
}

static enum err gather(struct table_keys *t, struct span csv, struct diag *why)
{
    struct import_reader r;
    enum err err = import_begin(&r, csv, why);

    while (!err && import_next(&r, &err, why)) {
        struct batch *b;

        if (!import_has_armor(&r))
            continue;
        b = batch_with_room(t, r.csv.fields[r.place[IMPORT_KEY]].len);
        frame_put_buf(&b->request, &r.csv.fields[r.place[IMPORT_KEY]]);
        b->n++;
    }
    import_end(&r);
    return err;
}

static void submit(struct table_keys *t, struct batch *b)
{
    struct buf request = BUF_EMPTY;

    frame_put_i64(&request, core_gpg_time(t->core));
    frame_put_str(&request, t->core->homes);
    frame_put_u32(&request, b->n);
    buf_add_buf(&request, &b->request);
    b->all = t;
    pool_submit(t->core->pool, WORKER_CRYPTO, CRYPTO_EXAMINE_MANY, &request, examined, b);
}

enum err table_keys_start(struct core *core, struct span csv, table_keys_done *done, void *ctx, struct diag *why)
{
    struct table_keys *t = mem_zero(1, sizeof *t);
    enum err err;

    t->core = core;
    t->done = done;
    t->ctx = ctx;
    err = gather(t, csv, why);
    if (err) {
        release(t);
        return err;
    }
    /* A table without a key still has one batch, so that it is answered like the others. */
    if (!t->n)
        batch_with_room(t, 0);
    t->left = t->n;
    for (size_t i = 0; i < t->n; i++)
        submit(t, &t->batches[i]);
    return ERR_OK;
}
