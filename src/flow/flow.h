/*
 * The flows: load facts, let the policy decide, write one transaction. What they share.
 *
 * A flow never talks to a network, never waits for a worker, and never sends: it records (state, audit trail, outbox)
 * and others carry out what is recorded. Everything that changes something runs between db_begin and db_commit of
 * whoever calls it (flow/command.c, flow/receive.c, flow/timer.c), so that it happens whole or not at all.
 */
#ifndef FLOW_FLOW_H
#define FLOW_FLOW_H

#include "base/clock.h"
#include "codec/settings.h"
#include "policy/policy.h"
#include "store/cases.h"
#include "store/db.h"
#include "store/members.h"

struct policies;
struct held_row;
struct clock_guard;
struct timer;

struct flow {
    const struct settings *settings;
    struct db *db;
    struct clock *clock;
    struct policies *policies;
    struct clock_guard *guard; /* may the clock be believed (flow/clock_guard.h) */
    struct timer *timer;       /* flow/timer.h */
    bool on_hold;              /* restored, and not accepted yet (flow/restored.h) */
    /* Is nothing under way or due? Asked for `wait`; core's. */
    bool (*settled)(void *ctx);
    void *settled_ctx;
    /* Lets a held mail go its way again, past the rule that held it; core's. */
    enum err (*release)(void *ctx, const struct held_row *held, struct diag *why);
    void *release_ctx;
};

/* Where a change comes from: an admin by command or by mail, a member by mail, or the daemon itself. */
enum actor_kind { ACTOR_ADMIN, ACTOR_MEMBER, ACTOR_DAEMON };

struct actor {
    enum actor_kind kind;
    char name[320];                     /* in the audit trail: "admin:ADDRESS", "member:ORG", "embargod" */
    const struct settings_admin *admin; /* of an admin */
    bool by_mail;                       /* proved by a signature, not by a uid */
    const struct member_row *member;    /* of a member by mail */
    const char *fingerprint;            /* of the key that signed, by mail */
};

void actor_daemon(struct actor *out);
void actor_of_admin(struct actor *out, const struct settings_admin *admin);

/* The list a command speaks of: by name, or the only one there is. ERR_USAGE, ERR_NOT_FOUND. */
enum err flow_list(struct flow *f, const char *name, const struct settings_list **out, struct list_row *row,
                   struct diag *why);
const struct settings_list *flow_list_of_row(struct flow *f, int64_t list_id, struct diag *why);

/* A new Message-ID of the list's domain, random, with its brackets; the caller frees. */
char *flow_message_id(const struct settings_list *list);

/* A boundary for compose: random letters and digits. */
void flow_boundary(char out[40]);

#endif
