#include "policy/zone_rule.h"

#include <ctype.h>
#include <string.h>

#include "base/instant.h"
#include "policy/zone.h"

struct cursor {
    const char *p;
    const char *end;
};

static bool eat(struct cursor *c, char wanted)
{
    if (c->p >= c->end || *c->p != wanted)
        return false;
    c->p++;
    return true;
}

static bool eat_number(struct cursor *c, int max, int *out)
{
    int value = 0;
    const char *from = c->p;
    while (c->p < c->end && isdigit((unsigned char)*c->p) && c->p - from < 4)
        value = value * 10 + (*c->p++ - '0');
    *out = value;
    return c->p > from && value <= max;
}

/* "CET", or "<+03>" */
static bool eat_name(struct cursor *c)
{
    const char *from = c->p;
    if (eat(c, '<')) {
        const char *close = memchr(c->p, '>', (size_t)(c->end - c->p));
        if (close == NULL)
            return false;
        c->p = close + 1;
        return true;
    }
    while (c->p < c->end && isalpha((unsigned char)*c->p))
        c->p++;
    return c->p - from >= 3;
}

/* [+-]h[:m[:s]] in seconds */
static bool eat_time(struct cursor *c, int *out_s)
{
    int hours, minutes = 0, seconds = 0;
    bool minus = eat(c, '-');
    if (!minus)
        eat(c, '+');
    if (!eat_number(c, 167, &hours))
        return false;
    if (eat(c, ':') && !eat_number(c, 59, &minutes))
        return false;
    if (eat(c, ':') && !eat_number(c, 59, &seconds))
        return false;
    *out_s = (hours * 3600 + minutes * 60 + seconds) * (minus ? -1 : 1);
    return true;
}

static bool eat_month_week(struct cursor *c, struct zone_day *out)
{
    out->form = ZONE_DAY_MONTH_WEEK;
    return eat_number(c, 12, &out->month) && out->month >= 1 && eat(c, '.') && eat_number(c, 5, &out->week) &&
           out->week >= 1 && eat(c, '.') && eat_number(c, 6, &out->day);
}

static bool eat_day(struct cursor *c, struct zone_day *out)
{
    bool sound;
    out->time_s = 2 * 3600;
    if (eat(c, 'M')) {
        sound = eat_month_week(c, out);
    } else if (eat(c, 'J')) {
        out->form = ZONE_DAY_JULIAN;
        sound = eat_number(c, 365, &out->day) && out->day >= 1;
    } else {
        out->form = ZONE_DAY_OF_YEAR;
        sound = eat_number(c, 365, &out->day);
    }
    return sound && (!eat(c, '/') || eat_time(c, &out->time_s));
}

bool zone_rule_parse(const char *text, size_t len, struct zone_rule *out)
{
    struct cursor c = {text, text + len};
    int west_s;

    memset(out, 0, sizeof(*out));
    if (!eat_name(&c) || !eat_time(&c, &west_s))
        return false;
    out->standard_s = -west_s;
    if (c.p < c.end) {
        out->has_summer = true;
        out->summer_s = out->standard_s + 3600;
        if (!eat_name(&c))
            return false;
        if (c.p < c.end && *c.p != ',') {
            if (!eat_time(&c, &west_s))
                return false;
            out->summer_s = -west_s;
        }
        if (!eat(&c, ',') || !eat_day(&c, &out->begin) || !eat(&c, ',') || !eat_day(&c, &out->end))
            return false;
    }
    out->known = c.p == c.end;
    return out->known;
}

static int32_t month_week_day(const struct zone_day *day, int64_t year)
{
    struct zone_civil first = {.year = year, .month = day->month, .day = 1};
    int32_t at = zone_day_of(&first);
    int32_t last = at + instant_month_days(year, day->month) - 1;
    at += (day->day - zone_weekday(at) + 7) % 7 + (day->week - 1) * 7;
    return at > last ? at - 7 : at;
}

/* The change as seconds of local wall-clock time since 1970. */
static int64_t change_in(const struct zone_day *day, int64_t year)
{
    struct zone_civil new_year = {.year = year, .month = 1, .day = 1};
    int64_t at = zone_day_of(&new_year);
    if (day->form == ZONE_DAY_MONTH_WEEK)
        at = month_week_day(day, year);
    else if (day->form == ZONE_DAY_JULIAN) /* 1..365; 29 February is never counted */
        at += day->day - 1 + (day->day >= 60 && instant_is_leap(year));
    else
        at += day->day;
    return at * 86400 + day->time_s;
}

int zone_rule_offset(const struct zone_rule *rule, int64_t at_utc_s)
{
    if (!rule->has_summer)
        return rule->standard_s;
    struct zone_civil civil;
    int64_t local_s = at_utc_s + rule->standard_s;
    zone_civil_of_day((int32_t)(local_s / 86400 - (local_s % 86400 < 0)), &civil);
    int64_t begin = change_in(&rule->begin, civil.year) - rule->standard_s;
    int64_t end = change_in(&rule->end, civil.year) - rule->summer_s;
    bool summer = begin < end ? at_utc_s >= begin && at_utc_s < end : at_utc_s >= begin || at_utc_s < end;
    return summer ? rule->summer_s : rule->standard_s;
}
