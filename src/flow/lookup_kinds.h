/*
 * What is done with the result of a look-up (store/lookups.h), by its kind.
 *
 * A handler runs in a transaction of its own, in which the look-up ends. Where it returns ERR_AGAIN with rule
 * lookup.later, it is asked again in an hour, then two, up to a day; any other error undoes what it did, and the
 * look-up is tried again in the same way. It is handed the certificate minimised, merged with what is known of a key of
 * the same fingerprint in the list's keys.
 */
#ifndef FLOW_LOOKUP_KINDS_H
#define FLOW_LOOKUP_KINDS_H

#include "codec/pgp_key.h"
#include "flow/flow.h"
#include "store/lookups.h"

enum lookup_outcome {
    LOOKUP_FOUND,
    LOOKUP_ABSENT,  /* the domain publishes no key for the address */
    LOOKUP_OFFLINE, /* nobody could be asked: a state, not an error */
    LOOKUP_REFUSED  /* an answer that is not taken, by its rule: fetch.*, or why the key was refused (key.*) */
};

struct lookup_result {
    enum lookup_outcome outcome;
    const char *rule;               /* "" where found */
    const char *text;               /* for people; without the address */
    const struct pgp_key_info *key; /* of LOOKUP_FOUND */
    struct span certificate;
};

struct lookup_kind {
    const char *name;
    enum err (*run)(struct flow *f, const struct lookup_row *row, const struct lookup_result *result, struct diag *why);
};

/* Ends with a row whose name is NULL. */
extern const struct lookup_kind lookup_kinds[];

#endif
