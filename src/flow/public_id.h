/*
 * The public id of a case, by the policy's scheme: "XSA-{n}", "OSSA-{yyyy}-{n:3}", "{cve}". Given once, at
 * pre-disclosure; before that a case has its random code alone.
 */
#ifndef FLOW_PUBLIC_ID_H
#define FLOW_PUBLIC_ID_H

#include "flow/flow.h"

/* Sets row->public_id, taking the list's next number where the scheme has one; a policy without a scheme gives none. */
enum err public_id_give(struct flow *f, const struct policy *policy, struct case_row *row, struct diag *why);

/* Pure: fills the scheme. cve may be NULL (then {cve} gives NULL). The caller frees. */
char *public_id_fill(const char *scheme, int year, int64_t number, const char *cve);

#endif
