/*
 * The steps that bring a database from one version to the next; step N makes version N + 1. A step that has been
 * released never changes.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stddef.h>

extern const char *const schema_steps[];
extern const size_t schema_steps_n;

#endif
