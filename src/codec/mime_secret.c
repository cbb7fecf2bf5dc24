#include "codec/mime_secret.h"

#include "codec/header.h"
#include "codec/pgp_secret_archive.h"

#include <string.h>

#define SNIFF_BYTES ((size_t)4096)

static bool is_leaf(const struct mime_message *m, size_t i)
{
    return i + 1 >= m->n_parts || m->parts[i + 1].parent != (int)i;
}

static bool is_encoded(const struct mime_part *p)
{
    return p->encoding == XFER_BASE64 || p->encoding == XFER_QUOTED_PRINTABLE;
}

/* Armor is ASCII, which the wide forms of Unicode write with zeros between. */
static bool is_wide(const struct mime_part *p)
{
    return p->charset && (!strncmp(p->charset, "utf-16", 6) || !strncmp(p->charset, "utf-32", 6) ||
                          !strncmp(p->charset, "ucs-", 4) || !strncmp(p->charset, "iso-10646", 9));
}

static bool in_wide(struct span bytes, struct pgp_secrets *found)
{
    struct buf narrow = {.max = bytes.len};
    bool is;

    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.data[i])
            buf_add_byte(&narrow, bytes.data[i]);
    is = pgp_secret_in_text(buf_span(&narrow), found);
    buf_free(&narrow);
    return is;
}

/* Autocrypt Level 1, "Autocrypt Setup Message": a secret key, encrypted with a code of digits. */
static bool is_setup(const struct mime_part *p)
{
    return p->body_len && strcmp(p->type, "application/autocrypt-setup") == 0;
}

/*
 * Most of what is large is a picture or a recording, and need not be decoded: its first bytes have zeros, which no
 * armor has, and are no packet of a key, nor do they begin an archive that can be opened.
 */
static bool is_foreign(struct span raw, const struct mime_part *p)
{
    struct mime_part front = *p;
    struct buf bytes = BUF_EMPTY;
    struct diag why;
    bool foreign = false;

    if (is_wide(p) || is_setup(p) || p->body_len <= SNIFF_BYTES)
        return false;
    front.body_len = SNIFF_BYTES;
    if (!mime_part_decode(raw, &front, &bytes, &why) && bytes.len)
        foreign = memchr(bytes.data, 0, bytes.len) && !pgp_secret_begins(buf_span(&bytes)) &&
                  !pgp_secret_is_archive(buf_span(&bytes));
    buf_free(&bytes);
    return foreign;
}

/* Before it is copied: most hold none. */
static bool has_text(struct span bytes)
{
    struct pgp_secrets any = {0};

    return pgp_secret_in_text(bytes, &any);
}

/* All of it is one, or holds one that cannot be taken out of it. */
static bool is_whole(struct span bytes, const struct mime_part *p, struct archive_budget *left,
                     struct pgp_secrets *found)
{
    if (is_setup(p) && !pgp_secret_is_sentence(bytes)) {
        found->n++;
        return true;
    }
    return pgp_secret_in_packets(bytes, found) || (is_wide(p) && in_wide(bytes, found)) ||
           pgp_secret_in_archive(bytes, left, found);
}

/* What a leaf is to hold instead; false: it may stay as it is. */
static bool judge_leaf(struct span raw, const struct mime_part *p, struct archive_budget *left, struct buf *instead,
                       struct pgp_secrets *found)
{
    struct pgp_secrets own = {0};
    struct buf bytes = BUF_EMPTY;
    struct diag why;
    bool whole, is = false;

    if (is_foreign(raw, p))
        return false;
    if (!mime_part_decode(raw, p, &bytes, &why)) {
        whole = is_whole(buf_span(&bytes), p, left, &own);
        if (whole)
            pgp_secret_sentence(own.n_keys ? own.fingerprints[0] : "", SIZE_MAX, instead);
        is = whole ||
             (is_encoded(p) && has_text(buf_span(&bytes)) && pgp_secret_blank_copy(buf_span(&bytes), instead, &own));
    }
    buf_free(&bytes);
    found->n += own.n;
    for (size_t i = 0; i < own.n_keys; i++)
        pgp_secret_note(found, own.fingerprints[i]);
    return is;
}

static void encode(enum xfer_encoding encoding, struct span content, struct buf *out)
{
    buf_clear(out);
    if (encoding == XFER_BASE64)
        xfer_base64_encode(content, 0, out);
    else if (encoding == XFER_QUOTED_PRINTABLE)
        xfer_qp_encode(content, out);
    else
        buf_add(out, content.data, content.len);
}

static void write_body(uint8_t *body, size_t len, enum xfer_encoding encoding, struct span content,
                       const struct pgp_secrets *found)
{
    struct buf coded = BUF_EMPTY, sentence = BUF_EMPTY;

    encode(encoding, content, &coded);
    if (coded.len > len) {
        pgp_secret_sentence(found->n_keys ? found->fingerprints[0] : "", len / 2, &sentence);
        encode(encoding, buf_span(&sentence), &coded);
    }
    if (coded.len > len)
        buf_clear(&coded);
    memcpy(body, buf_text(&coded), coded.len);
    pgp_secret_pad(body + coded.len, len - coded.len);
    buf_free(&coded);
    buf_free(&sentence);
}

bool mime_secret_in(struct span raw, const struct mime_message *m, struct pgp_secrets *found)
{
    struct archive_budget left = archive_budget();
    size_t before = found->n;

    for (size_t i = 0; m && i < m->n_parts; i++) {
        struct buf instead = BUF_EMPTY;

        if (is_leaf(m, i))
            judge_leaf(raw, &m->parts[i], &left, &instead, found);
        buf_free(&instead);
    }
    return pgp_secret_in_text(raw, found) || found->n > before;
}

bool mime_secret_blank(uint8_t *raw, size_t len, const struct mime_message *m, struct pgp_secrets *found)
{
    struct archive_budget left = archive_budget();
    size_t before = found->n, head;

    if (!len)
        return false;
    for (size_t i = 0; m && i < m->n_parts; i++) {
        const struct mime_part *p = &m->parts[i];
        struct buf instead = BUF_EMPTY;

        if (is_leaf(m, i) && judge_leaf((struct span){raw, len}, p, &left, &instead, found))
            write_body(raw + p->body_off, p->body_len, p->encoding, buf_span(&instead), found);
        buf_free(&instead);
    }
    /* Header and body each by itself, since the header must end where it did; then what reaches across. */
    head = header_block_len((struct span){raw, len});
    pgp_secret_blank(raw, head, found);
    pgp_secret_blank(raw + head, len - head, found);
    pgp_secret_blank_lines(raw, len, found);
    return found->n > before;
}
