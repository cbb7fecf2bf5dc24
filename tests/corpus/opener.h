/* What opener.c and opener_keys.c share. */
#ifndef TESTS_CORPUS_OPENER_H
#define TESTS_CORPUS_OPENER_H

#include "proc/core.h"

#include <jansson.h>

extern struct core core;

enum err opener_read_file(const char *path, struct buf *out);

double opener_now_ms(void);

/* One turn of the loop. */
void opener_turn(void);

/* A line of the output; takes the object. */
void opener_print(json_t *o);

/* A certificate as a file of the corpus: usable, or why not. */
void opener_try_key(const char *kind, const char *name, const char *path);

/* Pins each certificate of a folder to a person. */
void opener_pin_all(const char *folder, int64_t list_id);

#endif
