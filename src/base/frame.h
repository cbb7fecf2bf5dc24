/*
 * Frames: the only form in which processes of the daemon speak to each other, and embargoctl to the daemon.
 *
 * On the wire: length of the payload (u32, big endian), type (u32), payload. A payload is a sequence of fixed-size
 * integers (big endian) and of byte strings (u32 length, bytes). The reader is strict: a value that runs past the
 * end, or bytes left over at the end, make the whole payload bad. What follows from a bad payload is the caller's:
 * a role dies of it, a client of the control socket is merely cut off.
 */
#ifndef BASE_FRAME_H
#define BASE_FRAME_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define FRAME_HEAD_BYTES  8
#define FRAME_PAYLOAD_MAX ((size_t)192 << 20)

/* Writers; all append to b. */
void frame_put_u32(struct buf *b, uint32_t value);
void frame_put_u64(struct buf *b, uint64_t value);
void frame_put_i64(struct buf *b, int64_t value);
void frame_put_bool(struct buf *b, bool value);
void frame_put_bytes(struct buf *b, const void *bytes, size_t len);
void frame_put_buf(struct buf *b, const struct buf *bytes);
void frame_put_span(struct buf *b, struct span bytes);
/* A NUL-terminated string; NULL and "" are told apart. */
void frame_put_str(struct buf *b, const char *s);

/* Reader. Every getter after the first fault gives 0, an empty span or NULL; frame_ok says whether all was well. */
struct frame_reader {
    const uint8_t *at;
    size_t left;
    bool bad;
};

void frame_reader_init(struct frame_reader *r, struct span payload);
uint32_t frame_get_u32(struct frame_reader *r);
uint64_t frame_get_u64(struct frame_reader *r);
int64_t frame_get_i64(struct frame_reader *r);
bool frame_get_bool(struct frame_reader *r);
/* Borrowed from the payload. */
struct span frame_get_bytes(struct frame_reader *r);
/* A copy that the caller frees; NULL where NULL was put, or bad. A NUL inside is a fault. */
char *frame_get_str(struct frame_reader *r);
/* The same, of a worker that may be another's by now: up to 1 MiB, and a control character is a fault. */
char *frame_get_text(struct frame_reader *r);
/* Count of items that take at least min_item_bytes each; a count that cannot fit is a fault. */
uint32_t frame_get_count(struct frame_reader *r, size_t min_item_bytes);
/* True when nothing was bad and nothing is left. */
bool frame_done(const struct frame_reader *r);

/* Appends a whole frame to out. */
void frame_write(struct buf *out, uint32_t type, struct span payload);

/*
 * Looks for a whole frame at the start of in.
 *
 * ERR_OK         *type and *payload (borrowed) are set, *used is how many bytes the caller drops
 * ERR_AGAIN      more bytes are needed
 * ERR_REJECT     the length is over max_payload
 */
enum err frame_next(struct span in, size_t max_payload, uint32_t *type, struct span *payload, size_t *used);

/* Blocking helpers for workers and clients: one whole frame over a descriptor. */
enum err frame_send(int fd, uint32_t type, struct span payload, struct diag *why);
enum err frame_receive(int fd, size_t max_payload, uint32_t *type, struct buf *payload, struct diag *why);

#endif
