#include "flow/import_table.h"

#include "base/mem.h"
#include "codec/pgp_wire.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const import_columns[IMPORT_COLUMNS + 1] = {"org", "class", "tier", "address", "key", "#line"};

#define EXPECTED "the first line is org,class,tier,address,key"

/* A name of the header, without the blanks around it. */
static bool is_column(const struct buf *field, const char *name)
{
    const char *text = buf_text(field);
    size_t n;

    text += strspn(text, " \t");
    n = strlen(name);
    return strncasecmp(text, name, n) == 0 && !text[n + strspn(text + n, " \t")];
}

static enum err place_column(struct import_reader *r, size_t at, struct diag *why)
{
    const struct buf *field = &r->csv.fields[at];

    for (int c = 0; c <= IMPORT_COLUMNS; c++) {
        if (!is_column(field, import_columns[c]))
            continue;
        if (r->place[c] >= 0)
            return diag_set(why, ERR_REJECT, "import.header", "the column %s stands twice", import_columns[c]);
        r->place[c] = (int)at;
        return ERR_OK;
    }
    if (strchr(buf_text(field), '\r'))
        return diag_set(why, ERR_REJECT, "import.header", "its lines end in CR alone: save the table with CR LF or LF");
    return diag_set(why, ERR_REJECT, "import.header", "the column `%.40s` is none of the table's: " EXPECTED,
                    buf_text(field));
}

static enum err read_header(struct import_reader *r, struct diag *why)
{
    enum err err = ERR_OK;

    if (r->csv.fault)
        return diag_set(why, ERR_REJECT, "import.header", "line %d: %s; the table is CSV in UTF-8, and " EXPECTED,
                        r->csv.line, r->csv.fault);
    r->n_columns = r->csv.n;
    while (r->n_columns > 0 && is_column(&r->csv.fields[r->n_columns - 1], ""))
        r->n_columns--;
    for (int c = 0; c <= IMPORT_COLUMNS; c++)
        r->place[c] = -1;
    for (size_t i = 0; !err && i < r->n_columns; i++)
        err = place_column(r, i, why);
    for (int c = 0; !err && c < IMPORT_COLUMNS; c++)
        if (r->place[c] < 0)
            err = diag_set(why, ERR_REJECT, "import.header", "there is no column %s: " EXPECTED, import_columns[c]);
    return err;
}

/* What people hand in for a CSV: workbooks of today (ZIP archives) and of old (OLE 2). */
static bool is_workbook(struct span csv)
{
    return csv.len >= 4 && (memcmp(csv.data, "PK\3\4", 4) == 0 || memcmp(csv.data, "\xd0\xcf\x11\xe0", 4) == 0);
}

enum err import_begin(struct import_reader *r, struct span csv, struct diag *why)
{
    memset(r, 0, sizeof *r);
    for (int c = 0; c < IMPORT_KEY; c++)
        buf_init(&r->plain[c], csv.len + 1);
    csv_begin(&r->csv, csv);
    if (is_workbook(csv))
        return diag_set(why, ERR_REJECT, "import.header", "this is a workbook: save the sheet as CSV in UTF-8");
    if (csv_next(&r->csv))
        return read_header(r, why);
    return diag_set(why, ERR_REJECT, "import.header", "the table is empty: " EXPECTED);
}

/* A field that a spreadsheet would take for a formula, or that was kept from it: behind its apostrophes stands =. */
static bool is_formula(const char *field)
{
    field += strspn(field, "'");
    return *field && strchr("=+-@", *field);
}

/* The fields of a row, of which those behind the header's end are empty. */
static size_t count_fields(const struct import_reader *r)
{
    size_t n = r->csv.n;

    while (n > r->n_columns && !r->csv.fields[n - 1].len)
        n--;
    return n;
}

static bool is_empty(const struct import_reader *r)
{
    for (size_t i = 0; i < r->csv.n; i++)
        if (r->csv.fields[i].len)
            return false;
    return !r->csv.fault;
}

/* Classes, tiers and addresses have no blanks around them; people write some behind commas. */
static void add_trimmed(struct buf *out, const char *field)
{
    size_t n;

    field += strspn(field, " \t");
    n = strlen(field);
    while (n > 0 && strchr(" \t", field[n - 1]))
        n--;
    buf_add(out, field, n);
}

