/*
 * Advisories: one row for each version of a case's advisory, its document and patches sealed, and who was told.
 *
 * States: draft (at most one, the highest version) → sent. A draft may be changed; what was sent never changes
 * (ERR_DENIED rule advisory.sent).
 */
#ifndef STORE_ADVISORIES_H
#define STORE_ADVISORIES_H

#include "store/db.h"

struct advisory_row {
    int64_t id;
    int64_t case_id;
    int64_t version;
    char *state;
    int64_t at;
    int64_t sent_at; /* INSTANT_NONE: not yet */
};

void advisory_row_free(struct advisory_row *row);
enum err advisory_insert(struct db *db, struct advisory_row *row, struct span document, struct diag *why);
enum err advisory_set_document(struct db *db, int64_t id, struct span document, struct diag *why);
enum err advisory_document(struct db *db, int64_t id, struct buf *out, struct diag *why);
enum err advisory_set_sent(struct db *db, int64_t id, int64_t now_utc_s, struct diag *why);
/* version 0: the highest. ERR_NOT_FOUND rule advisory.unknown. */
enum err advisory_find(struct db *db, int64_t case_id, int64_t version, struct advisory_row *out, struct diag *why);
enum err advisory_all(struct db *db, int64_t case_id, struct advisory_row **out, size_t *n, struct diag *why);

struct patch_row {
    int64_t id;
    int64_t n; /* from 1 */
    int64_t size_bytes;
    char *name; /* opened */
};

void patch_row_free(struct patch_row *row);
/* A patch of the same name is replaced. */
enum err patch_put(struct db *db, int64_t advisory_id, const char *name, struct span content, struct diag *why);
enum err patch_all(struct db *db, int64_t advisory_id, struct patch_row **out, size_t *n, struct diag *why);
enum err patch_content(struct db *db, int64_t id, struct buf *out, struct diag *why);

/* ---- who was told ---- */
/* at: when the mail goes, which may be to come. */
enum err told_add(struct db *db, int64_t case_id, int64_t member_id, int64_t version, const char *tier,
                  int64_t at_utc_s, struct diag *why);
/* The highest version that the member was told; 0: never. */
int64_t told_version(struct db *db, int64_t case_id, int64_t member_id);
/* The same, of what has gone by then: a member whose notice still waits for its instant knows nothing. */
int64_t told_version_by(struct db *db, int64_t case_id, int64_t member_id, int64_t now_utc_s);

/* Members of a case whose notice waits for its instant, with their tiers. The caller frees each tier and the array. */
struct told_row {
    int64_t member_id;
    char *tier;
    int64_t at;
};
enum err told_waiting(struct db *db, int64_t case_id, int64_t now_utc_s, struct told_row **out, size_t *n,
                      struct diag *why);
enum err told_move(struct db *db, int64_t case_id, int64_t member_id, int64_t now_utc_s, int64_t at_utc_s,
                   struct diag *why);

#endif
