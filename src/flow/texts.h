/*
 * The texts of mails, from templates/mail, filled in one pass.
 */
#ifndef FLOW_TEXTS_H
#define FLOW_TEXTS_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/tmpl.h"

/* name: "acknowledgement". Appends the filled text. */
enum err text_fill(const char *name, const struct tmpl_value *values, size_t n, struct buf *out, struct diag *why);

#endif
