/*
 * An advisory becomes mail: a payload for each group (flow/fanout.h), with the embargo's fields and what its tier may
 * do.
 */
#ifndef FLOW_ADVISORY_SEND_H
#define FLOW_ADVISORY_SEND_H

#include "flow/advisory_view.h"
#include "flow/fanout.h"

/*
 * Records the mails for every row of the fanout that is to be sent, and who was told. The team gets the names of those
 * who were told before and are left out now, because of their state or their key; so too with a notice.
 */
enum err advisory_queue(struct flow *f, const struct policy *policy, const struct case_row *c,
                        const struct settings_list *list, const struct advisory_view *v, const struct fanout *fan,
                        struct diag *why);

/*
 * A notice of the embargo to those who were told and are active. news: of the Subject ("the embargo: extended"). Its
 * fields are those of the case as it stands and of the advisory that they were told by; once the case is public they
 * deny nothing, and Embargo-Until says when that was.
 */
enum err advisory_notify(struct flow *f, const struct policy *policy, const struct case_row *c,
                         const struct settings_list *list, const char *news, const char *words, size_t *n_told,
                         struct diag *why);

#endif
