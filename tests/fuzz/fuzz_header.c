/* Header fields: the readers on hostile bytes, and that what the writers make has no line that they did not mean. */
#include "fuzz/fuzz.h"

#include "codec/addr.h"
#include "codec/charset.h"
#include "codec/header.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    charset_open_all();
    return 0;
}

static void expect_clean(const struct buf *b)
{
    if (!charset_is_utf8(buf_span(b)))
        abort();
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] < 0x20 || b->data[i] == 0x7f)
            abort();
}

static void read_addresses(struct span value)
{
    struct addr_list list = {0};

    addr_list_parse(value, &list);
    for (size_t i = 0; i < list.n; i++)
        if (!addr_is_valid(list.items[i].spec))
            abort();
    if (list.n > ADDR_LIST_MAX)
        abort();
    addr_list_free(&list);
}

static void read_value(struct span value)
{
    struct buf text = BUF_EMPTY, token = BUF_EMPTY, param = BUF_EMPTY;
    struct span rest = value, id;
    int64_t at;

    header_decode_text(value, &text);
    expect_clean(&text);
    header_token(value, &token);
    header_param(value, "boundary", &param);
    header_param(value, "filename", &param);
    header_param_raw(value, "boundary", &param);
    header_parse_date(value, &at);
    while (header_next_msg_id(&rest, &id))
        if (id.len < 2 || id.data[0] != '<' || id.data[id.len - 1] != '>')
            abort();
    if (header_skip_comments(value, 0) > value.len)
        abort();
    read_addresses(value);
    buf_free(&text);
    buf_free(&token);
    buf_free(&param);
}

/* A line break that is no fold would be a field of the sender's. */
static void write_value(const char *text)
{
    struct buf out = BUF_EMPTY;
    struct diag why;

    if (header_add_text(&out, "Subject", text, &why) == ERR_OK) {
        for (size_t i = 0; i + 2 < out.len; i++)
            if (out.data[i] == '\n' && out.data[i + 1] != ' ' && out.data[i + 1] != '\t')
                abort();
        if (out.len < 2 || out.data[out.len - 1] != '\n')
            abort();
    } else if (out.len) {
        abort(); /* refused, and yet written */
    }
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = {data, size}, name, value;
    struct header_iter it = {all};
    char *text = malloc(size + 1), address[ADDR_MAX_BYTES + 1];
    struct diag why;

    if (header_block_len(all) > size)
        abort();
    while (header_next(&it, &name, &value))
        read_value(value);
    read_value(all);
    if (addr_check(all, address, &why) == ERR_OK && !addr_is_valid(address))
        abort();
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    write_value(text);
    free(text);
    return 0;
}
