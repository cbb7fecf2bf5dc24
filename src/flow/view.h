/*
 * Objects as JSON, in the shapes of the contract: absent values are null, instants RFC 3339 with Z, fingerprints
 * upper-case hex. All return new references.
 */
#ifndef FLOW_VIEW_H
#define FLOW_VIEW_H

#include "flow/flow.h"
#include "store/approvals.h"
#include "store/held.h"
#include "store/outbox.h"

#include <jansson.h>

json_t *view_text(const char *text);
json_t *view_instant(int64_t at_utc_s);
json_t *view_clock(const char *clock);

/* with_text: each message's subject, text and attachments too, as `case show` gives. */
json_t *view_case(struct flow *f, const struct case_row *c, bool with_text);
/* Adds to a member: last_delivery, acknowledged{cases,given}, attested_at, breaches[]. */
void view_member_life(struct flow *f, const struct member_row *m, json_t *o);
json_t *view_member(struct flow *f, const struct member_row *m);
json_t *view_key(const struct key_row *key, int64_t now_utc_s);
json_t *view_copy(struct flow *f, const struct copy_row *copy);
/* whole: its state, and until when, too. */
json_t *view_approval(struct flow *f, const struct approval_row *a, bool whole);
/* {wanted, built, built_at, folder, url} */
json_t *view_site(struct flow *f);
json_t *view_held(const struct held_row *held);

/* "usable", "revoked", "missing" …: of a contact's key; reason may be NULL. */
const char *view_key_state(struct flow *f, int64_t list_id, const char *fingerprint, char *reason, size_t reason_size);

#endif
