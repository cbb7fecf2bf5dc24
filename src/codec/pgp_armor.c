#include "codec/pgp_armor.h"

#include "base/mem.h"
#include "codec/xfer.h"

#include <string.h>

#define LINE_CHARS 64
#define LINE_BYTES 48
#define CRC24_INIT 0xb704ceu
#define CRC24_POLY 0x864cfbu

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const char *const kind_words[] = {
    [PGP_ARMOR_MESSAGE] = "PGP MESSAGE",
    [PGP_ARMOR_PUBLIC_KEY] = "PGP PUBLIC KEY BLOCK",
    [PGP_ARMOR_PRIVATE_KEY] = "PGP PRIVATE KEY BLOCK",
    [PGP_ARMOR_SIGNATURE] = "PGP SIGNATURE",
};
#define KINDS (sizeof kind_words / sizeof *kind_words)

static uint32_t
    crc24_table[256]; /* of each first byte; filled at the first use, with the same values by whoever does */

static void crc24_fill(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte << 16;

        for (int i = 0; i < 8; i++)
            crc = crc & 0x800000u ? crc << 1 ^ CRC24_POLY : crc << 1;
        crc24_table[byte] = crc & 0xffffffu;
    }
}

static uint32_t crc24(uint32_t crc, const uint8_t *p, size_t n)
{
    if (!crc24_table[1])
        crc24_fill();
    while (n--)
        crc = (crc << 8 ^ crc24_table[(crc >> 16 ^ *p++) & 0xff]) & 0xffffffu;
    return crc;
}

void pgp_armor_begin(struct pgp_armor *armor, enum pgp_armor_kind kind, const char *eol, struct buf *out)
{
    *armor = (struct pgp_armor){.kind = kind, .eol = eol, .crc = CRC24_INIT};
    buf_printf(out, "-----BEGIN %s-----%s%s", kind_words[kind], eol, eol);
}

/* One group of 1 to 3 bytes as 4 characters. */
static void encode_group(const uint8_t *in, size_t n, char *out)
{
    uint32_t bits = (uint32_t)in[0] << 16 | (n > 1 ? (uint32_t)in[1] << 8 : 0) | (n > 2 ? in[2] : 0);

    out[0] = digits[bits >> 18];
    out[1] = digits[bits >> 12 & 63];
    out[2] = n > 1 ? digits[bits >> 6 & 63] : '=';
    out[3] = n > 2 ? digits[bits & 63] : '=';
}

static void add_group(struct pgp_armor *armor, const uint8_t *in, size_t n, struct buf *out)
{
    char text[4];

    encode_group(in, n, text);
    buf_add(out, text, 4);
    armor->column += 4;
    if (armor->column == LINE_CHARS) {
        buf_add_str(out, armor->eol);
        armor->column = 0;
    }
}

/* LINE_BYTES of input as a whole line. */
static void add_line(const struct pgp_armor *armor, const uint8_t *in, struct buf *out)
{
    char text[LINE_CHARS];

    for (size_t i = 0; i < LINE_BYTES / 3; i++)
        encode_group(in + 3 * i, 3, text + 4 * i);
    buf_add(out, text, sizeof text);
    buf_add_str(out, armor->eol);
}

void pgp_armor_update(struct pgp_armor *armor, struct span bytes, struct buf *out)
{
    size_t i = 0;

    armor->crc = crc24(armor->crc, bytes.data, bytes.len);
    while (armor->n_rest && i < bytes.len) {
        armor->rest[armor->n_rest++] = bytes.data[i++];
        if (armor->n_rest == 3) {
            add_group(armor, armor->rest, 3, out);
            armor->n_rest = 0;
        }
    }
    while (bytes.len - i >= 3) {
        bool line = armor->column == 0 && bytes.len - i >= LINE_BYTES;

        if (line)
            add_line(armor, bytes.data + i, out);
        else
            add_group(armor, bytes.data + i, 3, out);
        i += line ? LINE_BYTES : 3;
    }
    while (i < bytes.len)
        armor->rest[armor->n_rest++] = bytes.data[i++];
}

void pgp_armor_end(struct pgp_armor *armor, struct buf *out)
{
    uint8_t crc[3] = {(uint8_t)(armor->crc >> 16), (uint8_t)(armor->crc >> 8), (uint8_t)armor->crc};
    char text[4];

    if (armor->n_rest)
        add_group(armor, armor->rest, armor->n_rest, out);
    if (armor->column)
        buf_add_str(out, armor->eol);
    encode_group(crc, 3, text);
    buf_add_byte(out, '=');
    buf_add(out, text, 4);
    buf_printf(out, "%s-----END %s-----%s", armor->eol, kind_words[armor->kind], armor->eol);
    mem_wipe(armor->rest, sizeof armor->rest);
    armor->n_rest = 0;
}

size_t pgp_armor_size(enum pgp_armor_kind kind, const char *eol, size_t n)
{
    size_t eol_len = strlen(eol), word = strlen(kind_words[kind]), chars = (n + 2) / 3 * 4;
    size_t lines = (chars + LINE_CHARS - 1) / LINE_CHARS;

    return 16 + word + 2 * eol_len + chars + lines * eol_len + 5 + eol_len + 14 + word + eol_len;
}

