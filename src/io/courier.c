#include "io/courier.h"

#include "base/fsx.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "codec/pgp_armor.h"
#include "io/deliver_maildir.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES 65536

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

static enum err sink_refused(struct diag *why)
{
    return diag_set(why, ERR_AGAIN, "courier.sink", "the mail could not be handed over whole");
}

static enum err stream_armor(const struct courier_job *job, int body_fd, courier_sink *sink, void *ctx,
                             struct diag *why)
{
    struct buf out = BUF_EMPTY;
    struct pgp_armor armor;
    uint8_t block[BLOCK_BYTES];
    bool ok = true;
    ssize_t n = 0;

    pgp_armor_begin(&armor, PGP_ARMOR_MESSAGE, "\r\n", &out);
    pgp_armor_update(&armor, buf_span(&job->head), &out);
    while (ok && (n = read(body_fd, block, sizeof block)) > 0) {
        pgp_armor_update(&armor, (struct span){block, (size_t)n}, &out);
        ok = sink(ctx, out.data, out.len);
        buf_clear(&out);
    }
    pgp_armor_end(&armor, &out);
    ok = ok && n == 0 && sink(ctx, out.data, out.len);
    buf_free(&out);
    return ok ? ERR_OK : sink_refused(why);
}

enum err courier_stream(const struct courier_job *job, int bodies_fd, courier_sink *sink, void *ctx, struct diag *why)
{
    enum err err = ERR_OK;
    int fd;

    if (!sink(ctx, job->prefix.data, job->prefix.len))
        return sink_refused(why);
    if (!job->body_file)
        return ERR_OK;
    if (!fsx_name_ok(job->body_file))
        return diag_set(why, ERR_AGAIN, "courier.body", "the name of a body is no name");
    fd = openat(bodies_fd, job->body_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return diag_errno(why, ERR_AGAIN, "courier.body", "opening a body");
    err = stream_armor(job, fd, sink, ctx, why);
    close(fd);
    if (!err && !sink(ctx, job->suffix.data, job->suffix.len))
        err = sink_refused(why);
    return err;
}

/* ---- Maildirs ---- */

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
    struct maildir_sink sink = {.why = why};
    enum err err = deliver_maildir_begin(root, job->recipient, job->delivery_id, job->sender, &sink.delivery, why);

    if (!err)
        err = courier_stream(job, bodies_fd, write_maildir, &sink, why);
    if (!err)
        return deliver_maildir_commit(&sink.delivery, why);
    deliver_maildir_abandon(&sink.delivery);
    return sink.err ? sink.err : err;
}

static enum err report(int fd, int64_t job, enum courier_outcome outcome, const char *code, struct diag *why)
{
    struct buf out = BUF_EMPTY;
    enum err err;

    frame_put_i64(&out, job);
    frame_put_u32(&out, outcome);
    frame_put_str(&out, code);
    frame_put_str(&out, NULL);
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

int courier_main(const struct settings *settings, bool rehearsal, int fd)
{
    char *root = settings_path(settings, "mail"), *bodies = settings_path(settings, "state/bodies");
    struct buf payload = {.max = FRAME_PAYLOAD_MAX};
    struct diag why = {0};
    int bodies_fd = -1;
    uint32_t type;
    enum err err = sandbox_common(&why);

    (void)rehearsal; /* a rehearsal delivers into Maildirs whatever is configured, and so far nothing else is */
    log_set_role("courier");
    if (!err)
        err = fsx_open_dir(AT_FDCWD, bodies, &bodies_fd, &why);
    while (!err) {
        err = frame_receive(fd, FRAME_PAYLOAD_MAX, &type, &payload, &why);
        if (!err && type != COURIER_DELIVER)
            err = diag_set(&why, ERR_REJECT, "frame.bad", "core sent a frame of another type");
        if (!err)
            err = do_job(root, bodies_fd, fd, buf_span(&payload), &why);
    }
    if (strcmp(why.rule, "frame.short") != 0)
        log_diag(NULL, "courier-ended", &why);
    fsx_close(&bodies_fd);
    buf_free(&payload);
    free(root);
    free(bodies);
    return strcmp(why.rule, "frame.short") == 0 ? 0 : 1;
}
