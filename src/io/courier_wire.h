/*
 * Whether a mail is on the wire as libesmtp meant it: what a write cannot take it forgets, without a word, and goes on
 * with the next block (siobuf.c, raw_write); the server then takes a mail with a hole for a whole one.
 *
 * So the bytes that the kernel has taken for the socket (TCP_INFO and SIOCOUTQ, tcp(7)) between DATA and the reply to
 * the end of the mail are compared with those that were to be written; and once before its end, when libesmtp can still
 * be made to drop it: what is missing then may be in its buffer, but it loses whole buffers, unless a write took a
 * part. Within TLS the records add some bytes, so that only a hole larger than these is seen. Where the kernel does not
 * count, or for no socket, every mail is held to be whole; the look before the end is for the libesmtp whose buffer is
 * known.
 */
#ifndef IO_COURIER_WIRE_H
#define IO_COURIER_WIRE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct courier_wire {
    uint64_t before; /* bytes taken before the mail; 0: not known */
    uint64_t meant;
    uint8_t last;      /* byte given */
    bool knows_buffer; /* this is the libesmtp whose buffer's size is known */
};

/* After 354, when all that was written before has been read. fd: the socket, or -1. */
void courier_wire_begin(struct courier_wire *w, int fd);
/* A block that libesmtp is given: at the beginning of a line a dot is doubled (RFC 5321, 4.5.2). */
void courier_wire_given(struct courier_wire *w, struct span block);
/* So many bytes that libesmtp says it writes: lines of the mail, but for the one that ends its header. */
void courier_wire_meant(struct courier_wire *w, size_t len);
/* When all has been given, and the end is not written. */
bool courier_wire_has_hole(const struct courier_wire *w, int fd);
/* After the reply to the end of the mail. */
bool courier_wire_is_whole(const struct courier_wire *w, int fd);

#endif
