/*
 * Lower case of UTF-8 text in Latin and Cyrillic letters, of the same length in bytes, so that a place in the one is the
 * same place in the other. What is no UTF-8, and letters of other scripts, stay as they are. Pure.
 */
#ifndef CODEC_LOWER_H
#define CODEC_LOWER_H

#include "base/buf.h"

/* Appends to out; nothing where it has no room. */
void lower_add(struct span text, struct buf *out);

#endif
