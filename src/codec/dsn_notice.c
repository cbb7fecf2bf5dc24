#include "codec/dsn_parts.h"

#include "codec/header.h"
#include "codec/lower.h"

#include <ctype.h>
#include <string.h>

bool dsn_is_below(const struct mime_message *m, size_t part, const char *type_prefix)
{
    for (int p = m->parts[part].parent; p >= 0; p = m->parts[p].parent)
        if (strncmp(m->parts[p].type, type_prefix, strlen(type_prefix)) == 0)
            return true;
    return false;
}

static bool is_text(const struct mime_part *p, const char *type)
{
    return strcmp(p->type, type) == 0 && !(p->disposition && strcmp(p->disposition, "attachment") == 0);
}

/* The texts of that type which the server wrote itself: before the returned mail, and not in it. */
static void add_texts(struct dsn_mail *mail, const char *type, struct buf *out)
{
    for (size_t i = 0; i < mail->m->n_parts; i++) {
        const struct mime_part *p = &mail->m->parts[i];
        struct buf text = BUF_EMPTY;

        if (i && strncmp(p->type, "message/rfc822", 14) == 0)
            break;
        if (!is_text(p, type) || dsn_is_below(mail->m, i, "message/"))
            continue;
        text.max = (size_t)8 << 20;
        if (mime_part_text(mail->raw, p, &text, NULL) == ERR_OK && text.len) {
            if (strcmp(type, "text/html") == 0)
                mime_html_text(
                    (struct span){text.data, text.len < DSN_NOTICE_MAX_BYTES * 2 ? text.len : DSN_NOTICE_MAX_BYTES * 2},
                    out);
            else
                buf_add(out, text.data, text.len < DSN_NOTICE_MAX_BYTES ? text.len : DSN_NOTICE_MAX_BYTES);
            buf_add_byte(out, '\n');
        }
        buf_free(&text);
    }
}

/* A multipart whose boundary never comes, as gateways leave it. */
static void add_bare_body(struct dsn_mail *mail)
{
    struct span body = mime_part_body(mail->raw, &mail->m->parts[0]);

    if (strncmp(mail->m->parts[0].type, "multipart/", 10) != 0)
        return;
    for (size_t i = 0; i < body.len && i < DSN_NOTICE_MAX_BYTES; i++)
        if (body.data[i] != '\r' && body.data[i])
            buf_add_byte(&mail->notice, body.data[i]);
}

static bool starts(struct span line, const char *word)
{
    size_t n = strlen(word);

    return line.len >= n && memcmp(line.data, word, n) == 0;
}

static bool is_ruled(struct span line)
{
    return line.len > 2 && memchr("-=*|_#+", line.data[0], 7) && memchr("-=*|_#+ ", line.data[1], 8);
}

static const char *const returned_fields[] = {"received: from ", "received: by ",  "return-path: <",
                                              ">return-path:",   ">received:",     "dkim-signature: ",
                                              "received: (",     "x-received: by", NULL};

/* Does the returned mail begin at this line (lower case, trimmed)? */
static bool begins_returned(struct span line)
{
    static const char *const headed[] = {"original message",
                                         "original mail",
                                         "copy of",
                                         "message header",
                                         "message text",
                                         "headers of",
                                         "header of",
                                         "returned m",
                                         "unsent",
                                         "message follows",
                                         "message body",
                                         "below this line",
                                         "enclosed is",
                                         "mensaje original",
                                         "original adjunto",
                                         "urspr",
                                         "message is attached",
                                         "headers follow",
                                         "original e-mail",
                                         "returned message",
                                         "message content",
                                         "included message",
                                         "message de retour",
                                         "nachricht folgt",
                                         "原",
                                         "forwarded message",
                                         "undelivered message",
                                         "the header and top",
                                         NULL};
    static const char *const plain[] = {"original message follows",
                                        "message headers follow",
                                        "message header follows",
                                        "original message as received",
                                        "your message reads",
                                        "old message:",
                                        "the header and top",
                                        "message follows",
                                        "original message headers:",
                                        "text of your message",
                                        "the original message headers",
                                        "start of returned message",
                                        "-- the header and top",
                                        "the following is the original",
                                        "a copy of the original message",
                                        "a copy of the message",
                                        "the message header is",
                                        "original headers:",
                                        "your original message",
                                        NULL};

    if (is_ruled(line) && dsn_has_any(line, headed))
        return true;
    for (const char *const *w = plain; *w; w++)
        if (starts(line, *w))
            return true;
    for (const char *const *w = returned_fields; *w; w++)
        if (starts(line, *w))
            return true;
    return false;
}

