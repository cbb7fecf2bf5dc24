/*
 * Templates of mail texts and of web pages, filled in one pass.
 *
 * {{name}} gives a value; {{#if name}} … {{/if}} keeps its inside when the value is not empty, and {{#unless name}}
 * … {{/unless}} when it is (nested at most TMPL_DEPTH_MAX deep). A line that holds nothing but such a tag goes with
 * its line break. A value is never scanned again: braces in it are text. A template is checked whole when loaded.
 *
 * A web page's template (tmpl_load_html) escapes each value for where it stands (codec/markup.h): as text, inside of a
 * quoted attribute, or as the address of one that links (href, src).
 * A value elsewhere inside of a tag, or in a script or style, is refused (template.context). A value whose name
 * begins with & ("&body") is markup of our own making: it is taken as it is, and stands as text only.
 *
 * Rules (ERR_REJECT; file and line in the diag): template.unknown-name, template.bad-tag, template.unbalanced,
 * template.too-deep; when filling: template.value (a name the caller did not hand in; ERR_INTERNAL).
 */
#ifndef CODEC_TMPL_H
#define CODEC_TMPL_H

#include "base/buf.h"
#include "base/err.h"

#define TMPL_DEPTH_MAX 4

struct tmpl;

struct tmpl_value {
    const char *name;
    const char *value; /* NULL is as "" */
};

/* names: what the template may use, n of them, borrowed for the call; file: for the diag. The caller frees *out. */
enum err tmpl_load(struct span text, const char *file, const char *const *names, size_t n, struct tmpl **out,
                   struct diag *why);

/* The same for a web page. */
enum err tmpl_load_html(struct span text, const char *file, const char *const *names, size_t n, struct tmpl **out,
                        struct diag *why);

/* Appends the filled text. A name that the template uses and the caller does not hand in is a fault, not "". */
enum err tmpl_fill(const struct tmpl *t, const struct tmpl_value *values, size_t n, struct buf *out, struct diag *why);

void tmpl_free(struct tmpl **t);

#endif
