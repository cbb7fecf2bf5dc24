/*
 * Before an advisory goes: which members it could not be sent to.
 */
#ifndef FLOW_PREFLIGHT_H
#define FLOW_PREFLIGHT_H

#include "store/members.h"

#include <jansson.h>

/*
 * Appends {org, rule} for each member that would be told, and none of whose contacts has a key that mail can be
 * encrypted to at the instant; rule: key.STATE of its first contact, or key.missing. Suspended and removed members are
 * told nothing anyway.
 */
enum err preflight_unserved(struct db *db, int64_t list_id, int64_t now_utc_s, json_t *out, struct diag *why);

#endif
