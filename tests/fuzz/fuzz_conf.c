/* embargod.conf. */
#include "fuzz/fuzz.h"

#include "codec/settings.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf_faults faults = {0};
    struct settings *settings = NULL;

    settings_parse(size ? (const char *)data : "", size, "/nowhere/embargod.conf", &faults, &settings);
    if (!settings && !faults.n)
        abort(); /* refused without a reason */
    settings_free(&settings);
    conf_faults_free(&faults);
    return 0;
}
