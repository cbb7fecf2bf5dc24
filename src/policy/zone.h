/*
 * Time zones from the system's zone data (TZif, RFC 8536), without the process environment and without libc's zone
 * state, so that several zones can be used side by side.
 *
 * policy_zone_load is the one function of this layer that reads a file, and only below /usr/share/zoneinfo: zone data
 * is part of the system, as the Gregorian calendar is. All else is pure. Instants before 1901 or after 9999 are not
 * expected, and give some offset of the zone.
 */
#ifndef POLICY_ZONE_H
#define POLICY_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy_zone;

/* A wall-clock reading; weekday 0 is Sunday, ignored where it is an input. */
struct zone_civil {
    int64_t year;
    int month, day, hour, minute, second, weekday;
};

enum zone_fit {
    ZONE_ONCE,
    ZONE_TWICE,  /* repeated when clocks go back: the first is taken */
    ZONE_SKIPPED /* left out when clocks go forward: the reading as much later as the skip is long is taken */
};

/* NULL for a name that the system does not know, or a file that is not sound. The caller frees it. */
struct policy_zone *policy_zone_load(const char *name);
struct policy_zone *policy_zone_utc(void);
struct policy_zone *policy_zone_parse(const uint8_t *bytes, size_t len);
void policy_zone_free(struct policy_zone **zone);

/* Seconds east of UTC at an instant. */
int policy_zone_offset(const struct policy_zone *zone, int64_t at_utc_s);

void policy_zone_civil(const struct policy_zone *zone, int64_t at_utc_s, struct zone_civil *out);

/* The instant of a reading; month and day must be within their ranges. out_fit may be NULL. */
int64_t policy_zone_instant(const struct policy_zone *zone, const struct zone_civil *civil, enum zone_fit *out_fit);

/* Days since 1970-01-01 and back; the weekday of a day. */
int32_t zone_day_of(const struct zone_civil *civil);
void zone_civil_of_day(int32_t day, struct zone_civil *out); /* date and weekday; the time of day is kept */
int zone_weekday(int32_t day);

#endif
