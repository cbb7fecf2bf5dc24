/* What a notice says across the process boundary: written by a worker that may be in hostile hands, read by core. */
#include "codec/dsn_parts.h"

#include "base/frame.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void dsn_put(const struct dsn *d, struct buf *out)
{
    frame_put_bool(out, d->by_fields);
    frame_put_str(out, d->original_message_id);
    frame_put_u32(out, (uint32_t)d->n);
    for (size_t i = 0; i < d->n; i++) {
        const struct dsn_recipient *r = &d->recipients[i];

        frame_put_str(out, r->address);
        frame_put_str(out, r->original);
        frame_put_u32(out, r->class);
        frame_put_str(out, r->status);
        frame_put_u32(out, (uint32_t)r->reply);
        frame_put_bool(out, r->given_up);
    }
}

/* A class there is, digits and dots, and a code of SMTP. */
static void get_recipient(struct frame_reader *r, struct dsn_recipient *to)
{
    char *status;
    uint32_t class, reply;

    *to = (struct dsn_recipient){.address = frame_get_text(r)};
    to->original = frame_get_text(r);
    class = frame_get_u32(r);
    status = frame_get_str(r);
    reply = frame_get_u32(r);
    to->given_up = frame_get_bool(r);
    if (class <= DSN_NOT || class > DSN_PERMANENT || reply > 599 || !status || strlen(status) >= sizeof to->status ||
        status[strspn(status, "0123456789.")])
        r->bad = true;
    if (!r->bad) {
        to->class = (enum dsn_class) class;
        to->reply = (int)reply;
        snprintf(to->status, sizeof to->status, "%s", status);
    }
    free(status);
}

enum err dsn_get(struct span in, struct dsn *out, struct diag *why)
{
    struct frame_reader r;
    uint32_t n;

    *out = (struct dsn){.n = 0};
    frame_reader_init(&r, in);
    out->by_fields = frame_get_bool(&r);
    out->original_message_id = frame_get_text(&r);
    n = frame_get_count(&r, 20);
    if (n > DSN_RECIPIENTS_MAX)
        r.bad = true;
    if (!r.bad && n) {
        out->recipients = mem_zero(n, sizeof *out->recipients);
        while (out->n < n && !r.bad)
            get_recipient(&r, &out->recipients[out->n++]);
    }
    if (frame_done(&r)) {
        dsn_sum_up(out);
        return ERR_OK;
    }
    dsn_free(out);
    return diag_set(why, ERR_REJECT, "dsn.frame", "a worker's answer is damaged");
}
