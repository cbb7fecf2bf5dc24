/*
 * Who is told of an advisory: every contact of every member of the list, with its verdict and the rule that decided.
 *
 * Members whose plaintext is the same (case, version, tier, language) form a group, which shares one encryption. Where
 * the policy says `watermark`, each copy is a group of its own. Languages part a group only where the instance has the
 * text in them (advisory-lead, flow/texts.h), which then stands before the advisory.
 */
#ifndef FLOW_FANOUT_H
#define FLOW_FANOUT_H

#include "flow/flow.h"
#include "policy/decide.h"

#include <jansson.h>

struct fanout_row {
    struct member_row member; /* borrowed strings of the fanout's own list */
    char *address;
    char *fingerprint;              /* NULL: none */
    int64_t key_row;                /* 0: none */
    const struct policy_tier *tier; /* NULL: not told */
    bool send;                      /* goes now, or is queued for its instant */
    int64_t at;                     /* INSTANT_NONE: now */
    char rule[DIAG_RULE_MAX];
    char reason[256];
    bool short_notice;
};

struct fanout {
    struct fanout_row *rows;
    size_t n;
    struct decide_keys unstated; /* what the policy leaves open and an admin's command answers */
};

struct fanout_wish {
    int64_t version;  /* of the advisory that is to be told */
    const char *tier; /* only this tier; NULL: all */
    const char *org;  /* only this member, again if it was told (a late joiner); NULL: all */
    bool only_told;   /* only those who were told before: notices of a date */
};

/*
 * ERR_NOT_FOUND: no such tier or member. ERR_DENIED: the track tells nobody early
 * (rules tracks.NAME.mode, tracks.NAME.policy), or what it needs is unstated (the key).
 * The caller frees *out.
 */
enum err fanout_make(struct flow *f, const struct policy *policy, const struct case_row *c,
                     const struct fanout_wish *wish, struct fanout *out, struct diag *why);
void fanout_free(struct fanout *fan);

/* [{org,address,fingerprint,tier,verdict,rule,reason}] */
json_t *fanout_json(const struct fanout *fan);

/* What the policy's decisions go by. events has POLICY_EVENTS places. */
void fanout_telling(const struct policy *policy, const struct case_row *c, int64_t now, int64_t *events,
                    struct decide_telling *out);

#endif
