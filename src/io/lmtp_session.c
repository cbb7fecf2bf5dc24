#include "io/lmtp_session.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OUT_MAX ((size_t)1 << 20) /* replies to one feed are far fewer: a feed is bounded, and so is a reply */

void lmtp_reply(struct lmtp_session *s, const char *format, ...)
{
    char line[512];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    buf_printf(&s->out, "%s\r\n", line);
}

static void fault(struct lmtp_session *s, const char *reply)
{
    lmtp_reply(s, "%s", reply);
    if (++s->faults >= LMTP_FAULTS_MAX)
        lmtp_session_end(s, "421 4.7.0 too many faults");
}

void lmtp_reset(struct lmtp_session *s)
{
    spool_abandon(&s->file);
    for (size_t i = 0; i < s->n_recipients; i++)
        free(s->recipients[i]);
    free(s->sender);
    s->sender = NULL;
    s->n_recipients = s->n_replies = 0;
    s->has_sender = s->in_data = false;
}

struct lmtp_session *lmtp_session_new(const struct lmtp_settings *settings, struct spool *spool)
{
    struct lmtp_session *s = mem_zero(1, sizeof *s);

    s->settings = settings;
    s->spool = spool;
    buf_init(&s->line, LMTP_LINE_MAX);
    buf_init(&s->out, OUT_MAX);
    lmtp_reply(s, "220 %s LMTP ready", settings->host_name);
    return s;
}

void lmtp_session_free(struct lmtp_session **session)
{
    struct lmtp_session *s = *session;

    if (!s)
        return;
    lmtp_reset(s);
    buf_free(&s->line);
    buf_free(&s->out);
    free(s);
    *session = NULL;
}

void lmtp_session_end(struct lmtp_session *s, const char *code_and_words)
{
    if (s->over)
        return;
    lmtp_reset(s);
    lmtp_reply(s, "%s", code_and_words);
    s->over = true;
}

/*
 * "<path>" after FROM: or TO:; a space before it is forgiven, as everybody does. Quoted strings may hold '>' and
 * escaped characters. On success *params is what follows, without its space.
 */
static bool take_path(const char *text, struct span *path, const char **params)
{
    bool quoted = false;
    const char *at;

    text += strspn(text, " ");
    if (*text++ != '<')
        return false;
    for (at = text; *at && (quoted || *at != '>'); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (quoted && *at == '\\' && at[1])
            at++;
    }
    if (*at != '>' || (at[1] && at[1] != ' '))
        return false;
    *path = (struct span){(const uint8_t *)text, (size_t)(at - text)};
    *params = at + 1 + strspn(at + 1, " ");
    return path->len <= SPOOL_ADDRESS_MAX;
}

/* Digits only; a number beyond 64 bits is the largest. */
static bool read_size(const char *text, size_t len, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)text[i] - '0';

        if (digit > 9)
            return false;
        *out = *out > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *out * 10 + digit;
    }
    return len > 0;
}

static bool word_is(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && strncasecmp(text, word, len) == 0;
}

/* MAIL's parameters, those that we announce. */
static bool take_params(const char *params, uint64_t *size)
{
    while (*params) {
        size_t len = strcspn(params, " ");

        if (len > 5 && strncasecmp(params, "SIZE=", 5) == 0) {
            if (!read_size(params + 5, len - 5, size))
                return false;
        } else if (!word_is(params, len, "BODY=7BIT") && !word_is(params, len, "BODY=8BITMIME") &&
                   !word_is(params, len, "SMTPUTF8")) {
            return false;
        }
        params += len;
        params += strspn(params, " ");
    }
    return true;
}

static void do_mail(struct lmtp_session *s, const char *rest)
{
    uint64_t size = 0;
    const char *params;
    struct span path;

    if (!s->greeted)
        return fault(s, "503 5.5.1 LHLO first");
    if (s->has_sender)
        return fault(s, "503 5.5.1 one sender only; RSET begins anew");
    if (strncasecmp(rest, "FROM:", 5) != 0 || !take_path(rest + 5, &path, &params))
        return fault(s, "501 5.5.4 MAIL FROM:<address>");
    if (!take_params(params, &size))
        return fault(s, "555 5.5.4 a parameter that was not offered");
    if (size > s->settings->size_bytes) {
        log_event(NULL, "lmtp-refused", "too-large", NULL);
        return lmtp_reply(s, "552 5.3.4 larger than %llu bytes", (unsigned long long)s->settings->size_bytes);
    }
    if (!spool_has_room(s->spool, size ? size : s->settings->size_bytes)) {
        log_event(NULL, "lmtp-deferred", "disk.full", NULL);
        return lmtp_reply(s, "452 4.3.1 no room on the disk; try again later");
    }
    s->sender = mem_strndup(path.data, path.len);
    s->has_sender = true;
    lmtp_reply(s, "250 2.1.0 sender noted");
}

/* The index of this recipient, which may have been named before; one entry is enough for both. */
static size_t add_recipient(struct lmtp_session *s, struct span path)
{
    for (size_t i = 0; i < s->n_recipients; i++)
        if (strlen(s->recipients[i]) == path.len && memcmp(s->recipients[i], path.data, path.len) == 0)
            return i;
    s->recipients[s->n_recipients] = mem_strndup(path.data, path.len);
    return s->n_recipients++;
}

