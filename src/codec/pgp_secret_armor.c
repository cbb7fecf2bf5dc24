/* Armor of secret keys, in whatever state a mail program has left it. */
#include "codec/pgp_packet.h"
#include "codec/pgp_secret.h"
#include "codec/xfer.h"

#include <string.h>

#define BEGIN        "-----BEGIN PGP "
#define END          "-----END PGP "
#define DATA_MIN     32 /* bytes that make a private block without packets that can be read */
#define TOKEN_MIN    20 /* characters: a shorter word is prose, but for the last of the data */
#define HEADERS_MAX  20
#define TAG_MAX      64
#define SNIFF_DIGITS 64

struct reader {
    struct span in;
    size_t at;
    bool line_begins;
    struct buf *digits;
    size_t token;     /* where the word began */
    size_t solid_end; /* of the last word that is data and no prose */
    size_t solid;     /* digits up to there */
    size_t end;       /* behind the end line; 0: there is none */
};

static bool begins(const struct reader *r, const char *words)
{
    size_t len = strlen(words);

    return r->in.len - r->at >= len && memcmp(r->in.data + r->at, words, len) == 0;
}

/* A tag of HTML, which holds no armor's line itself. */
static size_t tag_len(const struct reader *r)
{
    size_t most = r->in.len - r->at < TAG_MAX ? r->in.len - r->at : TAG_MAX;
    const uint8_t *from = r->in.data + r->at, *end = memchr(from, '>', most);

    if (!end || memmem(from, (size_t)(end - from), "-----", 5))
        return 0;
    return (size_t)(end - from) + 1;
}

