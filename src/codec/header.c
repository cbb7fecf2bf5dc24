#include "codec/header.h"

#include "base/instant.h"
#include "codec/charset.h"

#include <string.h>
#include <strings.h>

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool is_space(uint8_t c)
{
    return is_blank(c) || c == '\r' || c == '\n';
}

static struct span span_trim(struct span s)
{
    while (s.len && is_space(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len && is_space(s.data[s.len - 1]))
        s.len--;
    return s;
}

bool header_name_is(struct span name, const char *expected)
{
    return strlen(expected) == name.len && !strncasecmp((const char *)name.data, expected, name.len);
}

/* ---- fields ---- */

/* Length of the line at the front, with its LF. */
static size_t line_len(struct span s)
{
    const uint8_t *lf = s.len ? memchr(s.data, '\n', s.len) : NULL;

    return lf ? (size_t)(lf - s.data) + 1 : s.len;
}

static bool line_is_empty(struct span line)
{
    return line.len == 0 || line.data[0] == '\n' || (line.len == 2 && line.data[0] == '\r' && line.data[1] == '\n');
}

/* A field with all its folded lines; 0 at the end of the block. */
static size_t field_len(struct span rest)
{
    size_t len = line_len(rest);

    if (line_is_empty((struct span){rest.data, len}))
        return 0;
    while (len < rest.len && is_blank(rest.data[len]))
        len += line_len((struct span){rest.data + len, rest.len - len});
    return len;
}

bool header_next(struct header_iter *it, struct span *out_name, struct span *out_value)
{
    size_t len;

    while (it->rest.len && (len = field_len(it->rest)) != 0) {
        const uint8_t *at = it->rest.data;
        const uint8_t *colon = memchr(at, ':', len);
        size_t end = len, name;

        it->rest = (struct span){at + len, it->rest.len - len};
        if (!colon)
            continue;
        for (name = (size_t)(colon - at); name && is_blank(at[name - 1]); name--)
            ;
        if (at[end - 1] == '\n')
            end -= end > 1 && at[end - 2] == '\r' ? 2 : 1;
        *out_name = (struct span){at, name};
        *out_value = (struct span){colon + 1, end > (size_t)(colon + 1 - at) ? end - (size_t)(colon + 1 - at) : 0};
        return true;
    }
    return false;
}

bool header_find(struct span block, const char *name, size_t nth, struct span *out_value)
{
    struct header_iter it = {block};
    struct span field, value;

    while (header_next(&it, &field, &value)) {
        if (!header_name_is(field, name) || nth--)
            continue;
        *out_value = value;
        return true;
    }
    *out_value = (struct span){NULL, 0};
    return false;
}

size_t header_count(struct span block, const char *name)
{
    struct header_iter it = {block};
    struct span field, value;
    size_t n = 0;

    while (header_next(&it, &field, &value))
        n += header_name_is(field, name);
    return n;
}

size_t header_block_len(struct span message)
{
    size_t at = 0;

    while (at < message.len) {
        struct span rest = {message.data + at, message.len - at};
        size_t len = line_len(rest);

        at += len;
        if (line_is_empty((struct span){rest.data, len}))
            break;
    }
    return at;
}

/* ---- values ---- */

void header_unfold(struct span value, struct buf *out)
{
    struct span s = span_trim(value);
    size_t from = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] != '\r' && s.data[i] != '\n')
            continue;
        buf_add(out, s.data + from, i - from);
        from = i + 1;
    }
    if (from < s.len)
        buf_add(out, s.data + from, s.len - from);
}

