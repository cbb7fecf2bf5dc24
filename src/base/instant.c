#include "base/instant.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

bool instant_is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int instant_month_days(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && instant_is_leap(year) ? 29 : days[month - 1];
}

/* Days from the civil date to 1970-01-01, by eras of 400 years that begin in March. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

int64_t instant_from_civil(int64_t year, int month, int day, int hour, int minute, int second)
{
    return days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

const char *instant_text(int64_t at_utc_s, char *out)
{
    time_t t = (time_t)at_utc_s;
    struct tm tm;

    out[0] = 0;
    if (at_utc_s != INSTANT_NONE && gmtime_r(&t, &tm))
        strftime(out, INSTANT_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return out;
}

const char *instant_mail_date(int64_t at_utc_s, char *out)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t t = (time_t)at_utc_s;
    struct tm tm;

    out[0] = 0;
    if (gmtime_r(&t, &tm))
        snprintf(out, 40, "%s, %02d %s %04d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
                 (tm.tm_year + 1900) % 10000, tm.tm_hour, tm.tm_min, tm.tm_sec);
    return out;
}

/* Reads exactly n digits; -1 where there are fewer. */
static int digits(const char **p, int n)
{
    int value = 0;

    for (; n > 0; n--, (*p)++) {
        if (**p < '0' || **p > '9')
            return -1;
        value = value * 10 + (**p - '0');
    }
    return value;
}

static bool expect(const char **p, const char *one_of)
{
    if (!**p || !strchr(one_of, **p))
        return false;
    (*p)++;
    return true;
}

/* Z, +hh:mm or -hh:mm, as the seconds to subtract. */
static bool parse_offset(const char **p, int *out_s)
{
    int sign = **p == '-' ? -1 : 1;
    int hours, minutes;

    *out_s = 0;
    if (expect(p, "Zz"))
        return true;
    if (!expect(p, "+-"))
        return false;
    hours = digits(p, 2);
    if (hours < 0 || hours > 23 || !expect(p, ":"))
        return false;
    minutes = digits(p, 2);
    if (minutes < 0 || minutes > 59)
        return false;
    *out_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool parse_seconds(const char **p, int *out_s)
{
    *out_s = 0;
    if (**p != ':')
        return true;
    (*p)++;
    *out_s = digits(p, 2);
    if (*out_s < 0 || *out_s > 59)
        return false;
    if (**p != '.')
        return true;
    (*p)++;
    if (digits(p, 1) < 0)
        return false;
    while (**p >= '0' && **p <= '9')
        (*p)++;
    return true;
}

bool instant_parse(const char *text, int64_t *out_utc_s)
{
    const char *p = text;
    int year, month, day, hour, minute, second, offset_s;

    year = digits(&p, 4);
    if (year < 0 || !expect(&p, "-"))
        return false;
    month = digits(&p, 2);
    if (month < 1 || month > 12 || !expect(&p, "-"))
        return false;
    day = digits(&p, 2);
    if (day < 1 || day > instant_month_days(year, month) || !expect(&p, "Tt "))
        return false;
    hour = digits(&p, 2);
    if (hour < 0 || hour > 23 || !expect(&p, ":"))
        return false;
    minute = digits(&p, 2);
    if (minute < 0 || minute > 59 || !parse_seconds(&p, &second) || !parse_offset(&p, &offset_s) || *p)
        return false;
    *out_utc_s = instant_from_civil(year, month, day, hour, minute, second) - offset_s;
    return true;
}