/* What stands between the words of armor: how many bytes of it are here; 0: none. */
static size_t gap(struct reader *r)
{
    static const char *const words[] = {"\\n", "\\r", "&nbsp;", "&gt;", "=\r\n", "=\n", "=20", "\xc2\xa0"};
    uint8_t c = r->in.data[r->at];

    if (c == '\n' || c == '\r') {
        r->line_begins = true;
        return 1;
    }
    if (c == ' ' || c == '\t' || c == '>' || c == '|' || c == 0xa0)
        return 1;
    if (c == '-' && r->line_begins && begins(r, "- "))
        return 2;
    if (c == '<') {
        r->line_begins = true;
        return tag_len(r);
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (begins(r, words[i])) {
            r->line_begins = r->line_begins || i < 2;
            return strlen(words[i]);
        }
    return 0;
}

/* Behind an armor header: at its line's end. */
static void skip_header(struct reader *r)
{
    while (r->at < r->in.len && r->in.data[r->at] != '\n' && !begins(r, "\\n") && !begins(r, "<br") &&
           !begins(r, "-----"))
        r->at++;
}

static bool is_header(const struct reader *r)
{
    size_t i = r->at;

    while (i < r->in.len && i - r->at < 30 && (xfer_base64_digit(r->in.data[i]) >= 0 || r->in.data[i] == '-'))
        i++;
    return i > r->at && i < r->in.len && r->in.data[i] == ':';
}

/* To the data: past blanks, quotes and armor headers. *setup: one of them is of an Autocrypt Setup Message. */
static void skip_headers(struct reader *r, bool *setup)
{
    int headers = 0;
    size_t n;

    while (r->at < r->in.len) {
        n = gap(r);
        if (n) {
            r->at += n;
            continue;
        }
        if (!is_header(r) || headers++ >= HEADERS_MAX)
            return;
        *setup = *setup || begins(r, "Passphrase-Format:");
        skip_header(r);
    }
}

/* Padding, a checksum, or an escape of either. False: it is none. */
static bool take_equals(struct reader *r)
{
    size_t n = begins(r, "=3D") ? 3 : 1;

    if (begins(r, "=2D"))
        return false;
    r->at += n;
    if (!r->line_begins)
        return true;
    for (int i = 0; i < 4 && r->at < r->in.len && xfer_base64_digit(r->in.data[r->at]) >= 0; i++)
        r->at++;
    return true;
}

/* A word of the alphabet has ended. False: it is prose, and so is what follows. */
static bool end_word(struct reader *r, bool line_began)
{
    size_t len = r->at - r->token;
    bool alone = line_began && (r->at == r->in.len || strchr("\r\n=<\\", r->in.data[r->at]));

    if (len < TOKEN_MIN && !(alone && r->solid))
        return false;
    r->solid_end = r->at;
    r->solid = r->digits->len;
    return true;
}

static bool take_word(struct reader *r, bool *solid)
{
    bool line_began = r->line_begins;

    r->token = r->at;
    while (r->at < r->in.len && xfer_base64_digit(r->in.data[r->at]) >= 0)
        r->at++;
    if (r->at == r->token)
        return false;
    buf_add(r->digits, r->in.data + r->token, r->at - r->token);
    r->line_begins = false;
    *solid = *solid && end_word(r, line_began);
    return true;
}

/* "-----END PGP PRIVATE KEY BLOCK-----", also with its hyphens escaped. */
static bool take_end(struct reader *r)
{
    const uint8_t *close;
    size_t n = begins(r, END) ? strlen(END) : begins(r, "=2D----END PGP ") ? 15 : 0, left;

    if (!n)
        return false;
    left = r->in.len - r->at - n;
    close = memmem(r->in.data + r->at + n, left < 40 ? left : 40, "-----", 5);
    r->end = close ? (size_t)(close - r->in.data) + 5 : r->at + n;
    return true;
}

static void read_data(struct reader *r, size_t most)
{
    bool solid = true;
    size_t n;

    while (r->at < r->in.len && r->digits->len < most) {
        if (take_word(r, &solid) || take_end(r)) {
            if (r->end)
                return;
        } else if ((n = gap(r)) > 0) {
            r->at += n;
        } else if (r->in.data[r->at] != '=' || !take_equals(r)) {
            return;
        }
    }
}

static bool judge(const struct reader *r, bool claimed, char of_key[PGP_FPR_SIZE])
{
    struct buf packets = {.max = r->in.len};
    bool is;

    xfer_base64_decode_mail((struct span){r->digits->data, r->solid}, &packets);
    is = pgp_secret_walk(buf_span(&packets), claimed, of_key) || (claimed && packets.len >= DATA_MIN);
    buf_free(&packets);
    return is;
}

/* Does what is not called a private key begin as a key does? */
static bool may_be_key(const struct reader *from)
{
    struct buf digits = BUF_EMPTY, bytes = BUF_EMPTY;
    struct reader r = *from;
    int tag = -1;

    r.digits = &digits;
    read_data(&r, SNIFF_DIGITS);
    xfer_base64_decode_mail((struct span){digits.data, digits.len < 4 ? 0 : 4}, &bytes);
    if (bytes.len && (bytes.data[0] & 0x80))
        tag = bytes.data[0] & 0x40 ? bytes.data[0] & 0x3f : bytes.data[0] >> 2 & 0x0f;
    buf_free(&digits);
    buf_free(&bytes);
    return tag == PGP_TAG_SECRET_KEY || tag == PGP_TAG_SECRET_SUBKEY || tag == PGP_TAG_PUBLIC_KEY ||
           tag == PGP_TAG_MARKER;
}

/* The words between "-----BEGIN PGP " and the hyphens; behind them is the end of the line. */
static bool take_label(struct reader *r, bool *claimed)
{
    size_t left = r->in.len - r->at;
    const uint8_t *from = r->in.data + r->at, *close = memmem(from, left < 40 ? left : 40, "-----", 5);

    if (!close)
        return false;
    *claimed = memmem(from, (size_t)(close - from), "PRIVATE", 7) || memmem(from, (size_t)(close - from), "SECRET", 6);
    r->at += (size_t)(close - from) + 5;
    return true;
}

/* The block whose first line is at `off`. What follows is looked at from *next on. */
static bool read_block(struct span in, size_t off, size_t *next, struct pgp_secret_place *out)
{
    struct buf digits = {.max = in.len};
    struct reader r = {.in = in, .at = off + strlen(BEGIN), .line_begins = true, .digits = &digits};
    bool claimed, setup = false, is = false;

    *next = r.at;
    if (!take_label(&r, &claimed))
        return false;
    skip_headers(&r, &setup);
    claimed = claimed || setup;
    if (claimed || may_be_key(&r)) {
        read_data(&r, SIZE_MAX);
        is = judge(&r, claimed, out->of_key);
    }
    buf_free(&digits);
    *next = r.at > *next ? r.at : *next;
    if (is) {
        *next = r.end ? r.end : r.solid_end;
        out->off = off;
        out->len = *next - off;
        out->base64 = false;
    }
    return is;
}

bool pgp_secret_next_armor(struct span in, size_t *at, struct pgp_secret_place *out)
{
    const uint8_t *hit;

    while (*at < in.len && (hit = memmem(in.data + *at, in.len - *at, BEGIN, strlen(BEGIN))))
        if (read_block(in, (size_t)(hit - in.data), at, out))
            return true;
    *at = in.len;
    return false;
}
