/*
 * The walk of a parsed tree against its schema; part of conf, used by conf_parse alone.
 */
#ifndef CODEC_CONF_CHECK_H
#define CODEC_CONF_CHECK_H

#include "codec/conf.h"

/* Adds a fault for each unknown or missing key, wrong type, word, range, and for control characters in strings. */
void conf_check(const struct conf_node *root, const struct conf_schema *schema, const char *file,
                struct conf_faults *faults);

#endif
