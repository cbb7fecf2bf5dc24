/*
 * Bounces: which addresses a mail reports as not reached, and how bad it is.
 *
 * Pure. RFC 3464 first (message/delivery-status, and message/global-delivery-status of RFC 6533): the fields of each
 * recipient. Then, for the many mail servers that write prose, the text of the notice up to where the returned mail
 * begins: the lines that name an address, the codes (RFC 3463 and RFC 5321, 4.2), and the words. What was returned is
 * never judged: it is what we sent, and may hold any words.
 *
 * A feedback report (RFC 5965), a receipt (RFC 8098), a vacation notice (RFC 3834) and a report of success are no
 * bounces. A receipt that says a mail was refused (RFC 5429, 2.2.1) is one.
 *
 * The classes speak of the address:
 *   permanent  it does not exist, or its host does not, or nothing says that trying again could help
 *   temporary  the address may be good: a refusal of this mail (spam, policy, size), or of this time
 *   full       the mailbox is full
 *   delay      not given up: the server goes on trying
 * Whether this delivery is over is said apart, by `given_up`: a refusal for its size is temporary and given up.
 *
 * Nothing here is trusted: anyone can write a bounce. What it may change is flow/bounces.h's to say.
 */
#ifndef CODEC_DSN_H
#define CODEC_DSN_H

#include "codec/mime.h"

#define DSN_STATUS_SIZE      12   /* "5.123.456" and NUL */
#define DSN_RECIPIENTS_MAX   1000 /* more are left out */
#define DSN_NOTICE_MAX_BYTES ((size_t)64 << 10)

enum dsn_class {
    DSN_NOT, /* no bounce, or one that reports success */
    DSN_DELAY,
    DSN_TEMPORARY,
    DSN_FULL,
    DSN_PERMANENT
};

struct dsn_recipient {
    char *address;  /* as the server wrote it, without brackets or controls; it need not pass addr_check; NULL: none */
    char *original; /* of Original-Recipient, decoded (RFC 3461, 4; RFC 6533, 3); NULL where absent */
    enum dsn_class class;
    char status[DSN_STATUS_SIZE]; /* RFC 3463; "" where none is given */
    int reply;                    /* of SMTP; 0 where none is given */
    bool given_up;
};

struct dsn {
    enum dsn_class class; /* the worst of the recipients' */
    bool given_up;        /* of at least one of the worst class */
    bool by_fields;       /* it is a report of RFC 3464 */
    struct dsn_recipient *recipients;
    size_t n;                  /* 0 where class is DSN_NOT; else at least 1, if only one without an address */
    char *original_message_id; /* of the returned mail, with its brackets; NULL where it did not come back */
};

/* m is the parsed `raw`. Never fails: what cannot be read is no bounce. The caller frees *out. */
void dsn_read(struct span raw, const struct mime_message *m, struct dsn *out);
void dsn_free(struct dsn *d);

/*
 * Across a process boundary: what a notice says is read where its charsets can be, by a worker. dsn_get trusts nothing:
 * ERR_REJECT dsn.frame; *out is empty then.
 */
void dsn_put(const struct dsn *d, struct buf *out);
enum err dsn_get(struct span in, struct dsn *out, struct diag *why);

/* "permanent", "temporary", "delay", "full", "not-a-bounce". */
const char *dsn_class_name(enum dsn_class class);

/* The three words of other programs (a delay is temporary; full too where a code says so, else what gave up is
 * permanent): "permanent", "temporary", "not-a-bounce". */
const char *dsn_verdict(const struct dsn *d);

#endif
