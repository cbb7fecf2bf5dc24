#include "io/courier_reply.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "5.1.1 …": class, subject of at most 3 digits, detail of at most 3 digits (RFC 3463, 2). Bytes, or 0. */
static size_t enhanced_len(const char *text)
{
    size_t at = 1;

    if (*text != '2' && *text != '4' && *text != '5')
        return 0;
    for (int part = 0; part < 2; part++) {
        size_t digits = text[at] == '.' ? strspn(text + at + 1, "0123456789") : 0;

        if (digits < 1 || digits > 3)
            return 0;
        at += 1 + digits;
    }
    return text[at] && !isspace((unsigned char)text[at]) ? 0 : at;
}

void courier_reply_set(struct courier_reply *r, int code, const char *text)
{
    size_t n = text ? enhanced_len(text) : 0;

    *r = (struct courier_reply){.code = code};
    /* A class that contradicts the code says nothing. */
    if (n && text[0] - '0' == code / 100)
        memcpy(r->enhanced, text, n);
}

static bool is_of_session(int code, enum courier_step step)
{
    return step == COURIER_OPENING || (code >= 500 && code <= 504) || code == 521 || (code >= 530 && code <= 539);
}

static const char *remedy(enum courier_step step, const struct courier_reply *r)
{
    if (strncmp(r->enhanced, "5.3.4", 5) == 0 || strncmp(r->enhanced, "5.2.3", 5) == 0 || r->code == 552)
        return "it is too large for the mail server, or the mailbox is full: raise the limit, then queue retry";
    switch (step) {
    case COURIER_MAIL:
        return "the mail server refuses our envelope sender: let it relay for this host, then queue retry";
    case COURIER_RCPT:
        return "the mail server refuses the address: correct it with member contact, or queue retry";
    default:
        return "the mail server refuses the mail itself: exempt this host from its filters, then queue retry";
    }
}

enum courier_outcome courier_reply_judge(const struct courier_reply *r, enum courier_step step, char *out)
{
    static const char *const words[] = {[COURIER_OPENING] = "opening the session",
                                        [COURIER_MAIL] = "MAIL",
                                        [COURIER_RCPT] = "RCPT",
                                        [COURIER_DATA] = "DATA"};
    const char *gap = *r->enhanced ? " " : "";

    if (r->code >= 500 && r->code <= 599 && !is_of_session(r->code, step)) {
        snprintf(out, COURIER_CODE_SIZE, "%d%s%s at %s: %s", r->code, gap, r->enhanced, words[step], remedy(step, r));
        return COURIER_FAILED;
    }
    if (r->code)
        snprintf(out, COURIER_CODE_SIZE, "%d%s%s at %s", r->code, gap, r->enhanced, words[step]);
    else
        snprintf(out, COURIER_CODE_SIZE, "smtp.dropped: the connection ended before the reply to %s", words[step]);
    return COURIER_DEFERRED;
}

/* An id has letters, digits, '.', '_', '-', and at least one digit or five characters: "Ok" is none. */
static bool take_id(const char *at, char *out)
{
    size_t n = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    while (n && at[n - 1] == '.')
        n--;
    if (n < 5 || n >= COURIER_QUEUE_ID_SIZE)
        return false;
    memcpy(out, at, n);
    out[n] = 0;
    return true;
}

bool courier_reply_queue_id(const char *text, char *out)
{
    static const char *const before[] = {"queued as ", "id="};
    size_t n;

    *out = 0;
    if (!text)
        return false;
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        const char *at = strcasestr(text, before[i]);

        if (at)
            return take_id(at + strlen(before[i]), out);
    }
    n = enhanced_len(text);
    text += n;
    text += strspn(text, " ");
    n = strcspn(text, " ");
    return strncasecmp(text + n, " Message accepted", 17) == 0 && take_id(text, out);
}

void courier_watch_asked(struct courier_watch *w)
{
    w->ended = false;
    w->len = 0;
}

static void end_line(struct courier_watch *w)
{
    int code = 0;

    w->line[w->len] = 0;
    w->len = 0;
    if (strspn(w->line, "0123456789") != 3 || w->line[3] == '-')
        return;
    w->ended = true;
    code = (w->line[0] - '0') * 100 + (w->line[1] - '0') * 10 + w->line[2] - '0';
    if (code >= 400)
        courier_reply_set(&w->refusal, code, w->line[3] ? w->line + 4 : NULL);
    else if (code != 221) /* the answer to QUIT, which follows a refusal, does not undo it */
        w->refusal.code = 0;
}

void courier_watch_hide(struct courier_watch *w, char *bytes, size_t len)
{
    static const char word[] = "CHUNKING";

    for (size_t i = 0; i < len; i++) {
        char c = (char)toupper((unsigned char)bytes[i]);

        /* No beginning of the word is within it, but for its first letter. */
        w->hidden = c == word[w->hidden] ? w->hidden + 1 : c == word[0];
        if (w->hidden == sizeof word - 1) {
            bytes[i] = '-';
            w->hidden = 0;
        }
    }
}

void courier_watch_read(struct courier_watch *w, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (w->ended)
            w->surplus = true;
        if (bytes[i] == '\n')
            end_line(w);
        else if (bytes[i] != '\r' && w->len < sizeof w->line - 1)
            w->line[w->len++] = bytes[i] ? bytes[i] : '?';
    }
}
