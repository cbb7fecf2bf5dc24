/*
 * From a header block to the strings of struct mime_part and struct mime_message. Private to the mime module.
 */
#ifndef CODEC_MIME_FIELDS_H
#define CODEC_MIME_FIELDS_H

#include "codec/mime.h"

/* The MIME fields of one part; in_digest: its default type is message/rfc822. */
void mime_fill_part(struct span header, bool in_digest, struct mime_part *p);

/* The fields of the outermost header. */
void mime_fill_message(struct span header, struct mime_message *m);

void mime_part_free(struct mime_part *p);

#endif
