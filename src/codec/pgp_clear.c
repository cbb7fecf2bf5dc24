/*
 * Clear-signed text (RFC 9580, section 7), read by ourselves: what is hashed are the bytes that are handed back, and
 * gpg sees them with a detached signature. gpg's own reader of such text has let what it did not hash pass with a good
 * signature: the rest of a long line, and lines under a NotDashEscaped header.
 */
#include "codec/pgp_open.h"

#include <stdbool.h>
#include <string.h>

static enum err corrupt(struct diag *why, const char *text)
{
    return diag_set(why, ERR_REJECT, "corrupt", "%s", text);
}

/* The blanks that end a line are not hashed, and nobody reads them. */
static struct span without_blanks(struct span line)
{
    while (line.len && (line.data[line.len - 1] == ' ' || line.data[line.len - 1] == '\t' ||
                        line.data[line.len - 1] == '\r' || line.data[line.len - 1] == '\n'))
        line.len--;
    return line;
}

/* The line at *at without its line end and the blanks before that; *at moves behind it. */
static struct span take_line(struct span text, size_t *at)
{
    const uint8_t *start = text.data + *at, *lf = memchr(start, '\n', text.len - *at);
    size_t len = lf ? (size_t)(lf - start) + 1 : text.len - *at;

    *at += len;
    return without_blanks((struct span){start, len});
}

static bool is(struct span line, const char *words)
{
    return line.len == strlen(words) && !memcmp(line.data, words, line.len);
}

static bool begins(struct span line, const char *words)
{
    return line.len >= strlen(words) && !memcmp(line.data, words, strlen(words));
}

/* The headers, up to an empty line: digests' names alone, which prove nothing; any other would be read unsigned. */
static bool skip_headers(struct span text, size_t *at)
{
    while (*at < text.len) {
        struct span line = take_line(text, at);

        if (!line.len)
            return true;
        if (!begins(line, "Hash:"))
            return false;
    }
    return false;
}

/*
 * Fills bytes with what was signed, and signature with its armor. Lines that begin with five dashes are the three that
 * make a block, in their order; outside of it stands white space alone.
 */
static bool take_apart(struct span text, struct buf *bytes, struct span *signature)
{
    struct span line = {NULL, 0};
    size_t at = 0, began;
    bool first = true;

    while (at < text.len && !line.len)
        line = take_line(text, &at);
    if (!is(line, "-----BEGIN PGP SIGNED MESSAGE-----") || !skip_headers(text, &at))
        return false;
    for (began = at; at < text.len; began = at, first = false) {
        line = take_line(text, &at);
        if (begins(line, "-----"))
            break;
        if (begins(line, "- ")) {
            line.data += 2;
            line.len -= 2;
        } else if (is(line, "-") && began + 1 < text.len && text.data[began + 1] == ' ') {
            line.len = 0; /* an empty line, escaped */
        }
        if (!first)
            buf_add_str(bytes, "\r\n");
        buf_add(bytes, line.data, line.len);
    }
    *signature = (struct span){text.data + began, text.len - began};
    if (!is(line, "-----BEGIN PGP SIGNATURE-----"))
        return false;
    for (line.len = 0; at < text.len && !is(line, "-----END PGP SIGNATURE-----");) {
        line = take_line(text, &at);
        if (begins(line, "-----") && !is(line, "-----END PGP SIGNATURE-----"))
            return false;
    }
    while (at < text.len)
        if (take_line(text, &at).len)
            return false;
    return is(line, "-----END PGP SIGNATURE-----");
}

enum err pgp_verify_clear(const char *home, struct span text, struct buf *plain, struct pgp_signature *sigs, size_t max,
                          size_t *n, struct diag *why)
{
    struct buf bytes = {.max = 2 * text.len + 64}; /* each LF becomes CRLF */
    struct span signature;
    enum err err = ERR_OK;

    buf_clear(plain);
    *n = 0;
    if (!take_apart(text, &bytes, &signature))
        err = corrupt(why, "the text is not one clear-signed block; sign the whole body, once");
    if (!err)
        err = pgp_verify_detached(home, signature, buf_span(&bytes), sigs, max, n, why);
    if (!err) {
        buf_add_buf(plain, &bytes);
        buf_add_str(plain, "\r\n");
    }
    buf_free(&bytes);
    return err;
}
