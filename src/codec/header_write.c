/* Writing header fields: folding (RFC 5322, 2.2.3), encoded words (RFC 2047), extended parameters (RFC 2231). */
#include "codec/header.h"

#include "codec/addr.h"
#include "codec/charset.h"
#include "codec/xfer.h"

#include <stdio.h>
#include <string.h>

#define WORD_COLUMNS 75                /* RFC 2047, 2: one encoded word */
#define WORD_FRAME   12                /* its marks and the charset "utf-8" */
#define WORD_LEAST   (WORD_FRAME + 12) /* room for one character of four bytes */

enum err header_check_value(const char *s, const char *what, struct diag *why)
{
    for (; *s; s++)
        if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
            return diag_set(why, ERR_REJECT, "header.injection",
                            "%s holds a control character, which could begin a header field of its own; remove it",
                            what);
    return ERR_OK;
}

static enum err check_name(const char *name, struct diag *why)
{
    size_t len = strlen(name);
    bool ok = len > 0 && len <= 60;

    for (const char *c = name; *c && ok; c++)
        ok = *c > ' ' && *c < 127 && *c != ':';
    return ok ? ERR_OK
              : diag_set(why, ERR_REJECT, "header.injection",
                         "a header field's name is 1 to 60 printable ASCII characters without a colon");
}

static enum err check_field(const char *name, const char *value, struct diag *why)
{
    enum err err = check_name(name, why);

    if (err == ERR_OK)
        err = header_check_value(value, name, why);
    if (err == ERR_OK && strlen(value) > HEADER_VALUE_MAX)
        err = diag_set(why, ERR_LIMIT, "header.too-long", "the field %s is over %d bytes; shorten it", name,
                       HEADER_VALUE_MAX);
    return err;
}

static bool is_ascii(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] > 126 || (s.data[i] < ' ' && s.data[i] != '\t'))
            return false;
    return true;
}

static struct span trim_blanks(const char *value)
{
    struct span s = span_of(value);

    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }
    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* ---- plain text, folded at blanks ---- */

/* The blanks at `at` and the word behind them. */
static size_t chunk_len(struct span s, size_t at)
{
    size_t end = at;

    while (end < s.len && (s.data[end] == ' ' || s.data[end] == '\t'))
        end++;
    while (end < s.len && s.data[end] != ' ' && s.data[end] != '\t')
        end++;
    return end - at;
}

/* Fails, with nothing added to out, when a word alone is over the line's limit. */
static bool add_folded(struct buf *out, size_t column, struct span s)
{
    struct buf lines = BUF_EMPTY;

    for (size_t at = 0, len; at < s.len; at += len) {
        len = chunk_len(s, at);
        if (len > HEADER_LINE_MAX || (at == 0 && column + len > HEADER_LINE_MAX)) {
            buf_free(&lines);
            return false;
        }
        if (at > 0 && column + len > HEADER_FOLD_COLUMNS) {
            buf_add(&lines, "\r\n", 2);
            column = 0;
        }
        buf_add(&lines, s.data + at, len);
        column += len;
    }
    buf_add_buf(out, &lines);
    buf_free(&lines);
    return true;
}

/* ---- encoded words ---- */

/* In a phrase fewer characters may stand for themselves than in text (RFC 2047, 5 (3)); these do everywhere. */
static bool q_is_plain(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr("!*+-/", c));
}

static size_t q_len(const uint8_t *bytes, size_t n)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len += q_is_plain(bytes[i]) || bytes[i] == ' ' ? 1 : 3;
    return len;
}

static void add_q(struct buf *out, struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == ' ')
            buf_add_byte(out, '_');
        else if (q_is_plain(s.data[i]))
            buf_add_byte(out, s.data[i]);
        else
            buf_printf(out, "=%02X", s.data[i]);
    }
}

/* How many bytes of s (whole characters) fit into a word of `columns`; at least one character. */
static size_t word_fill(struct span s, bool base64, size_t columns)
{
    size_t room = columns > WORD_FRAME ? columns - WORD_FRAME : 0;
    size_t used = 0, bytes = 0, n;
    uint32_t code;

    for (; bytes < s.len; bytes += n) {
        n = charset_utf8_char((struct span){s.data + bytes, s.len - bytes}, &code);
        n = n ? n : 1;
        used = base64 ? (bytes + n + 2) / 3 * 4 : used + q_len(s.data + bytes, n);
        if (used > room && bytes)
            break;
    }
    return bytes;
}

/* As many words as it takes, one on a line but for the first. Returns the column behind the last one. */
static size_t add_words(struct buf *out, size_t column, struct span s)
{
    bool base64 = q_len(s.data, s.len) > s.len * 4 / 3 + 4;

    while (s.len) {
        size_t limit = column + WORD_LEAST > WORD_COLUMNS ? 0 : WORD_COLUMNS - column;
        size_t before, n;

        if (!limit) {
            buf_add_str(out, "\r\n ");
            column = 1;
            limit = WORD_COLUMNS - 1;
        }
        n = word_fill(s, base64, limit);
        before = out->len;
        buf_add_str(out, base64 ? "=?utf-8?b?" : "=?utf-8?q?");
        if (base64)
            xfer_base64_encode((struct span){s.data, n}, 0, out);
        else
            add_q(out, (struct span){s.data, n});
        buf_add_str(out, "?=");
        column += out->len - before;
        s = (struct span){s.data + n, s.len - n};
        if (s.len) {
            buf_add_str(out, "\r\n ");
            column = 1;
        }
    }
    return column;
}

