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

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t skip_blanks(struct span s, size_t at)
{
    while (at < s.len && is_blank(s.data[at]))
        at++;
    return at;
}

/*
 * The value of keydata: up to the next attribute. It is folded, and its white space means nothing (Autocrypt 1.1,
 * section 2.1), whereas a token of MIME would end there.
 */
static bool find_keydata(struct span value, struct span *out)
{
    size_t at = 0;

    while (at < value.len) {
        const uint8_t *semicolon = memchr(value.data + at, ';', value.len - at);
        size_t end = semicolon ? (size_t)(semicolon - value.data) : value.len;
        struct span attribute = {value.data, end};
        const uint8_t *equals = memchr(value.data + at, '=', end - at);

        at = skip_blanks(attribute, at);
        if (equals && header_name_is((struct span){value.data + at, 7 < end - at ? 7 : end - at}, "keydata") &&
            skip_blanks(attribute, at + 7) == (size_t)(equals - value.data)) {
            *out = (struct span){equals + 1, (size_t)(value.data + end - equals - 1)};
            return true;
        }
        at = end + 1;
    }
    return false;
}

static void from_autocrypt(const struct incoming *in, struct buf *out)
{
    struct span raw = buf_span(&in->raw), value, keydata;
    struct span header = {raw.data, header_block_len(raw)};
    struct buf field = BUF_EMPTY, addr = BUF_EMPTY;

    if (header_count(header, "Autocrypt") != 1 || in->outer.from.n != 1 || !header_find(header, "Autocrypt", 0, &value))
        return;
    /* The field begins with its parameters; header_param expects a value before the first one. */
    buf_add_str(&field, "autocrypt; ");
    buf_add(&field, value.data, value.len);
    if (header_param_raw(buf_span(&field), "addr", &addr) &&
        addr_equal(buf_text(&addr), in->outer.from.items[0].spec) && find_keydata(value, &keydata))
        xfer_base64_decode_mail(keydata, out);
    buf_free(&field);
    buf_free(&addr);
}

void find_key_in_mail(const struct incoming *in, struct buf *out)
{
    from_attachment(in, out);
    if (!out->len)
        from_autocrypt(in, out);
}
