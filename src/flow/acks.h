/* Acknowledgements of members: by `ack` in a signed mail, or noted by an admin (`advisory ack`). */
#ifndef FLOW_ACKS_H
#define FLOW_ACKS_H

#include "flow/flow.h"

#include <jansson.h>

/*
 * Notes a member's word on a case. value: affected, not-affected, fixed-by; date: "2026-12-01" or an instant, with
 * fixed-by alone. ERR_DENIED rule ack.not-told where the member was never told of the case; ERR_USAGE rule ack.value.
 */
enum err ack_note(struct flow *f, const struct case_row *c, const struct member_row *m, const char *value,
                  const char *date, const struct actor *by, struct diag *why);

/* [{org,value,date,at,by}] of all who were told; value null: not acknowledged. New. */
json_t *ack_table(struct flow *f, int64_t case_id);

/* [org] of those who were told, are still members, and have not acknowledged. New. */
json_t *ack_missing(struct flow *f, int64_t case_id);

#endif
