/* An explanation of a policy as JSON, in the contract's shape. */
#ifndef FLOW_EXPLAIN_JSON_H
#define FLOW_EXPLAIN_JSON_H

#include "policy/explain.h"

#include <jansson.h>

/* {verdict, rule, reason, file, line, uses{}, unstated[], tiers[…], deadlines[…], text}. New. */
json_t *explain_json(const struct policy *policy, const struct explain *explain);

#endif
