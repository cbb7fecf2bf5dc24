#include "proc/worker.h"

#include "base/frame.h"
#include "codec/dsn.h"
#include "codec/mime.h"
#include "codec/mime_secret.h"

/* Bytes of readable text that are worth showing; what is longer is cut and says so. */
#define TEXT_MAX_BYTES ((size_t)4 << 20)

static void get_limits(struct frame_reader *r, struct mime_limits *limits)
{
    limits->message_bytes = (size_t)frame_get_u64(r);
    limits->header_block_bytes = (size_t)frame_get_u64(r);
    limits->header_line_bytes = (size_t)frame_get_u64(r);
    limits->parts = (size_t)frame_get_u64(r);
    limits->depth = (size_t)frame_get_u64(r);
    limits->comments = (size_t)frame_get_u64(r);
}

static void put_text(struct span raw, const struct mime_message *m, enum mime_shape shape, int part_a, int part_b,
                     struct buf *reply)
{
    struct buf text = BUF_EMPTY;
    struct diag why;
    bool covers_a_part = shape == MIME_PGP_SIGNED || (shape == MIME_SMIME && part_b >= 0);
    int root = covers_a_part ? part_a : 0;

    text.max = shape == MIME_INLINE_PGP ? BUF_MAX_DEFAULT : TEXT_MAX_BYTES;
    if (shape == MIME_PGP_ENCRYPTED)
        mime_outside_text(raw, m, part_b, &text);
    else if (shape == MIME_INLINE_PGP)
        mime_inline_block(raw, &m->parts[part_a], &text, &why);
    else if (mime_readable_part(raw, m, root, &text, &why) == ERR_LIMIT) {
        static const char cut[] = "\n[the text is longer and was cut here]\n";
        text.over = false;
        text.max = TEXT_MAX_BYTES + sizeof cut;
        buf_add_str(&text, cut);
    }
    frame_put_buf(reply, &text);
    buf_free(&text);
}

static void put_dsn(struct span raw, const struct mime_message *m, struct buf *reply)
{
    struct buf packed = BUF_EMPTY;
    struct dsn d;

    dsn_read(raw, m, &d);
    dsn_put(&d, &packed);
    frame_put_buf(reply, &packed);
    dsn_free(&d);
    buf_free(&packed);
}

static enum err parse(uint32_t op, struct span request, struct buf *reply, struct diag *why)
{
    struct mime_message m;
    struct mime_limits limits;
    struct pgp_secrets found = {0};
    struct frame_reader r;
    struct buf packed = BUF_EMPTY;
    struct span raw;
    enum mime_shape shape;
    int a = -1, b = -1;
    enum err err;

    frame_reader_init(&r, request);
    get_limits(&r, &limits);
    raw = frame_get_bytes(&r);
    if (!frame_done(&r))
        return diag_set(why, ERR_INTERNAL, "frame.bad", "a request to a worker is damaged");
    err = mime_parse(raw, &limits, &m, why);
    if (err)
        return err;
    shape = mime_shape(&m, raw, &a, &b);
    mime_message_put(&m, &packed);
    frame_put_buf(reply, &packed);
    frame_put_u32(reply, shape);
    frame_put_i64(reply, a);
    frame_put_i64(reply, b);
    put_text(raw, &m, shape, a, b, reply);
    frame_put_bool(reply, mime_secret_in(raw, &m, &found));
    if (op == MIME_PARSE_CAME)
        put_dsn(raw, &m, reply);
    buf_free(&packed);
    mime_message_free(&m);
    return ERR_OK;
}

enum err worker_mime_do(uint32_t op, struct span request, struct buf *reply, struct diag *why)
{
    if (op != MIME_PARSE && op != MIME_PARSE_CAME)
        return diag_set(why, ERR_INTERNAL, "frame.bad", "a mime worker does not know operation %u", op);
    return parse(op, request, reply, why);
}
