/* OpenPGP messages taken apart, and looked at before any cryptography. */
#include "fuzz/fuzz.h"

#include "codec/pgp_scan.h"
#include "codec/pgp_split.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span message = {data, size};
    struct buf binary = BUF_EMPTY;
    struct pgp_split split;
    struct pgp_scan scan;
    struct diag why;

    if (!pgp_split_parse(message, 600, &split, &why)) {
        if (split.body_off + split.body_len != size)
            abort(); /* the body reaches to the last byte, or the message was refused */
        for (size_t i = 0; i < split.n; i++)
            if (split.pkesk[i].off + split.pkesk[i].len > split.body_off)
                abort();
    }
    pgp_split_free(&split);
    pgp_packets_scan(message, &scan, &binary, &why);
    buf_free(&binary);
    return 0;
}
