/* embargod.conf, and a policy. */
#include "fuzz/fuzz.h"

#include "codec/settings.h"
#include "policy/policy.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_text text = {"fuzz.conf", size ? (const char *)data : "", size};
    struct conf_faults faults = {0};
    struct settings *settings = NULL;
    struct policy *policy;

    settings_parse(text.text, size, "/nowhere/embargod.conf", &faults, &settings);
    if (!settings && !faults.n)
        abort(); /* refused without a reason */
    settings_free(&settings);
    conf_faults_free(&faults);
    policy = policy_load(&text, NULL, &faults);
    if (!policy && !faults.n)
        abort();
    policy_free(&policy);
    conf_faults_free(&faults);
    return 0;
}
