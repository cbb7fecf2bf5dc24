#include "proc/quarantine.h"

#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/worker.h"
#include "store/applications.h"

#include <stdlib.h>

#define PAUSE_MS 2000 /* after a failure */

struct quarantine {
    struct core *core;
    bool running;
    int64_t id; /* of the application under way */
    enum application_quarantine wanted;
    int64_t not_before_ms;
};

struct quarantine *quarantine_new(struct core *core)
{
    struct quarantine *q = mem_zero(1, sizeof *q);

    q->core = core;
    return q;
}

void quarantine_free(struct quarantine **q)
{
    free(*q);
    *q = NULL;
}

bool quarantine_busy(const struct quarantine *q)
{
    return q->running;
}

static void done(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct quarantine *q = ctx;
    struct diag record;

    (void)reply;
    q->running = false;
    if (err)
        log_diag(NULL, "quarantine-failed", why);
    if (err && err != ERR_REJECT) {
        q->not_before_ms = clock_monotonic_ms() + PAUSE_MS;
        return;
    }
    /* What gpg does not take after all proves nothing, and is not tried again. */
    if (application_quarantine_done(q->core->flow.db, q->id,
                                    err || q->wanted == QUARANTINE_TO_DELETE ? QUARANTINE_NONE : QUARANTINE_IN,
                                    &record))
        log_diag(NULL, "quarantine-failed", &record);
}

static enum err begin(struct quarantine *q, const struct application_row *row, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(&q->core->flow, row->list_id, why);
    struct pgp_key_info *facts = mem_zero(1, sizeof *facts);
    struct buf certificate = BUF_EMPTY, request = BUF_EMPTY;
    enum err err = list ? application_key(q->core->flow.db, row->id, facts, &certificate, why) : ERR_NOT_FOUND;
    char *home;

    if (!err) {
        if (row->quarantine == QUARANTINE_TO_DELETE)
            buf_clear(&certificate);
        home = settings_gnupg(q->core->settings, list->name, "quarantine");
        frame_put_i64(&request, core_gpg_time(q->core));
        frame_put_str(&request, home);
        frame_put_str(&request, facts->fingerprint);
        frame_put_buf(&request, &certificate);
        q->running = true;
        q->id = row->id;
        q->wanted = row->quarantine;
        pool_submit(q->core->pool, WORKER_CRYPTO, CRYPTO_QUARANTINE, &request, done, q);
        free(home);
    }
    buf_free(&certificate);
    free(facts);
    return err;
}

void quarantine_tick(struct quarantine *q)
{
    struct application_row row = {0};
    struct diag why;

    if (q->running || clock_monotonic_ms() < q->not_before_ms)
        return;
    if (!application_quarantine_next(q->core->flow.db, &row, &why) && begin(q, &row, &why)) {
        log_diag(NULL, "quarantine-failed", &why);
        q->not_before_ms = clock_monotonic_ms() + PAUSE_MS;
    }
    application_row_free(&row);
}
