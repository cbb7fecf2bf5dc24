#include "io/courier_mail.h"

#include "codec/addr.h"

#include <string.h>

void courier_mail_init(struct courier_mail *m, int bodies_fd)
{
    memset(m, 0, sizeof *m);
    m->bodies_fd = bodies_fd;
    buf_init(&m->block, BUF_MAX_DEFAULT);
}

static bool addresses_ok(const struct courier_job *job)
{
    char out[ADDR_MAX_BYTES + 1];

    return !addr_check(span_of(job->recipient), out, NULL) &&
           (!*job->sender || !addr_check(span_of(job->sender), out, NULL));
}

enum err courier_mail_open(struct courier_mail *m, struct span payload, struct diag *why)
{
    int64_t id;
    enum err err = courier_job_get(payload, &m->job, why);

    m->used = m->whole = m->broken = false;
    m->last = 0;
    if (err)
        return err;
    id = m->job.id;
    if (!addresses_ok(&m->job))
        err = diag_set(why, ERR_REJECT, "smtp.address",
                       "the address cannot be written in SMTP: correct it with member contact");
    else
        err = courier_reader_open(&m->job, m->bodies_fd, &m->reader, why);
    m->open = !err;
    if (err) {
        courier_mail_close(m);
        m->job.id = id;
    }
    return err;
}

void courier_mail_close(struct courier_mail *m)
{
    courier_reader_free(&m->reader);
    courier_job_free(&m->job);
    m->open = false;
}

void courier_mail_free(struct courier_mail *m)
{
    courier_mail_close(m);
    buf_free(&m->block);
}

uint64_t courier_mail_size(const struct courier_mail *m)
{
    return courier_reader_size(m->reader);
}

bool courier_mail_rewind(struct courier_mail *m)
{
    m->whole = false;
    m->broken = !m->open;
    if (m->used && m->open) {
        courier_reader_free(&m->reader);
        m->used = false;
        m->last = 0;
        m->broken = courier_reader_open(&m->job, m->bodies_fd, &m->reader, &m->why) != ERR_OK;
    }
    return !m->broken;
}

static void add_lines(struct courier_mail *m, struct span in)
{
    while (in.len) {
        const uint8_t *lf = memchr(in.data, '\n', in.len);
        size_t n = lf ? (size_t)(lf - in.data) : in.len;
        uint8_t before = n ? in.data[n - 1] : m->last;

        buf_add(&m->block, in.data, n);
        if (lf) {
            buf_add_str(&m->block, before == '\r' ? "\n" : "\r\n");
            n++;
        }
        m->last = in.data[n - 1];
        in.data += n;
        in.len -= n;
    }
}

bool courier_mail_next(struct courier_mail *m, struct span *out)
{
    struct span block = {0};

    *out = block;
    if (!m->open || m->broken)
        return false;
    m->used = true;
    m->broken = courier_reader_next(m->reader, &block, &m->why) != ERR_OK;
    if (m->broken)
        return false;
    buf_clear(&m->block);
    add_lines(m, block);
    m->whole = !block.len;
    *out = buf_span(&m->block);
    return true;
}
