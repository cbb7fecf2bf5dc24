#include "policy/compare.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "policy/zone.h"

#define COLUMNS_MAX 32

enum column {
    COLUMN_ID,
    COLUMN_REPORTED,
    COLUMN_TOLD,
    COLUMN_PUBLIC,
    COLUMN_SEVERITY,
    COLUMN_WEEKDAY,
    COLUMN_NOTE,
    COLUMNS
};

static const struct {
    const char *heading;
    enum column column;
} headings[] = {
    {"id", COLUMN_ID},
    {"cve", COLUMN_ID},
    {"issue", COLUMN_ID},
    {"reported", COLUMN_REPORTED},
    {"told", COLUMN_TOLD},
    {"distros_contacted", COLUMN_TOLD},
    {"to_list", COLUMN_TOLD},
    {"public", COLUMN_PUBLIC},
    {"public_date", COLUMN_PUBLIC},
    {"published", COLUMN_PUBLIC},
    {"crd_or_public", COLUMN_PUBLIC},
    {"severity", COLUMN_SEVERITY},
    {"weekday", COLUMN_WEEKDAY},
    {"public_weekday", COLUMN_WEEKDAY},
    {"note", COLUMN_NOTE},
};

struct reader {
    const char *p;
    const char *end;
    int line;
    char *fields[COLUMNS_MAX]; /* owned */
    size_t n_fields;
};

static void fields_free(struct reader *r)
{
    for (size_t i = 0; i < r->n_fields; i++)
        free(r->fields[i]);
    r->n_fields = 0;
}

/* One field; a quoted one may hold commas, line ends and doubled quotes. Leaves p at what ends it. */
static char *read_field(struct reader *r)
{
    struct buf field = BUF_EMPTY;
    bool quoted = r->p < r->end && *r->p == '"';
    r->p += quoted;
    for (; r->p < r->end; r->p++) {
        if (quoted && *r->p == '"' && r->end - r->p > 1 && r->p[1] == '"')
            r->p++;
        else if (quoted ? *r->p == '"' : (*r->p == ',' || *r->p == '\n'))
            break;
        r->line += *r->p == '\n';
        buf_add_byte(&field, (uint8_t)*r->p);
    }
    while (quoted && r->p < r->end && *r->p != ',' && *r->p != '\n')
        r->p++;
    while (field.len > 0 && field.data[field.len - 1] == '\r')
        field.data[--field.len] = '\0';
    return buf_take(&field);
}

/* False at the end of the text. Fields beyond COLUMNS_MAX are dropped. */
static bool read_row(struct reader *r)
{
    fields_free(r);
    if (r->p >= r->end)
        return false;
    for (;;) {
        char *field = read_field(r);
        if (r->n_fields < COLUMNS_MAX)
            r->fields[r->n_fields++] = field;
        else
            free(field);
        if (r->p >= r->end || *r->p++ == '\n')
            return true;
    }
}

static bool digits(const char *text, int n, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        *out = *out * 10 + (text[i] - '0');
    }
    return true;
}

/* Noon UTC of YYYY-MM-DD or YYYYMMDD at the beginning of text; false where that is no day. */
static bool date_read(const char *text, int64_t *out_utc_s)
{
    int year, month, day, gap = strlen(text) >= 10 && text[4] == '-' && text[7] == '-' ? 1 : 0;
    if (strlen(text) < 8 || !digits(text, 4, &year) || !digits(text + 4 + gap, 2, &month) ||
        !digits(text + 6 + 2 * gap, 2, &day) || isdigit((unsigned char)text[8 + 2 * gap]) || year < 1970 || month < 1 ||
        month > 12 || day < 1 || day > instant_month_days(year, month))
        return false;
    *out_utc_s = instant_from_civil(year, month, day, 12, 0, 0);
    return true;
}

static int32_t day_of(int64_t at_utc_s)
{
    return (int32_t)(at_utc_s / 86400);
}

/* The year that an id names ("OSSA-2025-001", "2013-0020"); 0 where none. */
static int id_year(const char *id)
{
    int year;
    for (const char *p = id; *p != '\0'; p++) {
        bool begins = p == id || p[-1] == '-';
        if (begins && strlen(p) > 4 && digits(p, 4, &year) && p[4] == '-' && year >= 1990 && year < 2100)
            return year;
    }
    return 0;
}

/* A CVE id may be of a year long before its publication; other ids are given when they are published. */
static bool year_fits(const struct compare_case *c)
{
    struct zone_civil civil;
    int year = id_year(c->id);
    zone_civil_of_day(day_of(c->public_utc_s), &civil);
    if (year == 0)
        return true;
    bool late = strncmp(c->id, "CVE-", 4) != 0 && civil.year > year + 1;
    return civil.year >= year && !late;
}