static void do_rcpt(struct lmtp_session *s, const char *rest)
{
    const char *params;
    struct span path;

    if (!s->has_sender)
        return fault(s, "503 5.5.1 MAIL first");
    if (strncasecmp(rest, "TO:", 3) != 0 || !take_path(rest + 3, &path, &params))
        return fault(s, "501 5.5.4 RCPT TO:<address>");
    if (*params)
        return fault(s, "555 5.5.4 a parameter that was not offered");
    if (!lmtp_recipient_known(s->settings, (const char *)path.data, path.len)) {
        log_event(NULL, "lmtp-refused", "unknown-recipient", NULL);
        return lmtp_reply(s, "550 5.1.1 no such address here");
    }
    if (s->n_replies >= s->settings->max_recipients || s->n_replies >= SPOOL_RECIPIENTS_MAX)
        return lmtp_reply(s, "452 4.5.3 too many recipients; send the others by a transaction of their own");
    s->reply_of[s->n_replies++] = add_recipient(s, path);
    lmtp_reply(s, "250 2.1.5 recipient accepted");
}

static void do_data(struct lmtp_session *s, const char *rest)
{
    struct diag why;
    enum err err;

    if (*rest)
        return fault(s, "501 5.5.4 DATA stands alone");
    if (s->n_replies == 0)
        return fault(s, "503 5.5.1 no valid recipients");
    err = lmtp_data_begin(s, &why);
    if (!err)
        return lmtp_reply(s, "354 end with a line that is a dot");
    log_diag(NULL, "lmtp-deferred", &why);
    lmtp_reset(s);
    if (err == ERR_LIMIT)
        lmtp_reply(s, "452 4.3.1 no room on the disk; try again later");
    else
        lmtp_reply(s, "451 4.3.0 the spool cannot be written; try again later");
}

static void do_lhlo(struct lmtp_session *s, const char *rest)
{
    if (!*rest)
        return fault(s, "501 5.5.4 LHLO needs a name");
    lmtp_reset(s);
    s->greeted = true;
    lmtp_reply(s, "250-%s", s->settings->host_name);
    lmtp_reply(s, "250-PIPELINING");
    lmtp_reply(s, "250-8BITMIME");
    lmtp_reply(s, "250-SMTPUTF8");
    lmtp_reply(s, "250-SIZE %llu", (unsigned long long)s->settings->size_bytes);
    lmtp_reply(s, "250 ENHANCEDSTATUSCODES");
}

static void do_rset(struct lmtp_session *s)
{
    lmtp_reset(s);
    lmtp_reply(s, "250 2.0.0 begun anew");
}

static void do_command(struct lmtp_session *s, const char *line)
{
    size_t verb = strcspn(line, " ");
    const char *rest = line + verb + strspn(line + verb, " ");

    if (word_is(line, verb, "MAIL"))
        do_mail(s, rest);
    else if (word_is(line, verb, "RCPT"))
        do_rcpt(s, rest);
    else if (word_is(line, verb, "DATA"))
        do_data(s, rest);
    else if (word_is(line, verb, "LHLO"))
        do_lhlo(s, rest);
    else if (word_is(line, verb, "RSET"))
        do_rset(s);
    else if (word_is(line, verb, "NOOP"))
        lmtp_reply(s, "250 2.0.0 at your service");
    else if (word_is(line, verb, "VRFY"))
        lmtp_reply(s, "252 2.5.2 not told; try RCPT");
    else if (word_is(line, verb, "EXPN"))
        fault(s, "502 5.5.1 not told; try RCPT");
    else if (word_is(line, verb, "HELP"))
        lmtp_reply(s, "214 2.0.0 LMTP (RFC 2033): LHLO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT");
    else if (word_is(line, verb, "QUIT"))
        lmtp_session_end(s, "221 2.0.0 goodbye");
    else
        fault(s, "500 5.5.1 no such command (this is LMTP, RFC 2033)");
}

/* The line stands in s->line with its LF. Only CR LF ends a command, and text holds no other control character. */
static void end_line(struct lmtp_session *s)
{
    size_t len = s->line.len;
    bool clean = len >= 2 && s->line.data[len - 2] == '\r';

    for (size_t i = 0; clean && i + 2 < len; i++)
        clean = s->line.data[i] >= 0x20 && s->line.data[i] != 0x7f;
    if (s->line_too_long) {
        fault(s, "500 5.5.2 line too long");
    } else if (!clean) {
        fault(s, "500 5.5.2 a command is text and ends with CR LF");
    } else {
        while (len > 2 && s->line.data[len - 3] == ' ')
            len--;
        s->line.data[len - 2] = 0;
        do_command(s, (const char *)s->line.data);
    }
    s->line_too_long = false;
    buf_clear(&s->line);
}

/* Takes bytes of a command up to and with its LF; returns their number. */
static size_t feed_command(struct lmtp_session *s, const uint8_t *bytes, size_t len)
{
    const uint8_t *lf = memchr(bytes, '\n', len);
    size_t take = lf ? (size_t)(lf - bytes) + 1 : len;

    if (take > LMTP_LINE_MAX - s->line.len)
        s->line_too_long = true;
    else
        buf_add(&s->line, bytes, take);
    if (lf)
        end_line(s);
    return take;
}

bool lmtp_feed(struct lmtp_session *s, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    while (len && !s->over) {
        size_t taken = s->in_data ? lmtp_data_feed(s, at, len) : feed_command(s, at, len);

        at += taken;
        len -= taken;
    }
    return !s->over;
}

struct buf *lmtp_output(struct lmtp_session *session)
{
    return &session->out;
}

bool lmtp_in_transaction(const struct lmtp_session *session)
{
    return session->has_sender;
}

bool lmtp_in_data(const struct lmtp_session *session)
{
    return session->in_data;
}

size_t lmtp_take_committed(struct lmtp_session *session)
{
    size_t n = session->committed;

    session->committed = 0;
    return n;
}
