/* The content of a part: transfer encoding, charset, line ends, format=flowed. */
#include "codec/mime.h"

#include "codec/charset.h"

#include <string.h>

struct span mime_part_header(struct span raw, const struct mime_part *p)
{
    return (struct span){raw.data + p->header_off, p->header_len};
}

struct span mime_part_body(struct span raw, const struct mime_part *p)
{
    return (struct span){raw.data + p->body_off, p->body_len};
}

struct span mime_part_entity(struct span raw, const struct mime_part *p)
{
    return (struct span){raw.data + p->header_off, p->body_off + p->body_len - p->header_off};
}

static enum err check_room(const struct buf *out, struct diag *why)
{
    return out->over ? diag_set(why, ERR_LIMIT, "too-large", "the decoded content is over %zu bytes", out->max)
                     : ERR_OK;
}

enum err mime_part_decode(struct span raw, const struct mime_part *p, struct buf *out, struct diag *why)
{
    xfer_decode(p->encoding, mime_part_body(raw, p), out);
    return check_room(out, why);
}

/* Bytes of valid UTF-8 at `at` that a person must not be shown: 0 for those that may pass. */
static size_t unwanted(struct span utf8, size_t at)
{
    const uint8_t *c = utf8.data + at;
    size_t left = utf8.len - at;

    if (*c < ' ' || *c == 0x7f)
        return *c == '\n' || *c == '\t' ? 0 : 1;
    if (*c == 0xc2 && left > 1 && c[1] < 0xa0)
        return 2;
    if (*c != 0xe2 || left < 3) /* what turns the direction of text: U+202A to U+202E, U+2066 to U+2069 */
        return 0;
    return (c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) || (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9) ? 3 : 0;
}

/* Appends text with LF line ends and without controls; a bare CR is a line end too. */
static void add_lines(struct span utf8, struct buf *out)
{
    size_t from = 0, n;

    for (size_t i = 0; i < utf8.len; i += n ? n : 1) {
        n = unwanted(utf8, i);
        if (!n)
            continue;
        buf_add(out, utf8.data + from, i - from);
        from = i + n;
        if (n == 3)
            charset_add_code(out, 0xfffd);
        else if (utf8.data[i] == '\r' && !(from < utf8.len && utf8.data[from] == '\n'))
            buf_add_byte(out, '\n');
    }
    if (from < utf8.len)
        buf_add(out, utf8.data + from, utf8.len - from);
}

enum err mime_part_text(struct span raw, const struct mime_part *p, struct buf *out, struct diag *why)
{
    struct buf bytes = BUF_EMPTY, utf8 = BUF_EMPTY;
    enum err err;

    bytes.max = utf8.max = out->max;
    err = mime_part_decode(raw, p, &bytes, why);
    if (err == ERR_OK) {
        charset_convert(p->charset, buf_span(&bytes), &utf8);
        err = check_room(&utf8, why);
    }
    if (err == ERR_OK) {
        add_lines(buf_span(&utf8), out);
        err = check_room(out, why);
    }
    buf_free(&bytes);
    buf_free(&utf8);
    return err;
}

void mime_canonical_eol(struct span in, struct buf *out)
{
    size_t from = 0;

    for (size_t i = 0; i < in.len; i++) {
        bool crlf = in.data[i] == '\r' && i + 1 < in.len && in.data[i + 1] == '\n';

        if (crlf)
            i++;
        else if (in.data[i] == '\r' || in.data[i] == '\n') {
            buf_add(out, in.data + from, i - from);
            buf_add(out, "\r\n", 2);
            from = i + 1;
        }
    }
    if (from < in.len)
        buf_add(out, in.data + from, in.len - from);
}

void mime_mend_line_ends(struct buf *raw)
{
    if (!raw->len || memchr(raw->data, '\n', raw->len))
        return;
    for (size_t i = 0; i < raw->len; i++)
        if (raw->data[i] == '\r')
            raw->data[i] = '\n';
}

/* The length of a first line that is no field, with its end; 0 where there is none. */
static size_t stray_line(struct span s)
{
    const uint8_t *lf = s.len ? memchr(s.data, '\n', s.len) : NULL;
    size_t n = 0;

    if (!lf)
        return 0;
    if (s.len > 5 && memcmp(s.data, "From ", 5) == 0)
        return (size_t)(lf + 1 - s.data);
    while (s.data[n] == ' ' || s.data[n] == '\t' || s.data[n] == '\r')
        n++;
    return s.data[n] == '\n' ? n + 1 : 0;
}

void mime_mend_start(struct buf *raw)
{
    struct span s = buf_span(raw);
    size_t n;

    if (s.len > 3 && memcmp(s.data, "\xef\xbb\xbf", 3) == 0)
        s = (struct span){s.data + 3, s.len - 3};
    while ((n = stray_line(s)))
        s = (struct span){s.data + n, s.len - n};
    if (s.len)
        buf_drop_front(raw, raw->len - s.len);
}

/* ---- format=flowed (RFC 3676, 4) ---- */

struct flowed_line {
    size_t quotes;
    struct span text;
    bool soft; /* goes on in the next line */
};

static struct flowed_line flowed_read(struct span line, bool delsp)
{
    struct flowed_line f = {0, line, false};

    while (f.text.len && f.text.data[0] == '>') {
        f.quotes++;
        f.text.data++;
        f.text.len--;
    }
    if (f.text.len && f.text.data[0] == ' ') {
        f.text.data++;
        f.text.len--;
    }
    /* "-- " begins a signature and never flows */
    f.soft = f.text.len && f.text.data[f.text.len - 1] == ' ' && !(f.text.len == 3 && !memcmp(f.text.data, "-- ", 3));
    if (f.soft && delsp)
        f.text.len--;
    return f;
}

void mime_unflow(struct span text, bool delsp, struct buf *out)
{
    size_t at = 0, quotes = 0;
    bool joining = false;

    while (at < text.len) {
        const uint8_t *lf = memchr(text.data + at, '\n', text.len - at);
        size_t end = lf ? (size_t)(lf - text.data) : text.len;
        size_t line = lf && end > at && text.data[end - 1] == '\r' ? end - 1 : end;
        struct flowed_line f = flowed_read((struct span){text.data + at, line - at}, delsp);

        if (joining && f.quotes != quotes) {
            buf_add_byte(out, '\n');
            joining = false;
        }
        if (!joining && f.quotes) {
            for (size_t i = 0; i < f.quotes; i++)
                buf_add_byte(out, '>');
            buf_add_byte(out, ' ');
        }
        buf_add(out, f.text.data, f.text.len);
        if (!f.soft && lf)
            buf_add_byte(out, '\n');
        joining = f.soft;
        quotes = f.quotes;
        at = lf ? end + 1 : text.len;
    }
    if (joining)
        buf_add_byte(out, '\n');
}
