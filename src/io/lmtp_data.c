#include "io/lmtp_session.h"

#include "base/log.h"

#include <string.h>
#include <time.h>

static int64_t now_utc_s(const struct lmtp_settings *settings)
{
    return settings->clock ? clock_now(settings->clock) : (int64_t)time(NULL);
}

enum err lmtp_data_begin(struct lmtp_session *s, struct diag *why)
{
    struct spool_envelope envelope = {.sender = s->sender,
                                      .recipients = (const char *const *)s->recipients,
                                      .n_recipients = s->n_recipients,
                                      .received_at_utc_s = now_utc_s(s->settings),
                                      .origin = SPOOL_FROM_LMTP};
    enum err err = spool_begin(s->spool, &envelope, &s->file, why);

    if (err)
        return err;
    s->in_data = true;
    s->state = LMTP_AT_LINE;
    s->line_bytes = 0;
    s->flags = 0;
    s->failed = ERR_OK;
    s->too_large = false;
    return ERR_OK;
}

/* From here on the message is read to its end without being kept. */
static void give_up(struct lmtp_session *s, enum err err, const char *rule)
{
    spool_abandon(&s->file);
    s->failed = err;
    log_event(NULL, "lmtp-deferred", rule, NULL);
}

static void keep(struct lmtp_session *s, const uint8_t *bytes, size_t len)
{
    struct diag why;
    enum err err;

    if (!s->file || len == 0)
        return;
    if (len > s->settings->hold_bytes - spool_written_bytes(s->file)) {
        s->too_large = true;
        give_up(s, ERR_LIMIT, "too-large");
        return;
    }
    err = spool_write(s->file, bytes, len, &why);
    if (err)
        give_up(s, err, why.rule);
}

static void count_line(struct lmtp_session *s, size_t bytes)
{
    s->line_bytes += bytes;
    if (s->line_bytes > LMTP_DATA_LINE_MAX)
        s->flags |= SPOOL_LONG_LINE;
}

/* Text up to and with the next CR; returns the bytes taken. */
static size_t take_text(struct lmtp_session *s, const uint8_t *bytes, size_t len)
{
    const uint8_t *cr = memchr(bytes, '\r', len);
    size_t text = cr ? (size_t)(cr - bytes) : len;

    count_line(s, text);
    keep(s, bytes, text + (cr ? 1 : 0));
    if (cr)
        s->state = LMTP_AT_CR;
    return text + (cr ? 1 : 0);
}

/* One step; returns the bytes taken, which may be none where only the state changes. */
static size_t step(struct lmtp_session *s, const uint8_t *bytes, size_t len, bool *done)
{
    uint8_t c = bytes[0];

    switch (s->state) {
    case LMTP_AT_LINE:
        s->state = c == '.' ? LMTP_AT_DOT : LMTP_IN_TEXT;
        return c == '.';
    case LMTP_AT_DOT: /* the dot is dropped, whatever follows (RFC 5321, 4.5.2) */
        s->state = c == '\r' ? LMTP_AT_DOT_CR : LMTP_IN_TEXT;
        return c == '\r';
    case LMTP_AT_DOT_CR:
        *done = c == '\n';
        if (*done)
            return 1;
        keep(s, (const uint8_t *)"\r", 1);
        s->state = LMTP_AT_CR;
        return 0;
    case LMTP_AT_CR:
        if (c != '\n') {
            count_line(s, 1); /* a bare CR is text */
            s->state = LMTP_IN_TEXT;
            return 0;
        }
        keep(s, bytes, 1);
        s->line_bytes = 0;
        s->state = LMTP_AT_LINE;
        return 1;
    case LMTP_IN_TEXT:
        break;
    }
    return take_text(s, bytes, len);
}

static void reply_for_one(struct lmtp_session *s, bool committed, enum err err)
{
    if (committed)
        lmtp_reply(s, "250 2.0.0 kept on disk");
    else if (s->too_large)
        lmtp_reply(s, "452 4.3.1 larger than %llu bytes; the administrator may raise limits.hold_bytes",
                   (unsigned long long)s->settings->hold_bytes);
    else if (err == ERR_LIMIT)
        lmtp_reply(s, "452 4.3.1 no room on the disk; try again later");
    else
        lmtp_reply(s, "451 4.3.0 the spool cannot be written; try again later");
}

/* One reply for each accepted RCPT, in their order (RFC 2033, 4.2). */
static void finish(struct lmtp_session *s)
{
    bool committed[SPOOL_RECIPIENTS_MAX] = {false};
    enum err err = s->failed;
    struct diag why;

    if (s->file) {
        if (spool_written_bytes(s->file) > s->settings->size_bytes)
            s->flags |= SPOOL_OVERSIZE;
        err = spool_commit(&s->file, s->flags, committed, &why);
        if (err)
            log_diag(NULL, "lmtp-deferred", &why);
        else
            log_event(NULL, "lmtp-accepted", NULL, NULL);
    }
    for (size_t i = 0; i < s->n_recipients; i++)
        s->committed += committed[i];
    for (size_t i = 0; i < s->n_replies; i++)
        reply_for_one(s, committed[s->reply_of[i]], err);
    lmtp_reset(s);
}

size_t lmtp_data_feed(struct lmtp_session *s, const uint8_t *bytes, size_t len)
{
    bool done = false;
    size_t at = 0;

    while (at < len && !done)
        at += step(s, bytes + at, len - at, &done);
    if (done)
        finish(s);
    return at;
}