static void read_row(struct import_reader *r)
{
    size_t n = count_fields(r);

    r->fault[0] = '\0';
    for (int c = 0; c < IMPORT_KEY; c++) {
        const char *field = buf_text(&r->csv.fields[r->place[c]]);

        buf_clear(&r->plain[c]);
        field = *field == '\'' && is_formula(field) ? field + 1 : field;
        if (c == IMPORT_ORG)
            buf_add_str(&r->plain[c], field);
        else
            add_trimmed(&r->plain[c], field);
    }
    if (r->csv.fault)
        snprintf(r->fault, sizeof r->fault, "%s", r->csv.fault);
    else if (n != r->n_columns)
        snprintf(r->fault, sizeof r->fault, "it has %zu fields, and the header %zu", n, r->n_columns);
    else if (strncmp(buf_text(&r->csv.fields[r->place[IMPORT_KEY]]), IMPORT_NOTE_ROW, strlen(IMPORT_NOTE_ROW)) == 0)
        snprintf(r->fault, sizeof r->fault, "%s",
                 buf_text(&r->csv.fields[r->place[IMPORT_KEY]]) + strlen(IMPORT_NOTE_ROW));
}

bool import_next(struct import_reader *r, enum err *err, struct diag *why)
{
    *err = ERR_OK;
    do
        if (!csv_next(&r->csv))
            return false;
    while (is_empty(r));
    read_row(r);
    if (++r->rows > IMPORT_ROWS_MAX)
        *err = diag_set(why, ERR_LIMIT, "import.rows", "more than %d rows: import them in parts", IMPORT_ROWS_MAX);
    return !*err;
}

int import_line(const struct import_reader *r)
{
    long line = r->place[IMPORT_LINE] < 0 ? 0 : strtol(buf_text(&r->csv.fields[r->place[IMPORT_LINE]]), NULL, 10);

    return line > 0 && line <= INT_MAX ? (int)line : r->csv.line;
}

const char *import_field(const struct import_reader *r, enum import_column column)
{
    if (column == IMPORT_KEY)
        return *r->fault ? "" : buf_text(&r->csv.fields[r->place[column]]);
    return buf_text(&r->plain[column]);
}

bool import_has_armor(const struct import_reader *r)
{
    return strstr(import_field(r, IMPORT_KEY), "-----BEGIN PGP ") != NULL;
}

void import_end(struct import_reader *r)
{
    for (int c = 0; c < IMPORT_KEY; c++)
        buf_free(&r->plain[c]);
    csv_end(&r->csv);
}

void import_put(struct buf *out, bool first, const char *field)
{
    char *guarded = is_formula(field) ? mem_printf("'%s", field) : NULL;

    csv_put(out, first, guarded ? guarded : field);
    free(guarded);
}

void import_key_put(enum err err, const struct diag *why, const struct pgp_key_info *info, struct span certificate,
                    struct buf *out)
{
    struct buf facts = BUF_EMPTY;

    if (!err)
        pgp_key_info_put(info, &facts);
    frame_put_u32(out, err);
    frame_put_str(out, err ? why->rule : "");
    frame_put_str(out, err ? why->text : "");
    frame_put_buf(out, &facts);
    frame_put_bytes(out, certificate.data, err ? 0 : certificate.len);
    buf_free(&facts);
}

enum err import_key_get(struct frame_reader *r, struct import_key *out, struct diag *why)
{
    uint32_t number = frame_get_u32(r);
    char *rule = frame_get_str(r), *text = frame_get_str(r);
    struct span facts = frame_get_bytes(r);
    enum err err = ERR_OK;

    out->certificate = frame_get_bytes(r);
    out->err = (enum err)number;
    if (r->bad || number > ERR_INTERNAL || !rule || !text)
        err = diag_set(why, ERR_REJECT, "frame.bad", "what was found of the keys cannot be read");
    else if (out->err)
        diag_set(&out->why, out->err, rule, "%s", text);
    else
        err = pgp_key_info_get(facts, &out->info, why);
    free(rule);
    free(text);
    return err;
}

/* What is inside of armor; the quotes and line ends that make a field of it stay. */
static void wipe_armor(uint8_t *row, size_t n)
{
    static const char begin[] = "-----BEGIN PGP ", end[] = "-----END PGP ";
    uint8_t *at = memmem(row, n, begin, sizeof begin - 1), *last = NULL, *p = at;

    if (!at)
        return;
    while ((p = memmem(p, n - (size_t)(p - row), end, sizeof end - 1)))
        last = p++;
    if (!last)
        last = row + n;
    for (at += sizeof begin - 1; at < last; at++)
        if (!strchr("\"\r\n,;\t", *at))
            *at = 'x';
}

void import_wipe_refused(struct buf *csv, struct span packed)
{
    struct import_key *key = mem_zero(1, sizeof *key);
    struct import_reader r;
    struct frame_reader keys;
    struct diag none;
    enum err err = import_begin(&r, buf_span(csv), &none);
    size_t from = r.csv.at, skipped = (size_t)(r.csv.in.data - csv->data);

    frame_reader_init(&keys, packed);
    for (; !err && import_next(&r, &err, &none); from = r.csv.at) {
        if (!import_has_armor(&r))
            continue;
        err = import_key_get(&keys, key, &none);
        if (!err && key->err)
            wipe_armor(csv->data + skipped + from, r.csv.at - from);
    }
    import_end(&r);
    free(key);
}