/* Why the row cannot be used, or NULL. */
static const char *impossible(const struct compare_case *c, const char *weekday)
{
    if (c->reported_utc_s != INSTANT_NONE && c->told_utc_s != INSTANT_NONE && c->told_utc_s < c->reported_utc_s)
        return "told before it was reported";
    if (c->reported_utc_s != INSTANT_NONE && c->public_utc_s < c->reported_utc_s)
        return "public before it was reported";
    if (c->told_utc_s != INSTANT_NONE && c->public_utc_s < c->told_utc_s)
        return "public before anybody was told";
    if (!year_fits(c))
        return "dated in another year than its id";
    if (*weekday != '\0' &&
        strncasecmp(weekday, policy_weekday_name((enum policy_weekday)zone_weekday(day_of(c->public_utc_s))), 3) != 0)
        return "its weekday is not that of its date";
    return NULL;
}

static const char *field_of(const struct reader *r, const int at[COLUMNS], enum column column)
{
    return at[column] >= 0 && (size_t)at[column] < r->n_fields ? r->fields[at[column]] : "";
}

static bool date_or_none(const char *text, int64_t *out_utc_s)
{
    *out_utc_s = INSTANT_NONE;
    return *text == '\0' || date_read(text, out_utc_s);
}

static const char *case_read(const struct reader *r, const int at[COLUMNS], struct compare_case *c)
{
    const char *public = field_of(r, at, COLUMN_PUBLIC), *actual = strstr(public, "(actual ");
    c->actual_utc_s = INSTANT_NONE;
    c->severity = POLICY_UNRATED;
    c->without_date = strstr(field_of(r, at, COLUMN_NOTE), "without a date") != NULL;
    if (!date_or_none(field_of(r, at, COLUMN_REPORTED), &c->reported_utc_s) ||
        !date_or_none(field_of(r, at, COLUMN_TOLD), &c->told_utc_s))
        return "a date that is none";
    if (!date_read(public, &c->public_utc_s))
        return *public == '\0' ? "no date of publication" : "a date of publication that is none";
    if (actual != NULL && !date_read(actual + 8, &c->actual_utc_s))
        return "an actual date that is none";
    const char *severity = field_of(r, at, COLUMN_SEVERITY);
    if (*severity != '\0' && !policy_severity_parse(severity, &c->severity))
        return "a severity that is none";
    return impossible(c, field_of(r, at, COLUMN_WEEKDAY));
}

static enum err read_headings(struct reader *r, int at[COLUMNS], const char *file, struct diag *why)
{
    for (int i = 0; i < COLUMNS; i++)
        at[i] = -1;
    read_row(r);
    for (size_t i = 0; i < r->n_fields; i++) {
        for (size_t k = 0; k < sizeof(headings) / sizeof(headings[0]); k++) {
            if (strcasecmp(r->fields[i], headings[k].heading) == 0 && at[headings[k].column] < 0)
                at[headings[k].column] = (int)i;
        }
    }
    if (at[COLUMN_ID] >= 0 && at[COLUMN_PUBLIC] >= 0)
        return ERR_OK;
    diag_set(why, ERR_REJECT, "history.headings",
             "the first line must name the columns: id,reported,told,public,severity");
    if (why != NULL)
        snprintf(why->file, sizeof(why->file), "%s", file);
    return ERR_REJECT;
}

enum err compare_history_parse(const struct policy_text *csv, struct compare_history *out, struct diag *why)
{
    struct reader r = {.p = csv->text, .end = csv->text + csv->len, .line = 1};
    int at[COLUMNS];
    size_t cap = 0;
    *out = (struct compare_history){0};
    enum err err = read_headings(&r, at, csv->file, why);
    for (int line = 2; err == ERR_OK && (r.line++, line = r.line, read_row(&r));) {
        struct compare_case c = {.line = line};
        if (r.n_fields == 1 && r.fields[0][0] == '\0')
            continue;
        c.id = mem_strdup(field_of(&r, at, COLUMN_ID));
        const char *reason = case_read(&r, at, &c);
        if (reason != NULL) {
            conf_fault_add(&out->left_out, csv->file, line, "history.row", "%.64s: %s", c.id, reason);
            free(c.id);
            continue;
        }
        if (out->n == cap)
            out->cases = mem_resize(out->cases, cap = cap * 2 + 64, sizeof(*out->cases));
        out->cases[out->n++] = c;
    }
    fields_free(&r);
    return err;
}

void compare_history_free(struct compare_history *history)
{
    for (size_t i = 0; i < history->n; i++)
        free(history->cases[i].id);
    free(history->cases);
    conf_faults_free(&history->left_out);
    *history = (struct compare_history){0};
}
