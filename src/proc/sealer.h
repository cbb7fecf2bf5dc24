/*
 * What sealer.c and sealer_result.c share. Internal.
 */
#ifndef PROC_SEALER_H
#define PROC_SEALER_H

#include "proc/core.h"
#include "store/outbox.h"

#define SEALER_PAUSE_MS 2000 /* after a failure */

struct part;

/* One mail under way. */
struct task {
    struct task *next;
    struct sealer *s;
    struct mail_row mail;
    const struct settings_list *list;
    struct buf packets; /* signed by the list */
    size_t parts;       /* encryptions that run */
};

/* One encryption: the copies of one shard, or a single copy. */
struct part {
    struct part *next; /* that waits too */
    struct task *t;
    int64_t *copies;
    uint64_t *subkeys; /* that gpg will choose */
    char **fingerprints;
    size_t n;
    int64_t shard; /* -1: a key of a participant */
    bool alone;    /* the fallback: each recipient by itself */
};

struct sealer {
    struct core *core;
    struct task *tasks;
    size_t n_tasks;
    /* Parts wait here and not in the pool, where each would hold a copy of the mail. */
    struct part *waiting, **waiting_end;
    int n_running;
    int bodies_fd;
    int64_t not_before_ms; /* after a failure: do not spin */
};

/* A part belongs to its task; shard -1: of a participant. */
struct part *sealer_part_new(struct task *t, int64_t shard);
void sealer_part_add(struct part *p, int64_t copy, const char *fingerprint, uint64_t subkey);
/* It begins when a worker is free; its task counts it already. */
void sealer_part_submit(struct part *p);
/* Frees it, and ends its task with the last one. */
void sealer_part_end(struct part *p);

/* What a worker answered becomes a body and heads, or a new try (sealer_result.c). Ends the part. */
void sealer_part_reply(struct part *p, enum err err, struct span reply, const struct diag *why);
/* Nothing came of it: again later, and after some tries no more. Ends the part. */
void sealer_part_failed(struct part *p, const struct diag *why);

#endif
