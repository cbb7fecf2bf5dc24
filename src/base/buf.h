/*
 * A growing byte buffer with a hard maximum, wiped when freed or grown (it may hold plaintext).
 *
 * Invariants: len <= cap <= max + 1; data[len] is NUL whenever data is not NULL, so that text can be handed to a
 * library (the bytes may still hold NULs of their own). An addition beyond max adds nothing and sets `over`, which
 * stays set: build the whole, then look at it once.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max; /* bytes */
    bool over;
};

/* Borrowed bytes, not NUL-terminated. */
struct span {
    const uint8_t *data;
    size_t len;
};

#define BUF_MAX_DEFAULT ((size_t)256 << 20)
#define BUF_EMPTY       ((struct buf){.max = BUF_MAX_DEFAULT})

void buf_init(struct buf *b, size_t max_bytes);

/* Wipes and frees the content; b is empty afterwards, with the same maximum. */
void buf_free(struct buf *b);

/* Forgets (and wipes) the content, keeps the memory; clears `over`. */
void buf_clear(struct buf *b);

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_add_byte(struct buf *b, uint8_t byte);
void buf_add_buf(struct buf *b, const struct buf *other);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for len more bytes at data + len, to be filled by the caller, who then calls buf_grown. NULL where over. */
uint8_t *buf_room(struct buf *b, size_t len);
void buf_grown(struct buf *b, size_t len);

/* Drops the first n bytes. */
void buf_drop_front(struct buf *b, size_t n);

/* The content as text; "" when empty. Borrowed until the next change. */
const char *buf_text(const struct buf *b);

/* Hands the memory to the caller, who frees it; b is empty afterwards. Never NULL. */
char *buf_take(struct buf *b);

struct span buf_span(const struct buf *b);
struct span span_of(const char *s);

/* Moves the content of from into to (whose old content is wiped). */
void buf_move(struct buf *to, struct buf *from);

#endif
