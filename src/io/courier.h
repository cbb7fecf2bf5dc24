/*
 * The courier role: network out, no database, no keys. It takes jobs from core, hands each to the transport, and
 * reports each recipient's code.
 *
 * Frames from core: COURIER_DELIVER: job i64, delivery id, envelope sender, recipient, prefix bytes, head bytes, body
 * file (a name in bodies/; NULL: none), suffix bytes. Where there is no body file, prefix is the whole mail.
 * Frames to core: COURIER_RESULT: job i64, outcome u32, code, queue id (either may be NULL).
 *
 * A mail is never held whole: prefix, armor(head ‖ body) and suffix are streamed from the body's file.
 */
#ifndef IO_COURIER_H
#define IO_COURIER_H

#include "base/frame.h"
#include "codec/settings.h"

enum courier_frame { COURIER_DELIVER = 1, COURIER_RESULT = 2 };
enum courier_outcome { COURIER_SENT, COURIER_DEFERRED, COURIER_FAILED };

struct courier_job {
    int64_t id;
    char *delivery_id;
    char *sender;
    char *recipient;
    struct buf prefix, head, suffix;
    char *body_file;
};

void courier_job_put(const struct courier_job *job, struct buf *out);
/* ERR_REJECT rule frame.bad. The caller frees with courier_job_free. */
enum err courier_job_get(struct span payload, struct courier_job *out, struct diag *why);
void courier_job_free(struct courier_job *job);

/* Where the bytes of a mail go; false ends the streaming. */
typedef bool courier_sink(void *ctx, const void *bytes, size_t len);

/* Streams a job's mail to a sink. ERR_AGAIN: the body cannot be read, or the sink refused. */
enum err courier_stream(const struct courier_job *job, int bodies_fd, courier_sink *sink, void *ctx, struct diag *why);

/* The whole life of the courier role; fd: the socket to core. Returns its exit code. */
int courier_main(const struct settings *settings, bool rehearsal, int fd);

#endif
