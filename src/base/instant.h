/*
 * Instants: UTC seconds since 1970, and their text form (RFC 3339, section 5.6). Pure.
 */
#ifndef BASE_INSTANT_H
#define BASE_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#define INSTANT_NONE      INT64_MIN
#define INSTANT_TEXT_SIZE 32

/* "2026-11-22T15:00:00Z"; out has INSTANT_TEXT_SIZE bytes. INSTANT_NONE gives "". Returns out. */
const char *instant_text(int64_t at_utc_s, char *out);

/* "Sun, 22 Nov 2026 15:00:00 +0000" (RFC 5322, section 3.3); out has 40 bytes. Returns out. */
const char *instant_mail_date(int64_t at_utc_s, char *out);

/*
 * Reads a full date-time with Z or a numeric offset; seconds may be missing, a fraction is dropped. False for
 * anything else, a day that the month lacks, or trailing characters.
 */
bool instant_parse(const char *text, int64_t *out_utc_s);

/* A civil date-time as if in UTC, proleptic Gregorian; month 1..12, day 1..31 are trusted. */
int64_t instant_from_civil(int64_t year, int month, int day, int hour, int minute, int second);

bool instant_is_leap(int64_t year);
int instant_month_days(int64_t year, int month);

#endif
