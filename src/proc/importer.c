/* Certificates that were recorded go into the GnuPG homes of their shards, many at a time. */
#include "proc/core.h"
#include "proc/quarantine.h"

#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>

#define IMPORT_MAX 100

struct importer {
    struct core *core;
    bool running;
    bool waiting; /* the last look found keys to import */
    struct quarantine *quarantine;
    int64_t ids[IMPORT_MAX];
    size_t n;
};

struct importer *importer_new(struct core *core)
{
    struct importer *i = mem_zero(1, sizeof *i);

    i->core = core;
    i->quarantine = quarantine_new(core);
    return i;
}

void importer_free(struct importer **i)
{
    if (*i)
        quarantine_free(&(*i)->quarantine);
    free(*i);
    *i = NULL;
}

bool importer_busy(const struct importer *i)
{
    return i->running || i->waiting || quarantine_busy(i->quarantine);
}

static void imported(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct importer *im = ctx;
    struct frame_reader r;
    struct diag record;
    uint32_t n;

    im->running = false;
    if (err) {
        log_diag(NULL, "import-failed", why);
        return;
    }
    frame_reader_init(&r, reply);
    n = frame_get_u32(&r);
    if (n != im->n || db_begin(im->core->flow.db, &record))
        return;
    for (size_t i = 0; i < im->n; i++) {
        /* A certificate that gpg does not take now was examined before: it is marked, and its copies fail by key. */
        if (!frame_get_bool(&r))
            log_event(NULL, "import-refused", "key.not-taken", "key=%lld", (long long)im->ids[i]);
        key_set_imported(im->core->flow.db, im->ids[i], &record);
    }
    if (db_commit(im->core->flow.db, &record))
        db_rollback(im->core->flow.db);
}

/* The waiting keys of one shard. */
static void gather(struct importer *im, const struct settings_list **list, int64_t *shard, struct buf *certificates)
{
    int64_t waiting[IMPORT_MAX];
    size_t n = 0;
    struct key_row *key = mem_zero(1, sizeof *key);
    struct diag why;

    im->n = 0;
    *list = NULL;
    if (key_waiting(im->core->flow.db, waiting, IMPORT_MAX, &n, &why))
        log_diag(NULL, "import-failed", &why);
    for (size_t i = 0; i < n; i++) {
        struct buf certificate = BUF_EMPTY;

        if (key_by_id(im->core->flow.db, waiting[i], key, &why))
            continue;
        if (!*list) {
            *list = flow_list_of_row(&im->core->flow, key->list_id, &why);
            *shard = key->shard;
        }
        if (!*list || key->shard != *shard || key_certificate(im->core->flow.db, key->id, &certificate, &why))
            continue;
        frame_put_buf(certificates, &certificate);
        im->ids[im->n++] = key->id;
        buf_free(&certificate);
    }
    free(key);
}

void importer_tick(struct importer *im)
{
    const struct settings_list *list;
    struct buf certificates = BUF_EMPTY, request = BUF_EMPTY;
    int64_t shard = 0;
    char *home;

    quarantine_tick(im->quarantine);
    if (im->running)
        return;
    gather(im, &list, &shard, &certificates);
    im->waiting = im->n > 0;
    if (im->n) {
        home = settings_shard(im->core->settings, list->name, shard);
        frame_put_i64(&request, core_gpg_time(im->core));
        frame_put_str(&request, home);
        frame_put_u32(&request, (uint32_t)im->n);
        buf_add_buf(&request, &certificates);
        im->running = true;
        pool_submit(im->core->pool, WORKER_CRYPTO, CRYPTO_IMPORT, &request, imported, im);
        free(home);
    }
    buf_free(&certificates);
}
