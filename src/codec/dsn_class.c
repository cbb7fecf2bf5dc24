#include "codec/dsn_parts.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool dsn_has(struct span text, const char *word)
{
    return text.len && memmem(text.data, text.len, word, strlen(word)) != NULL;
}

bool dsn_has_any(struct span text, const char *const *words)
{
    for (; *words; words++)
        if (dsn_has(text, *words))
            return true;
    return false;
}

bool dsn_says(struct span text, const char *const *words)
{
    for (; text.len && *words; words++) {
        const uint8_t *p = text.data, *end = text.data + text.len;
        size_t n = strlen(*words);

        for (; (p = memmem(p, (size_t)(end - p), *words, n)); p++)
            if (p == text.data || !isalnum(p[-1]) || !isalnum((uint8_t) * *words))
                return true;
    }
    return false;
}

bool dsn_says_failed(struct span text)
{
    return dsn_says(text, dsn_words_failed);
}

bool dsn_says_delayed(struct span text)
{
    return dsn_says(text, dsn_words_delayed);
}

/* ---- codes ---- */

static size_t digits_at(struct span t, size_t at)
{
    size_t n = 0;

    while (at + n < t.len && n < 4 && isdigit(t.data[at + n]))
        n++;
    return n;
}

/* The length of "5.1.1" at `at`, 0 where there is none. */
static size_t status_at(struct span t, size_t at)
{
    size_t n = at, digits;

    if (!(t.data[at] == '2' || t.data[at] == '4' || t.data[at] == '5') ||
        (at && (isalnum(t.data[at - 1]) || t.data[at - 1] == '.' || t.data[at - 1] == '_')))
        return 0;
    n++;
    for (int field = 0; field < 2; field++) {
        if (n >= t.len || t.data[n] != '.')
            return 0;
        digits = digits_at(t, n + 1);
        if (!digits || digits > 3)
            return 0;
        n += 1 + digits;
    }
    if (n < t.len && (isdigit(t.data[n]) || (t.data[n] == '.' && n + 1 < t.len && isdigit(t.data[n + 1]))))
        return 0; /* an address of the network */
    return n - at;
}

void dsn_find_status(struct span text, char *out)
{
    *out = 0;
    for (size_t i = 0; i + 5 <= text.len; i++) {
        size_t n = status_at(text, i);

        if (n && n < DSN_STATUS_SIZE && text.data[i] != '2') {
            memcpy(out, text.data + i, n);
            out[n] = 0;
            return;
        }
    }
}

/* Where a code of SMTP stands; t.len where none does. */
static size_t find_reply_at(struct span t)
{
    for (size_t i = 0; i + 3 <= t.len; i++) {
        bool starts = i == 0 || strchr(" \t\n>:;#<(\"'[=", t.data[i - 1]);
        bool ends = i + 3 == t.len || strchr(" \t\n-:;#).]\"'<", t.data[i + 3]);

        if ((t.data[i] == '4' || t.data[i] == '5') && t.data[i + 1] >= '0' && t.data[i + 1] <= '9' &&
            digits_at(t, i) == 3 && starts && ends && t.data[i + 1] <= '7')
            return i;
    }
    return t.len;
}

int dsn_find_reply(struct span t)
{
    size_t i = find_reply_at(t);

    return i < t.len ? (t.data[i] - '0') * 100 + (t.data[i + 1] - '0') * 10 + (t.data[i + 2] - '0') : 0;
}

/* ---- the judgement ---- */

bool dsn_status_is_general(const char *status)
{
    return !*status || strcmp(status + 1, ".0.0") == 0;
}

bool dsn_says_why(struct span words)
{
    return dsn_find_reason(words) != DSN_REASON_NONE;
}

/* From the code of a reply to the end of its paragraph: what the far server said, without what stands around it in
 * each notice of that kind. */
static struct span reply_of(struct span text)
{
    size_t from = find_reply_at(text), to = from, lines = 0;

    while (to < text.len && lines < 2) {
        lines = text.data[to] == '\n' ? lines + 1 : isspace(text.data[to]) ? lines : 0;
        to++;
    }
    return (struct span){text.data + from, to - from};
}

