/* What the outermost structure says the message is. */
#include "codec/mime.h"

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

/* The direct children of the root: their number, and the first `max` of them. */
static size_t children(const struct mime_message *m, int *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 1; i < m->n_parts; i++) {
        if (m->parts[i].parent != 0)
            continue;
        if (n < max)
            out[n] = (int)i;
        n++;
    }
    return n;
}

/* Does the decoded content begin with armor? `whole`: and is there nothing but white space behind its END line? */
static bool is_armor(const struct mime_message *m, struct span raw, int part, const char *kind, bool whole)
{
    struct buf bytes = BUF_EMPTY, mark = BUF_EMPTY;
    const uint8_t *at, *end, *stop;
    bool armor;

    xfer_decode(m->parts[part].encoding, mime_part_body(raw, &m->parts[part]), &bytes);
    if (!bytes.len) {
        buf_free(&bytes);
        return false;
    }
    at = bytes.data;
    end = bytes.data + bytes.len;
    while (at < end && *at <= ' ')
        at++;
    buf_printf(&mark, "-----BEGIN PGP %s-----", kind);
    armor = (size_t)(end - at) >= mark.len && !memcmp(at, mark.data, mark.len);
    if (armor && whole) {
        buf_clear(&mark);
        buf_printf(&mark, "-----END PGP %s-----", !strcmp(kind, "SIGNED MESSAGE") ? "SIGNATURE" : kind);
        stop = memmem(at, (size_t)(end - at), mark.data, mark.len);
        for (at = stop ? stop + mark.len : end; at < end && *at <= ' '; at++)
            ;
        armor = at == end;
    }
    buf_free(&bytes);
    buf_free(&mark);
    return armor;
}

static bool is_blank_text(const struct mime_message *m, struct span raw, int part)
{
    struct span body = mime_part_body(raw, &m->parts[part]);

    for (size_t i = 0; i < body.len; i++)
        if (body.data[i] > ' ')
            return false;
    return type_begins(m, part, "text/");
}

/* Exchange rewrites multipart/encrypted to multipart/mixed, and puts an empty text before it. */
static bool is_mangled(const struct mime_message *m, struct span raw, int *control, int *cipher)
{
    int part[4];
    size_t n = children(m, part, 4);

    *control = *cipher = -1;
    for (size_t i = 0; i < n && i < 4; i++) {
        if (is_type(m, part[i], "application/pgp-encrypted") && *control < 0)
            *control = part[i];
        else if (is_type(m, part[i], "application/octet-stream") && *cipher < 0)
            *cipher = part[i];
        else if (!is_blank_text(m, raw, part[i]))
            return false;
    }
    return n <= 4 && *control >= 0 && *cipher >= 0 && is_armor(m, raw, *cipher, "MESSAGE", false);
}

static bool protocol_is(const struct mime_part *p, const char *expected)
{
    return !p->protocol || !*p->protocol || !strcmp(p->protocol, expected);
}

/* RFC 3156, 4: exactly two parts. */
static bool is_encrypted(const struct mime_message *m, int *control, int *cipher)
{
    int part[2];

    if (!protocol_is(&m->parts[0], "application/pgp-encrypted") || children(m, part, 2) != 2)
        return false;
    if (!is_type(m, part[0], "application/pgp-encrypted") || type_begins(m, part[1], "multipart/"))
        return false;
    *control = part[0];
    *cipher = part[1];
    return true;
}

/* RFC 1847, 2.1: exactly two parts, the second being the signature. */
static enum mime_shape signed_shape(const struct mime_message *m, int *content, int *signature)
{
    const struct mime_part *root = &m->parts[0];
    int part[2];

    if (children(m, part, 2) != 2)
        return MIME_OTHER;
    *content = part[0];
    *signature = part[1];
    if (is_type(m, part[1], "application/pgp-signature") && protocol_is(root, "application/pgp-signature"))
        return MIME_PGP_SIGNED;
    if (is_pkcs7(m->parts[part[1]].type, "pkcs7-signature") &&
        (!root->protocol || is_pkcs7(root->protocol, "pkcs7-signature")))
        return MIME_SMIME;
    *content = *signature = -1;
    return MIME_OTHER;
}

static enum mime_shape single_shape(const struct mime_message *m, struct span raw, int *a)
{
    const struct mime_part *p = &m->parts[0];

    if (is_pkcs7(p->type, "pkcs7-mime")) {
        *a = 0;
        return MIME_SMIME;
    }
    if (strcmp(p->type, "text/plain") && strcmp(p->type, "application/pgp") && !type_begins(m, 0, "text/"))
        return MIME_OTHER;
    if (is_armor(m, raw, 0, "MESSAGE", true) || is_armor(m, raw, 0, "SIGNED MESSAGE", true)) {
        *a = 0;
        return MIME_INLINE_PGP;
    }
    return type_begins(m, 0, "text/") ? MIME_PLAIN : MIME_OTHER;
}

enum mime_shape mime_shape(const struct mime_message *m, struct span raw, int *part_a, int *part_b)
{
    *part_a = *part_b = -1;
    if (m->n_parts == 1)
        return single_shape(m, raw, part_a);
    if (is_type(m, 0, "multipart/encrypted") && is_encrypted(m, part_a, part_b))
        return MIME_PGP_ENCRYPTED;
    if (is_type(m, 0, "multipart/signed"))
        return signed_shape(m, part_a, part_b);
    if (is_type(m, 0, "multipart/mixed") && is_mangled(m, raw, part_a, part_b))
        return MIME_PGP_ENCRYPTED;
    *part_a = *part_b = -1;
    return MIME_OTHER;
}

const char *mime_shape_name(enum mime_shape shape)
{
    static const char *const names[] = {"plain", "pgp-encrypted", "pgp-signed", "smime", "inline-pgp", "other"};

    return shape <= MIME_OTHER ? names[shape] : "other";
}
