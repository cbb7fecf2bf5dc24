/*
 * Whether the list's key signs: tried when the daemon starts and once a day, so that a key that is locked, or gone, is
 * known before the day on which it is needed; besides, where mail waits since it cannot be opened.
 *
 * The duty only says that a try is due; proc/signer.c makes it in a worker, and hands the result back. Where the key
 * does not sign, no mail of the list can go out either: each admin gets a notice in clear, unsigned and without
 * content, at each try that fails. That it signs again is told in a mail that it has signed.
 */
#ifndef FLOW_LIST_KEY_H
#define FLOW_LIST_KEY_H

#include "flow/duty_kinds.h"

#include <jansson.h>

#define LIST_KEY_DUTY "list-key"
#define LIST_KEY_TEXT "A test of the list's key.\n"

/* The first try, at once. In the caller's transaction. */
enum err list_key_begin(struct flow *f, int64_t list_id, struct diag *why);

/* The duty: a try is due; the next in a day. */
enum err list_key_run(struct flow *f, const struct duty_row *duty, struct diag *why);

/* Mail could not be opened, for the key's or gpg's sake: the key is tried at once. A transaction of its own. */
enum err list_key_doubt(struct flow *f, const struct settings_list *list, struct diag *why);

/* A list whose key is to be tried now; NULL: none. */
const struct settings_list *list_key_due(struct flow *f);

/*
 * What became of the try, in a transaction of its own: kept, and told as said above. A worker that died says nothing of
 * the key: it is tried again in ten minutes.
 */
enum err list_key_tried(struct flow *f, const struct settings_list *list, enum err tried, const struct diag *reason,
                        struct diag *why);

/* {list, fingerprint, signs: true|false|null, rule, tried_at} */
json_t *list_key_json(struct flow *f, const struct settings_list *list);

#endif