/* Controls of ASCII and ISO 6429, line and paragraph separators, and what turns the direction of text around. */
static bool code_is_unwanted(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

void header_add_clean(struct span utf8, struct buf *out)
{
    struct buf clean = BUF_EMPTY;
    struct span trimmed;
    uint32_t code;
    size_t n;

    for (size_t at = 0; at < utf8.len; at += n) {
        n = charset_utf8_char((struct span){utf8.data + at, utf8.len - at}, &code);
        if (!n)
            charset_add_code(&clean, 0xfffd);
        else if (code_is_unwanted(code))
            buf_add_byte(&clean, ' ');
        else
            buf_add(&clean, utf8.data + at, n);
        n = n ? n : 1;
    }
    trimmed = span_trim(buf_span(&clean));
    buf_add(out, trimmed.data, trimmed.len);
    buf_free(&clean);
}

size_t header_skip_comments(struct span value, size_t at)
{
    size_t depth = 0;

    for (; at < value.len; at++) {
        uint8_t c = value.data[at];

        if (c == '(') {
            depth++;
        } else if (c == ')' && depth) {
            depth--;
        } else if (c == '\\' && depth) {
            at++;
        } else if (!depth && !is_space(c)) {
            break;
        }
    }
    return at < value.len ? at : value.len;
}

void header_token(struct span value, struct buf *out)
{
    size_t at = 0, from;

    while ((at = header_skip_comments(value, at)) < value.len) {
        uint8_t c = value.data[at];

        from = at;
        if (c == ';' || c == ',' || c == '"' || c < ' ')
            break;
        for (; at < value.len; at++) {
            c = value.data[at];
            if (c <= ' ' || c == ';' || c == '(' || c == ',' || c == '"' || c > 126)
                break;
            buf_add_byte(out, c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c);
        }
        if (at == from)
            break;
        /* "text / plain": blanks around the slash alone join two tokens */
        at = header_skip_comments(value, at);
        if (at >= value.len || (value.data[at] != '/' && !(out->len && out->data[out->len - 1] == '/')))
            break;
    }
}

bool header_next_msg_id(struct span *rest, struct span *out_id)
{
    while (rest->len) {
        const uint8_t *open = memchr(rest->data, '<', rest->len);
        const uint8_t *close = open ? memchr(open, '>', rest->len - (size_t)(open - rest->data)) : NULL;
        struct span id;
        bool plain = true;

        if (!close)
            break;
        id = (struct span){open, (size_t)(close - open) + 1};
        rest->len -= (size_t)(close + 1 - rest->data);
        rest->data = close + 1;
        for (size_t i = 1; i + 1 < id.len; i++)
            plain = plain && id.data[i] > ' ' && id.data[i] < 127 && id.data[i] != '<';
        if (!plain || id.len < 3 || id.len > HEADER_LINE_MAX)
            continue;
        *out_id = id;
        return true;
    }
    rest->len = 0;
    return false;
}

/* ---- Date ---- */

struct date_reader {
    struct span s;
    size_t at;
};

/* A number of at most max_digits digits; -1 where there is none. */
static int date_number(struct date_reader *r, int max_digits, int *out_digits)
{
    int value = 0, digits = 0;

    r->at = header_skip_comments(r->s, r->at);
    while (r->at < r->s.len && r->s.data[r->at] >= '0' && r->s.data[r->at] <= '9' && digits < max_digits) {
        value = value * 10 + (r->s.data[r->at++] - '0');
        digits++;
    }
    if (out_digits)
        *out_digits = digits;
    return digits ? value : -1;
}

static size_t date_word(struct date_reader *r, char *out, size_t size)
{
    size_t n = 0;

    r->at = header_skip_comments(r->s, r->at);
    while (r->at < r->s.len && ((r->s.data[r->at] | 32) >= 'a' && (r->s.data[r->at] | 32) <= 'z')) {
        if (n + 1 < size)
            out[n++] = (char)(r->s.data[r->at] | 32);
        r->at++;
    }
    out[n] = 0;
    return n;
}

static bool date_char(struct date_reader *r, uint8_t c)
{
    r->at = header_skip_comments(r->s, r->at);
    if (r->at >= r->s.len || r->s.data[r->at] != c)
        return false;
    r->at++;
    return true;
}

/* Seconds east of UTC; the military letters and unknown names say nothing (RFC 5322, 4.3), so they are UTC. */
static bool date_zone(struct date_reader *r, int *out_east_s)
{
    static const struct {
        const char *name;
        int hours;
    } zones[] = {{"est", -5}, {"edt", -4}, {"cst", -6}, {"cdt", -5},
                 {"mst", -7}, {"mdt", -6}, {"pst", -8}, {"pdt", -7}};
    char name[8];
    int digits, value, sign = 0;

    *out_east_s = 0;
    if (date_char(r, '+'))
        sign = 1;
    else if (date_char(r, '-'))
        sign = -1;
    if (sign) {
        value = date_number(r, 4, &digits);
        *out_east_s = sign * (value / 100 * 3600 + value % 100 * 60);
        return digits == 4 && value % 100 < 60;
    }
    date_word(r, name, sizeof name);
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
        if (!strcmp(name, zones[i].name))
            *out_east_s = zones[i].hours * 3600;
    return true;
}

static int date_month(const char *word)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    for (int i = 0; i < 12; i++)
        if (!strncmp(word, months + 3 * i, 3))
            return i + 1;
    return 0;
}

bool header_parse_date(struct span value, int64_t *out_utc_s)
{
    struct date_reader r = {span_trim(value), 0};
    int day, month, year, digits, hour, minute, second = 0, east_s;
    char word[16];

    date_word(&r, word, sizeof word);
    date_char(&r, ',');
    day = date_number(&r, 2, NULL);
    date_char(&r, '-');
    date_word(&r, word, sizeof word);
    month = date_month(word);
    date_char(&r, '-');
    year = date_number(&r, 4, &digits);
    if (digits < 4)
        year += year < 0 ? 0 : digits == 2 && year < 50 ? 2000 : 1900;
    hour = date_number(&r, 2, NULL);
    if (!date_char(&r, ':'))
        return false;
    minute = date_number(&r, 2, NULL);
    if (date_char(&r, ':'))
        second = date_number(&r, 2, NULL);
    if (!date_zone(&r, &east_s) || !month || year < 1900 || day < 1 || day > instant_month_days(year, month) ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    *out_utc_s = instant_from_civil(year, month, day, hour, minute, second) - east_s;
    return true;
}
