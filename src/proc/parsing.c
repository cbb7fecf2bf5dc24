#include "proc/parsing.h"

#include "base/frame.h"

void parsing_submit(struct core *core, enum worker_op op, size_t message_bytes, struct span raw, pool_done *done,
                    void *ctx)
{
    const struct settings_limits *l = &core->settings->limits;
    struct buf request = BUF_EMPTY;

    frame_put_u64(&request, message_bytes);
    frame_put_u64(&request, l->header_block_bytes);
    frame_put_u64(&request, l->header_line_bytes);
    frame_put_u64(&request, l->parts);
    frame_put_u64(&request, l->depth);
    frame_put_u64(&request, MIME_LIMITS_DEFAULT.comments);
    frame_put_span(&request, raw);
    pool_submit(core->pool, WORKER_MIME, op, &request, done, ctx);
}

static bool is_part(int64_t part, const struct mime_message *msg)
{
    return part >= -1 && part < (int64_t)msg->n_parts;
}

static bool has_its_parts(const struct parsed *p)
{
    switch (p->shape) {
    case MIME_PGP_ENCRYPTED:
        return p->part_b >= 0;
    case MIME_PGP_SIGNED:
        return p->part_a >= 0 && p->part_b >= 0;
    case MIME_INLINE_PGP:
    case MIME_SMIME:
        return p->part_a >= 0;
    default:
        return true;
    }
}

bool parsing_take(struct span reply, size_t raw_len, struct mime_message *msg, struct dsn *dsn, struct parsed *out)
{
    struct frame_reader r;
    struct span packed;
    struct diag why;
    uint32_t shape;
    int64_t a, b;

    frame_reader_init(&r, reply);
    packed = frame_get_bytes(&r);
    shape = frame_get_u32(&r);
    a = frame_get_i64(&r);
    b = frame_get_i64(&r);
    out->text = frame_get_bytes(&r);
    out->secret = frame_get_bool(&r);
    if ((dsn && dsn_get(frame_get_bytes(&r), dsn, &why)) || !frame_done(&r) || shape > MIME_OTHER ||
        mime_message_get(packed, raw_len, msg, &why) || !is_part(a, msg) || !is_part(b, msg))
        return false;
    out->shape = (enum mime_shape)shape;
    out->part_a = (int)a;
    out->part_b = (int)b;
    return has_its_parts(out);
}
