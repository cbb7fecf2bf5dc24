/*
 * Inline PGP in several parts: the text is encrypted, and each file is, as programs do that know no PGP/MIME. What was
 * inside becomes the parts of one mail. Each part may be signed, but nothing says that they belong together (anyone can
 * put parts of two mails into a third), so that no such mail counts as signed.
 */
#include "proc/opening.h"

#include "base/mem.h"
#include "codec/charset.h"

#include <string.h>

#define BOUNDARY "parts-of-one-mail" /* base64 has no hyphen */

static void add_file_name(const char *name, struct buf *out)
{
    static const char *const endings[] = {".pgp", ".gpg", ".asc"};
    size_t len = name ? strlen(name) : 0;

    for (size_t i = 0; len > 4 && i < sizeof endings / sizeof *endings; i++)
        if (!strcmp(name + len - 4, endings[i])) {
            len -= 4;
            break;
        }
    buf_add_str(out, "Content-Disposition: attachment; filename*=utf-8''");
    for (size_t i = 0; i < len; i++)
        buf_printf(out, "%%%02X", (unsigned char)name[i]);
    if (!len)
        buf_add_str(out, "attachment");
    buf_add_str(out, "\r\n");
}

void opening_parts_take(struct mail *m, struct span plain)
{
    int at = m->at_part - 1;
    const struct mime_part *p = &m->in.outer.parts[at];
    struct buf *out = &m->in.plain;

    if (!out->len)
        buf_add_str(out, "Content-Type: multipart/mixed; boundary=" BOUNDARY "\r\n\r\n");
    buf_add_str(out, "--" BOUNDARY "\r\nContent-Transfer-Encoding: base64\r\n");
    if (at == m->part_a) {
        buf_printf(out, "Content-Type: text/plain; charset=%s\r\n", charset_is_utf8(plain) ? "utf-8" : "iso-8859-1");
    } else {
        buf_add_str(out, "Content-Type: application/octet-stream\r\n");
        add_file_name(p->name, out);
    }
    buf_add_str(out, "\r\n");
    xfer_base64_encode(plain, 76, out);
    opening_parts(m);
}

static bool is_blank(const struct buf *b)
{
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] > ' ')
            return false;
    return true;
}

static void finish(struct mail *m)
{
    struct diag why;

    m->at_part = 0;
    if (m->in.has_signature)
        m->in.signature = (struct pgp_signature){.verdict = PGP_SIG_ERROR};
    buf_add_str(&m->in.plain, "--" BOUNDARY "--\r\n");
    if (m->in.plain.over) {
        diag_set(&why, ERR_LIMIT, "bomb", "the decrypted parts exceed their limit together");
        m->ends->failed(m, ERR_LIMIT, false, &why);
        return;
    }
    opening_read_plain(m);
}

void opening_parts(struct mail *m)
{
    const struct mime_message *msg = &m->in.outer;
    bool has_signature = m->signed_parts || m->in.has_signature;
    struct buf bytes = BUF_EMPTY;
    struct diag why;

    m->signed_parts = m->in.has_signature = has_signature;
    if (!m->at_part && msg->n_parts > 1)
        m->at_part = 1; /* the multipart itself */
    while ((size_t)m->at_part < msg->n_parts) {
        enum err err = mime_part_decode(buf_span(&m->in.raw), &msg->parts[m->at_part++], &bytes, &why);

        if (err) {
            buf_free(&bytes);
            m->ends->failed(m, err, false, &why);
            return;
        }
        if (!is_blank(&bytes)) {
            opening_decrypt(m, buf_span(&bytes));
            buf_free(&bytes);
            return;
        }
        buf_clear(&bytes);
    }
    buf_free(&bytes);
    finish(m);
}
