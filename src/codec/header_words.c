/* Reading encoded words (RFC 2047) and parameters (RFC 2045, 5.1; RFC 2231). */
#include "codec/header.h"

#include "codec/charset.h"
#include "codec/xfer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX    2000 /* bytes looked at for the end of one encoded word; the RFC allows 75 */
#define CHARSET_MAX 40
#define SEGMENT_MAX 64 /* continuations of one parameter */

/* ---- encoded words ---- */

struct word {
    char charset[CHARSET_MAX + 1];
    bool base64;
    struct span text;
    size_t len; /* of the whole "=?…?=" */
};

static const uint8_t *find_byte(struct span s, size_t from, uint8_t byte, size_t max)
{
    size_t len = from < s.len ? s.len - from : 0;

    return len ? memchr(s.data + from, byte, len < max ? len : max) : NULL;
}

/* Where "?=" ends the text that starts at `from`; 0 when it does not within WORD_MAX. */
static size_t word_text_end(struct span s, size_t from)
{
    size_t end = s.len - from > WORD_MAX ? from + WORD_MAX : s.len;

    for (size_t i = from; i + 1 < end; i++)
        if (s.data[i] == '?' && s.data[i + 1] == '=')
            return i;
    return 0;
}

/* Is there an encoded word at the front of s? */
static bool word_read(struct span s, struct word *out)
{
    const uint8_t *mark;
    size_t charset, end, name;

    if (s.len < 8 || s.data[0] != '=' || s.data[1] != '?')
        return false;
    mark = find_byte(s, 2, '?', CHARSET_MAX + 1);
    if (!mark || mark == s.data + 2)
        return false;
    charset = (size_t)(mark - s.data) - 2;
    if (s.len < charset + 7 || mark[2] != '?' || !strchr("bBqQ", mark[1]) || !mark[1])
        return false;
    end = word_text_end(s, charset + 5);
    if (!end)
        return false;
    for (name = 0; name < charset && s.data[2 + name] != '*'; name++)
        out->charset[name] = (char)s.data[2 + name];
    out->charset[name] = 0;
    out->base64 = (mark[1] | 32) == 'b';
    out->text = (struct span){s.data + charset + 5, end - charset - 5};
    out->len = end + 2;
    return true;
}

static void word_bytes(const struct word *w, struct buf *out)
{
    struct buf q = BUF_EMPTY;

    if (w->base64) {
        xfer_base64_decode_mail(w->text, out);
        return;
    }
    for (size_t i = 0; i < w->text.len; i++) {
        uint8_t c = w->text.data[i];

        if (c == '_' || c == ' ')
            buf_add_str(&q, "=20");
        else if (c != '\r' && c != '\n')
            buf_add_byte(&q, c);
    }
    xfer_qp_decode(buf_span(&q), out);
    buf_free(&q);
}

/* Bytes of neighbouring words in one charset, decoded together: senders split characters over words. */
struct word_run {
    char charset[CHARSET_MAX + 1];
    struct buf bytes;
};

static void run_flush(struct word_run *run, struct buf *out)
{
    if (run->bytes.len)
        charset_convert(run->charset, buf_span(&run->bytes), out);
    buf_clear(&run->bytes);
}

static bool all_blank(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr(" \t\r\n", s.data[i]) || !s.data[i])
            return false;
    return true;
}

static void decode_words(struct span s, struct buf *out)
{
    struct word_run run = {.bytes = BUF_EMPTY};
    size_t plain = 0, at = 0;
    bool after_word = false;
    struct word w;

    while (at < s.len) {
        const uint8_t *mark = memchr(s.data + at, '=', s.len - at);

        if (!mark)
            break;
        at = (size_t)(mark - s.data);
        if (!word_read((struct span){mark, s.len - at}, &w)) {
            at++;
            continue;
        }
        if (!after_word || !all_blank((struct span){s.data + plain, at - plain})) {
            run_flush(&run, out);
            charset_convert("us-ascii", (struct span){s.data + plain, at - plain}, out);
        } else if (strcasecmp(run.charset, w.charset)) {
            run_flush(&run, out);
        }
        snprintf(run.charset, sizeof run.charset, "%s", w.charset);
        word_bytes(&w, &run.bytes);
        at += w.len;
        plain = at;
        after_word = true;
    }
    run_flush(&run, out);
    if (plain < s.len)
        charset_convert("us-ascii", (struct span){s.data + plain, s.len - plain}, out);
    buf_free(&run.bytes);
}

void header_decode_text(struct span value, struct buf *out)
{
    struct buf flat = BUF_EMPTY, decoded = BUF_EMPTY;

    header_unfold(value, &flat);
    decode_words(buf_span(&flat), &decoded);
    header_add_clean(buf_span(&decoded), out);
    buf_free(&flat);
    buf_free(&decoded);
}

/* ---- parameters ---- */

/* Where the next ';' outside quotes and comments stands, from `at` on; the end when there is none. */
static size_t next_semicolon(struct span s, size_t at)
{
    bool quoted = false;

    while (at < s.len && (quoted || s.data[at] != ';')) {
        if (s.data[at] == '\\' && quoted)
            at++;
        else if (s.data[at] == '"')
            quoted = !quoted;
        else if (s.data[at] == '(' && !quoted) {
            at = header_skip_comments(s, at);
            continue;
        }
        at++;
    }
    return at < s.len ? at : s.len;
}

static bool is_file_name(struct span name)
{
    return (name.len >= 4 && !strncasecmp((const char *)name.data, "name", 4)) ||
           (name.len >= 8 && !strncasecmp((const char *)name.data, "filename", 8));
}

