/* Frames: a command of the control socket, a reply, a courier's job. */
#include "fuzz/fuzz.h"

#include "base/frame.h"
#include "codec/pgp_wire.h"
#include "flow/command.h"
#include "io/courier.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span payload = {data, size}, inner;
    struct pgp_key_info *key = calloc(1, sizeof *key);
    struct courier_job job = {0};
    struct command command = {0};
    struct reply reply = {.out = BUF_EMPTY};
    struct diag why;
    char *as = NULL;
    uint32_t type;
    size_t used;

    if (!frame_next(payload, size, &type, &inner, &used) && used > size)
        abort();
    command_get(payload, &command, &as, &why);
    command_free(&command);
    free(as);
    if (!reply_get(payload, &reply, &why))
        reply_free(&reply);
    if (!courier_job_get(payload, &job, &why))
        courier_job_free(&job);
    pgp_key_info_get(payload, key, &why);
    free(key);
    return 0;
}
