#include "base/buf.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max = max_bytes};
}

void buf_free(struct buf *b)
{
    if (b->data) {
        mem_wipe(b->data, b->cap);
        free(b->data);
    }
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    if (b->data)
        mem_wipe(b->data, b->len);
    b->len = 0;
    b->over = false;
}

/* Grows by copying and wiping: realloc would leave a copy of the plaintext behind. */
static void buf_grow(struct buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : 64;
    uint8_t *data;

    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap > b->max + 1)
        cap = b->max + 1;
    data = mem_zero(cap, 1);
    if (b->data) {
        memcpy(data, b->data, b->len);
        mem_wipe(b->data, b->cap);
        free(b->data);
    }
    b->data = data;
    b->cap = cap;
}

uint8_t *buf_room(struct buf *b, size_t len)
{
    if (b->over || len > b->max - b->len) {
        b->over = true;
        return NULL;
    }
    if (b->len + len + 1 > b->cap)
        buf_grow(b, b->len + len + 1);
    return b->data + b->len;
}

void buf_grown(struct buf *b, size_t len)
{
    b->len += len;
    b->data[b->len] = 0;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
    uint8_t *room = buf_room(b, len);

    if (!room)
        return;
    if (len)
        memcpy(room, bytes, len);
    buf_grown(b, len);
}

void buf_add_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_add_byte(struct buf *b, uint8_t byte)
{
    buf_add(b, &byte, 1);
}

void buf_add_buf(struct buf *b, const struct buf *other)
{
    if (other->over)
        b->over = true;
    buf_add(b, other->data, other->len);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    uint8_t *room;
    int n;

    va_start(args, format);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    room = n >= 0 ? buf_room(b, (size_t)n) : NULL;
    if (room) {
        vsnprintf((char *)room, (size_t)n + 1, format, again);
        buf_grown(b, (size_t)n);
    }
    va_end(again);
}

void buf_drop_front(struct buf *b, size_t n)
{
    if (n > b->len)
        n = b->len;
    if (!n)
        return;
    memmove(b->data, b->data + n, b->len - n);
    mem_wipe(b->data + b->len - n, n);
    b->len -= n;
    b->data[b->len] = 0;
}

const char *buf_text(const struct buf *b)
{
    return b->data ? (const char *)b->data : "";
}

char *buf_take(struct buf *b)
{
    char *s = b->data ? (char *)b->data : mem_strdup("");

    buf_init(b, b->max);
    return s;
}

struct span buf_span(const struct buf *b)
{
    return (struct span){b->data, b->len};
}

struct span span_of(const char *s)
{
    return (struct span){(const uint8_t *)s, strlen(s)};
}

void buf_move(struct buf *to, struct buf *from)
{
    size_t max = from->max;

    buf_free(to);
    *to = *from;
    buf_init(from, max);
}
