/*
 * The inside of an LMTP session, shared by lmtp_session.c (commands) and lmtp_data.c (the message) only.
 */
#ifndef IO_LMTP_SESSION_H
#define IO_LMTP_SESSION_H

#include "io/lmtp.h"

/* Where the next byte of the data stands. A line starts after CR LF only. */
enum lmtp_data_state { LMTP_AT_LINE, LMTP_AT_DOT, LMTP_AT_DOT_CR, LMTP_IN_TEXT, LMTP_AT_CR };

struct lmtp_session {
    const struct lmtp_settings *settings;
    struct spool *spool;
    struct buf line; /* the command being read, at most LMTP_LINE_MAX */
    bool line_too_long;
    struct buf out;
    bool greeted, over;
    unsigned faults;
    size_t committed;

    /* the transaction */
    bool has_sender;
    char *sender;
    char *recipients[SPOOL_RECIPIENTS_MAX]; /* distinct */
    size_t n_recipients;
    size_t reply_of[SPOOL_RECIPIENTS_MAX]; /* for each RCPT answered with 250, the index of its recipient */
    size_t n_replies;

    /* the message */
    bool in_data;
    enum lmtp_data_state state;
    size_t line_bytes;
    unsigned flags;          /* enum spool_flag */
    struct spool_file *file; /* NULL once the message cannot be kept */
    enum err failed;
    bool too_large; /* beyond hold_bytes */
};

void lmtp_reply(struct lmtp_session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lmtp_reset(struct lmtp_session *s);

/* Opens the spool file; on an error nothing has begun. */
enum err lmtp_data_begin(struct lmtp_session *s, struct diag *why);

/* Takes bytes of the message; returns the number taken, which is less than len only when the message is complete. */
size_t lmtp_data_feed(struct lmtp_session *s, const uint8_t *bytes, size_t len);

#endif