void dsn_read_words(struct span text, struct dsn_words *out)
{
    struct span reply = reply_of(text);

    out->reason = dsn_find_reason(reply);
    if (out->reason == DSN_REASON_NONE && reply.len < text.len)
        out->reason = dsn_find_reason(text);
    dsn_find_status(text, out->status);
    out->reply = dsn_find_reply(text);
}

void dsn_add_words(struct dsn_words *words, const struct dsn_words *more)
{
    if (more->reason > words->reason)
        words->reason = more->reason;
    if (!*words->status)
        memcpy(words->status, more->status, sizeof words->status);
    if (!words->reply)
        words->reply = more->reply;
}

/* RFC 3463, 3.2: the mailbox or its host is not there; of the sender's (X.1.7, X.1.8) it says nothing. */
static bool is_of_the_address(const char *status)
{
    static const char *const exact[] = {"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", NULL};

    for (const char *const *s = exact; *s; s++)
        if (strcmp(status, *s) == 0)
            return true;
    return false;
}

/* RFC 3463, 3.2: the sender's mailbox, or its system, is not good. */
static bool is_of_the_sender(const char *status)
{
    return strcmp(status, "5.1.7") == 0 || strcmp(status, "5.1.8") == 0;
}

/* RFC 3463, 3.3 to 3.8: about this mail, not about the address. */
static bool is_of_this_mail(const char *status)
{
    return strncmp(status, "5.7.", 4) == 0 || strncmp(status, "5.6.", 4) == 0 || strcmp(status, "5.3.4") == 0 ||
           strcmp(status, "5.2.3") == 0;
}

static enum dsn_class class_of_codes(const char *status, int reply)
{
    if (strcmp(status, "5.2.2") == 0 || strcmp(status, "4.2.2") == 0)
        return DSN_FULL;
    if (reply == 551 || reply == 553) /* RFC 5321, 4.2.3: of the mailbox's name */
        return DSN_PERMANENT;
    if (reply == 521 || reply == 556 || strcmp(status, "5.3.2") == 0) /* RFC 7504: the host takes no mail at all */
        return DSN_PERMANENT;
    if (is_of_this_mail(status))
        return DSN_TEMPORARY;
    if (*status == '4' || (!*status && reply >= 400 && reply < 500))
        return DSN_TEMPORARY;
    return DSN_PERMANENT;
}

static enum dsn_class class_of(const struct dsn_recipient *r, enum dsn_reason reason)
{
    enum dsn_class by_codes = class_of_codes(r->status, r->reply);

    if (is_of_the_sender(r->status))
        return DSN_TEMPORARY;
    if (reason == DSN_REASON_UNKNOWN_PERHAPS)
        reason = is_of_this_mail(r->status) ? DSN_REASON_REFUSED : DSN_REASON_UNKNOWN;
    if (reason == DSN_REASON_FULL || by_codes == DSN_FULL)
        return reason == DSN_REASON_UNKNOWN ? DSN_PERMANENT : DSN_FULL;
    if (by_codes == DSN_TEMPORARY && *r->status != '5' && !(r->reply >= 500 && reason == DSN_REASON_UNKNOWN))
        return DSN_TEMPORARY;
    if (reason == DSN_REASON_LARGE)
        return DSN_TEMPORARY;
    if (is_of_the_address(r->status) || reason == DSN_REASON_UNKNOWN)
        return DSN_PERMANENT;
    if (reason == DSN_REASON_TIME && !*r->status && r->reply < 500)
        return DSN_TEMPORARY;
    return reason == DSN_REASON_REFUSED ? DSN_TEMPORARY : by_codes;
}

void dsn_judge(const struct dsn_facts *facts, struct dsn_recipient *r)
{
    const struct dsn_words *words = &facts->words;

    snprintf(r->status, sizeof r->status, "%s", facts->status);
    r->reply = words->reply;
    if (*words->status && dsn_status_is_general(r->status))
        memcpy(r->status, words->status, sizeof r->status); /* the far server's own is the more exact one */
    r->given_up = facts->given_up || !facts->delayed;
    r->class = class_of(r, words->reason);
    if (!r->given_up && r->class != DSN_FULL)
        r->class = DSN_DELAY;
}
