/* An explanation of a policy as JSON, in the contract's shape. */
#ifndef FLOW_EXPLAIN_JSON_H
#define FLOW_EXPLAIN_JSON_H

#include "policy/explain.h"

#include <jansson.h>

/*
 * {verdict, rule, reason, file, line, track, uses{}, conditions{}, inform_customers_covers[], unstated[], tiers[…],
 * deadlines[…], timeline, text}. The text ends with the time line, where there is something to draw. New.
 */
json_t *explain_json(const struct policy *policy, const struct explain *explain, int64_t now_utc_s);

#endif
