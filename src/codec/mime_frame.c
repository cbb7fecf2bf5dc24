/* A parsed message across the process boundary: written by a worker that may be in hostile hands, read by core. */
#include "codec/mime.h"

#include "base/frame.h"
#include "base/instant.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define MIME_FRAME_VERSION 3
#define MIME_PARTS_MAX     100000 /* far beyond any sensible limit: a bound for memory, not a policy */

/* ---- writing ---- */

static void put_list(const struct addr_list *list, struct buf *out)
{
    frame_put_bool(out, list->damaged);
    frame_put_u32(out, (uint32_t)list->n);
    for (size_t i = 0; i < list->n; i++) {
        frame_put_str(out, list->items[i].name);
        frame_put_str(out, list->items[i].spec);
    }
}

static void put_part(const struct mime_part *p, struct buf *out)
{
    const char *strings[] = {p->type,           p->charset,    p->name,        p->protocol, p->micalg,
                             p->format,         p->delsp,      p->disposition, p->hp,       p->protected_headers,
                             p->legacy_display, p->smime_type, p->content_id,  p->subject};

    frame_put_i64(out, p->parent);
    frame_put_u32(out, (uint32_t)p->depth);
    frame_put_u32(out, (uint32_t)p->encoding);
    frame_put_u64(out, p->header_off);
    frame_put_u64(out, p->header_len);
    frame_put_u64(out, p->body_off);
    frame_put_u64(out, p->body_len);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        frame_put_str(out, strings[i]);
}

void mime_message_put(const struct mime_message *m, struct buf *out)
{
    const char *strings[] = {m->subject,    m->date_text, m->message_id,  m->in_reply_to, m->auto_submitted,
                             m->precedence, m->list_id,   m->return_path, m->content_type};

    frame_put_u32(out, MIME_FRAME_VERSION);
    frame_put_i64(out, m->date_utc_s);
    frame_put_bool(out, m->several_from);
    frame_put_bool(out, m->disputed);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        frame_put_str(out, strings[i]);
    frame_put_u32(out, (uint32_t)m->n_references);
    for (size_t i = 0; i < m->n_references; i++)
        frame_put_str(out, m->references[i]);
    put_list(&m->from, out);
    put_list(&m->to, out);
    put_list(&m->cc, out);
    put_list(&m->reply_to, out);
    put_list(&m->sender, out);
    frame_put_u32(out, (uint32_t)m->n_parts);
    for (size_t i = 0; i < m->n_parts; i++)
        put_part(&m->parts[i], out);
}

/* ---- reading ---- */

static void get_list(struct frame_reader *r, struct addr_list *out)
{
    uint32_t n;

    out->damaged = frame_get_bool(r);
    n = frame_get_count(r, 2);
    if (n > ADDR_LIST_MAX)
        r->bad = true;
    for (uint32_t i = 0; i < n && !r->bad; i++) {
        char *name = frame_get_text(r), *spec = frame_get_text(r);

        if (spec && addr_is_valid(spec))
            addr_list_add(out, name, spec);
        else
            r->bad = true;
        free(name);
        free(spec);
    }
}

static void get_part(struct frame_reader *r, struct mime_part *p)
{
    char **strings[] = {&p->type,           &p->charset,    &p->name,        &p->protocol, &p->micalg,
                        &p->format,         &p->delsp,      &p->disposition, &p->hp,       &p->protected_headers,
                        &p->legacy_display, &p->smime_type, &p->content_id,  &p->subject};
    int64_t parent = frame_get_i64(r);
    uint32_t depth = frame_get_u32(r), encoding = frame_get_u32(r);

    if (parent < -1 || parent > MIME_PARTS_MAX || depth > MIME_PARTS_MAX || encoding > XFER_UNKNOWN)
        r->bad = true;
    p->parent = r->bad ? -1 : (int)parent;
    p->depth = r->bad ? 0 : (int)depth;
    p->encoding = r->bad ? XFER_UNKNOWN : (enum xfer_encoding)encoding;
    p->header_off = frame_get_u64(r);
    p->header_len = frame_get_u64(r);
    p->body_off = frame_get_u64(r);
    p->body_len = frame_get_u64(r);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        *strings[i] = frame_get_text(r);
}

static void get_fields(struct frame_reader *r, struct mime_message *m)
{
    char **strings[] = {&m->subject,    &m->date_text, &m->message_id,  &m->in_reply_to, &m->auto_submitted,
                        &m->precedence, &m->list_id,   &m->return_path, &m->content_type};
    uint32_t n;

    if (frame_get_u32(r) != MIME_FRAME_VERSION)
        r->bad = true;
    m->date_utc_s = frame_get_i64(r);
    m->several_from = frame_get_bool(r);
    m->disputed = frame_get_bool(r);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        *strings[i] = frame_get_text(r);
    n = frame_get_count(r, 1);
    if (n > MIME_REFERENCES_MAX)
        r->bad = true;
    if (r->bad)
        return;
    m->references = n ? mem_zero(n, sizeof *m->references) : NULL;
    while (m->n_references < n && !r->bad) {
        char *id = frame_get_text(r);

        if (id)
            m->references[m->n_references++] = id;
        else
            r->bad = true;
    }
}

enum err mime_message_get(struct span in, size_t raw_len, struct mime_message *out, struct diag *why)
{
    struct frame_reader r;
    enum err err = ERR_OK;
    uint32_t n;

    *out = (struct mime_message){.date_utc_s = INSTANT_NONE};
    frame_reader_init(&r, in);
    get_fields(&r, out);
    get_list(&r, &out->from);
    get_list(&r, &out->to);
    get_list(&r, &out->cc);
    get_list(&r, &out->reply_to);
    get_list(&r, &out->sender);
    n = frame_get_count(&r, 40);
    if (n > MIME_PARTS_MAX)
        r.bad = true;
    if (!r.bad && n) {
        out->parts = mem_zero(n, sizeof *out->parts);
        while (out->n_parts < n && !r.bad)
            get_part(&r, &out->parts[out->n_parts++]);
    }
    if (!frame_done(&r))
        err = diag_set(why, ERR_REJECT, "mime.frame", "a worker's answer is damaged");
    if (err == ERR_OK)
        err = mime_message_check(out, raw_len, why);
    if (err != ERR_OK)
        mime_message_free(out);
    return err;
}

static bool part_check(const struct mime_message *m, size_t index, size_t raw_len)
{
    const struct mime_part *p = &m->parts[index], *parent;

    if (!p->type || p->header_off > raw_len || p->header_len > raw_len - p->header_off ||
        p->header_off + p->header_len > p->body_off || p->body_off > raw_len || p->body_len > raw_len - p->body_off)
        return false;
    if (index == 0)
        return p->parent == -1 && p->depth == 0;
    if (p->parent < 0 || (size_t)p->parent >= index)
        return false;
    parent = &m->parts[p->parent];
    return p->depth == parent->depth + 1 && p->header_off >= parent->body_off &&
           p->body_off + p->body_len <= parent->body_off + parent->body_len;
}

enum err mime_message_check(const struct mime_message *m, size_t raw_len, struct diag *why)
{
    bool ok = m->n_parts > 0;

    for (size_t i = 0; i < m->n_parts && ok; i++)
        ok = part_check(m, i, raw_len) && (i == 0 || m->parts[i].header_off >= m->parts[i - 1].header_off);
    return ok ? ERR_OK : diag_set(why, ERR_REJECT, "mime.frame", "a part lies outside the message");
}
