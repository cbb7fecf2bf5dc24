/*
 * The courier role: network out, no database, no keys. It takes jobs from core, hands each to the transport, and
 * reports each recipient's code.
 *
 * Frames from core: COURIER_DELIVER: job i64, delivery id, envelope sender, recipient, prefix bytes, head bytes, body
 * file (a name in bodies/; NULL: none), suffix bytes. Where there is no body file, prefix is the whole mail.
 * Frames to core: COURIER_RESULT: job i64, outcome u32, code, queue id (either may be NULL). The code is kept and shown
 * in clear: it is a reply's numbers or a rule, and words of ours; never a server's words, which quote addresses.
 *
 * Transports: Maildirs (courier_maildir.h), always in a rehearsal; SMTP (courier_pool.h).
 *
 * A mail is never held whole: prefix, armor(head ‖ body) and suffix are streamed from the body's file.
 */
#ifndef IO_COURIER_H
#define IO_COURIER_H

#include "base/frame.h"
#include "codec/settings.h"

/* COURIER_NO_RELAY: a result within the courier, which says that nobody can be served just now. */
enum courier_frame { COURIER_DELIVER = 1, COURIER_RESULT = 2, COURIER_NO_RELAY = 3 };
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

void courier_result_put(int64_t job, enum courier_outcome outcome, const char *code, const char *queue_id,
                        struct buf *out);

/* A mail in blocks of some 64 KiB: open, next until it gives an empty span, free. The job is borrowed until then. */
struct courier_reader;
/* ERR_AGAIN rule courier.body: the body cannot be read. On an error *out is NULL. */
enum err courier_reader_open(const struct courier_job *job, int bodies_fd, struct courier_reader **out,
                             struct diag *why);
/* The span is borrowed until the next call. After an error the mail is not whole, and must not be ended as if it were.
 */
enum err courier_reader_next(struct courier_reader *r, struct span *out, struct diag *why);
/* How many bytes the whole mail has. */
uint64_t courier_reader_size(const struct courier_reader *r);
void courier_reader_free(struct courier_reader **r);

/* Where the bytes of a mail go; false ends the streaming. */
typedef bool courier_sink(void *ctx, const void *bytes, size_t len);

/* Streams a job's mail to a sink. ERR_AGAIN: the body cannot be read, or the sink refused. */
enum err courier_stream(const struct courier_job *job, int bodies_fd, courier_sink *sink, void *ctx, struct diag *why);

/* The whole life of the courier role; fd: the socket to core. Returns its exit code. */
int courier_main(const struct settings *settings, bool rehearsal, int fd);

#endif
