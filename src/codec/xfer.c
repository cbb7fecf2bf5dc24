#include "codec/xfer.h"

#include <string.h>
#include <strings.h>

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base32_digits[] = "abcdefghijklmnopqrstuvwxyz234567";
static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";

static const struct {
    const char *name;
    enum xfer_encoding encoding;
} xfer_names[] = {
    {"7bit", XFER_7BIT},     {"8bit", XFER_8BIT},  {"binary", XFER_BINARY}, {"quoted-printable", XFER_QUOTED_PRINTABLE},
    {"base64", XFER_BASE64}, {"7-bit", XFER_7BIT}, {"8-bit", XFER_8BIT},
};

enum xfer_encoding xfer_from_name(struct span value)
{
    size_t from = 0, end;

    while (from < value.len && (value.data[from] == ' ' || value.data[from] == '\t'))
        from++;
    for (end = from; end < value.len && value.data[end] > ' ' && !strchr(";(\"", value.data[end]); end++)
        ;
    if (end == from)
        return XFER_7BIT;
    for (size_t i = 0; i < sizeof xfer_names / sizeof xfer_names[0]; i++)
        if (strlen(xfer_names[i].name) == end - from &&
            !strncasecmp(xfer_names[i].name, (const char *)value.data + from, end - from))
            return xfer_names[i].encoding;
    return XFER_UNKNOWN;
}

const char *xfer_name(enum xfer_encoding encoding)
{
    for (size_t i = 0; i < sizeof xfer_names / sizeof xfer_names[0]; i++)
        if (xfer_names[i].encoding == encoding)
            return xfer_names[i].name;
    return "unknown";
}

/* ---- base64 ---- */

void xfer_base64_encode(struct span in, size_t line_len, struct buf *out)
{
    size_t column = 0;

    for (size_t i = 0; i < in.len; i += 3) {
        size_t n = in.len - i < 3 ? in.len - i : 3;
        uint32_t group = (uint32_t)in.data[i] << 16 | (n > 1 ? (uint32_t)in.data[i + 1] << 8 : 0) |
                         (n > 2 ? (uint32_t)in.data[i + 2] : 0);
        char four[4] = {base64_digits[group >> 18], base64_digits[group >> 12 & 63],
                        n > 1 ? base64_digits[group >> 6 & 63] : '=', n > 2 ? base64_digits[group & 63] : '='};

        buf_add(out, four, 4);
        column += 4;
        if (line_len && column >= line_len) {
            buf_add(out, "\r\n", 2);
            column = 0;
        }
    }
    if (line_len && column)
        buf_add(out, "\r\n", 2);
}

int xfer_base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

struct base64_state {
    uint32_t bits;
    int have; /* digits in bits, 0..3 */
};

/* Adds one digit, and three bytes to `to` when a group is whole; returns the bytes added. */
static size_t base64_push(struct base64_state *s, int digit, uint8_t *to)
{
    s->bits = s->bits << 6 | (uint32_t)digit;
    if (++s->have < 4)
        return 0;
    to[0] = (uint8_t)(s->bits >> 16);
    to[1] = (uint8_t)(s->bits >> 8);
    to[2] = (uint8_t)s->bits;
    *s = (struct base64_state){0, 0};
    return 3;
}

/* What a group of two or three digits holds; false for a single digit, or left-over bits that are not zero. */
static bool base64_finish(const struct base64_state *s, uint8_t *to, size_t *added)
{
    *added = 0;
    if (s->have == 0)
        return true;
    if (s->have == 1)
        return false;
    to[0] = (uint8_t)(s->have == 2 ? s->bits >> 4 : s->bits >> 10);
    if (s->have == 3)
        to[1] = (uint8_t)(s->bits >> 2);
    *added = (size_t)s->have - 1;
    return (s->bits & (s->have == 2 ? 15U : 3U)) == 0;
}

bool xfer_base64_decode(struct span in, struct buf *out)
{
    struct base64_state s = {0, 0};
    uint8_t *to = buf_room(out, in.len / 4 * 3 + 3);
    size_t n = 0, padding = 0, last;

    if (!to)
        return false;
    for (size_t i = 0; i < in.len; i++) {
        int digit = xfer_base64_digit(in.data[i]);

        if (strchr("\r\n\t ", in.data[i]) && in.data[i])
            continue;
        if (in.data[i] == '=')
            padding++;
        else if (digit < 0 || padding)
            return false;
        else
            n += base64_push(&s, digit, to + n);
    }
    if (!base64_finish(&s, to + n, &last) || padding != (s.have ? 4U - (size_t)s.have : 0U))
        return false;
    buf_grown(out, n + last);
    return true;
}

void xfer_base64_decode_mail(struct span in, struct buf *out)
{
    struct base64_state s = {0, 0};
    uint8_t *to = buf_room(out, in.len / 4 * 3 + 3);
    size_t n = 0, last;

    if (!to)
        return;
    for (size_t i = 0; i < in.len && in.data[i] != '='; i++) {
        int digit = xfer_base64_digit(in.data[i]);

        if (digit >= 0)
            n += base64_push(&s, digit, to + n);
    }
    base64_finish(&s, to + n, &last);
    buf_grown(out, n + last);
}

