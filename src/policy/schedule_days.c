#include "policy/schedule.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/zone.h"

#define DAY_S     86400
#define NOON_UTC  (12 * 3600)
#define FAR_S     ((int64_t)1 << 38) /* some 8,700 years: what lies beyond is not an instant of ours */
#define WEEK_DAYS 5

static int compare_days(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* "YYYY-MM-DD", then the end, a space or a tab. */
static bool day_parse(const char *line, size_t len, int32_t *out_day)
{
    struct zone_civil civil = {0};
    char text[11];
    int year, month, day;
    if (len < 10 || (len > 10 && line[10] != ' ' && line[10] != '\t' && line[10] != '\r'))
        return false;
    memcpy(text, line, 10);
    text[10] = '\0';
    for (int i = 0; i < 10; i++) {
        if (i == 4 || i == 7 ? text[i] != '-' : !isdigit((unsigned char)text[i]))
            return false;
    }
    if (sscanf(text, "%4d-%2d-%2d", &year, &month, &day) != 3 || year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > instant_month_days(year, month))
        return false;
    civil = (struct zone_civil){.year = year, .month = month, .day = day};
    *out_day = zone_day_of(&civil);
    return true;
}

enum err schedule_holidays_parse(const struct policy_text *text, struct conf_faults *faults,
                                 struct schedule_holidays *out)
{
    const char *p = text->text, *end = p + text->len;
    size_t before = faults->n, cap = 0;
    *out = (struct schedule_holidays){0};
    for (int line = 1; p < end; line++) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        size_t len = (size_t)((eol != NULL ? eol : end) - p);
        int32_t day;
        if (len > 0 && *p != '#' && *p != '\r') {
            if (out->n == cap)
                out->days = mem_resize(out->days, cap = cap * 2 + 32, sizeof(*out->days));
            if (day_parse(p, len, &day))
                out->days[out->n++] = day;
            else
                conf_fault_add(faults, text->file, line, "holidays.line", "a line must be `YYYY-MM-DD words`");
        }
        p += len + 1;
    }
    if (out->n > 0)
        qsort(out->days, out->n, sizeof(*out->days), compare_days);
    return faults->n > before ? ERR_REJECT : ERR_OK;
}

void schedule_holidays_free(struct schedule_holidays *holidays)
{
    free(holidays->days);
    *holidays = (struct schedule_holidays){0};
}

const char *schedule_holidays_name(const struct policy *policy)
{
    const char *name = policy_words(&policy->release.holidays, NULL);
    if (name == NULL || strcmp(name, "excluded") == 0)
        return NULL;
    return strcmp(name, "file") == 0 ? policy_words(&policy->id, NULL) : name;
}

bool schedule_is_holiday(const struct schedule_holidays *holidays, int32_t day)
{
    return holidays != NULL && holidays->n > 0 &&
           bsearch(&day, holidays->days, holidays->n, sizeof(day), compare_days) != NULL;
}

static bool is_business_day(const struct schedule_holidays *holidays, int32_t day)
{
    int weekday = zone_weekday(day);
    return weekday != POLICY_SAT && weekday != POLICY_SUN && !schedule_is_holiday(holidays, day);
}

static int32_t add_business_days(const struct schedule_holidays *holidays, int32_t day, int amount)
{
    int step = amount < 0 ? -1 : 1;
    for (int left = abs(amount); left > 0;) {
        day += step;
        left -= is_business_day(holidays, day);
    }
    return day;
}

static void add_months(struct zone_civil *civil, int amount)
{
    int64_t months = civil->year * 12 + civil->month - 1 + amount;
    civil->year = months / 12;
    civil->month = (int)(months % 12) + 1;
    int last = instant_month_days(civil->year, civil->month);
    civil->day = civil->day > last ? last : civil->day;
}

int64_t schedule_add(const struct policy *policy, const struct schedule_holidays *holidays, int64_t from_utc_s,
                     int amount, enum policy_unit unit)
{
    struct zone_civil civil;
    if (from_utc_s == INSTANT_NONE || from_utc_s > FAR_S || from_utc_s < -FAR_S)
        return INSTANT_NONE;
    if (unit == POLICY_UNIT_HOUR)
        return from_utc_s + (int64_t)amount * 3600;
    if (amount == 0)
        return from_utc_s;
    policy_zone_civil(policy->zone, from_utc_s, &civil);
    int32_t day = zone_day_of(&civil);
    if (unit == POLICY_UNIT_CALENDAR_MONTH)
        add_months(&civil, amount);
    else if (unit == POLICY_UNIT_CALENDAR_DAY)
        zone_civil_of_day(day + amount, &civil);
    else
        zone_civil_of_day(
            add_business_days(holidays, day, unit == POLICY_UNIT_WORKING_WEEK ? amount * WEEK_DAYS : amount), &civil);
    return policy_zone_instant(policy->zone, &civil, NULL);
}

