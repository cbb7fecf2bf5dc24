#include "io/courier.h"

#include "base/fsx.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/courier_maildir.h"
#include "io/courier_pool.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

void courier_job_put(const struct courier_job *job, struct buf *out)
{
    frame_put_i64(out, job->id);
    frame_put_str(out, job->delivery_id);
    frame_put_str(out, job->sender);
    frame_put_str(out, job->recipient);
    frame_put_buf(out, &job->prefix);
    frame_put_buf(out, &job->head);
    frame_put_str(out, job->body_file);
    frame_put_buf(out, &job->suffix);
}

static void get_buf(struct frame_reader *r, struct buf *out)
{
    struct span s = frame_get_bytes(r);

    buf_init(out, FRAME_PAYLOAD_MAX);
    buf_add(out, s.data, s.len);
}

enum err courier_job_get(struct span payload, struct courier_job *out, struct diag *why)
{
    struct frame_reader r;

    frame_reader_init(&r, payload);
    out->id = frame_get_i64(&r);
    out->delivery_id = frame_get_str(&r);
    out->sender = frame_get_str(&r);
    out->recipient = frame_get_str(&r);
    get_buf(&r, &out->prefix);
    get_buf(&r, &out->head);
    out->body_file = frame_get_str(&r);
    get_buf(&r, &out->suffix);
    if (frame_done(&r) && out->delivery_id && out->sender && out->recipient)
        return ERR_OK;
    courier_job_free(out);
    return diag_set(why, ERR_REJECT, "frame.bad", "a courier's job is damaged");
}

void courier_job_free(struct courier_job *job)
{
    free(job->delivery_id);
    free(job->sender);
    mem_free_secret(&job->recipient);
    buf_free(&job->prefix);
    buf_free(&job->head);
    buf_free(&job->suffix);
    free(job->body_file);
    memset(job, 0, sizeof *job);
}

void courier_result_put(int64_t job, enum courier_outcome outcome, const char *code, const char *queue_id,
                        struct buf *out)
{
    frame_put_i64(out, job);
    frame_put_u32(out, outcome);
    frame_put_str(out, code);
    frame_put_str(out, queue_id);
}

int courier_main(const struct settings *settings, bool rehearsal, int fd)
{
    char *bodies = settings_path(settings, "state/bodies");
    struct diag why = {0};
    int bodies_fd = -1;
    enum err err;

    signal(SIGPIPE, SIG_IGN);
    err = fsx_open_dir(AT_FDCWD, bodies, &bodies_fd, &why);
    /* A rehearsal never reaches anybody, whatever is configured. */
    if (!err && settings->courier == COURIER_SMTP && !rehearsal)
        err = courier_pool_run(settings, bodies_fd, fd, &why);
    else if (!err)
        err = courier_maildir_run(settings, bodies_fd, fd, &why);
    if (err)
        log_diag(NULL, "courier-ended", &why);
    fsx_close(&bodies_fd);
    free(bodies);
    return err ? 1 : 0;
}
