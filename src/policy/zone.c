#include "policy/zone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/instant.h"
#include "base/mem.h"
#include "policy/zone_rule.h"

#define ZONE_FOLDER    "/usr/share/zoneinfo/"
#define ZONE_BYTES_MAX ((size_t)256 << 10)
#define DAY_S          86400

struct policy_zone {
    size_t n;
    int64_t *at_utc_s; /* transitions */
    int *offset_s;     /* from each transition on */
    int first_s;       /* before the first transition */
    struct zone_rule rule;
};

struct header {
    uint32_t isut, isstd, leap, time, type, chars;
};

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t read_i64(const uint8_t *p)
{
    return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

static bool header_read(const uint8_t *bytes, size_t len, struct header *out)
{
    if (len < 44 || memcmp(bytes, "TZif", 4) != 0)
        return false;
    *out = (struct header){read_u32(bytes + 20), read_u32(bytes + 24), read_u32(bytes + 28),
                           read_u32(bytes + 32), read_u32(bytes + 36), read_u32(bytes + 40)};
    return out->time <= 10000 && out->type >= 1 && out->type <= 256 && out->chars <= 2048 && out->leap <= 1000 &&
           out->isut <= 256 && out->isstd <= 256;
}

static size_t block_bytes(const struct header *h, size_t time_bytes)
{
    return h->time * (time_bytes + 1) + h->type * (size_t)6 + h->chars + h->leap * (time_bytes + 4) + h->isstd +
           h->isut;
}

static bool types_read(struct policy_zone *zone, const struct header *h, const uint8_t *block)
{
    const uint8_t *index = block + h->time * (size_t)8;
    const uint8_t *types = index + h->time;
    zone->first_s = (int32_t)read_u32(types);
    zone->n = h->time;
    zone->at_utc_s = mem_zero(h->time + 1, sizeof(*zone->at_utc_s));
    zone->offset_s = mem_zero(h->time + 1, sizeof(*zone->offset_s));
    for (size_t i = 0; i < h->time; i++) {
        if (index[i] >= h->type)
            return false;
        zone->at_utc_s[i] = read_i64(block + i * 8);
        zone->offset_s[i] = (int32_t)read_u32(types + index[i] * (size_t)6);
        if (abs(zone->offset_s[i]) > 2 * DAY_S || (i > 0 && zone->at_utc_s[i] <= zone->at_utc_s[i - 1]))
            return false;
    }
    return abs(zone->first_s) <= 2 * DAY_S;
}

/* "\nSTRING\n"; an empty string or one not understood leaves the last offset in force. */
static void footer_read(struct policy_zone *zone, const uint8_t *bytes, size_t len)
{
    const uint8_t *close = len > 1 && bytes[0] == '\n' ? memchr(bytes + 1, '\n', len - 1) : NULL;
    if (close != NULL)
        zone_rule_parse((const char *)bytes + 1, (size_t)(close - bytes) - 1, &zone->rule);
}

struct policy_zone *policy_zone_parse(const uint8_t *bytes, size_t len)
{
    struct header h;
    if (!header_read(bytes, len, &h) || bytes[4] < '2' || block_bytes(&h, 4) > len - 44)
        return NULL;
    size_t skip = 44 + block_bytes(&h, 4);
    bytes += skip;
    len -= skip;
    if (!header_read(bytes, len, &h) || block_bytes(&h, 8) > len - 44)
        return NULL;
    struct policy_zone *zone = mem_zero(1, sizeof(*zone));
    if (!types_read(zone, &h, bytes + 44)) {
        policy_zone_free(&zone);
        return NULL;
    }
    skip = 44 + block_bytes(&h, 8);
    footer_read(zone, bytes + skip, len - skip);
    return zone;
}

/* Names like Europe/Berlin; nothing that could leave the folder. */
static bool name_sound(const char *name)
{
    if (*name == '\0' || *name == '/' || strlen(name) > 64 || strstr(name, "..") != NULL)
        return false;
    for (; *name != '\0'; name++) {
        if (!isalnum((unsigned char)*name) && strchr("_+-/", *name) == NULL)
            return false;
    }
    return true;
}

struct policy_zone *policy_zone_load(const char *name)
{
    char path[128];
    if (!name_sound(name))
        return NULL;
    snprintf(path, sizeof(path), "%s%s", ZONE_FOLDER, name);
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return NULL;
    uint8_t *bytes = mem_zero(1, ZONE_BYTES_MAX);
    size_t len = fread(bytes, 1, ZONE_BYTES_MAX, file);
    fclose(file);
    struct policy_zone *zone = policy_zone_parse(bytes, len);
    free(bytes);
    return zone;
}

struct policy_zone *policy_zone_utc(void)
{
    return mem_zero(1, sizeof(struct policy_zone));
}

void policy_zone_free(struct policy_zone **zone)
{
    if (*zone == NULL)
        return;
    free((*zone)->at_utc_s);
    free((*zone)->offset_s);
    free(*zone);
    *zone = NULL;
}

int policy_zone_offset(const struct policy_zone *zone, int64_t at_utc_s)
{
    size_t low = 0, high = zone->n; /* transitions before low have happened, those from high on have not */
    if (zone->rule.known && (zone->n == 0 || at_utc_s >= zone->at_utc_s[zone->n - 1]))
        return zone_rule_offset(&zone->rule, at_utc_s);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->at_utc_s[middle] <= at_utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? zone->first_s : zone->offset_s[low - 1];
}

int32_t zone_day_of(const struct zone_civil *civil)
{
    return (int32_t)(instant_from_civil(civil->year, civil->month, civil->day, 0, 0, 0) / DAY_S);
}

int zone_weekday(int32_t day)
{
    return ((day + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
}

/* Days are counted in 400-year eras of 146,097 days that begin on 1 March, so that leap days come last. */
void zone_civil_of_day(int32_t day, struct zone_civil *out)
{
    int64_t z = (int64_t)day + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t in_era = z - era * 146097;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t shifted = (5 * in_year + 2) / 153;
    out->day = (int)(in_year - (153 * shifted + 2) / 5 + 1);
    out->month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    out->year = year + era * 400 + (out->month <= 2);
    out->weekday = zone_weekday(day);
}

void policy_zone_civil(const struct policy_zone *zone, int64_t at_utc_s, struct zone_civil *out)
{
    int64_t local_s = at_utc_s + policy_zone_offset(zone, at_utc_s);
    int64_t day = local_s / DAY_S - (local_s % DAY_S < 0);
    int in_day = (int)(local_s - day * DAY_S);
    zone_civil_of_day((int32_t)day, out);
    out->hour = in_day / 3600;
    out->minute = in_day / 60 % 60;
    out->second = in_day % 60;
}

int64_t policy_zone_instant(const struct policy_zone *zone, const struct zone_civil *civil, enum zone_fit *out_fit)
{
    int64_t local_s =
        instant_from_civil(civil->year, civil->month, civil->day, civil->hour, civil->minute, civil->second);
    int before_s = policy_zone_offset(zone, local_s - DAY_S);
    int after_s = policy_zone_offset(zone, local_s + DAY_S);
    int64_t first = local_s - before_s, second = local_s - after_s;
    bool first_fits = policy_zone_offset(zone, first) == before_s;
    bool second_fits = policy_zone_offset(zone, second) == after_s;
    enum zone_fit fit = ZONE_ONCE;
    int64_t at = first_fits ? first : second;

    if (!first_fits && !second_fits) {
        fit = ZONE_SKIPPED;
        at = first;
    } else if (first_fits && second_fits && first != second) {
        fit = ZONE_TWICE;
        at = first < second ? first : second;
    }
    if (out_fit != NULL)
        *out_fit = fit;
    return at;
}
