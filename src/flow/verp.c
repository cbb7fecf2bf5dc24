#include "flow/verp.h"

#include "base/mem.h"
#include "codec/xfer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ID_BYTES  5
#define MAC_BYTES 10

static void make_tag(const struct box *box, const char *list_address, int64_t id, uint8_t out[ID_BYTES + MAC_BYTES])
{
    struct buf bytes = BUF_EMPTY;
    uint8_t mac[BOX_DIGEST_BYTES];

    for (int i = 0; i < ID_BYTES; i++)
        out[i] = (uint8_t)(id >> (8 * (ID_BYTES - 1 - i)));
    buf_add(&bytes, out, ID_BYTES);
    buf_add_str(&bytes, list_address);
    box_tag(box, "verp", buf_span(&bytes), mac);
    memcpy(out + ID_BYTES, mac, MAC_BYTES);
    buf_free(&bytes);
}

enum err verp_address(const struct box *box, const char *list_address, int64_t copy_id, char *out, struct diag *why)
{
    uint8_t tag[ID_BYTES + MAC_BYTES];
    struct buf suffix = BUF_EMPTY;
    enum err err;

    make_tag(box, list_address, copy_id, tag);
    buf_add_str(&suffix, "b-");
    xfer_base32_encode((struct span){tag, sizeof tag}, &suffix);
    err = addr_with_suffix(list_address, buf_text(&suffix), out, why);
    buf_free(&suffix);
    return err;
}

int64_t verp_copy(const struct box *box, const char *list_address, struct span tag)
{
    uint8_t expected[ID_BYTES + MAC_BYTES], differ = 0;
    struct buf bytes = BUF_EMPTY;
    char *lower = mem_strndup(tag.data, tag.len);
    int64_t id = 0;

    for (char *p = lower; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    if (xfer_base32_decode(span_of(lower), &bytes) && bytes.len == sizeof expected) {
        for (int i = 0; i < ID_BYTES; i++)
            id = id << 8 | bytes.data[i];
        make_tag(box, list_address, id, expected);
        for (size_t i = 0; i < sizeof expected; i++)
            differ |= (uint8_t)(expected[i] ^ bytes.data[i]);
    } else {
        differ = 1;
    }
    buf_free(&bytes);
    free(lower);
    return differ ? 0 : id;
}
