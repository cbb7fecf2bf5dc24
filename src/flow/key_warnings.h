/*
 * Warnings before a key expires: 60, 30, 14, 7 and 1 days before, to the member, encrypted to the key as long as it
 * works, and to the admins. On the day itself, and once a week for four weeks, a plain notice without content to whom
 * nothing can be sent any more, where the policy allows one. The instants come from the key alone, never from a case.
 */
#ifndef FLOW_KEY_WARNINGS_H
#define FLOW_KEY_WARNINGS_H

#include "flow/duty_kinds.h"

#define KEY_WARNING_DUTY "key-warning" /* object: the key's row; detail: "60d" … "0d", "lost-1" … */

/* When nothing can be encrypted to the key any more; INSTANT_NONE: never, or nothing can be now. */
int64_t key_usable_until(const struct pgp_key_info *key, int64_t now_utc_s);

/* Puts the warnings of a key that is new or has changed; those that were put before end. */
enum err key_warnings_put(struct flow *f, int64_t list_id, int64_t key_row, const struct pgp_key_info *key,
                          struct diag *why);

enum err key_warning_run(struct flow *f, const struct duty_row *duty, struct diag *why);

#endif
