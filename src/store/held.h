/*
 * Mail that an admin has to look at (sealed, never dropped), and digests of what was seen before.
 */
#ifndef STORE_HELD_H
#define STORE_HELD_H

#include "store/db.h"

struct held_row {
    int64_t id;
    int64_t list_id; /* 0: no list could be told */
    char code[BOX_ID_SIZE];
    int64_t at;
    char *rule;
    int64_t size_bytes;
    char *state; /* held, released, discarded */
};

void held_row_free(struct held_row *row);
/* envelope: a frame that the spool's reader made (sender, recipient). Fills row->id and row->code. */
enum err held_insert(struct db *db, struct held_row *row, struct span envelope, struct span raw, struct diag *why);
/* ERR_NOT_FOUND rule held.unknown. */
enum err held_by_code(struct db *db, const char *code, struct held_row *out, struct diag *why);
enum err held_all(struct db *db, struct held_row **out, size_t *n, struct diag *why);
/* How many came under this rule after that instant, whatever became of them. */
int64_t held_count_since(struct db *db, int64_t list_id, const char *rule, int64_t after_utc_s);
enum err held_content(struct db *db, int64_t id, struct buf *envelope, struct buf *raw, struct diag *why);
/* released or discarded: the content is wiped. */
enum err held_set_state(struct db *db, int64_t id, const char *state, struct diag *why);

/*
 * Was this digest of a kind seen before? Records it otherwise. owner tells who showed it first (may be empty).
 * *seen says whether, *same_owner whether by the same owner.
 */
enum err seen_before(struct db *db, const char *kind, struct span bytes, struct span owner, int64_t now_utc_s,
                     bool *seen, bool *same_owner, struct diag *why);
/* How many of a kind an owner has, noted at this instant or later. */
int64_t seen_count(struct db *db, const char *kind, struct span owner, int64_t since_utc_s);
/* Forgets digests of a kind that are older. */
enum err seen_forget(struct db *db, const char *kind, int64_t before_utc_s, struct diag *why);

#endif
