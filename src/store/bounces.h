/*
 * What came back: the last word about a copy that the MTA took and could not deliver. No text of a bounce is kept, and
 * no address: it may carry what we sent, or what anyone wrote into it.
 */
#ifndef STORE_BOUNCES_H
#define STORE_BOUNCES_H

#include "store/db.h"

struct bounce_row {
    int64_t copy_id; /* 0: none */
    int64_t at;
    char *class_name; /* codec/dsn.h: "permanent", "temporary", "delay", "full" */
    char *code;       /* "5.1.1", "550", or "" */
    bool given_up;    /* the copy is not going to arrive */
    int64_t times;    /* how many bounces have come about this copy */
};

void bounce_row_free(struct bounce_row *row);

/* Keeps the newest, and counts. row->times is not read. */
enum err bounce_put(struct db *db, const struct bounce_row *row, struct diag *why);
/* The one of a copy; copy_id 0 where none came. */
enum err bounce_of_copy(struct db *db, int64_t copy_id, struct bounce_row *out, struct diag *why);

/*
 * The bounce of the newest copy that went to this address of a member; copy_id 0 where none came of it: a copy that
 * went after it and stayed ends the trouble.
 */
enum err bounce_of_contact(struct db *db, int64_t member_id, const char *address, struct bounce_row *out,
                           struct diag *why);
/* How many of the newest copies to this address, one after the other, met a full mailbox. */
int64_t bounce_count_full(struct db *db, int64_t member_id, const char *address);

#endif
