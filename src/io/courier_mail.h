/*
 * The job that a session has in hand, and its bytes as they go over the wire: each line break is CR LF, so that a bare
 * LF in front of a dot is the end of the mail for nobody (dots are the transport's).
 *
 * `whole` says that the mail was given to its end; `broken`, that it cannot be, and must not be ended as if it were.
 */
#ifndef IO_COURIER_MAIL_H
#define IO_COURIER_MAIL_H

#include "io/courier.h"

struct courier_mail {
    struct courier_job job;
    int bodies_fd;
    bool open;
    bool used, whole, broken; /* begun to be given, given to its end, not to be had */
    struct courier_reader *reader;
    struct buf block;
    uint8_t last; /* byte of the block before */
    struct diag why;
};

void courier_mail_init(struct courier_mail *m, int bodies_fd);

/*
 * Takes the payload of a COURIER_DELIVER frame. ERR_REJECT: it is none (rule frame.bad), or has an address that cannot
 * be written in SMTP (rule smtp.address); ERR_AGAIN: the body cannot be read. m->job.id is set but for frame.bad, and m
 * is open on ERR_OK only.
 */
enum err courier_mail_open(struct courier_mail *m, struct span payload, struct diag *why);
/* The last block stays where it is until the next mail: libesmtp may still look at it after a refusal in mid-data. */
void courier_mail_close(struct courier_mail *m);
void courier_mail_free(struct courier_mail *m);

uint64_t courier_mail_size(const struct courier_mail *m);

/* To the beginning; false: broken. */
bool courier_mail_rewind(struct courier_mail *m);
/* Borrowed until the next call; empty at the end. False: broken. */
bool courier_mail_next(struct courier_mail *m, struct span *out);

#endif
