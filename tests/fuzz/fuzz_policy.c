/* A policy, by itself and as the defaults of another; its values as text. */
#include "fuzz/fuzz.h"

#include "policy/policy.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static void look_at(void *context, const char *key, const struct policy_value *value)
{
    (void)context;
    if (!key || !*key || !policy_value_text(value))
        abort();
}

static void load(const struct policy_text *text, const struct policy_text *defaults)
{
    struct conf_faults faults = {0};
    struct policy *policy = policy_load(text, defaults, &faults);
    struct diag why;

    if (!policy && !faults.n)
        abort(); /* refused without a reason */
    if (policy) {
        policy_each(policy, look_at, NULL);
        policy_answer(policy, "release.time", "15:00", &why);
    }
    policy_free(&policy);
    conf_faults_free(&faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char least[] = "policy = { id = \"x\"; name = \"X\"; edition = \"1\"; };";
    const struct policy_text text = {"fuzz.conf", size ? (const char *)data : "", size},
                             other = {"least.conf", least, sizeof least - 1};

    load(&text, NULL);
    load(&other, &text);
    return 0;
}
