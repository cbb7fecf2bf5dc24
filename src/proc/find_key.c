#include "proc/find_key.h"

#include "codec/header.h"
#include "codec/xfer.h"

#include <string.h>

static void from_attachment(const struct incoming *in, struct buf *out)
{
    const struct mime_message *m = incoming_message(in);
    struct diag why;

    for (size_t i = 0; i < m->n_parts && !out->len; i++)
        if (strcmp(m->parts[i].type, "application/pgp-keys") == 0)
            mime_part_decode(incoming_content(in), &m->parts[i], out, &why);
}

static void from_autocrypt(const struct incoming *in, struct buf *out)
{
    struct span raw = buf_span(&in->raw), value;
    struct span header = {raw.data, header_block_len(raw)};
    struct buf addr = BUF_EMPTY, keydata = BUF_EMPTY;

    if (header_count(header, "Autocrypt") != 1 || in->outer.from.n != 1 || !header_find(header, "Autocrypt", 0, &value))
        return;
    /* The field begins with its parameters; header_param expects a value before the first one. */
    buf_add_str(&addr, "autocrypt; ");
    buf_add(&addr, value.data, value.len);
    value = buf_span(&addr);
    {
        struct buf spec = BUF_EMPTY;

        if (header_param_raw(value, "addr", &spec) && addr_equal(buf_text(&spec), in->outer.from.items[0].spec) &&
            header_param_raw(value, "keydata", &keydata))
            xfer_base64_decode_mail(buf_span(&keydata), out);
        buf_free(&spec);
    }
    buf_free(&addr);
    buf_free(&keydata);
}

void find_key_in_mail(const struct incoming *in, struct buf *out)
{
    from_attachment(in, out);
    if (!out->len)
        from_autocrypt(in, out);
}
