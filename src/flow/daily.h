/*
 * What is done once a day for each list: the head of the audit trail goes to the admins, signed and encrypted, so that
 * a tail that is cut off later shows (embargoctl audit verify --anchor SEQ:HASH). At midnight UTC; days that the daemon
 * was down are not made up for.
 */
#ifndef FLOW_DAILY_H
#define FLOW_DAILY_H

#include "flow/flow.h"

/* Sees to it that a list has its round. */
enum err daily_begin(struct flow *f, int64_t list_id, struct diag *why);

/* The duty kind "audit-head"; its object is the list. */
struct duty_row;
enum err audit_head_run(struct flow *f, const struct duty_row *d, struct diag *why);

#endif
