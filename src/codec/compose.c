#include "codec/compose.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/charset.h"
#include "codec/header.h"
#include "codec/xfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct compose_attachment {
    char *type;
    char *name;
    struct buf bytes;
};

struct compose {
    struct buf fields; /* written, each with CRLF */
    struct buf text;   /* UTF-8, LF */
    struct compose_attachment *attachments;
    size_t n_attachments;
    const char *hp; /* "cipher", "clear", or NULL */
};

struct compose *compose_new(void)
{
    struct compose *c = mem_zero(1, sizeof *c);

    c->fields = BUF_EMPTY;
    c->text = BUF_EMPTY;
    return c;
}

void compose_free(struct compose **c)
{
    if (!*c)
        return;
    for (size_t i = 0; i < (*c)->n_attachments; i++) {
        mem_free_secret(&(*c)->attachments[i].type);
        mem_free_secret(&(*c)->attachments[i].name);
        buf_free(&(*c)->attachments[i].bytes);
    }
    free((*c)->attachments);
    buf_free(&(*c)->fields);
    buf_free(&(*c)->text);
    free(*c);
    *c = NULL;
}

/* ---- fields ---- */

static enum err check_reserved(const char *name, struct diag *why)
{
    if (!strcasecmp(name, "MIME-Version") || !strncasecmp(name, "Content-", 8))
        return diag_set(why, ERR_INTERNAL, "compose.reserved", "MIME fields are made by the writer alone");
    return ERR_OK;
}

enum err compose_text_field(struct compose *c, const char *name, const char *value, struct diag *why)
{
    enum err err = check_reserved(name, why);

    return err == ERR_OK ? header_add_text(&c->fields, name, value, why) : err;
}

enum err compose_raw_field(struct compose *c, const char *name, const char *value, struct diag *why)
{
    enum err err = check_reserved(name, why);

    return err == ERR_OK ? header_add_raw(&c->fields, name, value, why) : err;
}

enum err compose_address_field(struct compose *c, const char *name, const char *display, const char *spec,
                               struct diag *why)
{
    enum err err = check_reserved(name, why);

    return err == ERR_OK ? header_add_address(&c->fields, name, display, spec, why) : err;
}

enum err compose_date_field(struct compose *c, int64_t at_utc_s, struct diag *why)
{
    char text[40];

    return header_add_raw(&c->fields, "Date", instant_mail_date(at_utc_s, text), why);
}

/* The outer fields are folded ASCII already, so unfolding and folding again keeps their value as readers see it. */
enum err compose_add_outer(struct compose *payload, const struct compose *outer, struct diag *why)
{
    struct header_iter it = {buf_span(&outer->fields)};
    struct span name, value;
    enum err err = ERR_OK;

    while (err == ERR_OK && header_next(&it, &name, &value)) {
        struct buf line = BUF_EMPTY;

        buf_add(&line, name.data, name.len);
        buf_add_str(&line, ": ");
        header_unfold(value, &line);
        err = header_add_raw(&payload->fields, "HP-Outer", buf_text(&line), why);
        buf_free(&line);
    }
    return err;
}

void compose_protect(struct compose *c, bool cipher)
{
    c->hp = cipher ? "cipher" : "clear";
}

/* ---- content ---- */

void compose_text(struct compose *c, struct span utf8)
{
    struct buf clean = BUF_EMPTY;

    charset_clean_utf8(utf8, &clean);
    buf_clear(&c->text);
    for (size_t i = 0; i < clean.len; i++)
        if (clean.data[i] != '\r' || i + 1 >= clean.len || clean.data[i + 1] != '\n')
            buf_add_byte(&c->text, clean.data[i]);
    buf_free(&clean);
}

bool compose_may_attach(const char *type)
{
    const char *slash = strchr(type, '/');

    if (!slash || slash == type || !slash[1] || strchr(slash + 1, '/') || strlen(type) > 100)
        return false;
    for (const char *c = type; *c; c++)
        if (*c <= ' ' || *c > 126 || strchr("()<>@,;:\\\"[]?=", *c))
            return false;
    return strncasecmp(type, "multipart/", 10) && strncasecmp(type, "message/", 8);
}

enum err compose_attach(struct compose *c, const char *type, const char *name, struct span bytes, struct diag *why)
{
    enum err err = name ? header_check_value(name, "the name of an attachment", why) : ERR_OK;
    struct compose_attachment *a;

