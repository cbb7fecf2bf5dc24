#include "codec/pgp_secret.h"

#include "codec/pgp_packet.h"
#include "codec/xfer.h"

#include <string.h>

#define ARMOR_BASE64 "LS0tLS1CRUdJTiBQR1Ag" /* "-----BEGIN PGP " */
#define RUN_LINE_MIN 40                     /* characters of a line within a run of base64 */
#define SENTENCE     "[An OpenPGP secret key"
#define SENTENCE_FEW "[A secret key was here]"
#define SENTENCE_MIN 24 /* no place is shorter */

/* ---- base64 by itself: an encoded part, keydata of Autocrypt ---- */

struct runs {
    struct span in;
    size_t line;    /* where the line begins that is looked at */
    size_t before;  /* and the one before it */
    size_t read_to; /* no run is read twice */
};

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static size_t line_end(struct span in, size_t from)
{
    const uint8_t *lf = from < in.len ? memchr(in.data + from, '\n', in.len - from) : NULL;

    return lf ? (size_t)(lf - in.data) : in.len;
}

static size_t skip_prefix(struct span in, size_t at, size_t end)
{
    while (at < end && (is_blank(in.data[at]) || in.data[at] == '>'))
        at++;
    return at;
}

static size_t digits_end(struct span in, size_t at, size_t end)
{
    while (at < end && xfer_base64_digit(in.data[at]) >= 0)
        at++;
    return at;
}

/* The first characters tell the first packet's tag. Most lines of most mails end here. */
static bool begins_as_key(struct span in, size_t at)
{
    int a, b, tag;
    uint8_t first;

    if (in.len - at < RUN_LINE_MIN || !memchr("lmnxL", in.data[at], 5))
        return false;
    if (memcmp(in.data + at, ARMOR_BASE64, sizeof ARMOR_BASE64 - 1) == 0)
        return true;
    a = xfer_base64_digit(in.data[at]);
    b = xfer_base64_digit(in.data[at + 1]);
    if (a < 0 || b < 0)
        return false;
    first = (uint8_t)(a << 2 | b >> 4);
    tag = first & 0x40 ? first & 0x3f : first >> 2 & 0x0f;
    return (first & 0x80) && (tag == PGP_TAG_SECRET_KEY || tag == PGP_TAG_SECRET_SUBKEY || tag == PGP_TAG_PUBLIC_KEY);
}

/* The run that begins at `at`: its characters, and where the last stands. */
static size_t read_run(struct span in, size_t at, struct buf *digits)
{
    size_t end = at, to = digits_end(in, at, in.len);

    while (to > at) {
        buf_add(digits, in.data + at, to - at);
        end = to;
        while (to < in.len && (is_blank(in.data[to]) || in.data[to] == '='))
            to++;
        if (to >= in.len || in.data[to] != '\n')
            break;
        at = skip_prefix(in, to + 1, in.len);
        to = digits_end(in, at, in.len);
    }
    return end;
}

static bool judge_run(struct span digits, char of_key[PGP_FPR_SIZE])
{
    struct buf bytes = {.max = digits.len};
    struct pgp_secret_place inside;
    size_t at = 0;
    bool is;

    xfer_base64_decode_mail(digits, &bytes);
    is = pgp_secret_walk(buf_span(&bytes), false, of_key);
    if (!is && pgp_secret_next_armor(buf_span(&bytes), &at, &inside)) {
        memcpy(of_key, inside.of_key, PGP_FPR_SIZE);
        is = true;
    }
    buf_free(&bytes);
    return is;
}

static bool try_run(struct runs *r, size_t at, struct pgp_secret_place *out)
{
    struct buf digits = {.max = r->in.len};
    bool is;

    if (at < r->read_to || !begins_as_key(r->in, at))
        return false;
    r->read_to = read_run(r->in, at, &digits);
    is = judge_run(buf_span(&digits), out->of_key);
    buf_free(&digits);
    if (is) {
        out->off = at;
        out->len = r->read_to - at;
        out->base64 = true;
    }
    return is;
}

/* Within a run of base64 no other begins. */
static bool is_within_run(const struct runs *r)
{
    size_t eol = line_end(r->in, r->before), at = skip_prefix(r->in, r->before, eol), from = at;

    if (eol >= r->line)
        return false; /* there is no line before */
    at = digits_end(r->in, at, eol);
    return at - from >= RUN_LINE_MIN && (at == eol || (at + 1 == eol && r->in.data[at] == '\r'));
}

/* Where a line, or what stands behind a `=` in it, begins a run. */
static bool try_line(struct runs *r, size_t eol, struct pgp_secret_place *out)
{
    size_t at = skip_prefix(r->in, r->line, eol);
    const uint8_t *equals;

    if (begins_as_key(r->in, at) && !is_within_run(r) && try_run(r, at, out))
        return true;
    while (at < eol && (equals = memchr(r->in.data + at, '=', eol - at))) {
        at = (size_t)(equals - r->in.data) + 1;
        if (try_run(r, at, out))
            return true;
    }
    return false;
}

