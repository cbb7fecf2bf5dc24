/* A secret key in a mail is wiped before anything of the mail is recorded. */
#include "flow/incoming.h"

#include "base/mem.h"
#include "codec/header.h"

#include <stdlib.h>
#include <strings.h>

static const struct mime_message *read_or_none(const struct mime_message *m)
{
    return m->n_parts ? m : NULL;
}

static void wipe_raw(struct incoming *in)
{
    const struct mime_message *m = read_or_none(&in->outer);
    struct pgp_secrets seen = {0};

    if (m ? !in->outer_secret : !mime_secret_in(buf_span(&in->raw), NULL, &seen))
        return;
    in->came.max = in->raw.max;
    buf_add_buf(&in->came, &in->raw);
    if (!mime_secret_blank(in->raw.data, in->raw.len, m, &in->secrets))
        buf_free(&in->came);
}

static bool is_mime(struct span name)
{
    return header_name_is(name, "MIME-Version") ||
           (name.len > 8 && !strncasecmp((const char *)name.data, "Content-", 8));
}

/* The fields of a header that say of the content what it is, or all others. */
static void add_fields(struct span header, bool of_content, bool subject, struct buf *out)
{
    struct header_iter it = {header};
    struct span name, value;

    while (header_next(&it, &name, &value)) {
        if (header_name_is(name, "Subject") ? !subject : is_mime(name) != of_content)
            continue;
        buf_add(out, name.data, name.len);
        buf_add_str(out, ":");
        if (value.len && *value.data != ' ' && *value.data != '\t')
            buf_add_str(out, " ");
        buf_add(out, value.data, value.len);
        buf_add_str(out, "\r\n");
    }
}

/* The mail as if it had come opened: its own header, and what was inside. */
static void keep_opened(struct incoming *in)
{
    struct span raw = buf_span(&in->raw), plain = buf_span(&in->plain), value;
    struct span outer = {raw.data, header_block_len(raw)}, inner = {plain.data, header_block_len(plain)};
    bool subject = header_find(inner, "Subject", 0, &value);

    in->kept.max = raw.len + plain.len + 4096;
    add_fields(outer, false, !subject, &in->kept);
    buf_printf(&in->kept, "X-Embargod-Opened: a secret key in it was wiped; it came %s, %s %s\r\n",
               in->encrypted ? "encrypted" : "signed",
               incoming_is_signed(in) ? "with a good signature by" : "without a good signature",
               incoming_is_signed(in) ? in->signature.fingerprint : "");
    add_fields(inner, true, subject, &in->kept);
    buf_add_str(&in->kept, "\r\n");
    buf_add(&in->kept, plain.data + inner.len, plain.len - inner.len);
}

static void wipe_text(char **text)
{
    struct pgp_secrets again = {0};
    struct buf wiped = BUF_EMPTY;

    if (!*text || !pgp_secret_blank_copy(span_of(*text), &wiped, &again))
        return;
    mem_free_secret(text);
    *text = buf_take(&wiped);
}

void incoming_wipe_secrets(struct incoming *in)
{
    const struct mime_message *m = read_or_none(&in->inner);

    if (in->secrets.n)
        return;
    wipe_raw(in);
    if (in->unpacked && (!m || in->inner_secret) && mime_secret_blank(in->plain.data, in->plain.len, m, &in->secrets))
        keep_opened(in);
    if (in->secrets.n) {
        wipe_text(&in->text);
        wipe_text(&in->outside);
    }
}