static bool has_word_mark(struct span s)
{
    return s.len >= 2 && memmem(s.data, s.len, "=?", 2);
}

enum err header_add_text(struct buf *out, const char *name, const char *value, struct diag *why)
{
    enum err err = check_field(name, value, why);
    struct span s = trim_blanks(value);
    struct buf clean = BUF_EMPTY;

    if (err != ERR_OK)
        return err;
    buf_printf(out, "%s: ", name);
    if (!is_ascii(s) || has_word_mark(s) || !add_folded(out, strlen(name) + 2, s)) {
        charset_clean_utf8(s, &clean);
        add_words(out, strlen(name) + 2, buf_span(&clean));
        buf_free(&clean);
    }
    buf_add(out, "\r\n", 2);
    return ERR_OK;
}

enum err header_add_raw(struct buf *out, const char *name, const char *value, struct diag *why)
{
    enum err err = check_field(name, value, why);
    struct span s = trim_blanks(value);
    size_t before = out->len;

    if (err != ERR_OK)
        return err;
    if (!is_ascii(s))
        return diag_set(why, ERR_REJECT, "header.not-ascii", "the field %s takes ASCII only", name);
    buf_printf(out, "%s: ", name);
    if (!add_folded(out, strlen(name) + 2, s)) {
        out->len = before;
        return diag_set(why, ERR_LIMIT, "header.too-long", "the field %s has a word of more than %d octets; shorten it",
                        name, HEADER_LINE_MAX);
    }
    buf_add(out, "\r\n", 2);
    return ERR_OK;
}

/* ---- addresses ---- */

static void add_quoted(struct buf *out, struct span s)
{
    buf_add_byte(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"' || s.data[i] == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, s.data[i]);
    }
    buf_add_byte(out, '"');
}

static bool is_phrase(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!q_is_plain(s.data[i]) && s.data[i] != ' ' && s.data[i] != '_')
            return false;
    return true;
}

static size_t add_display(struct buf *out, size_t column, struct span s)
{
    size_t before = out->len;

    if (!is_ascii(s) || has_word_mark(s) || s.len > 200)
        return add_words(out, column, s);
    if (is_phrase(s))
        buf_add(out, s.data, s.len);
    else
        add_quoted(out, s);
    return column + out->len - before;
}

enum err header_add_address(struct buf *out, const char *name, const char *display, const char *spec, struct diag *why)
{
    char checked[ADDR_MAX_BYTES + 1];
    enum err err = check_field(name, display ? display : "", why);
    struct span s = trim_blanks(display ? display : "");
    struct buf clean = BUF_EMPTY;
    size_t column;

    if (err == ERR_OK)
        err = addr_check(span_of(spec), checked, why);
    if (err != ERR_OK)
        return err;
    buf_printf(out, "%s: ", name);
    column = strlen(name) + 2;
    if (s.len) {
        charset_clean_utf8(s, &clean);
        column = add_display(out, column, buf_span(&clean));
        buf_free(&clean);
        buf_add_str(out, column + strlen(checked) + 3 > HEADER_FOLD_COLUMNS ? "\r\n " : " ");
        buf_printf(out, "<%s>\r\n", checked);
    } else {
        buf_printf(out, "%s\r\n", checked);
    }
    return ERR_OK;
}

/* ---- parameters ---- */

static bool param_is_plain(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] < ' ' || s.data[i] > 126 || s.data[i] == '"' || s.data[i] == '\\')
            return false;
    return s.len <= 60 && !has_word_mark(s);
}

static void add_percent(struct buf *out, uint8_t c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c && strchr("-._", c)))
        buf_add_byte(out, c);
    else
        buf_printf(out, "%%%02X", c);
}

enum err header_add_param(struct buf *out, const char *name, const char *value, struct diag *why)
{
    enum err err = check_field(name, value, why);
    struct span s = span_of(value);
    size_t column = 0;
    int segment = 0;

    if (err != ERR_OK)
        return err;
    if (param_is_plain(s)) {
        buf_printf(out, ";\r\n %s=\"%s\"", name, value);
        return ERR_OK;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (segment == 0 || column + 3 > HEADER_FOLD_COLUMNS - 1) {
            size_t before = out->len;

            buf_printf(out, ";\r\n %s*%d*=%s", name, segment, segment ? "" : "utf-8''");
            column = out->len - before - 3;
            segment++;
        }
        add_percent(out, s.data[i]);
        column += 3;
    }
    return ERR_OK;
}