static bool next_run(struct runs *r, struct pgp_secret_place *out)
{
    while (r->line < r->in.len) {
        size_t eol = line_end(r->in, r->line);

        if (try_line(r, eol, out)) {
            r->before = r->line = out->off + out->len; /* the rest of the line may have another */
            return true;
        }
        r->before = r->line;
        r->line = eol + 1;
    }
    return false;
}

/* ---- all of them ---- */

void pgp_secret_sentence(const char *fingerprint, size_t len, struct buf *out)
{
    size_t before = out->len;

    buf_printf(out, SENTENCE "%s%s was here and was wiped. Count it as known to others: revoke it.]",
               *fingerprint ? " of " : "", fingerprint);
    if (out->len - before <= len)
        return;
    out->len = before;
    buf_add_str(out, len >= SENTENCE_MIN ? SENTENCE_FEW : "");
}

bool pgp_secret_is_sentence(struct span bytes)
{
    return (bytes.len >= sizeof SENTENCE - 1 && memcmp(bytes.data, SENTENCE, sizeof SENTENCE - 1) == 0) ||
           (bytes.len >= sizeof SENTENCE_FEW - 1 && memcmp(bytes.data, SENTENCE_FEW, sizeof SENTENCE_FEW - 1) == 0);
}

void pgp_secret_pad(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != '\r' && bytes[i] != '\n')
            bytes[i] = ' ';
}

/* The line ends stay where they are: the sentence may be cut by them. */
static void put_around_lines(uint8_t *bytes, size_t len, const struct buf *put)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        if (bytes[i] != '\r' && bytes[i] != '\n')
            bytes[i] = n < put->len ? put->data[n++] : ' ';
}

static void overwrite(uint8_t *bytes, const struct pgp_secret_place *p, bool keep_lines)
{
    struct buf plain = BUF_EMPTY, coded = BUF_EMPTY, *put = p->base64 ? &coded : &plain;

    pgp_secret_sentence(p->of_key, p->base64 ? p->len / 4 * 3 : p->len, &plain);
    xfer_base64_encode(buf_span(&plain), 0, &coded);
    if (put->len > p->len)
        buf_clear(put);
    if (keep_lines) {
        put_around_lines(bytes + p->off, p->len, put);
    } else {
        memcpy(bytes + p->off, buf_text(put), put->len);
        pgp_secret_pad(bytes + p->off + put->len, p->len - put->len);
    }
    buf_free(&plain);
    buf_free(&coded);
}

static void note(const struct pgp_secret_place *p, struct pgp_secrets *found)
{
    found->n++;
    pgp_secret_note(found, p->of_key);
}

bool pgp_secret_in_text(struct span text, struct pgp_secrets *found)
{
    struct pgp_secret_place place;
    struct runs r = {.in = text};
    size_t at = 0, before = found->n;

    while (pgp_secret_next_armor(text, &at, &place))
        note(&place, found);
    while (found->n == before && next_run(&r, &place)) /* the lines of armor are runs as well */
        note(&place, found);
    return found->n > before;
}

static bool blank(uint8_t *bytes, size_t len, bool keep_lines, struct pgp_secrets *found)
{
    struct pgp_secret_place place;
    struct span in = {bytes, len};
    struct runs r = {.in = in};
    size_t at = 0, before = found->n;

    while (pgp_secret_next_armor(in, &at, &place)) {
        overwrite(bytes, &place, keep_lines);
        note(&place, found);
    }
    while (next_run(&r, &place)) {
        overwrite(bytes, &place, keep_lines);
        note(&place, found);
    }
    return found->n > before;
}

bool pgp_secret_blank(uint8_t *bytes, size_t len, struct pgp_secrets *found)
{
    return blank(bytes, len, false, found);
}

bool pgp_secret_blank_lines(uint8_t *bytes, size_t len, struct pgp_secrets *found)
{
    return blank(bytes, len, true, found);
}

/* In the place of each a sentence of its own length. */
static bool copy_armor(struct span text, struct buf *out, struct pgp_secrets *found)
{
    struct pgp_secret_place place;
    size_t at = 0, from = 0;

    while (pgp_secret_next_armor(text, &at, &place)) {
        buf_add(out, text.data + from, place.off - from);
        pgp_secret_sentence(place.of_key, SIZE_MAX, out);
        from = place.off + place.len;
        note(&place, found);
    }
    buf_add(out, text.data + from, text.len - from);
    return from > 0;
}

bool pgp_secret_blank_copy(struct span text, struct buf *out, struct pgp_secrets *found)
{
    size_t before = out->len;
    bool any;

    if (!text.len)
        return false;
    any = copy_armor(text, out, found);
    any = pgp_secret_blank(out->data + before, out->len - before, found) || any;
    if (!any) {
        out->len = before;
        out->data[before] = 0;
    }
    return any;
}
