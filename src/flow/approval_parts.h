/*
 * The inside of approvals, shared by approvals.c (the life of a proposal) and approval_votes.c (what is kept of it, and
 * whose votes count).
 */
#ifndef FLOW_APPROVAL_PARTS_H
#define FLOW_APPROVAL_PARTS_H

#include "flow/approvals.h"

/* What is kept sealed. The payload borrows from the bytes. */
struct approval_sealed {
    struct buf bytes;
    char **owners;
    size_t n_owners;
    char *text;
    struct span payload;
};

void approval_sealed_free(struct approval_sealed *s);
void approval_sealed_put(const struct approval_what *what, const char *text, struct span payload, struct buf *out);
enum err approval_sealed_get(struct flow *f, int64_t id, struct approval_sealed *out, struct diag *why);

/* Is one of the owners the admin's own address, key or mail domain? */
bool approval_owns(const struct settings_admin *admin, const struct settings_list *list, const char *const *owners,
                   size_t n);
/* ERR_DENIED rule approval.shared-uid. */
enum err approval_check_uid(struct flow *f, const struct actor *by, struct diag *why);
/* How many of the list's admins could approve it at all. */
int64_t approval_possible_votes(struct flow *f, const struct approval_what *what);
enum err approval_count_votes(struct flow *f, const struct approval_row *a, const struct approval_sealed *s,
                              int64_t *out, struct diag *why);

#endif