    if (err != ERR_OK)
        return err;
    if (!compose_may_attach(type))
        return diag_set(why, ERR_REJECT, "compose.bad-type", "an attachment's type is written as \"text/x-diff\"");
    c->attachments = mem_resize(c->attachments, c->n_attachments + 1, sizeof *c->attachments);
    a = &c->attachments[c->n_attachments++];
    *a = (struct compose_attachment){mem_strdup(type), mem_strdup(name), BUF_EMPTY};
    buf_add(&a->bytes, bytes.data, bytes.len);
    return ERR_OK;
}

/* ---- writing ---- */

bool compose_boundary_ok(const char *boundary)
{
    size_t len = strlen(boundary);

    for (const char *c = boundary; *c; c++)
        if (!((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z')))
            return false;
    return len >= 20 && len <= 70;
}

static enum err check_boundary(const char *boundary, struct span content, struct diag *why)
{
    if (!compose_boundary_ok(boundary))
        return diag_set(why, ERR_INTERNAL, "compose.boundary", "a boundary is 20 to 70 letters and digits");
    if (content.len && memmem(content.data, content.len, boundary, strlen(boundary)))
        return diag_set(why, ERR_AGAIN, "compose.boundary", "the boundary occurs in the content; draw another one");
    return ERR_OK;
}

/* Quoted-printable wherever a transport might change 7-bit text: long lines, controls, blanks at a line's end. */
static bool needs_qp(struct span text)
{
    size_t column = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (c == '\n') {
            if (i && (text.data[i - 1] == ' ' || text.data[i - 1] == '\t'))
                return true;
            column = 0;
            continue;
        }
        if (c > 126 || (c < ' ' && c != '\t') || column >= HEADER_LINE_MAX - 20)
            return true;
        if (column == 0 && (c == '.' || (text.len - i >= 5 && !memcmp(text.data + i, "From ", 5))))
            return true;
        column++;
    }
    return text.len && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t');
}

static void write_hp(const struct compose *c, struct buf *out)
{
    if (c && c->hp)
        buf_printf(out, ";\r\n protected-headers=\"v1\";\r\n hp=\"%s\"", c->hp);
}

/* root: the text is the whole message, so that its Content-Type carries the marks of the payload's root. */
static void write_text_part(const struct compose *c, bool root, struct buf *out)
{
    struct span text = buf_span(&c->text);
    bool qp = needs_qp(text);

    buf_add_str(out, "Content-Type: text/plain; charset=\"utf-8\"");
    write_hp(root ? c : NULL, out);
    buf_printf(out, "\r\nContent-Transfer-Encoding: %s\r\n\r\n", qp ? "quoted-printable" : "7bit");
    if (qp) {
        xfer_qp_encode(text, out);
    } else {
        for (size_t i = 0; i < text.len; i++) {
            if (text.data[i] == '\n')
                buf_add_byte(out, '\r');
            buf_add_byte(out, text.data[i]);
        }
    }
    if (text.len == 0 || text.data[text.len - 1] != '\n')
        buf_add_str(out, "\r\n");
}

static enum err write_attachment(const struct compose_attachment *a, struct buf *out, struct diag *why)
{
    enum err err = ERR_OK;

    buf_printf(out, "Content-Type: %s", a->type);
    if (a->name)
        err = header_add_param(out, "name", a->name, why);
    buf_add_str(out, "\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment");
    if (a->name && err == ERR_OK)
        err = header_add_param(out, "filename", a->name, why);
    buf_add_str(out, "\r\n\r\n");
    xfer_base64_encode(buf_span(&a->bytes), 76, out);
    return err;
}

static enum err write_entity(const struct compose *c, const char *boundary, struct buf *out, struct diag *why)
{
    enum err err = ERR_OK;

    if (!c->n_attachments) {
        write_text_part(c, true, out);
        return ERR_OK;
    }
    err = check_boundary(boundary, buf_span(&c->text), why);
    if (err != ERR_OK)
        return err;
    buf_printf(out, "Content-Type: multipart/mixed;\r\n boundary=\"%s\"", boundary);
    write_hp(c, out);
    buf_printf(out, "\r\n\r\n--%s\r\n", boundary);
    write_text_part(c, false, out);
    for (size_t i = 0; i < c->n_attachments && err == ERR_OK; i++) {
        buf_printf(out, "\r\n--%s\r\n", boundary);
        err = write_attachment(&c->attachments[i], out, why);
    }
    buf_printf(out, "\r\n--%s--\r\n", boundary);
    return err;
}

/* Nothing half written leaves a writer: what could not be made whole is taken back. */
static enum err finish(struct buf *out, size_t before, enum err err, struct diag *why)
{
    if (err == ERR_OK && out->over)
        err = diag_set(why, ERR_LIMIT, "too-large", "the mail would be over %zu bytes", out->max);
    if (err != ERR_OK && out->data && out->len > before) {
        mem_wipe(out->data + before, out->len - before);
        out->len = before;
    }
    return err;
}

enum err compose_write(const struct compose *c, const char *boundary, struct buf *out, struct diag *why)
{
    size_t before = out->len;

    buf_add_buf(out, &c->fields);
    buf_add_str(out, "MIME-Version: 1.0\r\n");
    return finish(out, before, write_entity(c, boundary, out, why), why);
}

enum err compose_write_payload(const struct compose *c, const char *boundary, struct buf *out, struct diag *why)
{
    size_t before = out->len;

    buf_add_buf(out, &c->fields);
    return finish(out, before, write_entity(c, boundary, out, why), why);
}

enum err compose_write_encrypted(const struct compose *c, const char *boundary, struct buf *prefix, struct buf *suffix,
                                 struct diag *why)
{
    enum err err = check_boundary(boundary, (struct span){NULL, 0}, why);

    if (err != ERR_OK)
        return err;
    buf_add_buf(prefix, &c->fields);
    buf_printf(prefix,
               "MIME-Version: 1.0\r\n"
               "Content-Type: multipart/encrypted;\r\n protocol=\"application/pgp-encrypted\";\r\n boundary=\"%s\"\r\n"
               "\r\n"
               "--%s\r\n"
               "Content-Type: application/pgp-encrypted\r\n"
               "Content-Description: PGP/MIME version identification\r\n"
               "\r\n"
               "Version: 1\r\n"
               "\r\n"
               "--%s\r\n"
               "Content-Type: application/octet-stream; name=\"encrypted.asc\"\r\n"
               "Content-Description: OpenPGP encrypted message\r\n"
               "Content-Disposition: inline; filename=\"encrypted.asc\"\r\n"
               "\r\n",
               boundary, boundary, boundary);
    buf_printf(suffix, "\r\n--%s--\r\n", boundary);
    return ERR_OK;
}

/* A token, as it goes into a parameter unquoted. */
static bool micalg_is_valid(const char *micalg)
{
    for (const char *c = micalg; *c; c++)
        if (!((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || *c == '-'))
            return false;
    return *micalg && strlen(micalg) <= 40;
}

static void add_crlf(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n' && (i == 0 || text.data[i - 1] != '\r'))
            buf_add_byte(out, '\r');
        buf_add_byte(out, text.data[i]);
    }
    if (!text.len || text.data[text.len - 1] != '\n')
        buf_add_str(out, "\r\n");
}

enum err compose_write_signed(const struct compose *c, const char *boundary, const char *micalg, struct span payload,
                              struct span armored_signature, struct buf *out, struct diag *why)
{
    enum err err = check_boundary(boundary, payload, why);
    size_t before = out->len;

    if (err == ERR_OK && !micalg_is_valid(micalg))
        err = diag_set(why, ERR_INTERNAL, "compose.bad-type", "micalg is a name such as pgp-sha512");
    if (err != ERR_OK)
        return err;
    if (c) {
        buf_add_buf(out, &c->fields);
        buf_add_str(out, "MIME-Version: 1.0\r\n");
    }
    buf_printf(out,
               "Content-Type: multipart/signed; micalg=%s;\r\n protocol=\"application/pgp-signature\";\r\n"
               " boundary=\"%s\"\r\n\r\n--%s\r\n",
               micalg, boundary, boundary);
    buf_add(out, payload.data, payload.len);
    buf_printf(out,
               "\r\n--%s\r\n"
               "Content-Type: application/pgp-signature; name=\"signature.asc\"\r\n"
               "Content-Description: OpenPGP digital signature\r\n"
               "Content-Disposition: attachment; filename=\"signature.asc\"\r\n"
               "\r\n",
               boundary);
    add_crlf(armored_signature, out);
    buf_printf(out, "\r\n--%s--\r\n", boundary);
    return finish(out, before, ERR_OK, why);
}
