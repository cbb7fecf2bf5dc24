/*
 * A form in the text of a mail: lines `Field: value`.
 *
 * Names are matched without regard to case, and with space, `-` and `_` alike; a mail program's `>` before a line, a
 * bullet or a number before a name, and asterisks around it are passed over. A value may go on in the lines below it,
 * up to an empty line, the next field, or a signature (`-- `); after a name alone it may begin after empty lines. A
 * line that is indented goes on after an empty line too. Of a field that is written twice the first that has a value
 * counts.
 *
 * Pure, linear in the text, no recursion. At most FORM_TEXT_MAX bytes are read; a value is cut at FORM_VALUE_MAX.
 */
#ifndef CODEC_FORM_H
#define CODEC_FORM_H

#include <stdbool.h>
#include <stddef.h>

#define FORM_TEXT_MAX   ((size_t)256 << 10) /* bytes */
#define FORM_VALUE_MAX  ((size_t)8 << 10)   /* bytes */
#define FORM_FIELDS_MAX 64

struct form {
    size_t n;
    char **names;    /* as handed in; owned */
    char **values;   /* "" where there is none; owned */
    size_t n_seen;   /* names that stand in the text, with a value or without */
    size_t n_filled; /* that have a value */
};

/* The first FORM_FIELDS_MAX of n names. The caller frees *out. */
void form_parse(const char *text, const char *const *names, size_t n, struct form *out);
void form_free(struct form *form);

/* The value of a field; "" where there is none, or no such field. Borrowed. */
const char *form_value(const struct form *form, const char *name);
/* Whether the form asks for the field at all. */
bool form_asks(const struct form *form, const char *name);
/* Replaces a value (of a field that the form asks for). */
void form_set(struct form *form, const char *name, const char *value);

/* "-", "none", "n/a", "tbd", "?": words that leave a field empty. */
bool form_is_blank(const char *value);

/* As fields are compared: "Role-address" and "role address". */
bool form_name_equal(const char *a, const char *b);

/*
 * The text without quoting: `>` and blanks before each line dropped, all white space made one space. For finding a
 * text that was quoted and wrapped anew. The caller wipes and frees.
 */
char *form_flatten(const char *text);

/* A line `Name: words` anywhere; its words, or NULL. The caller frees. */
char *form_line(const char *text, const char *name);

#endif
