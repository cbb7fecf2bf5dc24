/*
 * The audit trail: append-only, each entry bound to the one before by SHA-256 over
 * "seq \n at \n actor \n event \n object \n rule \n prev" (decimal and plain text). What is secret in an event (a
 * reason, a title) is sealed beside it and not part of the hash.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store/db.h"

struct audit_entry {
    int64_t seq;
    int64_t at;
    char *actor;
    char *event;
    char *object;
    char *rule;
    char *prev;
    char *hash;
};

void audit_entry_free(struct audit_entry *e);

/* Within the transaction of what it tells of. detail may be NULL; rule "" where none. */
enum err audit_append(struct db *db, int64_t now_utc_s, const char *actor, const char *event, const char *object,
                      const char *rule, const char *detail, struct diag *why);

/* The last entry's number (0: none yet) and hash. */
enum err audit_head(struct db *db, int64_t *seq, char hash[65], struct diag *why);

/* Entries of an object (NULL: all), in order. */
enum err audit_entries(struct db *db, const char *object, struct audit_entry **out, size_t *n, struct diag *why);

/*
 * Walks the chain. *entries counts them, head (65 bytes) is the last hash, *bad_seq the first entry that does not fit
 * (0: none). With anchor_hash the entry anchor_seq must be there and have that hash, else *bad_seq = anchor_seq (1
 * where that is no number of an entry).
 */
enum err audit_verify(struct db *db, int64_t anchor_seq, const char *anchor_hash, int64_t *entries, char head[65],
                      int64_t *bad_seq, struct diag *why);

#endif
