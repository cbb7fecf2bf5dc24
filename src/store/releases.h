/*
 * Releases: what stands before, at and after the instant of publication of a case; one row for each case, and the
 * steps of the release that runs or ran, each with its own state, so that each is done once and tried again alone.
 *
 * States of a release: waiting (only noted: approved, confirmed, tried) -> held (its rule says by what) -> running ->
 * done. Steps: pending (tried at next_at) -> queued (a mail in the outbox) -> done | failed; waiting (for a person).
 * A step's text (what was signed, a link) is sealed.
 */
#ifndef STORE_RELEASES_H
#define STORE_RELEASES_H

#include "store/db.h"

struct release_row {
    int64_t id;
    int64_t case_id;
    int64_t version; /* of the advisory that is or was released; 0: none yet */
    char *state;
    char *rule; /* of held; else "" */
    uint8_t approved[BOX_DIGEST_BYTES];
    bool is_approved;                          /* that digest of text and patches */
    int64_t confirmed_at, started_at, done_at; /* INSTANT_NONE */
};

void release_row_free(struct release_row *row);
/* Makes it where there is none. */
enum err release_of_case(struct db *db, int64_t case_id, struct release_row *out, struct diag *why);
bool release_exists(struct db *db, int64_t case_id);
enum err release_update(struct db *db, const struct release_row *row, struct diag *why);

struct release_step {
    int64_t id;
    int64_t release_id, case_id;
    int64_t n;
    char *kind;   /* test sign mail site members reporter duty */
    char *target; /* "announce", a channel's name; "" */
    char *state;
    char *rule; /* why it is not done; "" */
    int64_t tries, next_at;
    int64_t mail_id; /* 0: none */
    int64_t done_at; /* INSTANT_NONE */
};

void release_step_free(struct release_step *step);
/* Steps of an earlier round go. */
enum err release_clear_steps(struct db *db, int64_t release_id, struct diag *why);
/* In order; put again (same kind and target), it is tried anew. */
enum err release_add_step(struct db *db, int64_t release_id, const char *kind, const char *target, const char *state,
                          int64_t at_utc_s, struct diag *why);
enum err release_steps(struct db *db, int64_t release_id, struct release_step **out, size_t *n, struct diag *why);
/* Those that can be tried now; of the kinds that are signed only (sign, test), or of the others. A mail waits for the
 * signature that it carries. */
enum err release_steps_due(struct db *db, int64_t now_utc_s, bool signing, struct release_step **out, size_t *n,
                           struct diag *why);
int64_t release_count_due(struct db *db, int64_t now_utc_s);
enum err release_step_set(struct db *db, const struct release_step *step, struct diag *why);
enum err release_step_set_text(struct db *db, int64_t id, struct span text, struct diag *why);
enum err release_step_text(struct db *db, int64_t id, struct buf *out, struct diag *why);
/* The step of a release by kind and target; ERR_NOT_FOUND. */
enum err release_step_find(struct db *db, int64_t release_id, const char *kind, const char *target,
                           struct release_step *out, struct diag *why);
/* "sent", "failed", … of a step's mail; NULL: not known. The caller frees. */
char *release_mail_state(struct db *db, int64_t mail_id);
/* Steps that are neither done nor waiting for a person. */
int64_t release_count_open(struct db *db, int64_t release_id);

/* Cases of which something is held, under way, or approved beforehand. The caller frees. */
enum err release_cases_under_way(struct db *db, int64_t **out, size_t *n, struct diag *why);

#endif
