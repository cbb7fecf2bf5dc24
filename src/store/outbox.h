/*
 * The durable outbox: what is recorded here is sent, once, whatever crashes.
 *
 * A mail is one plaintext with its recipients (copies). Form "sealed": the payload waits, sealed for storage, until
 * each copy is encrypted for its recipient; the copies of one encryption share a body file and have a head (their own
 * session-key packet) each. Form "cleared": the payload is a whole mail that may go in clear (flow/outgoing.h says
 * which), and stays sealed for storage until the courier takes it.
 *
 * States of a mail: sealing, ready. States of a copy: sealing → queued → sent | deferred → … | failed; dropped.
 */
#ifndef STORE_OUTBOX_H
#define STORE_OUTBOX_H

#include "store/db.h"

struct mail_row {
    int64_t id;
    int64_t list_id;
    int64_t case_id; /* 0: none */
    int64_t version; /* of the advisory, 0: none */
    char *kind;      /* "advisory", "team", "reply", "acknowledgement", "notice", "answer", "public", "receipt" */
    char *form;      /* "sealed", "cleared" */
    char *message_id;
    char *state;
    int64_t made_at;
};

void mail_row_free(struct mail_row *row);
/* prefix and suffix stand before and after the armor; both empty for a cleared mail. Fills row->id. */
enum err mail_insert(struct db *db, struct mail_row *row, struct span payload, struct span prefix, struct span suffix,
                     struct diag *why);
enum err mail_by_id(struct db *db, int64_t id, struct mail_row *out, struct diag *why);
/* Is this the Message-ID of a mail of ours? */
bool mail_is_ours(struct db *db, const char *message_id);
enum err mail_payload(struct db *db, int64_t id, struct buf *out, struct diag *why);
enum err mail_frame(struct db *db, int64_t id, struct buf *prefix, struct buf *suffix, struct diag *why);
/* The oldest mail that still has copies to seal and is not among the n ids in `busy`; 0: none. */
int64_t mail_next_to_seal(struct db *db, const int64_t *busy, size_t n);
/* Forgets the payload and is ready, where no copy waits for its sealing any more. */
enum err mail_settle(struct db *db, int64_t id, struct diag *why);

struct copy_row {
    int64_t id;
    int64_t mail_id;
    int64_t body_id;        /* 0: not sealed yet, or cleared */
    int64_t member_id;      /* 0: not to a member */
    int64_t participant_id; /* 0: not to a participant */
    int64_t application_id; /* 0: not to an applicant */
    int64_t key_row;        /* 0: no key of the list's shards */
    char *org;
    char *address; /* NULL: sealed (a reporter's) */
    char *fingerprint;
    char *state;
    int64_t tries;
    int64_t seal_tries;
    int64_t earliest_at; /* INSTANT_NONE: at once */
    int64_t next_at;
    char *code; /* the last reply or rule */
    char *queue_id;
};

void copy_row_free(struct copy_row *row);
/* secret_address: for a reporter, kept sealed (row->address NULL). Fills row->id. */
enum err copy_insert(struct db *db, struct copy_row *row, const char *secret_address, struct diag *why);
/* The address, wherever it is kept; the caller wipes and frees. */
char *copy_address(struct db *db, const struct copy_row *row);
enum err copy_by_id(struct db *db, int64_t id, struct copy_row *out, struct diag *why);
/* Copies of a mail in a state (NULL: all), in order of shard. */
enum err copy_of_mail(struct db *db, int64_t mail_id, const char *state, struct copy_row **out, size_t *n,
                      struct diag *why);
/* All copies of a list's mails, newest first, at most max. */
enum err copy_all(struct db *db, int64_t list_id, size_t max, struct copy_row **out, size_t *n, struct diag *why);

/* A shared body in bodies/ (file: its name there). */
enum err body_insert(struct db *db, int64_t mail_id, const char *file, int64_t size_bytes, int64_t *out_id,
                     struct diag *why);
char *body_file(struct db *db, int64_t body_id);
/* Whether a file of bodies/ belongs to a copy that still has to go, or may be shown. */
bool body_is_known(struct db *db, const char *file);

/* The copy is encrypted: queued with its head and body. */
enum err copy_sealed(struct db *db, int64_t id, struct span head, int64_t body_id, struct diag *why);
enum err copy_head(struct db *db, int64_t id, struct buf *out, struct diag *why);

/*
 * Claims due copies: state queued or deferred, next_at <= now, a member that is active (or none), not claimed. At
 * most max ids. What waits for an instant of its own goes by staged_utc_s instead: now, or INT64_MIN while the clock is
 * not believed. A claim lives in core's memory alone (the n_busy ids), so that a crash frees it.
 */
enum err copy_due(struct db *db, int64_t now_utc_s, int64_t staged_utc_s, const int64_t *busy, size_t n_busy,
                  int64_t *ids, size_t max, size_t *n, struct diag *why);
/* Copies that are due at `now` or wait for their sealing. */
int64_t copy_count_open(struct db *db, int64_t now_utc_s);

/* Copies to an address that wait after a failed try, or have failed. */
int64_t copy_count_stuck(struct db *db, const char *address);
/* Copies that were held back for their instant, which has come. */
int64_t copy_count_staged_due(struct db *db, int64_t now_utc_s);
/* Those of a case wait for it no longer: an admin vouches that it has come, whatever the clock is. */
enum err copy_let_staged_go(struct db *db, int64_t case_id, int64_t now_utc_s, int64_t *n, struct diag *why);
/* Those of a case to a member whose instant is still to come have another one. */
enum err copy_move_staged(struct db *db, int64_t case_id, int64_t member_id, int64_t now_utc_s, int64_t at_utc_s,
                          struct diag *why);
/* Those of a case whose instant is still to come never go. */
enum err copy_drop_staged(struct db *db, int64_t case_id, const char *code, int64_t now_utc_s, struct diag *why);

enum err copy_set_state(struct db *db, int64_t id, const char *state, const char *code, int64_t now_utc_s,
                        struct diag *why);
enum err copy_set_sent(struct db *db, int64_t id, const char *code, const char *queue_id, int64_t now_utc_s,
                       struct diag *why);
/* Only where it still waits: a copy that was dropped while the courier had it stays dropped. */
enum err copy_set_deferred(struct db *db, int64_t id, const char *code, int64_t next_at, struct diag *why);
/* An admin's word: it waits until next_at; one that had failed has all its tries again. */
enum err copy_set_waiting(struct db *db, int64_t id, const char *code, int64_t next_at, struct diag *why);
enum err copy_count_seal_try(struct db *db, int64_t id, struct diag *why);
/* Drops every copy to a member that has not gone; *n says how many. */
enum err copy_drop_member(struct db *db, int64_t member_id, const char *code, int64_t now_utc_s, int64_t *n,
                          struct diag *why);
/* The same for one of its addresses. */
enum err copy_drop_address(struct db *db, int64_t member_id, const char *address, const char *code, int64_t now_utc_s,
                           struct diag *why);
/* What waits for its sealing is sealed for the new key. */
enum err copy_change_key(struct db *db, int64_t member_id, const char *old, const char *fingerprint, int64_t key_row,
                         struct diag *why);
/* Drops every copy that is sealed for a key and has not gone; what is not sealed yet, the sealing screens. */
enum err copy_drop_key(struct db *db, int64_t key_row, const char *code, int64_t now_utc_s, int64_t *n,
                       struct diag *why);
/* Drops every copy of a case's advisories that has not gone. */
enum err copy_drop_case(struct db *db, int64_t case_id, const char *code, int64_t now_utc_s, int64_t *n,
                        struct diag *why);

#endif
