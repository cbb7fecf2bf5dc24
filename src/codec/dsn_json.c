#include "codec/dsn_parts.h"

#include "codec/lower.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/*
 * Amazon SES tells of bounces in JSON, by itself or once more quoted within the JSON of a notification service. The
 * keys are searched for, after the backslashes of the quoting are dropped: no parser is needed for three strings.
 */

/* The string behind `"key" :` at or behind *at, which moves behind it. */
static bool next_string(struct span t, const char *key, size_t *at, struct span *out)
{
    size_t n = strlen(key);
    const uint8_t *found, *end;

    while (*at < t.len && (found = memmem(t.data + *at, t.len - *at, key, n))) {
        size_t i = (size_t)(found - t.data) + n;

        *at = i;
        while (i < t.len && isspace(t.data[i]))
            i++;
        if (i >= t.len || t.data[i++] != ':')
            continue;
        while (i < t.len && isspace(t.data[i]))
            i++;
        if (i >= t.len || t.data[i++] != '"' || !(end = memchr(t.data + i, '"', t.len - i)))
            continue;
        *out = (struct span){t.data + i, (size_t)(end - t.data) - i};
        *at = i + out->len;
        return true;
    }
    return false;
}

static bool is_word(struct span s, const char *word)
{
    return s.len == strlen(word) && strncasecmp((const char *)s.data, word, s.len) == 0;
}

static void add_recipient(struct span address, struct span all_lower, bool transient, struct dsn *out)
{
    struct dsn_recipient *r = dsn_add(out, address);
    struct dsn_facts facts = {.status = "", .given_up = true};

    if (!r)
        return;
    dsn_read_words(all_lower, &facts.words);
    dsn_judge(&facts, r);
    if (transient && r->class == DSN_PERMANENT)
        r->class = DSN_TEMPORARY;
}

bool dsn_read_json(const struct dsn_mail *mail, struct dsn *out)
{
    struct buf bare = BUF_EMPTY, lower = BUF_EMPTY, words = BUF_EMPTY;
    struct span type = {0}, kind = {0}, value, t;
    bool is_ses;

    for (size_t i = 0; i < mail->notice.len; i++)
        if (mail->notice.data[i] != '\\')
            buf_add_byte(&bare, mail->notice.data[i]);
    t = buf_span(&bare);
    is_ses = next_string(t, "\"notificationType\"", &(size_t){0}, &type);
    if (is_ses && is_word(type, "Bounce")) {
        next_string(t, "\"bounceType\"", &(size_t){0}, &kind);
        for (size_t at = 0; next_string(t, "\"diagnosticCode\"", &at, &value);)
            buf_add(&words, value.data, value.len);
        lower_add(buf_span(&words), &lower);
        for (size_t at = 0; next_string(t, "\"emailAddress\"", &at, &value);)
            add_recipient(value, buf_span(&lower), is_word(kind, "Transient"), out);
    }
    buf_free(&bare);
    buf_free(&lower);
    buf_free(&words);
    return is_ses;
}
