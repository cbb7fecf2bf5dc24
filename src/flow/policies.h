/*
 * Policies by name: read from DIR/policy, else from the presets built in. A case pins the text that was in force when
 * it opened (by its digest, kept in the database), so that editing a file never moves a live embargo.
 */
#ifndef FLOW_POLICIES_H
#define FLOW_POLICIES_H

#include "flow/flow.h"
#include "policy/schedule.h"

#define POLICY_NAME_MAX   128
#define POLICY_DIGEST_LEN 64

/* folder: DIR/policy (borrowed); NULL: the presets alone. */
struct policies *policies_new(const char *folder);
void policies_free(struct policies **p);

/*
 * All names that are known, "ID@EDITION", sorted; the caller frees each and the array. A folder that is not there has
 * none; one that cannot be read is an error, or an older edition would be taken for the newest.
 */
enum err policies_names(struct policies *p, char ***out, size_t *n, struct diag *why);

/* ID@EDITION, or a bare ID for its newest edition; out has POLICY_NAME_MAX bytes. ERR_NOT_FOUND names the nearest. */
enum err policies_resolve(struct policies *p, const char *name, char *out, struct diag *why);

/* Loads and checks; the caller frees with policy_free. digest (POLICY_DIGEST_LEN + 1 bytes) may be NULL. */
enum err policies_load(struct policies *p, const char *name, struct policy **out, char *digest, struct diag *why);

/* The same from texts handed in (a file that an admin names), with the instance's defaults. */
enum err policies_check_text(struct policies *p, const char *file, const char *text, size_t len,
                             struct conf_faults *faults, struct policy **out);

/* Keeps the text of a policy in the database, as case_pin needs it. */
enum err policies_keep(struct flow *f, const char *name, char *resolved, char *digest, struct diag *why);

/* The policy that a case pinned, with the answers that an admin gave for what it leaves unstated. */
enum err policies_of_case(struct flow *f, const struct case_row *c, struct policy **out, struct diag *why);

/* The policy of a list, as its file says now. */
enum err policies_of_list(struct flow *f, const struct settings_list *list, struct policy **out, struct diag *why);

/* The holidays that a policy names; empty where it names none. */
enum err policies_holidays(struct policies *p, const struct policy *policy, struct schedule_holidays *out,
                           struct diag *why);

#endif
