/*
 * The rule in the footer of a TZif file, which holds for the years after its last transition (RFC 8536, 3.3.1: a
 * POSIX TZ string, with hours from -167 to 167). Part of zone.
 */
#ifndef POLICY_ZONE_RULE_H
#define POLICY_ZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum zone_day_form { ZONE_DAY_MONTH_WEEK, ZONE_DAY_JULIAN, ZONE_DAY_OF_YEAR };

struct zone_day {
    enum zone_day_form form;
    int month, week, day;
    int time_s; /* local wall-clock time of the change */
};

struct zone_rule {
    bool known;
    int standard_s; /* seconds east of UTC */
    bool has_summer;
    int summer_s;
    struct zone_day begin, end; /* of summer time */
};

/* False where the string is not understood; out->known is then false. */
bool zone_rule_parse(const char *text, size_t len, struct zone_rule *out);

int zone_rule_offset(const struct zone_rule *rule, int64_t at_utc_s);

#endif
