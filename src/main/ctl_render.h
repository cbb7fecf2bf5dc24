/*
 * Replies for people (text) and for programs (JSON).
 *
 * Text is made from the same data as JSON: objects as lines "name  value", lists as tables, in the columns that their
 * kind has (others are shown with all they hold). What is absent everywhere is left out.
 */
#ifndef MAIN_CTL_RENDER_H
#define MAIN_CTL_RENDER_H

#include "flow/command.h"
#include "main/ctl_out.h"

/* One object on one line, ASCII. */
void render_json(FILE *file, const struct reply *r);

/* verb may be NULL. Refusals go to `errors`, with rule and place. */
void render_text(FILE *file, FILE *errors, const struct command_verb *verb, const struct reply *r);

/* ---- parts, for the kinds ---- */

/* An object's lines; its lists as tables below, each with a heading. */
void render_object(const struct out *o, const char *indent, const json_t *object);

/* A table of objects; columns: their names, blanks between, NULL for all scalars of the first. */
void render_table(const struct out *o, const char *indent, const json_t *rows, const char *columns);

/* A scalar, or a list of scalars with commas; "" where it is none of them or null. Appends. */
void render_value(const json_t *value, struct buf *out);

/* The kinds that have a form of their own; false: this verb has none. */
bool render_kind(const struct out *o, const char *words, const json_t *data);

/* `status`; false where the data is another. */
bool render_status(const struct out *o, const json_t *data);

#endif
