/*
 * One mail on its way through the workers: what opening.c (spool, holding, handing over) and opening_steps.c (one step
 * for each answer of a worker) share.
 */
#ifndef PROC_OPENING_H
#define PROC_OPENING_H

#include "flow/incoming.h"
#include "proc/core.h"

struct mail {
    struct mail *next;
    struct opening *o;
    struct core *core;
    char name[SPOOL_NAME_SIZE];
    struct incoming in;
    struct buf packets; /* the inner OpenPGP message, still signed; or a clear-signed text */
    enum mime_shape shape;
    int part_a, part_b;
    bool is_inline;      /* inline PGP: what is inside is text, not a MIME entity */
    bool is_clearsigned; /* and was signed only */
    bool tried_loose;    /* the signature was looked at with a key that is in no home */
    char *home;          /* the shard in which the signature was looked at; NULL: the list's home alone */
};

/* The first step: the structure of the mail as it came. */
void opening_begin_steps(struct mail *m);

/* The last one: the mail is open, and meets the policy. */
void opening_receive(struct mail *m);

/* A worker said no, or ended: what is the mail's fault is held; what is not is tried again, a few times. */
void opening_worker_failed(struct mail *m, enum err err, const struct diag *why);
/* The same, of a crypto worker: what gpg refuses is begun once more before it is held. */
void opening_gpg_failed(struct mail *m, enum err err, const struct diag *why);
void opening_hold(struct mail *m, const struct diag *reason);

/* The list that the mail is for. */
const struct settings_list *opening_list_of(const struct mail *m);

#endif
