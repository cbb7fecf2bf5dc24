/*
 * The structure of a mail is read by a mime worker (proc/worker.h); whatever that says is checked here.
 */
#ifndef PROC_PARSING_H
#define PROC_PARSING_H

#include "codec/dsn.h"
#include "codec/mime.h"
#include "proc/core.h"

struct parsed {
    enum mime_shape shape;
    int part_a, part_b; /* parts of the message, or -1; the shapes that need one have it */
    struct span text;   /* of the answer, borrowed: what a person reads, see MIME_PARSE */
    bool secret;        /* a secret key is in it */
};

/* op: MIME_PARSE, or MIME_PARSE_CAME. A mail of more than message_bytes is refused; the other limits are the settings'.
 */
void parsing_submit(struct core *core, enum worker_op op, size_t message_bytes, struct span raw, pool_done *done,
                    void *ctx);

/*
 * What the worker answered about a mail of raw_len bytes; dsn: of MIME_PARSE_CAME, else NULL. False: the answer is
 * damaged. msg and dsn are the caller's to free in either case.
 */
bool parsing_take(struct span reply, size_t raw_len, struct mime_message *msg, struct dsn *dsn, struct parsed *out);

#endif
