#include "codec/lower.h"

#include <ctype.h>

/* The lower case of a code point of two bytes (U+0080 to U+07FF); itself where it has none of two bytes. */
static unsigned lower_of(unsigned c)
{
    if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
        return c + 0x20;
    if (c >= 0x400 && c <= 0x40f)
        return c + 0x50;
    if ((c >= 0x100 && c <= 0x137 && c != 0x130) || (c >= 0x14a && c <= 0x177) || (c >= 0x460 && c <= 0x481))
        return c | 1;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
        return c + (c & 1);
    return c;
}

void lower_add(struct span text, struct buf *out)
{
    uint8_t *to = buf_room(out, text.len);

    if (!to)
        return;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (c >= 0xc2 && c <= 0xdf && i + 1 < text.len && (text.data[i + 1] & 0xc0) == 0x80) {
            unsigned low = lower_of((unsigned)(c & 0x1f) << 6 | (text.data[i + 1] & 0x3f));

            to[i++] = (uint8_t)(0xc0 | low >> 6);
            to[i] = (uint8_t)(0x80 | (low & 0x3f));
        } else {
            to[i] = c < 0x80 ? (uint8_t)tolower(c) : c;
        }
    }
    buf_grown(out, text.len);
}
