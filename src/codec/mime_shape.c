/* What the outermost structure says the message is. */
#include "codec/mime.h"

#include "codec/pgp_scan.h"

#include <string.h>
#include <strings.h>

static bool is_type(const struct mime_message *m, int part, const char *type)
{
    return part >= 0 && !strcmp(m->parts[part].type, type);
}

static bool type_begins(const struct mime_message *m, int part, const char *prefix)
{
    return part >= 0 && !strncmp(m->parts[part].type, prefix, strlen(prefix));
}

static bool is_pkcs7(const char *type, const char *what)
{
    const char *rest = !strncmp(type, "application/", 12) ? type + 12 : "";

    return !strcmp(!strncmp(rest, "x-", 2) ? rest + 2 : rest, what);
}

/* The direct children of a part: their number, and the first `max` of them. */
static size_t children(const struct mime_message *m, int parent, int *out, size_t max)
{
    size_t n = 0;

    for (size_t i = (size_t)parent + 1; i < m->n_parts; i++) {
        if (m->parts[i].parent != parent)
            continue;
        if (n < max)
            out[n] = (int)i;
        n++;
    }
    return n;
}

static bool has_children(const struct mime_message *m, int part)
{
    return (size_t)part + 1 < m->n_parts && m->parts[part + 1].parent == part;
}

static bool is_blank(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] > ' ')
            return false;
    return true;
}

static bool is_blank_text(const struct mime_message *m, struct span raw, int part)
{
    struct buf text = BUF_EMPTY, shown = BUF_EMPTY;
    bool blank = type_begins(m, part, "text/");

    if (blank && !mime_part_text(raw, &m->parts[part], &text, NULL)) {
        if (is_type(m, part, "text/html"))
            mime_html_text(buf_span(&text), &shown);
        blank = is_blank(is_type(m, part, "text/html") ? buf_span(&shown) : buf_span(&text));
    }
    buf_free(&text);
    buf_free(&shown);
    return blank;
}

/* Plain text that a program on the way may have added; an attached file is not. */
static bool is_added_text(const struct mime_message *m, int part)
{
    const struct mime_part *p = &m->parts[part];

    return is_type(m, part, "text/plain") && (!p->disposition || strcmp(p->disposition, "attachment"));
}

static bool protocol_is(const struct mime_part *p, const char *expected)
{
    return !p->protocol || !*p->protocol || !strcmp(p->protocol, expected);
}

/* RFC 3156, 4: multipart/encrypted of exactly two parts. */
static bool is_envelope(const struct mime_message *m, int part, int *control, int *cipher)
{
    int child[2];

    if (!is_type(m, part, "multipart/encrypted") || !protocol_is(&m->parts[part], "application/pgp-encrypted") ||
        children(m, part, child, 2) != 2)
        return false;
    if (!is_type(m, child[0], "application/pgp-encrypted") || has_children(m, child[1]))
        return false;
    *control = child[0];
    *cipher = child[1];
    return true;
}

#define AROUND_MAX 8

static bool is_cipher(const struct mime_message *m, int part)
{
    return is_type(m, part, "application/octet-stream") || is_type(m, part, "application/pgp-encrypted");
}

static bool is_armored_message(const struct mime_message *m, struct span raw, int part)
{
    return mime_inline_kind(raw, &m->parts[part]) == MIME_INLINE_MESSAGE;
}

/* A file has a name of its own; an envelope's ciphertext has none, or one that mail programs give it. */
static bool is_named_as_file(const struct mime_message *m, int part)
{
    const char *name = m->parts[part].name;

    return name && strcmp(name, "encrypted.asc") && strcmp(name, "msg.asc");
}

/* Known by itself, without a control part: by its armor and its name. */
static bool is_lone_cipher(const struct mime_message *m, struct span raw, int part)
{
    return !is_named_as_file(m, part) && is_armored_message(m, raw, part);
}

/* multipart/mixed: one envelope, whole or laid open, and besides it only plain text; without its control part, blanks.
 */
static bool is_mangled(const struct mime_message *m, struct span raw, int *control, int *cipher)
{
    int part[AROUND_MAX];
    size_t n = children(m, 0, part, AROUND_MAX);
    bool said = false, whole = false;

    *control = *cipher = -1;
    for (size_t i = 0; i < n && i < AROUND_MAX; i++) {
        if (!whole && *control < 0 && *cipher < 0 && is_envelope(m, part[i], control, cipher))
            whole = true;
        else if (!whole && *control < 0 && *cipher < 0 && is_type(m, part[i], "application/pgp-encrypted") &&
                 !is_armored_message(m, raw, part[i]))
            *control = part[i];
        else if (!whole && *cipher < 0 && is_cipher(m, part[i]) && (*control >= 0 || is_lone_cipher(m, raw, part[i])))
            *cipher = part[i];
        else if (!is_added_text(m, part[i]))
            return false;
        else if (!is_blank_text(m, raw, part[i]))
            said = true;
    }
    return n <= AROUND_MAX && *cipher >= 0 && (*control >= 0 || !said);
}

