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
    const struct opening_ends *ends;
    struct core *core;
    char name[SPOOL_NAME_SIZE];
    struct incoming in;
    struct buf packets; /* the inner OpenPGP message, still signed; or a clear-signed text */
    enum mime_shape shape;
    int part_a, part_b;
    bool is_inline;                  /* inline PGP: what is inside is text, not a MIME entity */
    bool is_clearsigned;             /* and was signed only */
    struct incoming_file *key_files; /* of a command mail, examined one after the other */
    size_t n_key_files, at_key;
    bool looked_for_keys;
    bool tried_loose; /* the signature was looked at with a key that is in no home */
    char *home;       /* the shard in which the signature was looked at; NULL: the list's home alone */
};

/*
 * Where a mail's way ends. The daemon's own ends are opening.c's; tests/corpus has others, which write down what became
 * of the mail. Each takes the mail: it is gone afterwards.
 */
struct opening_ends {
    /* It is open, and meets the policy. */
    void (*open)(struct mail *m);
    /*
     * A worker said no, or ended: what is the mail's fault is held; what is not is tried again, a few times. by_gpg: it
     * was gpg that refused, which may have been killed, or have met a full table of files: it is asked once more.
     */
    void (*failed)(struct mail *m, enum err err, bool by_gpg, const struct diag *why);
};

/* A mail without an envelope and bytes yet; the steps call its ends from pool_tick or the loop. */
struct mail *opening_mail_new(struct core *core, const struct opening_ends *ends);
void opening_mail_free(struct mail *m);

/* The first step: the structure of the mail as it came. */
void opening_begin_steps(struct mail *m);

/* The list that the mail is for. */
const struct settings_list *opening_list_of(const struct mail *m);

#endif
