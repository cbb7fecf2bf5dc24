/*
 * Decisions: facts in, verdict and the name of the rule out. Pure, first match, and a rule that is missing refuses.
 *
 * A verdict's rule names the first rule that decided; file and line are those of the rule's value (file "" and line 0
 * where no line of a policy says it, as for tier.not-told). `unstated` lists the keys that the policy leaves unstated
 * and that would have mattered: what must be asked. All strings are borrowed from the policy but for the arrays that
 * a _free function releases.
 */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "policy/policy.h"
#include "policy/schedule.h"
#include "policy/states.h"

/* A list of keys; owned. */
struct decide_keys {
    char **items;
    size_t n;
};

/* Appends once; twice the same key stays one. */
void decide_keys_add(struct decide_keys *keys, const char *format, ...) __attribute__((format(printf, 2, 3)));
void decide_keys_free(struct decide_keys *keys);

/* (a) Which track. */

struct decide_case {
    enum policy_severity severity; /* POLICY_UNRATED matches no severity */
    bool is_public;
    enum policy_case_origin origin; /* POLICY_ORIGIN_ANY: not known, counts as human */
    const char *channel;            /* by which it came; NULL or "" where not known */
    const char *scope;              /* as an admin has set it; NULL or "" */
    int64_t fix_needs_s;            /* how long a fix is expected to take; -1: not known, longer than nothing */
    const char *track;              /* an admin's choice by name, which goes before the match; NULL or "" */
};

struct decide_track {
    const struct policy_track *track; /* NULL where the policy has no track that matches */
    char rule[DIAG_RULE_MAX];         /* "tracks.NAME", else "tracks.none" */
    const char *file;
    int line;
    struct decide_keys unstated;
};

void decide_track(const struct policy *policy, const struct decide_case *facts, struct decide_track *out);
void decide_track_free(struct decide_track *track);

/* (b) Who is told, when, with which uses. */

struct decide_member {
    const char *class;
    const char *tier; /* NULL or "": the first tier of the track that has the class */
    enum member_state state;
    const char *key_state; /* usable expiring, or one that cannot be used; NULL: not looked at */
    bool already_told;     /* this version, and this address */
};

struct decide_telling {
    const struct policy_track *track; /* as decide_track chose it */
    int64_t now_utc_s;
    int64_t publish_planned_utc_s;            /* schedule_release_at; INSTANT_NONE where no date is set */
    const struct schedule_holidays *holidays; /* may be NULL */
    const int64_t *event_utc_s;               /* POLICY_EVENTS instants, INSTANT_NONE for what has not happened */
    bool commanded; /* an admin said `advisory send`: a notice that is left unstated is answered by that */
};

/* Whether one tier is told on the case's track, and when. */
struct decide_tier {
    const struct policy_tier *tier;
    bool told;                 /* ever, on this track */
    bool now;                  /* its instant has come */
    bool short_notice;         /* less than before_publish remains: told at once, and told why */
    int64_t earliest_at_utc_s; /* now where nothing holds it; INSTANT_NONE: not known yet (no date, or `after`) */
    int64_t notice_at_utc_s;   /* the latest instant; INSTANT_NONE: not stated, or no date */
    int64_t final_at_utc_s;    /* of the final notice; INSTANT_NONE: none */
    char
        rule[DIAG_RULE_MAX]; /* "tiers.NAME", "tiers.NAME.notice.before_publish", "tiers.NAME.after", "tier.not-told" */
    const char *file;
    int line;
    const char *force; /* "aim" where a notice is stated, else "unstated" */
};

void decide_tier(const struct policy *policy, const struct policy_tier *tier, const struct decide_telling *facts,
                 struct decide_tier *out, struct decide_keys *unstated);

struct decide_use {
    enum policy_use_word word; /* POLICY_DENY where unstated */
    bool stated;
    const char *condition; /* "" where none */
    int line;
    unsigned tells; /* of inform_customers: the tell_ words that bound it, bits 1 << enum policy_use; else 0 */
};

/* "tell_existence, tell_date", or "nothing": what inform_customers covers. */
void decide_tells_write(unsigned tells, struct buf *out);

struct decide_verdict {
    bool send;                /* now */
    bool queue;               /* later, at earliest_at_utc_s where that is known (rule tier.not-yet) */
    char rule[DIAG_RULE_MAX]; /* to send: "tiers.NAME…"; else key.STATE member.suspended tier.not-told tier.not-yet
                                 already-told */
    char reason[256];         /* for people */
    struct decide_tier tier;  /* .tier NULL where none */
    struct decide_use uses[POLICY_USES];
    struct decide_keys unstated;
};

void decide_member(const struct policy *policy, const struct decide_member *member, const struct decide_telling *facts,
                   struct decide_verdict *out);
void decide_verdict_free(struct decide_verdict *verdict);

/*
 * The uses of a tier as they hold for one advisory. allow and deny are the advisory's own words (Allow: and Deny:),
 * bits 1 << enum policy_use; they decide what the policy leaves to the advisory ("advisory"), and may deny what it
 * allows, never allow what it denies. "ask" stays ask. inform_customers covers only the tell_ words that are then
 * allowed.
 */
void decide_uses(const struct policy_tier *tier, unsigned allow, unsigned deny, struct decide_use out[POLICY_USES]);

/* Reads the names of uses (as in a file) into bits; false (why names the word and the nearest) for others. */
bool decide_uses_parse(const char *const *names, size_t n, unsigned *out_bits, struct diag *why);

/* (c) Who may send what where. */

enum decide_signature {
    DECIDE_UNSIGNED, /* none, or one that does not hold */
    DECIDE_UNBOUND,  /* good, but nothing that was signed names this list */
    DECIDE_BOUND     /* good, and a protected To names this list */
};

struct decide_sender {
    enum policy_sender kind;
    const char *tier; /* of a member; NULL or "" */
    enum decide_signature signature;
    bool encrypted;
    const char *subject; /* the protected one where there is one; NULL: not known yet */
};

struct decide_post {
    enum policy_action action;
    char rule[DIAG_RULE_MAX]; /* "posting.NAME", "posting.none", "unbound-signature" */
    const char *file;
    int line;
    char reason[256]; /* for people, with the remedy; no subject in it */
    struct decide_keys unstated;
};

/*
 * The posting rules in order. who, tiers, to, signature and encrypted are conditions: a rule that they do not fit is
 * passed over. subject_prefix is a demand: a rule that fits but for it refuses, in its own name. What is allowed to
 * members under a signature that is not bound to this list is held (unbound-signature).
 */
void decide_post(const struct policy *policy, const struct decide_sender *sender, enum policy_address to,
                 struct decide_post *out);
void decide_post_free(struct decide_post *post);

/* How many admins an action needs: 1 where the policy does not say. */
enum decide_action { DECIDE_MEMBER_ADD, DECIDE_KEY_CHANGE, DECIDE_LIFT, DECIDE_PUBLISH, DECIDE_BACKUP_WITH_KEYS };
int decide_approvals(const struct policy *policy, enum decide_action action);

#endif