void mime_outside_text(struct span raw, const struct mime_message *m, int part_b, struct buf *out)
{
    int part[AROUND_MAX];
    size_t n = is_type(m, 0, "multipart/mixed") ? children(m, 0, part, AROUND_MAX) : 0;
    struct buf text = BUF_EMPTY;
    bool said = false;

    for (size_t i = 0; i < n && i < AROUND_MAX; i++)
        if (part[i] != part_b && is_added_text(m, part[i]) && !is_blank_text(m, raw, part[i]))
            mime_part_text(raw, &m->parts[part[i]], &text, NULL);
    for (size_t i = 0; i < text.len && !said; i++)
        said = text.data[i] > ' ' && text.data[i] != '-';
    if (said)
        buf_add_buf(out, &text);
    buf_free(&text);
}

/* One armored text, the same perhaps once more as HTML, and nothing else that is read. */
static bool is_lone_block(const struct mime_message *m, struct span raw, int *a)
{
    bool clear = false, others = false;

    *a = -1;
    if (!is_type(m, 0, "multipart/mixed") && !is_type(m, 0, "multipart/alternative") &&
        !is_type(m, 0, "multipart/related"))
        return false;
    for (int i = 1; (size_t)i < m->n_parts; i++) {
        enum mime_inline_kind kind;

        if (type_begins(m, i, "multipart/") && i < AROUND_MAX)
            continue;
        if (!type_begins(m, i, "text/") || i > AROUND_MAX ||
            (m->parts[i].disposition && !strcmp(m->parts[i].disposition, "attachment")))
            return false;
        kind = mime_inline_kind(raw, &m->parts[i]);
        if (kind != MIME_INLINE_NONE && *a < 0) {
            *a = i;
            clear = kind == MIME_INLINE_CLEAR_SIGNED;
        } else if (kind == MIME_INLINE_MESSAGE && is_type(m, i, "text/html")) {
            others = true;
        } else if (!is_blank_text(m, raw, i)) {
            return false;
        }
    }
    return *a >= 0 && !(clear && others);
}

#define INLINE_PARTS_MAX 50

/* An attachment that is encrypted by itself: armor, or packets that begin as an encrypted message does (tags 1 and 3).
 */
static bool is_encrypted_file(const struct mime_message *m, struct span raw, int part)
{
    struct buf bytes = BUF_EMPTY;
    bool packets;

    if (type_begins(m, part, "multipart/") || type_begins(m, part, "message/"))
        return false;
    if (is_armored_message(m, raw, part))
        return true;
    mime_part_decode(raw, &m->parts[part], &bytes, NULL);
    packets = bytes.len > 2 && ((bytes.data[0] & 0xfc) == 0x84 || (bytes.data[0] & 0xfc) == 0x8c ||
                                bytes.data[0] == 0xc1 || bytes.data[0] == 0xc3);
    buf_free(&bytes);
    return packets;
}

/* By itself one whole encrypted message, whatever the part is called. */
static bool is_encrypted_whole(const struct mime_message *m, struct span raw, int part)
{
    struct buf bytes = BUF_EMPTY;
    struct pgp_scan scan;
    bool whole = !type_begins(m, part, "multipart/") && !type_begins(m, part, "message/") &&
                 !mime_part_decode(raw, &m->parts[part], &bytes, NULL) &&
                 !pgp_packets_scan(buf_span(&bytes), &scan, NULL, NULL);

    buf_free(&bytes);
    return whole;
}

/* No text, but encrypted files alone. */
static bool is_encrypted_files(const struct mime_message *m, struct span raw)
{
    int part[INLINE_PARTS_MAX];
    size_t n = is_type(m, 0, "multipart/mixed") ? children(m, 0, part, INLINE_PARTS_MAX) : 0, encrypted = 0;

    if (n > INLINE_PARTS_MAX || n != m->n_parts - 1)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (is_encrypted_whole(m, raw, part[i]))
            encrypted++;
        else if (!is_blank_text(m, raw, part[i]))
            return false;
    }
    return encrypted > 0;
}

/*
 * A mail that is nothing but an encrypted message: what is left where a program has taken the envelope of PGP/MIME off,
 * or a file. Only a name tells them apart.
 */
static enum mime_shape lone_shape(const struct mime_message *m, struct span raw, int *b)
{
    if (!is_cipher(m, 0) || !is_encrypted_whole(m, raw, 0))
        return MIME_OTHER;
    if (is_type(m, 0, "application/octet-stream") && is_named_as_file(m, 0))
        return MIME_INLINE_PARTS;
    *b = 0;
    return MIME_PGP_ENCRYPTED;
}