struct span dsn_line(struct span text, size_t at, size_t *out_end)
{
    const uint8_t *lf = memchr(text.data + at, '\n', text.len - at);
    size_t end = lf ? (size_t)(lf - text.data) : text.len;
    struct span line = {text.data + at, end - at};

    *out_end = lf ? end + 1 : end;
    while (line.len && isspace(line.data[0]))
        line = (struct span){line.data + 1, line.len - 1};
    while (line.len && isspace(line.data[line.len - 1]))
        line.len--;
    return line;
}

/* Cuts the notice where the returned mail begins; what is behind goes to `returned`. */
static void cut_notice(struct dsn_mail *mail)
{
    struct span lower = buf_span(&mail->lower);
    size_t end;

    for (size_t at = 0; at < lower.len; at = end) {
        struct span line = dsn_line(lower, at, &end);

        if (line.len && begins_returned(line)) {
            buf_add(&mail->returned, mail->notice.data + at, mail->notice.len - at);
            mail->notice.len = mail->lower.len = at;
            return;
        }
    }
}

static void find_returned(struct dsn_mail *mail)
{
    for (size_t i = 1; i < mail->m->n_parts && !mail->returned.len; i++) {
        const struct mime_part *p = &mail->m->parts[i];
        struct buf body = BUF_EMPTY;

        body.max = (size_t)8 << 20;
        if (strncmp(p->type, "message/rfc822", 14) != 0 && strncmp(p->type, "text/rfc822-header", 18) != 0 &&
            strncmp(p->type, "message/global", 14) != 0)
            continue;
        if (strcmp(p->type, "message/global-delivery-status") != 0 &&
            mime_part_decode(mail->raw, p, &body, NULL) == ERR_OK) {
            size_t n = header_block_len(buf_span(&body));

            buf_add(&mail->returned, body.data, n < DSN_NOTICE_MAX_BYTES ? n : DSN_NOTICE_MAX_BYTES);
        }
        buf_free(&body);
    }
}

static void add_own_fields(struct dsn_mail *mail)
{
    static const char *const fields[] = {"To", "From", "Reply-To", "Delivered-To", "Return-Path", "Sender", "Cc", NULL};
    struct buf value = BUF_EMPTY;

    for (const char *const *f = fields; *f; f++)
        for (size_t nth = 0; nth < 20 && mime_field_nth(mail->header, *f, nth, &value); nth++)
            buf_add_byte(&value, '\n');
    lower_add(buf_span(&value), &mail->own);
    buf_free(&value);
}

void dsn_mail_begin(struct dsn_mail *mail, struct span raw, const struct mime_message *m)
{
    *mail = (struct dsn_mail){.raw = raw, .m = m, .header = mime_part_header(raw, &m->parts[0])};
    buf_init(&mail->notice, DSN_NOTICE_MAX_BYTES * 4);
    buf_init(&mail->lower, DSN_NOTICE_MAX_BYTES * 4);
    buf_init(&mail->returned, DSN_NOTICE_MAX_BYTES * 4);
    buf_init(&mail->subject, 65536);
    buf_init(&mail->own, (size_t)1 << 20);
    if (m->subject)
        lower_add(span_of(m->subject), &mail->subject);
}

void dsn_mail_read(struct dsn_mail *mail)
{
    struct buf joined = BUF_EMPTY;

    add_own_fields(mail);
    add_texts(mail, "text/plain", &mail->notice);
    if (mail->notice.len < 8)
        add_texts(mail, "text/html", &mail->notice);
    if (mail->notice.len < 8)
        add_bare_body(mail);
    lower_add(buf_span(&mail->notice), &mail->lower);
    cut_notice(mail);
    find_returned(mail);
    dsn_read_words(buf_span(&mail->lower), &mail->said);
    dsn_join_lines(buf_span(&mail->lower), &joined);
    mail->failed = dsn_says(buf_span(&joined), dsn_words_failed);
    mail->delayed = (dsn_says(buf_span(&joined), dsn_words_delayed) ||
                     dsn_has_any(buf_span(&mail->subject), dsn_words_subject_delayed)) &&
                    !dsn_says(buf_span(&joined), dsn_words_final);
    buf_free(&joined);
}

void dsn_mail_free(struct dsn_mail *mail)
{
    buf_free(&mail->notice);
    buf_free(&mail->lower);
    buf_free(&mail->returned);
    buf_free(&mail->subject);
    buf_free(&mail->own);
}
