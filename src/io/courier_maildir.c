#include "io/courier_maildir.h"

#include "base/log.h"
#include "io/courier.h"
#include "io/deliver_maildir.h"

#include <stdlib.h>
#include <string.h>

struct maildir_sink {
    struct maildir_delivery *delivery;
    enum err err;
    struct diag *why;
};

static bool write_maildir(void *ctx, const void *bytes, size_t len)
{
    struct maildir_sink *s = ctx;

    s->err = deliver_maildir_write(s->delivery, bytes, len, s->why);
    return !s->err;
}

static enum err deliver(const char *root, int bodies_fd, const struct courier_job *job, struct diag *why)
{
    struct diag sink_why = {0};
    struct maildir_sink sink = {.why = &sink_why};
    enum err err = deliver_maildir_begin(root, job->recipient, job->delivery_id, job->sender, &sink.delivery, why);

    if (!err)
        err = courier_stream(job, bodies_fd, write_maildir, &sink, why);
    if (!err)
        return deliver_maildir_commit(&sink.delivery, why);
    deliver_maildir_abandon(&sink.delivery);
    if (sink.err)
        *why = sink_why; /* the cause, rather than that the streaming ended */
    return sink.err ? sink.err : err;
}

static enum err report(int fd, int64_t job, enum courier_outcome outcome, const char *code, struct diag *why)
{
    struct buf out = BUF_EMPTY;
    enum err err;

    courier_result_put(job, outcome, code, NULL, &out);
    err = frame_send(fd, COURIER_RESULT, buf_span(&out), why);
    buf_free(&out);
    return err;
}

static enum err do_job(const char *root, int bodies_fd, int fd, struct span payload, struct diag *why)
{
    struct courier_job job = {0};
    struct diag reason = {0};
    enum err err = courier_job_get(payload, &job, why);
    enum courier_outcome outcome;

    if (err)
        return err;
    err = deliver(root, bodies_fd, &job, &reason);
    outcome = !err ? COURIER_SENT : err == ERR_USAGE || err == ERR_REJECT ? COURIER_FAILED : COURIER_DEFERRED;
    if (err)
        log_diag(NULL, "delivery-failed", &reason);
    err = report(fd, job.id, outcome, outcome == COURIER_SENT ? "250 2.0.0" : reason.rule, why);
    courier_job_free(&job);
    return err;
}

enum err courier_maildir_run(const struct settings *settings, int bodies_fd, int fd, struct diag *why)
{
    char *root = settings_path(settings, "mail");
    struct buf payload = {.max = FRAME_PAYLOAD_MAX};
    uint32_t type;
    enum err err = ERR_OK;

    while (!err) {
        err = frame_receive(fd, FRAME_PAYLOAD_MAX, &type, &payload, why);
        if (err && strcmp(why->rule, "frame.short") == 0) {
            err = ERR_OK;
            break;
        }
        if (!err && type != COURIER_DELIVER)
            err = diag_set(why, ERR_REJECT, "frame.bad", "core sent a frame of another type");
        if (!err)
            err = do_job(root, bodies_fd, fd, buf_span(&payload), why);
    }
    buf_free(&payload);
    free(root);
    return err;
}
