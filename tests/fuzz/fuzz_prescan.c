/* The check of a mail's raw bytes, and of an OpenPGP message's ends, under small limits too. */
#include "fuzz/fuzz.h"

#include "codec/prescan.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mime_limits small = {.message_bytes = 4096,
                                             .header_block_bytes = 512,
                                             .header_line_bytes = 128,
                                             .parts = 8,
                                             .depth = 3,
                                             .comments = 4};
    struct span raw = {data, size};
    struct diag why = {0};

    if (prescan_check(raw, &small, &why) == ERR_OK && prescan_check(raw, &MIME_LIMITS_DEFAULT, &why) != ERR_OK)
        abort(); /* what passes narrow limits passes wide ones */
    if (prescan_pgp(raw, &why) && !*why.rule)
        abort(); /* refused without a reason */
    return 0;
}
