/* What a person reads of a message. */
#include "codec/mime.h"

#include "base/mem.h"
#include "codec/header.h"

#include <stdlib.h>
#include <string.h>

static bool type_begins(const struct mime_part *p, const char *prefix)
{
    return !strncmp(p->type, prefix, strlen(prefix));
}

static bool is_signature(const struct mime_part *p)
{
    return !strcmp(p->type, "application/pgp-signature") || !strcmp(p->type, "application/pkcs7-signature") ||
           !strcmp(p->type, "application/x-pkcs7-signature") || !strcmp(p->type, "application/pgp-encrypted");
}

static bool has_children(const struct mime_message *m, size_t part)
{
    return part + 1 < m->n_parts && m->parts[part + 1].parent == (int)part;
}

static bool is_shown_text(const struct mime_part *p)
{
    return type_begins(p, "text/") && (!p->disposition || strcmp(p->disposition, "attachment"));
}

bool mime_is_attachment(const struct mime_message *m, int part)
{
    const struct mime_part *p = &m->parts[part];

    if (has_children(m, (size_t)part) || type_begins(p, "multipart/"))
        return false;
    if (is_signature(p))
        return false;
    return p->name || !is_shown_text(p);
}

/* Which child of multipart/alternative is shown: plain text, else HTML, else the first. */
static size_t chosen_child(const struct mime_message *m, size_t parent, size_t end)
{
    size_t first = end, html = end;

    for (size_t i = parent + 1; i < end; i++) {
        if (m->parts[i].parent != (int)parent)
            continue;
        if (!strcmp(m->parts[i].type, "text/plain"))
            return i;
        if (first == end)
            first = i;
        if (html == end && !strcmp(m->parts[i].type, "text/html"))
            html = i;
    }
    return html < end ? html : first;
}

/* One past the last part below `part`. */
static size_t subtree_end(const struct mime_message *m, size_t part)
{
    size_t end = part + 1;

    while (end < m->n_parts && m->parts[end].depth > m->parts[part].depth)
        end++;
    return end;
}

/* A copy of the protected headers for programs that do not know them: the lines up to the first empty one. */
static void drop_legacy_display(const struct mime_message *m, const struct mime_part *p, struct buf *text)
{
    uint8_t *end;

    if (!m->parts[0].hp || !p->legacy_display || strcmp(p->legacy_display, "1") || strcmp(p->type, "text/plain") ||
        !text->len)
        return;
    end = memmem(text->data, text->len, "\n\n", 2);
    if (end)
        buf_drop_front(text, (size_t)(end - text->data) + 2);
}

/* The same in the drafts before RFC 9788: the first part of a multipart/mixed whose headers are protected. */
static bool is_legacy_display(const struct mime_message *m, size_t i)
{
    const struct mime_part *p = &m->parts[i], *parent = i ? &m->parts[p->parent] : NULL;

    return parent && p->parent == (int)i - 1 && !strcmp(parent->type, "multipart/mixed") && parent->protected_headers &&
           p->protected_headers && (!strcmp(p->type, "text/plain") || !strcmp(p->type, "text/rfc822-headers"));
}

static enum err add_text(struct span raw, const struct mime_message *m, const struct mime_part *p, struct buf *out,
                         struct diag *why)
{
    struct buf text = BUF_EMPTY;
    enum err err;

    text.max = out->max;
    err = mime_part_text(raw, p, &text, why);
    if (err == ERR_OK) {
        drop_legacy_display(m, p, &text);
        if (!strcmp(p->type, "text/html"))
            mime_html_text(buf_span(&text), out);
        else if (p->format && !strcmp(p->format, "flowed"))
            mime_unflow(buf_span(&text), p->delsp && !strcmp(p->delsp, "yes"), out);
        else
            buf_add_buf(out, &text);
    }
    buf_free(&text);
    return err;
}

static void add_message_head(struct span raw, const struct mime_message *m, size_t part, struct buf *out)
{
    static const char *const shown[] = {"From", "Date", "Subject"};

    if (!has_children(m, part))
        return;
    buf_add_str(out, "[attached message]\n");
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        struct span value;

        if (!header_find(mime_part_header(raw, &m->parts[part + 1]), shown[i], 0, &value))
            continue;
        buf_printf(out, "%s: ", shown[i]);
        header_decode_text(value, out);
        buf_add_byte(out, '\n');
    }
    buf_add_byte(out, '\n');
}

static enum err add_attachment(struct span raw, const struct mime_part *p, size_t index, struct buf *out,
                               struct diag *why)
{
    struct buf bytes = BUF_EMPTY;
    enum err err;

    bytes.max = out->max;
    err = mime_part_decode(raw, p, &bytes, why);
    if (err == ERR_OK)
        buf_printf(out, "[attachment %zu: %s, %s, %zu bytes]\n", index, p->name ? p->name : "without a name", p->type,
                   bytes.len);
    buf_free(&bytes);
    return err;
}

static void separate(size_t start, struct buf *out)
{
    if (out->len > start && out->data[out->len - 1] != '\n')
        buf_add_byte(out, '\n');
    if (out->len > start)
        buf_add_byte(out, '\n');
}

static enum err add_part(struct span raw, const struct mime_message *m, size_t i, size_t number, size_t start,
                         struct buf *out, struct diag *why)
{
    const struct mime_part *p = &m->parts[i];

    if (is_signature(p) || (has_children(m, i) && !type_begins(p, "message/")) || type_begins(p, "multipart/"))
        return ERR_OK;
    separate(start, out);
    if (has_children(m, i))
        add_message_head(raw, m, i, out);
    else if (is_shown_text(p))
        return add_text(raw, m, p, out, why);
    else
        return add_attachment(raw, p, number, out, why);
    return ERR_OK;
}

enum err mime_readable_part(struct span raw, const struct mime_message *m, int root, struct buf *out, struct diag *why)
{
    size_t end = subtree_end(m, (size_t)root), start = out->len, n_attachments = 0;
    bool *hidden = mem_zero(m->n_parts, sizeof *hidden);
    enum err err = ERR_OK;

    for (size_t i = (size_t)root; i < end && err == ERR_OK; i++) {
        int parent = m->parts[i].parent;
        bool under_hidden = i > (size_t)root && parent >= 0 && hidden[parent];

        hidden[i] = hidden[i] || under_hidden || is_legacy_display(m, i);
        if (!strcmp(m->parts[i].type, "multipart/alternative") && !hidden[i]) {
            size_t last = subtree_end(m, i), chosen = chosen_child(m, i, last);

            for (size_t j = i + 1; j < last; j++)
                hidden[j] = m->parts[j].parent == (int)i && j != chosen;
        }
        n_attachments += mime_is_attachment(m, (int)i);
        if (!hidden[i])
            err = add_part(raw, m, i, n_attachments, start, out, why);
    }
    free(hidden);
    if (err == ERR_OK && out->over)
        err = diag_set(why, ERR_LIMIT, "too-large", "the text is over %zu bytes", out->max);
    return err;
}

enum err mime_readable_text(struct span raw, const struct mime_message *m, struct buf *out, struct diag *why)
{
    return mime_readable_part(raw, m, 0, out, why);
}
