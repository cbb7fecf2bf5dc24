/* Inline OpenPGP: a text that is one armored block. */
#include "codec/charset.h"
#include "codec/mime.h"

#include <ctype.h>
#include <string.h>

/* Says the part quoted-printable, and is it armor as it stands? There a line cannot begin with '=' and go on as base64
 * does (RFC 2045, 6.7), but a checksum does. */
static bool is_not_quoted(struct span body)
{
    const uint8_t *at = body.data, *end = body.data + body.len, *lf;

    for (; at < end && (lf = memchr(at, '\n', (size_t)(end - at))); at = lf + 1)
        if (lf - at >= 5 && at[0] == '=' && memcmp(at + 1, "3D", 2) && isalnum(at[1]) && isalnum(at[2]) &&
            (lf - at == 5 || (lf - at == 6 && at[5] == '\r')))
            return true;
    return false;
}

static bool is_utf16(const struct mime_part *p)
{
    return p->charset && !strncmp(p->charset, "utf-16", 6);
}

enum err mime_inline_block(struct span raw, const struct mime_part *p, struct buf *out, struct diag *why)
{
    struct span body = mime_part_body(raw, p);
    struct buf text = BUF_EMPTY;
    enum err err;

    if (p->encoding == XFER_QUOTED_PRINTABLE && is_not_quoted(body)) {
        buf_add(out, body.data, body.len);
        return out->over ? diag_set(why, ERR_LIMIT, "too-large", "the text is over %zu bytes", out->max) : ERR_OK;
    }
    if (!strcmp(p->type, "text/html")) {
        text.max = out->max;
        err = mime_part_text(raw, p, &text, why);
        if (!err)
            mime_html_text(buf_span(&text), out);
        buf_free(&text);
        return err;
    }
    return is_utf16(p) ? mime_part_text(raw, p, out, why) : mime_part_decode(raw, p, out, why);
}

/* Blanks, and the no-break spaces that programs put into empty lines, in UTF-8 or ISO 8859-1. */
static bool is_space(uint8_t c)
{
    return c <= ' ' || c == 0xa0 || c == 0xc2;
}

static bool is_block(struct span s, const char *begin, const char *end)
{
    size_t at = 0;
    const uint8_t *stop;

    while (at < s.len && is_space(s.data[at]))
        at++;
    if (s.len - at < strlen(begin) || memcmp(s.data + at, begin, strlen(begin)))
        return false;
    stop = memmem(s.data + at, s.len - at, end, strlen(end));
    for (at = stop ? (size_t)(stop - s.data) + strlen(end) : 0; stop && at < s.len && is_space(s.data[at]); at++)
        ;
    return stop && at == s.len;
}

enum mime_inline_kind mime_inline_kind(struct span raw, const struct mime_part *p)
{
    struct buf text = BUF_EMPTY;
    enum mime_inline_kind kind = MIME_INLINE_NONE;

    if (!mime_inline_block(raw, p, &text, NULL)) {
        if (is_block(buf_span(&text), "-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"))
            kind = MIME_INLINE_MESSAGE;
        else if (strcmp(p->type, "text/html") &&
                 is_block(buf_span(&text), "-----BEGIN PGP SIGNED MESSAGE-----", "-----END PGP SIGNATURE-----"))
            kind = MIME_INLINE_CLEAR_SIGNED;
    }
    buf_free(&text);
    return kind;
}
