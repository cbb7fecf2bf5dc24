/* Tables: as wide as their content, else as the terminal, with cells broken; as records where even that is too wide. */
#include "main/ctl_out.h"

#include "base/mem.h"
#include "codec/charset.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define GAP        2
#define NARROWEST  10
#define COLUMN_MAX 4096

void out_table_add(struct out_table *t, const char *cell)
{
    struct buf clean = BUF_EMPTY;

    out_clean(cell ? cell : "-", false, &clean);
    if (t->n % 64 == 0)
        t->cells = mem_resize(t->cells, t->n + 64, sizeof *t->cells);
    t->cells[t->n++] = mem_strdup(clean.len ? buf_text(&clean) : "-");
    buf_free(&clean);
}

void out_table_end_row(struct out_table *t)
{
    while (t->n % t->columns)
        out_table_add(t, "");
}

void out_table_free(struct out_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        mem_free_secret(&t->cells[i]);
    free(t->cells);
    *t = (struct out_table){0};
}

static int sum(const int *widths, size_t n)
{
    int total = 0;

    for (size_t i = 0; i < n; i++)
        total += widths[i] + (i ? GAP : 0);
    return total;
}

/* False where the table cannot be made narrow enough. */
static bool fit(const struct out_table *t, int limit, int *widths)
{
    for (size_t i = 0; i < t->columns; i++)
        widths[i] = 1;
    for (size_t i = 0; i < t->n; i++) {
        int w = out_columns(t->cells[i]);
        int *column = &widths[i % t->columns];

        if (w > *column)
            *column = w < COLUMN_MAX ? w : COLUMN_MAX;
    }
    while (limit && sum(widths, t->columns) > limit) {
        size_t widest = 0;

        for (size_t i = 1; i < t->columns; i++)
            if (widths[i] > widths[widest])
                widest = i;
        if (widths[widest] <= NARROWEST)
            return false;
        widths[widest]--;
    }
    return true;
}

/* The bytes of the text that fill at most `width` columns; behind a blank where there is one in the second half. */
static size_t piece(const char *text, int width)
{
    struct span left = span_of(text);
    size_t used = 0, blank = 0;
    int columns = 0;

    while (left.len) {
        uint32_t code = 0;
        size_t n = charset_utf8_char(left, &code);
        int w = n ? wcwidth((wchar_t)code) : 1;

        columns += w > 0 ? w : 0;
        if (columns > width)
            return blank && columns > 1 ? blank : used ? used : n;
        used += n ? n : 1;
        if (code == ' ' && columns > width / 2)
            blank = used;
        left.data += n ? n : 1;
        left.len -= n ? n : 1;
    }
    return used;
}

static void print_cell(const struct out *o, const char *text, size_t len, int pad, enum out_style style)
{
    char *copy = mem_strndup(text, len);

    out_words(o, style, copy);
    for (; pad > 0; pad--)
        fputc(' ', o->file);
    mem_free_secret(&copy);
}

/* One row, over as many lines as its longest cell needs. */
static void print_row(const struct out *o, const struct out_table *t, size_t row, const int *widths, const char *indent)
{
    char **cells = t->cells + row * t->columns;
    const char **at = mem_zero(t->columns, sizeof *at);
    bool more = true;

    for (size_t i = 0; i < t->columns; i++)
        at[i] = cells[i];
    while (more) {
        size_t last = t->columns;

        more = false;
        while (last > 1 && !*at[last - 1])
            last--;
        fputs(indent, o->file);
        for (size_t i = 0; i < last; i++) {
            size_t len = piece(at[i], widths[i]);
            char *text = mem_strndup(at[i], len);
            int pad = i + 1 < last ? widths[i] + GAP - out_columns(text) : 0;

            print_cell(o, at[i], len, pad, row ? out_style_of(cells[i]) : OUT_BOLD);
            at[i] += len;
            more = more || *at[i];
            mem_free_secret(&text);
        }
        fputc('\n', o->file);
    }
    free(at);
}

/* "HEADING  cell", a line each, rows parted by an empty line. */
static void print_records(const struct out *o, const struct out_table *t, const char *indent)
{
    int width = 0;

    for (size_t i = 0; i < t->columns; i++)
        if (out_columns(t->cells[i]) > width)
            width = out_columns(t->cells[i]);
    for (size_t i = t->columns; i < t->n; i++) {
        const char *head = t->cells[i % t->columns];

        fputs(indent, o->file);
        print_cell(o, head, strlen(head), width + GAP - out_columns(head), OUT_BOLD);
        print_cell(o, t->cells[i], strlen(t->cells[i]), 0, out_style_of(t->cells[i]));
        fputs((i + 1) % t->columns == 0 && i + 1 < t->n ? "\n\n" : "\n", o->file);
    }
}

void out_table_print(const struct out *o, const struct out_table *t, const char *indent)
{
    int *widths = mem_zero(t->columns, sizeof *widths);
    int room = o->width - (int)strlen(indent);

    if (!fit(t, o->width ? (room > 1 ? room : 1) : 0, widths))
        print_records(o, t, indent);
    else
        for (size_t row = 0; row * t->columns < t->n; row++)
            print_row(o, t, row, widths, indent);
    free(widths);
}
