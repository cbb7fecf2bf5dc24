/* The structure of a message: our scanner's, held against libetpan's reading of a copy without its stumbling blocks. */
#include "codec/mime.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/header.h"
#include "codec/mime_fields.h"
#include "codec/prescan_tree.h"

#include <libetpan/mailmime.h>
#include <stdlib.h>
#include <string.h>

/* One entity as libetpan sees it. */
struct reading {
    size_t body_off, end;
};

struct readings {
    const char *base;
    size_t len;
    struct reading *items;
    size_t n, max;
    bool bad;
};

static void readings_add(struct readings *r, const struct mailmime *m)
{
    const char *body = NULL;
    size_t len = 0;

    if (m->mm_body && m->mm_body->dt_type == MAILMIME_DATA_TEXT) {
        body = m->mm_body->dt_data.dt_text.dt_data;
        len = m->mm_body->dt_data.dt_text.dt_length;
    }
    if (!body || body < r->base || (size_t)(body - r->base) > r->len || len > r->len - (size_t)(body - r->base) ||
        r->n >= r->max) {
        r->bad = true;
        return;
    }
    r->items[r->n].body_off = (size_t)(body - r->base);
    r->items[r->n].end = (size_t)(body - r->base) + len;
    r->n++;
}

/* Recursion is safe here: the copy holds no container beyond those that the scanner counted. */
static void readings_walk(struct readings *r, const struct mailmime *m, size_t depth)
{
    if (!m || r->bad || depth > 1000) {
        r->bad = true;
        return;
    }
    readings_add(r, m);
    if (m->mm_type == MAILMIME_MESSAGE) {
        readings_walk(r, m->mm_data.mm_message.mm_msg_mime, depth + 1);
    } else if (m->mm_type == MAILMIME_MULTIPLE && m->mm_data.mm_multipart.mm_mp_list) {
        for (clistiter *it = clist_begin(m->mm_data.mm_multipart.mm_mp_list); it && !r->bad; it = clist_next(it))
            readings_walk(r, clist_content(it), depth + 1);
    }
}

/* Line breaks at the very end are nobody's: libetpan drops them where the last boundary is missing. */
static bool same_end(struct span raw, size_t a, size_t b)
{
    while (a < b && (raw.data[b - 1] == '\r' || raw.data[b - 1] == '\n'))
        b--;
    return a == b;
}

static bool same_reading(struct span raw, const struct prescan_tree *tree, const struct readings *r)
{
    if (r->bad || r->n != tree->n)
        return false;
    for (size_t i = 0; i < tree->n; i++) {
        const struct prescan_entity *e = &tree->items[i];
        size_t a = r->items[i].end;

        if (r->items[i].body_off != e->body_off || !(a == e->end || (e->end == raw.len && same_end(raw, a, e->end))))
            return false;
    }
    return true;
}

static bool libetpan_agrees(struct span raw, const struct prescan_tree *tree)
{
    struct buf copy = BUF_EMPTY;
    struct mailmime *mime = NULL;
    struct readings r = {.len = raw.len, .max = tree->n};
    size_t at = 0;
    bool same = false;

    prescan_tree_skeleton(raw, tree, &copy);
    r.base = buf_text(&copy);
    r.items = mem_zero(tree->n, sizeof *r.items);
    if (!copy.over && mailmime_parse(r.base, copy.len, &at, &mime) == MAILIMF_NO_ERROR && mime) {
        /* The root is a wrapper of libetpan's own, of type message/rfc822. */
        readings_walk(&r, mime->mm_type == MAILMIME_MESSAGE ? mime->mm_data.mm_message.mm_msg_mime : NULL, 0);
        same = same_reading(raw, tree, &r);
        mailmime_free(mime);
    }
    free(r.items);
    buf_free(&copy);
    return same;
}

static void add_parts(struct span raw, const struct prescan_tree *tree, struct mime_message *out)
{
    out->parts = mem_zero(tree->n, sizeof *out->parts);
    out->n_parts = tree->n;
    for (size_t i = 0; i < tree->n; i++) {
        const struct prescan_entity *e = &tree->items[i];
        struct mime_part *p = &out->parts[i];

        p->parent = e->parent;
        p->depth = e->depth;
        p->header_off = e->header_off;
        p->header_len = e->header_len;
        p->body_off = e->body_off;
        p->body_len = e->end - e->body_off;
        mime_fill_part(mime_part_header(raw, p), e->in_digest, p);
    }
}

/* Armor or packets that end early are found here, where the part's transfer encoding is known. */
static enum err check_pgp(struct span raw, const struct mime_message *m, struct diag *why)
{
    struct buf bytes = BUF_EMPTY;
    int a, b;
    enum mime_shape shape = mime_shape(m, raw, &a, &b);
    enum err err = ERR_OK;

    if (shape == MIME_PGP_ENCRYPTED)
        err = mime_part_decode(raw, &m->parts[b], &bytes, why);
    else if (shape == MIME_INLINE_PGP)
        err = mime_inline_block(raw, &m->parts[a], &bytes, why);
    if (err == ERR_OK && (shape == MIME_PGP_ENCRYPTED || shape == MIME_INLINE_PGP))
        err = prescan_pgp(buf_span(&bytes), why);
    buf_free(&bytes);
    return err;
}

enum err mime_parse(struct span raw, const struct mime_limits *limits, struct mime_message *out, struct diag *why)
{
    struct prescan_tree tree;
    enum err err;

    *out = (struct mime_message){.date_utc_s = INSTANT_NONE};
    err = prescan_tree_build(raw, limits, &tree, why);
    if (err != ERR_OK)
        return err;
    add_parts(raw, &tree, out);
    mime_fill_message(mime_part_header(raw, &out->parts[0]), out);
    out->disputed = !libetpan_agrees(raw, &tree);
    prescan_tree_free(&tree);
    err = mime_message_check(out, raw.len, why);
    if (err == ERR_OK)
        err = check_pgp(raw, out, why);
    if (err != ERR_OK)
        mime_message_free(out);
    return err;
}