/* A value at `at`, unquoted. File names without quotes may hold blanks, since senders write them so. */
static void param_value(struct span s, size_t at, bool lax, struct buf *out)
{
    bool quoted = at < s.len && s.data[at] == '"';
    size_t start = out->len;

    for (at += quoted; at < s.len; at++) {
        uint8_t c = s.data[at];

        if (quoted ? c == '"' : c == ';' || (!lax && (c <= ' ' || c == '(')))
            break;
        if (quoted && c == '\\' && at + 1 < s.len)
            c = s.data[++at];
        if (c != '\r' && c != '\n')
            buf_add_byte(out, c);
    }
    while (!quoted && out->len > start && (out->data[out->len - 1] == ' ' || out->data[out->len - 1] == '\t'))
        out->data[--out->len] = 0;
}

/* The next parameter at *at (a semicolon, or before one); its value is added to out. */
static bool param_next(struct span s, size_t *at, struct span *out_name, struct buf *out)
{
    size_t from, end;

    while ((*at = next_semicolon(s, *at)) < s.len) {
        from = header_skip_comments(s, *at + 1);
        for (end = from; end < s.len && s.data[end] > ' ' && !strchr("=;(\"", s.data[end]); end++)
            ;
        *at = from;
        *out_name = (struct span){s.data + from, end - from};
        end = header_skip_comments(s, end);
        if (end >= s.len || s.data[end] != '=' || !out_name->len)
            continue;
        param_value(s, header_skip_comments(s, end + 1), is_file_name(*out_name), out);
        return true;
    }
    return false;
}

bool header_param_raw(struct span value, const char *name, struct buf *out)
{
    struct buf v = BUF_EMPTY;
    struct span found;
    size_t at = 0;
    bool ok = false;

    while (!ok && param_next(value, &at, &found, &v)) {
        ok = header_name_is(found, name);
        if (ok)
            buf_add_buf(out, &v);
        buf_clear(&v);
    }
    buf_free(&v);
    return ok;
}

struct segment {
    bool set, extended;
    size_t off, len; /* in the buffer of all values */
};

/* "name*0*" → segment 0, extended; "name*" → 0, extended; "name" is no segment. */
static bool segment_name(struct span found, const char *name, size_t *out_index, bool *out_extended)
{
    size_t n = strlen(name), index = 0, at = n + 1;

    if (found.len <= n || found.data[n] != '*' || strncasecmp((const char *)found.data, name, n))
        return false;
    for (; at < found.len && found.data[at] >= '0' && found.data[at] <= '9' && index < SEGMENT_MAX; at++)
        index = index * 10 + (size_t)(found.data[at] - '0');
    *out_extended = at == n + 1 || (at + 1 == found.len && found.data[at] == '*');
    *out_index = index;
    return index < SEGMENT_MAX && (at == found.len || *out_extended);
}

static int hex_digit(uint8_t c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

    return at ? (int)(at - digits) : -1;
}

static void percent_decode(struct span s, struct buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '%' && s.len - i > 2 && hex_digit(s.data[i + 1]) >= 0 && hex_digit(s.data[i + 2]) >= 0) {
            buf_add_byte(out, (uint8_t)(hex_digit(s.data[i + 1]) << 4 | hex_digit(s.data[i + 2])));
            i += 2;
        } else {
            buf_add_byte(out, s.data[i]);
        }
    }
}

/* Joins the segments (up to the first gap) and converts them from the charset that the first one names. */
static void join_segments(const struct segment *segments, const struct buf *values, struct buf *out)
{
    struct buf bytes = BUF_EMPTY;
    char charset[CHARSET_MAX + 1] = "utf-8";

    for (size_t i = 0; i < SEGMENT_MAX && segments[i].set; i++) {
        struct span s = {(const uint8_t *)buf_text(values) + segments[i].off, segments[i].len};
        const uint8_t *first = i == 0 && segments[i].extended ? find_byte(s, 0, '\'', s.len) : NULL;
        const uint8_t *second = first ? find_byte(s, (size_t)(first - s.data) + 1, '\'', s.len) : NULL;

        if (second) {
            snprintf(charset, sizeof charset, "%.*s", (int)(first - s.data), (const char *)s.data);
            s = (struct span){second + 1, s.len - (size_t)(second + 1 - s.data)};
        }
        if (segments[i].extended)
            percent_decode(s, &bytes);
        else
            buf_add(&bytes, s.data, s.len);
    }
    charset_convert(charset, buf_span(&bytes), out);
    buf_free(&bytes);
}

bool header_param(struct span value, const char *name, struct buf *out)
{
    struct segment segments[SEGMENT_MAX] = {0};
    struct buf values = BUF_EMPTY, text = BUF_EMPTY;
    struct segment plain = {0};
    struct span found;
    size_t at = 0, index = 0, off = 0;
    bool extended = false;

    while (param_next(value, &at, &found, &values)) {
        struct segment s = {true, false, off, values.len - off};

        if (header_name_is(found, name) && !plain.set) {
            plain = s;
        } else if (segment_name(found, name, &index, &extended) && !segments[index].set) {
            s.extended = extended;
            segments[index] = s;
        }
        off = values.len;
    }
    if (segments[0].set) {
        join_segments(segments, &values, &text);
        header_add_clean(buf_span(&text), out);
    } else if (plain.set) {
        header_decode_text((struct span){(const uint8_t *)buf_text(&values) + plain.off, plain.len}, out);
    }
    buf_free(&values);
    buf_free(&text);
    return segments[0].set || plain.set;
}
