/*
 * The document of an advisory: read from a FILE that people write, kept as JSON, rendered as text. Pure.
 *
 * FILE: fields `Title: CVE: TLP: Allow: Deny: Severity: CVSS: CWE: Affected: Fixed: Credits: References:` (all but
 * Title optional; lists separated by commas; a line that begins with a blank goes on with the one before), an empty
 * line, then blocks that begin with `## SECTION`. Rules (ERR_REJECT, with line): advisory.unknown-field (the nearest is
 * named), advisory.twice, advisory.no-title, advisory.title (a line break or control in it), advisory.tlp,
 * advisory.severity, advisory.cve, advisory.use (Allow and Deny take the uses of the policy), advisory.not-text,
 * advisory.too-large.
 */
#ifndef FLOW_ADVISORY_DOC_H
#define FLOW_ADVISORY_DOC_H

#include "base/buf.h"
#include "base/err.h"
#include "policy/decide.h"

#include <jansson.h>

#define ADVISORY_FILE_MAX ((size_t)8 << 20)

struct advisory_doc {
    char *title;
    char *tlp;      /* "RED", "AMBER", "AMBER+STRICT", "GREEN", "CLEAR"; NULL: AMBER+STRICT while embargoed */
    char *severity; /* NULL: not said */
    char *cvss;
    char **cves, **cwes, **affected, **fixed, **credits, **references; /* each ends with NULL; never NULL */
    unsigned allow, deny;                                              /* bits of enum policy_use */
    struct advisory_section {
        char *name; /* "ISSUE DESCRIPTION" */
        char *text;
    } * sections;
    size_t n_sections;
};

/* "CVE-2026-12345": a year of four digits, four to nineteen more. */
bool advisory_is_cve(const char *id);

enum err advisory_doc_parse(struct span file, struct advisory_doc *out, struct diag *why);
void advisory_doc_free(struct advisory_doc *doc);

/* As kept in the database, and back (ERR_INTERNAL rule advisory.damaged). The caller frees the text. */
char *advisory_doc_dump(const struct advisory_doc *doc);
enum err advisory_doc_load(struct span json, struct advisory_doc *out, struct diag *why);
json_t *advisory_doc_json(const struct advisory_doc *doc);

/* What is said around the document; all borrowed. */
struct advisory_frame {
    const char *label;  /* public id, or the case's code */
    int64_t version;    /* from 1 */
    const char *status; /* "active", …; NULL: public, no embargo */
    int64_t until_utc_s;
    const char *model, *tier, *policy;
    const struct decide_use *uses; /* POLICY_USES of them; NULL: public */
    const char *changes;           /* of this version; NULL */
    struct advisory_patch {
        const char *name;
        char sha256[65];
    } * patches;
    size_t n_patches;
    const char *short_notice; /* why the notice is short; NULL */
};

/* The advisory's text: the embargo's block, id, CVE, version, title, sections, one line `sha256  file` per patch. */
void advisory_doc_render(const struct advisory_doc *doc, const struct advisory_frame *frame, struct buf *out);

/* "build_test, tell_id" of the uses with this word, conditions in brackets. */
void advisory_uses_text(const struct decide_use *uses, enum policy_use_word word, struct buf *out);
/* The same behind a heading, in lines of at most 76 columns, further ones indented below it. */
void advisory_uses_lines(const char *heading, const struct decide_use *uses, enum policy_use_word word,
                         struct buf *out);

#endif
