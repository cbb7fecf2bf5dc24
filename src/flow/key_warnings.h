/*
 * Warnings before a key expires: 60, 30, 14, 7 and 1 days before, to the member, encrypted to the key as long as it
 * works, and to the admins; where the clock went over several at once, the last of them alone. Who is suspended gets
 * none. On the day itself, and once a week for four weeks, a plain notice without content to whom nothing can be sent
 * any more, where the policy allows one. The instants come from the key alone, never from a case.
 */
#ifndef FLOW_KEY_WARNINGS_H
#define FLOW_KEY_WARNINGS_H

#include "flow/duty_kinds.h"

#define KEY_WARNING_DUTY "key-warning" /* object: the key's row; detail: "60d" … "0d", "lost-1" … */

/*
 * Puts the warnings of a key that is new or has changed; those that were put before for another end are gone, and of
 * those for the same end none is given twice.
 */
enum err key_warnings_put(struct flow *f, int64_t list_id, int64_t key_row, const struct pgp_key_info *key,
                          struct diag *why);

/* Of a member that was suspended, and so got none. */
enum err key_warnings_put_again(struct flow *f, const struct member_row *m, struct diag *why);

enum err key_warning_run(struct flow *f, const struct duty_row *duty, struct diag *why);

#endif
