/* Secret keys in a mail: what was found is gone afterwards, nothing has moved, and nothing is found in what is left. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "codec/mime_secret.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mime_limits limits = MIME_LIMITS_DEFAULT;
    struct pgp_secrets found = {0}, again = {0};
    struct span given = {data, size};
    struct buf raw = {.max = size + 1}, text = BUF_EMPTY;
    struct mime_message m = {0};
    struct diag why;
    bool parsed, in;

    buf_add(&raw, data, size);
    parsed = !mime_parse(given, &limits, &m, &why);
    in = mime_secret_in(given, parsed ? &m : NULL, &found);
    if (mime_secret_blank(raw.data, raw.len, parsed ? &m : NULL, &found) != in || raw.len != size)
        abort();
    if (!in && size && memcmp(raw.data, data, size) != 0)
        abort();
    pgp_secret_blank_copy(given, &text, &found);
    if (pgp_secret_in_text(buf_span(&raw), &again) || pgp_secret_in_text(buf_span(&text), &again))
        abort();
    mime_message_free(&m);
    buf_free(&raw);
    buf_free(&text);
    return 0;
}
