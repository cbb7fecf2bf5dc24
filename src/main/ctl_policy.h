/* What the policy commands share. */
#ifndef MAIN_CTL_POLICY_H
#define MAIN_CTL_POLICY_H

#include "flow/policies.h"
#include "main/ctl.h"

/* The instance's policies where a configuration is named, else the presets; the caller frees. */
enum err ctl_policies(struct ctl *ctl, struct policies **out, struct diag *why);

/* A value as text; null where it is not stated. */
/* A name, as policies_load takes it, or a file: what has a slash, or ends in ".conf". */
enum err ctl_policy_load(struct policies *policies, const char *name, struct policy **out, struct diag *why);

json_t *ctl_policy_word(const struct policy_value *value);

#endif
