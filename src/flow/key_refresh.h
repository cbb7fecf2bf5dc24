/*
 * The weekly round: every member's addresses are looked up, all of them, in no order and at no time that says anything.
 * What is found counts under the same fingerprint only. Never because of a case.
 */
#ifndef FLOW_KEY_REFRESH_H
#define FLOW_KEY_REFRESH_H

#include "flow/duty_kinds.h"
#include "flow/lookup_kinds.h"

#define KEY_ROUND_DUTY   "key-round"
#define KEY_ROUND_LOOKUP "key-round"

/* Puts the first round of a list, where none waits. */
enum err key_round_begin(struct flow *f, int64_t list_id, struct diag *why);

/* All addresses of active members, each at a random instant within spread_s; *n counts them. */
enum err key_round_put(struct flow *f, int64_t list_id, int64_t spread_s, int64_t *n, struct diag *why);

/* The duty: a round within six hours, and the next in a week, half a day more or less. */
enum err key_round_run(struct flow *f, const struct duty_row *duty, struct diag *why);

/* The result of one look-up; object: the contact. */
enum err key_round_found(struct flow *f, const struct lookup_row *row, const struct lookup_result *result,
                         struct diag *why);

#endif
