/*
 * An advisory becomes mail: for each tier its own payload, with the embargo's fields and what this tier may do.
 */
#ifndef FLOW_ADVISORY_SEND_H
#define FLOW_ADVISORY_SEND_H

#include "flow/advisory_doc.h"
#include "flow/fanout.h"
#include "flow/outgoing.h"
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

/* "XSA-1 v2 (CVE-2026-1) - title"; the caller wipes and frees. */
char *advisory_subject(const struct case_row *c, const struct advisory_doc *doc, int64_t version);

/* How the public text ends: what members could do before, for oversight, or that nobody knew (flow/release_text.c). */
void advisory_embargo_text(const struct policy *policy, const struct case_row *c, const struct advisory_doc *doc,
                           struct buf *out);

/* The text for a tier; tier NULL: as it would be public. status: of the embargo ("active"). */
enum err advisory_text_for(struct flow *f, const struct policy *policy, const struct case_row *c,
                           const struct advisory_view *v, const struct policy_tier *tier, const char *status,
                           bool short_notice, struct buf *out, struct diag *why);

/*
 * Records the mails for every row of the fanout that is to be sent, and who was told. The team gets the names of those
 * who were told before and are left out now, because of their state or their key; so too with a notice.
 */
enum err advisory_queue(struct flow *f, const struct policy *policy, const struct case_row *c,
                        const struct settings_list *list, const struct advisory_view *v, const struct fanout *fan,
                        struct diag *why);

/* A notice of the embargo (a date set, extended, lifted, broken) to those who were told and are active. */
enum err advisory_notify(struct flow *f, const struct policy *policy, const struct case_row *c,
                         const struct settings_list *list, const char *status, const char *words, size_t *n_told,
                         struct diag *why);

#endif
