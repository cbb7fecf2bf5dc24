/* What the two forms of statistics share. Internal. */
#ifndef FLOW_STATS_MODEL_H
#define FLOW_STATS_MODEL_H

#include "flow/stats.h"
#include "store/stats.h"

/* The spans of one step, severity and tier, summed up. severity NULL: of all; tier NULL: the step has none. */
struct stats_time {
    const char *step, *severity, *tier;
    struct stats_summary summary;
};

/* Borrows from the spans. The caller frees the array. */
struct stats_time *stats_times(struct stats_span *spans, size_t n, size_t *n_out);

/* Deadlines that have passed unmet, by clock. */
struct stats_missed {
    char *clock, *force;
    int64_t n;
};
enum err stats_missed(struct flow *f, int64_t list_id, const struct settings_list *list, bool only_public,
                      struct stats_missed **out, size_t *n, struct diag *why);
void stats_missed_free(struct stats_missed *rows, size_t n);

#endif
