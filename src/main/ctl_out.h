/*
 * Text for a person at a terminal.
 *
 * Titles, names and messages come from strangers: control characters (C0, C1, DEL) and the characters that turn the
 * direction of text are shown as U+FFFD, so that nobody writes to the terminal, or makes a line look like another one.
 * Colours only on a terminal, and not where NO_COLOR is set (no-color.org) or TERM is "dumb". Widths are in columns.
 */
#ifndef MAIN_CTL_OUT_H
#define MAIN_CTL_OUT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdio.h>

struct out {
    FILE *file;
    int width; /* of the terminal; 0: not a terminal, lines are not broken */
    bool colour;
};

enum out_style { OUT_PLAIN, OUT_BOLD, OUT_DIM, OUT_GOOD, OUT_WARN, OUT_BAD };

void out_open(struct out *o, FILE *file);

/* One line's worth: line ends become blanks. */
void out_words(const struct out *o, enum out_style style, const char *text);

/* Many lines, each behind the indent; ends with a line end. */
void out_text(const struct out *o, const char *indent, const char *text);

/* The text as out_words shows it. */
void out_clean(const char *text, bool lines, struct buf *clean);

/* Columns that clean text takes. */
int out_columns(const char *text);

/* How a word of a state is shown: "ok", "sent" are good, "fail", "expired" bad, … */
enum out_style out_style_of(const char *word);

/* A table: cells row by row, printed with its columns aligned, broken within cells where the terminal is narrow. */
struct out_table {
    size_t columns;
    char **cells; /* owned; the first row has the headings */
    size_t n;
};

void out_table_add(struct out_table *t, const char *cell);
/* Fills the row that was begun. */
void out_table_end_row(struct out_table *t);
void out_table_print(const struct out *o, const struct out_table *t, const char *indent);
void out_table_free(struct out_table *t);

#endif