int64_t schedule_add_duration(const struct policy *policy, const struct schedule_holidays *holidays, int64_t from_utc_s,
                              const struct policy_value *duration, bool back)
{
    if (duration->has != POLICY_STATED)
        return INSTANT_NONE;
    return schedule_add(policy, holidays, from_utc_s, back ? -duration->number : duration->number, duration->unit);
}

int32_t schedule_local_day(const struct policy *policy, int64_t at_utc_s)
{
    struct zone_civil civil;
    policy_zone_civil(policy->zone, at_utc_s, &civil);
    return zone_day_of(&civil);
}

bool schedule_local_day_allowed(const struct policy *policy, const struct schedule_holidays *holidays, int32_t day)
{
    const struct policy_value *forbid = &policy->release.forbid_weekdays;
    bool forbidden = forbid->has == POLICY_STATED && (forbid->number >> zone_weekday(day) & 1) != 0;
    return !forbidden && !schedule_is_holiday(holidays, day);
}

bool schedule_day_allowed(const struct policy *policy, const struct schedule_holidays *holidays, int64_t at_utc_s)
{
    return schedule_local_day_allowed(policy, holidays, schedule_local_day(policy, at_utc_s));
}

int64_t schedule_release_instant(const struct policy *policy, int32_t day)
{
    struct zone_civil civil = {0};
    if (policy->release.time.has != POLICY_STATED)
        return (int64_t)day * DAY_S + NOON_UTC;
    zone_civil_of_day(day, &civil);
    civil.hour = policy->release.time.number / 60;
    civil.minute = policy->release.time.number % 60;
    return policy_zone_instant(policy->zone, &civil, NULL);
}

bool schedule_when_is_day(const char *text)
{
    int32_t day;
    return strlen(text) == 10 && day_parse(text, 10, &day);
}

/* "YYYY-MM-DD HH:MM" or with T, in the policy's zone. */
static bool when_local(const struct policy *policy, const char *text, int64_t *out_utc_s, enum zone_fit *out_fit)
{
    struct zone_civil civil;
    char form[32];
    int32_t day;
    int hour, minute, used = 0;
    size_t len = strlen(text);
    if (len < 16 || len > 16 || (text[10] != ' ' && text[10] != 'T'))
        return false;
    snprintf(form, sizeof(form), "%s", text);
    form[10] = ' ';
    if (!day_parse(form, len, &day) || !isdigit((unsigned char)text[11]) || !isdigit((unsigned char)text[14]) ||
        sscanf(text + 11, "%2d:%2d%n", &hour, &minute, &used) != 2 || used != 5 || hour > 23 || minute > 59)
        return false;
    zone_civil_of_day(day, &civil);
    civil.hour = hour;
    civil.minute = minute;
    civil.second = 0;
    *out_utc_s = policy_zone_instant(policy->zone, &civil, out_fit);
    return true;
}

enum err schedule_parse_when(const struct policy *policy, const char *text, int64_t *out_utc_s, struct diag *why)
{
    enum zone_fit fit = ZONE_ONCE;
    int32_t day;
    if (instant_parse(text, out_utc_s))
        return ERR_OK;
    if (schedule_when_is_day(text)) {
        day_parse(text, 10, &day);
        *out_utc_s = schedule_release_instant(policy, day);
        return ERR_OK;
    }
    if (!when_local(policy, text, out_utc_s, &fit))
        return diag_set(
            why, ERR_USAGE, "embargo.when",
            "a date is wanted as 2026-11-22T15:00:00Z, \"2026-11-22 15:00\" or 2026-11-22, never a count of days");
    if (fit == ZONE_SKIPPED)
        return diag_set(why, ERR_USAGE, "embargo.when", "the zone %s skips this time of day; name another hour",
                        policy_words(&policy->release.zone, "UTC"));
    return ERR_OK;
}