/* ---- quoted-printable ---- */

/* Must this byte be written as =XX, standing at `column` with `next` behind it (0 at the end of the text)? */
static bool qp_needs_escape(struct span text, size_t i, size_t column)
{
    uint8_t c = text.data[i], next = i + 1 < text.len ? text.data[i + 1] : '\n';

    if (c == ' ' || c == '\t')
        return next == '\n' || (next == '\r' && i + 2 < text.len && text.data[i + 2] == '\n');
    if (c < 33 || c > 126 || c == '=')
        return true;
    if (column == 0 && c == '.')
        return true;
    return column == 0 && c == 'F' && text.len - i >= 5 && !memcmp(text.data + i, "From ", 5);
}

void xfer_qp_encode(struct span text, struct buf *out)
{
    size_t column = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool escape;

        if (c == '\n' || (c == '\r' && i + 1 < text.len && text.data[i + 1] == '\n')) {
            i += c == '\r';
            buf_add(out, "\r\n", 2);
            column = 0;
            continue;
        }
        escape = qp_needs_escape(text, i, column);
        if (column + (escape ? 3 : 1) > 75) {
            buf_add(out, "=\r\n", 3);
            column = 0;
            escape = qp_needs_escape(text, i, column);
        }
        if (escape)
            buf_add(out, (char[]){'=', hex_upper[c >> 4], hex_upper[c & 15]}, 3);
        else
            buf_add_byte(out, c);
        column += escape ? 3 : 1;
    }
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One line without its line break; returns false when a soft break ends it. */
static bool qp_decode_line(struct span line, struct buf *out)
{
    size_t len = line.len;

    while (len && (line.data[len - 1] == ' ' || line.data[len - 1] == '\t'))
        len--;
    for (size_t i = 0; i < len; i++) {
        const uint8_t *at = line.data + i;

        if (*at == '=' && i + 1 == len)
            return false;
        if (*at == '=' && len - i >= 3 && hex_value(at[1]) >= 0 && hex_value(at[2]) >= 0) {
            buf_add_byte(out, (uint8_t)(hex_value(at[1]) << 4 | hex_value(at[2])));
            i += 2;
        } else {
            buf_add_byte(out, *at);
        }
    }
    return true;
}

void xfer_qp_decode(struct span in, struct buf *out)
{
    size_t at = 0;

    while (at < in.len) {
        const uint8_t *lf = memchr(in.data + at, '\n', in.len - at);
        size_t end = lf ? (size_t)(lf - in.data) : in.len;
        size_t text = lf && end > at && in.data[end - 1] == '\r' ? end - 1 : end;

        if (qp_decode_line((struct span){in.data + at, text - at}, out) && lf)
            buf_add(out, in.data + text, end - text + 1);
        at = end + 1;
    }
}

/* ---- base32 and hex ---- */

void xfer_base32_encode(struct span in, struct buf *out)
{
    uint32_t bits = 0;
    int have = 0;

    for (size_t i = 0; i < in.len; i++) {
        bits = (bits << 8 | in.data[i]) & 0xfff;
        for (have += 8; have >= 5; have -= 5)
            buf_add_byte(out, (uint8_t)base32_digits[bits >> (have - 5) & 31]);
    }
    if (have)
        buf_add_byte(out, (uint8_t)base32_digits[bits << (5 - have) & 31]);
}

static int base32_value(uint8_t c)
{
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

bool xfer_base32_decode(struct span in, struct buf *out)
{
    uint8_t *to = buf_room(out, in.len / 8 * 5 + 5);
    uint32_t bits = 0;
    size_t n = 0;
    int have = 0;

    if (!to)
        return false;
    for (size_t i = 0; i < in.len; i++) {
        int digit = base32_value(in.data[i]);

        if (digit < 0)
            return false;
        bits = (bits << 5 | (uint32_t)digit) & 0xfff;
        have += 5;
        if (have >= 8) {
            have -= 8;
            to[n++] = (uint8_t)(bits >> have);
        }
    }
    if (have >= 5 || (bits & ((1U << have) - 1)))
        return false;
    buf_grown(out, n);
    return true;
}

void xfer_hex_encode(struct span in, struct buf *out)
{
    for (size_t i = 0; i < in.len; i++)
        buf_add(out, (char[]){hex_lower[in.data[i] >> 4], hex_lower[in.data[i] & 15]}, 2);
}

bool xfer_hex_decode(struct span in, struct buf *out)
{
    uint8_t *to = in.len % 2 ? NULL : buf_room(out, in.len / 2);

    if (!to)
        return false;
    for (size_t i = 0; i < in.len; i += 2) {
        int high = hex_value(in.data[i]), low = hex_value(in.data[i + 1]);

        if (high < 0 || low < 0)
            return false;
        to[i / 2] = (uint8_t)(high << 4 | low);
    }
    buf_grown(out, in.len / 2);
    return true;
}

void xfer_decode(enum xfer_encoding encoding, struct span in, struct buf *out)
{
    if (encoding == XFER_BASE64)
        xfer_base64_decode_mail(in, out);
    else if (encoding == XFER_QUOTED_PRINTABLE)
        xfer_qp_decode(in, out);
    else
        buf_add(out, in.data, in.len);
}
