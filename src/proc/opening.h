/*
 * One mail on its way through the workers: what opening.c (spool, holding, handing over) and opening_steps.c (one step
 * for each answer of a worker; opening_verify.c for the signature) share.
 */
#ifndef PROC_OPENING_H
#define PROC_OPENING_H

#include "base/frame.h"
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
    bool is_inline;      /* inline PGP: what is inside is text, not a MIME entity */
    bool is_clearsigned; /* and was clear-signed */
    int at_part; /* of parts that are encrypted each by itself, the one behind that which is being decrypted; 0: no such
                    mail */
    bool signed_parts;  /* and one of them was signed */
    bool plain_follows; /* what is being verified is the text itself: it is read once the signature has been judged */
    struct incoming_file *key_files; /* of a command mail, examined one after the other */
    size_t n_key_files, at_key;
    bool looked_for_keys, looked_for_table;
    void (*examined)(struct mail *m);
    bool tried_loose;              /* the signature was looked at with a key that is in no home */
    char *home;                    /* the shard in which the signature was looked at; NULL: the list's home alone */
    bool as_bytes;                 /* an admin has let it in, and it goes on as an attachment */
    enum err refusal;              /* of a mail that gpg has refused, while gpg itself is tried */
    void (*go_on)(struct mail *m); /* where gpg is not broken (opening_verify.c) */
    struct diag refused;
    char *outside; /* text around the envelope: nobody's word */
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
     * was gpg that refused, which may have been killed, or have met a full table of files: it is asked once more, and
     * tried with a message that is known to be good, so that a broken gpg is not laid to the mail's charge.
     */
    void (*failed)(struct mail *m, enum err err, bool by_gpg, const struct diag *why);
};

/* A mail without an envelope and bytes yet; the steps call its ends from pool_tick or the loop. */
struct mail *opening_mail_new(struct core *core, const struct opening_ends *ends);
void opening_mail_free(struct mail *m);

/* The first step: the structure of the mail as it came. */
void opening_begin_steps(struct mail *m);

/* ---- between opening_steps.c, opening_parts.c and opening_verify.c ---- */

/* Has what is in one armored or binary message decrypted. */
void opening_decrypt(struct mail *m, struct span message);

/* A mail of parts that are encrypted each by itself: one after the other is opened, and put together as a mail. */
void opening_parts(struct mail *m);
void opening_parts_take(struct mail *m, struct span plain);

/* What has been put together, an entity with its header, is read. */
void opening_read_plain(struct mail *m);

/* The way is at its end: what is open, and whose it is, is known. */
void opening_finish(struct mail *m);

/* What was inside is read from now on. */
void opening_take_plain(struct mail *m, struct span plain);

/* Bytes that may come out of this mail. */
size_t opening_plain_limit(const struct mail *m);

void opening_bad_frame(struct mail *m);

/* Reads what a crypto worker says of signatures, up to the end of its answer. */
bool opening_take_signatures(struct mail *m, struct frame_reader *r);

/* Verifies what part_a and part_b, or packets, say; then goes on. */
void opening_verify(struct mail *m);

/* The signer's key is in another home than the one where it was looked for: verifies there. False: it is nowhere. */
bool opening_verify_elsewhere(struct mail *m);

/* The last step before the end: a key that came with the mail. */
void opening_look_for_key(struct mail *m);

/* Has examined what a command mail brings (opening_command.c), and goes on with it. */
void opening_examine(struct mail *m, void (*then)(struct mail *m));

/* The list that the mail is for. */
const struct settings_list *opening_list_of(const struct mail *m);

#endif
