/*
 * The kinds of duties (store/duties.h) and what each does when its instant has come.
 *
 * A handler runs in a transaction of its own, which also sets the duty done; one that repeats puts itself again. Where
 * it fails nothing has changed, and it is tried again.
 */
#ifndef FLOW_DUTY_KINDS_H
#define FLOW_DUTY_KINDS_H

#include "flow/flow.h"
#include "store/duties.h"

struct duty_kind {
    const char *name;
    enum err (*run)(struct flow *f, const struct duty_row *duty, struct diag *why);
};

/* Ends with a row whose name is NULL. */
extern const struct duty_kind duty_kinds[];

#endif
