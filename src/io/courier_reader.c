/* The bytes of a mail, in blocks: prefix, armor(head ‖ body file), suffix. */
#include "io/courier.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "codec/pgp_armor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES 49152 /* an armored block of it comes to 64 KiB and some */

enum stage { STAGE_PREFIX, STAGE_BODY, STAGE_SUFFIX, STAGE_END };

struct courier_reader {
    const struct courier_job *job;
    int fd; /* -1: no body */
    enum stage stage;
    uint64_t body_bytes, read_bytes;
    struct pgp_armor armor;
    struct buf out;
    uint8_t block[BLOCK_BYTES];
};

static enum err open_body(struct courier_reader *r, int bodies_fd, struct diag *why)
{
    struct stat st;

    if (!fsx_name_ok(r->job->body_file))
        return diag_set(why, ERR_AGAIN, "courier.body", "the name of a body is no name");
    r->fd = openat(bodies_fd, r->job->body_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (r->fd < 0 || fstat(r->fd, &st))
        return diag_errno(why, ERR_AGAIN, "courier.body", "opening a body");
    if (!S_ISREG(st.st_mode))
        return diag_set(why, ERR_AGAIN, "courier.body", "a body is no file");
    r->body_bytes = (uint64_t)st.st_size;
    return ERR_OK;
}

enum err courier_reader_open(const struct courier_job *job, int bodies_fd, struct courier_reader **out,
                             struct diag *why)
{
    struct courier_reader *r = mem_zero(1, sizeof *r);
    enum err err = ERR_OK;

    r->job = job;
    r->fd = -1;
    buf_init(&r->out, BUF_MAX_DEFAULT);
    if (job->body_file)
        err = open_body(r, bodies_fd, why);
    *out = r;
    if (err)
        courier_reader_free(out);
    return err;
}

uint64_t courier_reader_size(const struct courier_reader *r)
{
    uint64_t size = r->job->prefix.len;

    if (r->fd < 0)
        return size;
    return size + pgp_armor_size(PGP_ARMOR_MESSAGE, "\r\n", r->job->head.len + r->body_bytes) + r->job->suffix.len;
}

static ssize_t read_block(struct courier_reader *r)
{
    ssize_t n;

    do
        n = read(r->fd, r->block, sizeof r->block);
    while (n < 0 && errno == EINTR);
    return n;
}

/* One block of the body into out; at its end what is left of the armor. */
static enum err next_body(struct courier_reader *r, struct diag *why)
{
    ssize_t n;

    buf_clear(&r->out);
    if (!r->read_bytes) {
        pgp_armor_begin(&r->armor, PGP_ARMOR_MESSAGE, "\r\n", &r->out);
        pgp_armor_update(&r->armor, buf_span(&r->job->head), &r->out);
    }
    n = read_block(r);
    if (n < 0)
        return diag_errno(why, ERR_AGAIN, "courier.body", "reading a body");
    r->read_bytes += (uint64_t)n;
    pgp_armor_update(&r->armor, (struct span){r->block, (size_t)n}, &r->out);
    if (n > 0 && r->read_bytes < r->body_bytes)
        return ERR_OK;
    if (r->read_bytes != r->body_bytes)
        return diag_set(why, ERR_AGAIN, "courier.body", "a body has changed its size");
    pgp_armor_end(&r->armor, &r->out);
    r->stage = STAGE_SUFFIX;
    return ERR_OK;
}

enum err courier_reader_next(struct courier_reader *r, struct span *out, struct diag *why)
{
    enum err err = ERR_OK;

    *out = (struct span){0};
    while (!err && !out->len && r->stage != STAGE_END) {
        if (r->stage == STAGE_PREFIX) {
            *out = buf_span(&r->job->prefix);
            r->stage = r->fd < 0 ? STAGE_END : STAGE_BODY;
        } else if (r->stage == STAGE_BODY) {
            err = next_body(r, why);
            *out = err ? (struct span){0} : buf_span(&r->out);
        } else {
            *out = buf_span(&r->job->suffix);
            r->stage = STAGE_END;
        }
    }
    return err;
}

void courier_reader_free(struct courier_reader **r)
{
    if (!*r)
        return;
    fsx_close(&(*r)->fd);
    buf_free(&(*r)->out);
    free(*r);
    *r = NULL;
}

enum err courier_stream(const struct courier_job *job, int bodies_fd, courier_sink *sink, void *ctx, struct diag *why)
{
    struct courier_reader *r;
    struct span s = {0};
    enum err err = courier_reader_open(job, bodies_fd, &r, why);

    if (err)
        return err;
    while (!(err = courier_reader_next(r, &s, why)) && s.len)
        if (!sink(ctx, s.data, s.len)) {
            err = diag_set(why, ERR_AGAIN, "courier.sink", "the mail could not be handed over whole");
            break;
        }
    courier_reader_free(&r);
    return err;
}
