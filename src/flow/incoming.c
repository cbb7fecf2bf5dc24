#include "flow/incoming.h"

#include "base/mem.h"
#include "codec/compose.h"
#include "codec/header.h"

#include <stdlib.h>
#include <string.h>

#define FILES_MAX 200

void incoming_free(struct incoming *in)
{
    free(in->sender);
    free(in->recipient);
    buf_free(&in->raw);
    buf_free(&in->cipher);
    buf_free(&in->plain);
    mime_message_free(&in->outer);
    mime_message_free(&in->inner);
    dsn_free(&in->dsn);
    mem_free_secret(&in->text);
    mem_free_secret(&in->outside);
    buf_free(&in->key);
    free(in->key_facts);
    buf_free(&in->key_whole);
    for (size_t i = 0; i < in->n_keys; i++) {
        mem_free_secret(&in->keys[i].name);
        free(in->keys[i].info);
        buf_free(&in->keys[i].certificate);
    }
    free(in->keys);
    mem_free_secret(&in->table.name);
    buf_free(&in->table.packed);
    buf_free(&in->came);
    buf_free(&in->kept);
    memset(in, 0, sizeof *in);
}

char *incoming_shown_text(const struct incoming *in)
{
    const char *text = in->text ? in->text : "";

    if (!in->outside)
        return mem_strdup(text);
    return mem_printf("%s\n\n[What follows stood outside of the encrypted mail. It is nobody's word: a program on the "
                      "way, or anyone, may have added it.]\n%s",
                      text, in->outside);
}

struct span incoming_content(const struct incoming *in)
{
    return in->unpacked ? buf_span(&in->plain) : buf_span(&in->raw);
}

const struct mime_message *incoming_message(const struct incoming *in)
{
    return in->unpacked ? &in->inner : &in->outer;
}

bool incoming_is_signed(const struct incoming *in)
{
    return in->has_signature && in->signature.verdict == PGP_SIG_GOOD && *in->signature.fingerprint;
}

static bool is_child(const struct mime_message *m, int part, int parent)
{
    return part >= 0 && (size_t)part < m->n_parts && m->parts[part].parent == parent;
}

/* The part whose header is the protected one, below the payload that is encrypted or signed; -1: none. */
static int protected_part(const struct mime_message *m, int payload)
{
    const struct mime_part *p = &m->parts[payload];

    if ((p->protected_headers && strcmp(p->protected_headers, "v1") == 0) ||
        (p->hp && (strcmp(p->hp, "cipher") == 0 || strcmp(p->hp, "clear") == 0)))
        return payload;
    if ((strcmp(p->type, "message/rfc822") == 0 || strcmp(p->type, "multipart/signed") == 0) &&
        is_child(m, payload + 1, payload))
        return strcmp(p->type, "message/rfc822") == 0 ? payload + 1 : protected_part(m, payload + 1);
    return -1;
}

char *incoming_subject(const struct incoming *in, bool *covered)
{
    const struct mime_message *m = incoming_message(in);
    bool vouched = m->n_parts && !in->outside && (in->encrypted || (in->root > 0 && incoming_is_signed(in)));
    int part = vouched ? protected_part(m, in->encrypted ? 0 : in->root) : -1;

    if (covered)
        *covered = part >= 0 && m->parts[part].subject;
    if (part >= 0 && m->parts[part].subject)
        return mem_strdup(m->parts[part].subject);
    return in->outer.subject ? mem_strdup(in->outer.subject) : NULL;
}

static bool is_below(const struct mime_message *m, int part, int root)
{
    for (; part >= 0; part = m->parts[part].parent)
        if (part == root)
            return true;
    return false;
}

static char *file_name(const struct mime_part *p, size_t nth)
{
    if (p->name && *p->name)
        return mem_strdup(p->name);
    return mem_printf("attachment-%zu%s", nth, strcmp(p->type, "message/rfc822") == 0 ? ".eml" : "");
}

size_t incoming_files(const struct incoming *in, struct incoming_file **out)
{
    const struct mime_message *m = incoming_message(in);
    struct span content = incoming_content(in);
    size_t n = 0;

    *out = NULL;
    for (size_t i = 0; i < m->n_parts && n < FILES_MAX; i++) {
        struct incoming_file f = {.bytes = BUF_EMPTY};
        struct diag why;

        if (!mime_is_attachment(m, (int)i) || !is_below(m, (int)i, in->root))
            continue;
        if (mime_part_decode(content, &m->parts[i], &f.bytes, &why)) {
            buf_free(&f.bytes);
            continue;
        }
        f.name = file_name(&m->parts[i], n + 1);
        /* what no attachment may be, a mail above all, goes on as bytes */
        f.type = mem_strdup(compose_may_attach(m->parts[i].type) ? m->parts[i].type : "application/octet-stream");
        *out = mem_resize(*out, n + 1, sizeof **out);
        (*out)[n++] = f;
    }
    return n;
}

void incoming_files_free(struct incoming_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mem_free_secret(&files[i].name);
        free(files[i].type);
        buf_free(&files[i].bytes);
    }
    free(files);
}
