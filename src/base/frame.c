#include "base/frame.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STR_NULL UINT32_MAX
#define TEXT_MAX ((size_t)1 << 20)

static void store_be32(uint8_t out[4], uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t load_be32(const uint8_t in[4])
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

void frame_put_u32(struct buf *b, uint32_t value)
{
    uint8_t bytes[4];

    store_be32(bytes, value);
    buf_add(b, bytes, sizeof bytes);
}

void frame_put_u64(struct buf *b, uint64_t value)
{
    frame_put_u32(b, (uint32_t)(value >> 32));
    frame_put_u32(b, (uint32_t)value);
}

void frame_put_i64(struct buf *b, int64_t value)
{
    frame_put_u64(b, (uint64_t)value);
}

void frame_put_bool(struct buf *b, bool value)
{
    frame_put_u32(b, value ? 1 : 0);
}

void frame_put_bytes(struct buf *b, const void *bytes, size_t len)
{
    if (len >= STR_NULL) {
        b->over = true;
        return;
    }
    frame_put_u32(b, (uint32_t)len);
    buf_add(b, bytes, len);
}

void frame_put_buf(struct buf *b, const struct buf *bytes)
{
    if (bytes->over)
        b->over = true;
    frame_put_bytes(b, bytes->data, bytes->len);
}

void frame_put_span(struct buf *b, struct span bytes)
{
    frame_put_bytes(b, bytes.data, bytes.len);
}

void frame_put_str(struct buf *b, const char *s)
{
    if (s)
        frame_put_bytes(b, s, strlen(s));
    else
        frame_put_u32(b, STR_NULL);
}

void frame_reader_init(struct frame_reader *r, struct span payload)
{
    *r = (struct frame_reader){payload.data, payload.len, false};
}

static const uint8_t *take(struct frame_reader *r, size_t n)
{
    const uint8_t *at = r->at;

    if (r->bad || r->left < n) {
        r->bad = true;
        return NULL;
    }
    if (n) {
        r->at += n;
        r->left -= n;
    }
    return at;
}

uint32_t frame_get_u32(struct frame_reader *r)
{
    const uint8_t *p = take(r, 4);

    return p ? load_be32(p) : 0;
}

uint64_t frame_get_u64(struct frame_reader *r)
{
    uint64_t high = frame_get_u32(r), low = frame_get_u32(r);

    return r->bad ? 0 : high << 32 | low;
}

int64_t frame_get_i64(struct frame_reader *r)
{
    return (int64_t)frame_get_u64(r);
}

bool frame_get_bool(struct frame_reader *r)
{
    uint32_t v = frame_get_u32(r);

    if (v > 1)
        r->bad = true;
    return v == 1;
}

struct span frame_get_bytes(struct frame_reader *r)
{
    uint32_t len = frame_get_u32(r);
    const uint8_t *p = take(r, len);

    return r->bad ? (struct span){NULL, 0} : (struct span){p, len};
}

char *frame_get_str(struct frame_reader *r)
{
    uint32_t len = frame_get_u32(r);
    const uint8_t *p;

    if (r->bad || len == STR_NULL)
        return NULL;
    p = take(r, len);
    if (r->bad)
        return NULL;
    if (len && memchr(p, 0, len)) {
        r->bad = true;
        return NULL;
    }
    return mem_strndup(p, len);
}

char *frame_get_text(struct frame_reader *r)
{
    char *s = frame_get_str(r);

    if (s && strlen(s) > TEXT_MAX)
        r->bad = true;
    for (const char *c = s; c && *c && !r->bad; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            r->bad = true;
    return s;
}

uint32_t frame_get_count(struct frame_reader *r, size_t min_item_bytes)
{
    uint32_t n = frame_get_u32(r);

    if (n > r->left / (min_item_bytes ? min_item_bytes : 1))
        r->bad = true;
    return r->bad ? 0 : n;
}

bool frame_done(const struct frame_reader *r)
{
    return !r->bad && r->left == 0;
}

void frame_write(struct buf *out, uint32_t type, struct span payload)
{
    if (payload.len > FRAME_PAYLOAD_MAX) {
        out->over = true;
        return;
    }
    frame_put_u32(out, (uint32_t)payload.len);
    frame_put_u32(out, type);
    buf_add(out, payload.data, payload.len);
}

enum err frame_next(struct span in, size_t max_payload, uint32_t *type, struct span *payload, size_t *used)
{
    size_t len;

    if (in.len < 4)
        return ERR_AGAIN;
    len = load_be32(in.data);
    if (len > max_payload || len > FRAME_PAYLOAD_MAX)
        return ERR_REJECT;
    if (in.len < FRAME_HEAD_BYTES + len)
        return ERR_AGAIN;
    *type = load_be32(in.data + 4);
    *payload = (struct span){in.data + FRAME_HEAD_BYTES, len};
    *used = FRAME_HEAD_BYTES + len;
    return ERR_OK;
}

static enum err write_all(int fd, const uint8_t *p, size_t left, struct diag *why)
{
    while (left) {
        ssize_t n = send(fd, p, left, MSG_NOSIGNAL);

        if (n < 0 && errno == ENOTSOCK)
            n = write(fd, p, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return diag_errno(why, ERR_AGAIN, "frame.send", "the other process is gone");
        p += n;
        left -= (size_t)n;
    }
    return ERR_OK;
}

enum err frame_send(int fd, uint32_t type, struct span payload, struct diag *why)
{
    uint8_t head[FRAME_HEAD_BYTES];
    enum err err;

    if (payload.len > FRAME_PAYLOAD_MAX)
        return diag_set(why, ERR_LIMIT, "frame.too-large", "a frame of %zu bytes is over the limit", payload.len);
    store_be32(head, (uint32_t)payload.len);
    store_be32(head + 4, type);
    err = write_all(fd, head, sizeof head, why);
    return err ? err : write_all(fd, payload.data, payload.len, why);
}

static enum err read_all(int fd, uint8_t *p, size_t left, struct diag *why)
{
    while (left) {
        ssize_t n = read(fd, p, left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return diag_errno(why, ERR_AGAIN, "frame.receive", "reading a frame");
        if (n == 0)
            return diag_set(why, ERR_AGAIN, "frame.short", "the other process ended in the middle of a frame");
        p += n;
        left -= (size_t)n;
    }
    return ERR_OK;
}

enum err frame_receive(int fd, size_t max_payload, uint32_t *type, struct buf *payload, struct diag *why)
{
    uint8_t head[FRAME_HEAD_BYTES];
    uint8_t *room;
    size_t len;
    enum err err = read_all(fd, head, sizeof head, why);

    if (err)
        return err;
    len = load_be32(head);
    *type = load_be32(head + 4);
    if (len > max_payload)
        return diag_set(why, ERR_REJECT, "frame.too-large", "a frame of %zu bytes is over the limit", len);
    buf_clear(payload);
    room = buf_room(payload, len);
    if (!room)
        return diag_set(why, ERR_REJECT, "frame.too-large", "a frame of %zu bytes does not fit", len);
    err = read_all(fd, room, len, why);
    if (err)
        mem_wipe(room, len);
    else
        buf_grown(payload, len);
    return err;
}
