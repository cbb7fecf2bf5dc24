/* Pre-scan, structure, the frame to core, and the text that people read. */
#include "fuzz/fuzz.h"

#include "codec/charset.h"
#include "codec/mime.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    charset_open_all();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span raw = {data, size};
    struct mime_message m, back;
    struct buf text = BUF_EMPTY, frame = BUF_EMPTY;
    struct diag why;
    int a, b;

    if (mime_parse(raw, &MIME_LIMITS_DEFAULT, &m, &why) == ERR_OK) {
        enum mime_shape shape = mime_shape(&m, raw, &a, &b);

        if (shape == MIME_PGP_ENCRYPTED)
            mime_outside_text(raw, &m, b, &frame);
        else if (shape == MIME_INLINE_PGP)
            mime_inline_block(raw, &m.parts[a], &frame, &why);
        buf_clear(&frame);
        mime_readable_text(raw, &m, &text, &why);
        if (!charset_is_utf8(buf_span(&text)))
            abort();
        mime_message_put(&m, &frame);
        if (mime_message_get(buf_span(&frame), size, &back, &why))
            abort(); /* what a worker says must be what core takes */
        mime_message_free(&back);
        mime_message_free(&m);
    }
    buf_free(&text);
    buf_free(&frame);
    return 0;
}
