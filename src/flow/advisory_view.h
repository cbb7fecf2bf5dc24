/*
 * One version of an advisory as it is read: its document, its patches, what changed since the version before, and the
 * text that follows from them for a tier or for the public.
 */
#ifndef FLOW_ADVISORY_VIEW_H
#define FLOW_ADVISORY_VIEW_H

#include "flow/advisory_doc.h"
#include "flow/flow.h"
#include "flow/outgoing.h"
#include "policy/decide.h"
#include "store/advisories.h"

struct advisory_view {
    struct advisory_row row;
    struct advisory_doc doc;
};

void advisory_view_free(struct advisory_view *v);
/* version 0: the newest. */
enum err advisory_view_load(struct flow *f, int64_t case_id, int64_t version, struct advisory_view *out,
                            struct diag *why);

/* The patches of an advisory, opened. */
struct advisory_files {
    struct patch_row *rows;
    struct buf *contents;
    struct outgoing_file *outgoing;
    struct advisory_patch *hashes;
    size_t n;
};

enum err advisory_files_load(struct flow *f, int64_t advisory_id, struct advisory_files *out, struct diag *why);
void advisory_files_free(struct advisory_files *files);

/* What changed since the version that these readers have seen before; nothing is added for the first. */
enum err advisory_changes_since_last(struct flow *f, const struct advisory_view *v, bool is_public,
                                     const struct advisory_files *files, struct buf *out, struct diag *why);

/* What stands around the text for a tier, or (tier NULL) for the public. All is borrowed, by *out as well. */
void advisory_frame_make(const struct case_row *c, const struct advisory_view *v, const struct policy_tier *tier,
                         const char *status, bool short_notice, const struct advisory_files *files, const char *changes,
                         const struct decide_use *uses, struct advisory_frame *out);

/* "XSA-1 v2 (CVE-2026-1) - title"; the caller wipes and frees. */
char *advisory_subject(const struct case_row *c, const struct advisory_doc *doc, int64_t version);

/* How the public text ends: what members could do before, for oversight, or that nobody knew (flow/release_text.c). */
void advisory_embargo_text(const struct policy *policy, const struct case_row *c, const struct advisory_doc *doc,
                           struct buf *out);

/* The text for a tier; tier NULL: as it would be public. status: of the embargo ("active"). */
enum err advisory_text_for(struct flow *f, const struct policy *policy, const struct case_row *c,
                           const struct advisory_view *v, const struct policy_tier *tier, const char *status,
                           bool short_notice, struct buf *out, struct diag *why);

#endif