/* As programs without PGP/MIME do: the text encrypted, and each file encrypted, and nothing in clear. */
static bool is_inline_parts(const struct mime_message *m, struct span raw, int *a)
{
    int part[INLINE_PARTS_MAX];
    size_t n = is_type(m, 0, "multipart/mixed") ? children(m, 0, part, INLINE_PARTS_MAX) : 0, encrypted = 0;

    *a = -1;
    if (n > INLINE_PARTS_MAX || n != m->n_parts - 1)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (*a < 0 && is_type(m, part[i], "text/plain") && is_armored_message(m, raw, part[i]))
            *a = part[i];
        else if (is_encrypted_file(m, raw, part[i]))
            encrypted++;
        else if (!is_blank_text(m, raw, part[i]))
            return false;
    }
    return *a >= 0 && encrypted > 0;
}

/* RFC 3156, 5; content and signature stay as they are where it is not. */
static bool is_pgp_signed(const struct mime_message *m, int root, int *content, int *signature)
{
    int part[2];

    if (children(m, root, part, 2) != 2 || !is_type(m, part[1], "application/pgp-signature") ||
        !protocol_is(&m->parts[root], "application/pgp-signature"))
        return false;
    *content = part[0];
    *signature = part[1];
    return true;
}

/*
 * RFC 1847, 2.1: exactly two parts, the second being the signature. Within one of S/MIME, which is not verified, the
 * one of OpenPGP covers all that is read too.
 */
static enum mime_shape signed_shape(const struct mime_message *m, int *content, int *signature)
{
    const struct mime_part *root = &m->parts[0];
    int part[2];

    if (children(m, 0, part, 2) != 2)
        return MIME_OTHER;
    if (is_envelope(m, part[0], content, signature))
        return MIME_PGP_ENCRYPTED;
    *content = part[0];
    *signature = part[1];
    if (is_pgp_signed(m, 0, content, signature))
        return MIME_PGP_SIGNED;
    if (is_pkcs7(m->parts[part[1]].type, "pkcs7-signature") &&
        (!root->protocol || is_pkcs7(root->protocol, "pkcs7-signature"))) {
        if (is_type(m, part[0], "multipart/signed") && is_pgp_signed(m, part[0], content, signature))
            return MIME_PGP_SIGNED;
        if (is_pkcs7(m->parts[part[0]].type, "pkcs7-mime"))
            *signature = -1; /* what is signed is not to be read */
        return MIME_SMIME;
    }
    *content = *signature = -1;
    return MIME_OTHER;
}

static enum mime_shape single_shape(const struct mime_message *m, struct span raw, int *a, int *b)
{
    const struct mime_part *p = &m->parts[0];

    if (is_pkcs7(p->type, "pkcs7-mime")) {
        *a = 0;
        return MIME_SMIME;
    }
    if (strcmp(p->type, "application/pgp") && !type_begins(m, 0, "text/"))
        return lone_shape(m, raw, b);
    if (mime_inline_kind(raw, p) != MIME_INLINE_NONE) {
        *a = 0;
        return MIME_INLINE_PGP;
    }
    return type_begins(m, 0, "text/") ? MIME_PLAIN : MIME_OTHER;
}

enum mime_shape mime_shape(const struct mime_message *m, struct span raw, int *part_a, int *part_b)
{
    *part_a = *part_b = -1;
    if (m->n_parts == 1)
        return single_shape(m, raw, part_a, part_b);
    if (is_envelope(m, 0, part_a, part_b))
        return MIME_PGP_ENCRYPTED;
    if (is_type(m, 0, "multipart/signed"))
        return signed_shape(m, part_a, part_b);
    if (is_type(m, 0, "multipart/mixed") && is_mangled(m, raw, part_a, part_b))
        return MIME_PGP_ENCRYPTED;
    *part_b = -1;
    if (is_lone_block(m, raw, part_a))
        return MIME_INLINE_PGP;
    if (is_inline_parts(m, raw, part_a))
        return MIME_INLINE_PARTS;
    *part_a = -1;
    return is_encrypted_files(m, raw) ? MIME_INLINE_PARTS : MIME_OTHER;
}

const char *mime_shape_name(enum mime_shape shape)
{
    static const char *const names[] = {"plain",      "pgp-encrypted", "pgp-signed", "smime",
                                        "inline-pgp", "inline-parts",  "other"};

    return shape <= MIME_OTHER ? names[shape] : "other";
}

/* ---- reports ---- */

bool mime_reports(const struct mime_message *m, const char *type)
{
    for (size_t i = 0; i < m->n_parts; i++) {
        const struct mime_part *p = &m->parts[i];
        bool attached = p->disposition && strcmp(p->disposition, "attachment") == 0, below = false;

        if (strcmp(p->type, type) != 0)
            continue;
        for (int at = p->parent; at >= 0; at = m->parts[at].parent) {
            below |= strncmp(m->parts[at].type, "message/", 8) == 0;
            attached &= strcmp(m->parts[at].type, "multipart/report") != 0;
        }
        if (!below && !attached)
            return true;
    }
    return false;
}