/* No-break spaces too (UTF-8 or ISO 8859-1): programs put them into empty lines; they are never part of armor. */
static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0xa0 || c == 0xc2;
}

static size_t skip_space(struct span s, size_t at)
{
    while (at < s.len && is_space(s.data[at]))
        at++;
    return at;
}

/* The line at *at without its line end and the blanks around it; false at the end of the input. */
static bool next_line(struct span s, size_t *at, struct span *line)
{
    const uint8_t *start, *end;

    if (*at >= s.len)
        return false;
    start = s.data + *at;
    end = memchr(start, '\n', s.len - *at);
    line->data = start;
    line->len = end ? (size_t)(end - start) : s.len - *at;
    *at += line->len + (end ? 1 : 0);
    while (line->len && is_space(line->data[line->len - 1]))
        line->len--;
    while (line->len && is_space(*line->data)) {
        line->data++;
        line->len--;
    }
    return true;
}

static bool line_is(struct span line, const char *begin_or_end, const char *words)
{
    size_t a = strlen(begin_or_end), b = strlen(words);

    return line.len == a + b + 5 && !memcmp(line.data, begin_or_end, a) && !memcmp(line.data + a, words, b) &&
           !memcmp(line.data + a + b, "-----", 5);
}

static bool header_line(struct span line, enum pgp_armor_kind *kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (line_is(line, "-----BEGIN ", kind_words[i])) {
            *kind = (enum pgp_armor_kind)i;
            return true;
        }
    return false;
}

bool pgp_armor_looks(struct span bytes)
{
    size_t at = skip_space(bytes, 0);
    enum pgp_armor_kind kind;
    struct span line;

    return next_line(bytes, &at, &line) && header_line(line, &kind);
}

struct decoder {
    uint32_t bits;
    int n; /* characters of the group */
    int pads;
};

static bool decode_line(struct decoder *d, struct span line, struct buf *out)
{
    for (size_t i = 0; i < line.len; i++) {
        uint8_t c = line.data[i], three[3];
        int value = xfer_base64_digit(c);

        if (is_space(c))
            continue;
        if (c == '=' && d->n >= 2 && d->pads < 2)
            d->pads++, value = 0;
        else if (value < 0 || d->pads)
            return false;
        d->bits = d->bits << 6 | (uint32_t)value;
        if (++d->n < 4)
            continue;
        three[0] = (uint8_t)(d->bits >> 16), three[1] = (uint8_t)(d->bits >> 8), three[2] = (uint8_t)d->bits;
        buf_add(out, three, 3 - (size_t)d->pads);
        d->bits = 0;
        d->n = d->pads ? -1 : 0; /* nothing may follow a padded group */
        if (d->pads && i + 1 < line.len)
            return false;
    }
    return true;
}

static bool is_checksum(struct span line)
{
    return line.len >= 1 && line.len <= 6 && line.data[0] == '=' && (line.len < 2 || line.data[1] != '=');
}

/* Armor headers ("Version: …") up to the empty line, which some programs leave out where there are none. */
static bool skip_headers(struct span s, size_t *at)
{
    struct span line;
    size_t before = *at;

    while (next_line(s, at, &line)) {
        if (!line.len)
            return true;
        if (!memchr(line.data, ':', line.len)) {
            *at = before;
            return true;
        }
        before = *at;
    }
    return false;
}

static enum err decode_block(struct span s, size_t at, enum pgp_armor_kind kind, struct buf *out, struct diag *why)
{
    struct decoder d = {0};
    bool checksum = false;
    struct span line;

    while (next_line(s, &at, &line)) {
        if (line.len >= 5 && !memcmp(line.data, "-----", 5)) {
            if (!line_is(line, "-----END ", kind_words[kind]))
                return diag_set(why, ERR_REJECT, "corrupt", "the armor ends with another line than it began");
            if (d.n > 0)
                return diag_set(why, ERR_REJECT, "truncated", "the armor ends within a group of characters");
            if (skip_space(s, at) != s.len)
                return diag_set(why, ERR_REJECT, "corrupt", "there is more after the armored block; send it alone");
            return ERR_OK;
        }
        if (is_checksum(line) && d.n <= 0) {
            checksum = true;
            continue;
        }
        if (line.len && (checksum || d.n < 0 || !decode_line(&d, line, out)))
            return diag_set(why, ERR_REJECT, "corrupt", "the armor holds characters that are not base64");
        if (out->over)
            return diag_set(why, ERR_LIMIT, "too-large", "the armored data exceeds %zu bytes", out->max);
    }
    return diag_set(why, ERR_REJECT, "truncated", "the armor has no end line; send the whole message again");
}

enum err pgp_dearmor(struct span armored, enum pgp_armor_kind *kind, struct buf *out, struct diag *why)
{
    size_t at = skip_space(armored, 0);
    struct span line;
    enum err err;

    buf_clear(out);
    if (!next_line(armored, &at, &line) || !header_line(line, kind))
        return diag_set(why, ERR_REJECT, "corrupt", "this is not an armored OpenPGP block");
    if (!skip_headers(armored, &at))
        return diag_set(why, ERR_REJECT, "truncated", "the armor ends within its headers");
    err = decode_block(armored, at, *kind, out, why);
    if (err)
        buf_clear(out);
    return err;
}
