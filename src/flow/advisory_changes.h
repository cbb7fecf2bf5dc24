/*
 * What changed from one version of an advisory to the next, in words: each version after the first says so. Pure.
 *
 * A section named UPDATES is the author's own account: it stands first, and is not shown as a section besides. What
 * follows is found by comparing, so that nothing changes unsaid.
 */
#ifndef FLOW_ADVISORY_CHANGES_H
#define FLOW_ADVISORY_CHANGES_H

#include "flow/advisory_doc.h"

/* The patches are compared by name and hash. Appends lines; nothing where nothing changed. */
void advisory_changes(const struct advisory_doc *old, const struct advisory_patch *old_patches, size_t n_old,
                      const struct advisory_doc *now, const struct advisory_patch *patches, size_t n, struct buf *out);

/* Is this section the author's account of the changes? */
bool advisory_is_updates(const char *section_name);

#endif
