/*
 * Statistics: how long each step took, what was missed, what was delivered. As JSON for admins, of all cases; as
 * OpenMetrics text of public cases alone, since whoever reads metrics may be nobody's admin.
 */
#ifndef FLOW_STATS_H
#define FLOW_STATS_H

#include "flow/flow.h"

#include <jansson.h>

/* Of sorted values. The median of an even number is the lower of the two; p90 by nearest rank. n > 0. */
struct stats_summary {
    size_t n;
    int64_t median_s, p90_s, max_s;
};
void stats_summarise(int64_t *seconds, size_t n, struct stats_summary *out); /* sorts them */

/* "3 d 4 h", "12 min", "40 s": the two largest units. out has 32 bytes. Returns out. */
const char *stats_words(int64_t seconds, char *out);

/*
 * {times: [{step, severity, tier, n, median_s, p90_s, max_s, median, p90}], missed: [{clock, force, n}],
 * delivery: {STATE: n}, members: {STATE: n}, published: {SEVERITY: n}}; severity null: of all. New.
 */
enum err stats_json(struct flow *f, int64_t list_id, json_t **out, struct diag *why);

/* OpenMetrics 1.0, ending with # EOF; of all lists. */
enum err stats_openmetrics(struct flow *f, struct buf *out, struct diag *why);

#endif
