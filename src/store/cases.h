/*
 * Cases, their messages, references, participants and notes.
 *
 * A row's strings belong to the row. Sealed columns (title, CVE ids, messages, addresses) are read and written by
 * functions of their own, never by accident with the row.
 */
#ifndef STORE_CASES_H
#define STORE_CASES_H

#include "store/db.h"

#define CASE_CODE_SIZE 9

struct case_row {
    int64_t id;
    int64_t list_id;
    char code[CASE_CODE_SIZE];
    char *public_id;
    char *state;
    char *track;       /* NULL: none fits */
    bool track_chosen; /* by an admin: it stays, whatever else is set */
    char *mode;
    char *model;
    char *severity;      /* NULL: not rated */
    char *policy;        /* ID@EDITION, pinned */
    char *policy_digest; /* of its text, hex */
    char *embargo_status;
    char *duplicate_of;
    /* facts that tracks go by, as an admin has set them; NULL or -1: not known */
    char *channel;
    char *origin; /* "human", "automated" */
    char *scope;
    int64_t fix_needs_s;
    bool is_public;  /* the report says so, or the team */
    int64_t version; /* of the last advisory that was sent, 0: none */
    /* instants in UTC seconds, INSTANT_NONE where it has not happened or is not set */
    int64_t opened_at, acknowledged_at, accepted_at, fix_ready_at, predisclosed_at, public_at, closed_at;
    int64_t until_at, discoverer_at, embargo_start_at;
};

void case_row_free(struct case_row *row);

/* Inserts; fills row->id. row->code must be set and unused. */
enum err case_insert(struct db *db, struct case_row *row, struct diag *why);
/* Writes every clear column of an existing row. */
enum err case_update(struct db *db, const struct case_row *row, struct diag *why);
/* ERR_NOT_FOUND rule case.unknown. */
enum err case_by_code(struct db *db, const char *code, struct case_row *out, struct diag *why);
enum err case_by_id(struct db *db, int64_t id, struct case_row *out, struct diag *why);
/* All cases of a list in order of opening; the caller frees each and the array. */
enum err case_all(struct db *db, int64_t list_id, struct case_row **out, size_t *n, struct diag *why);

/* ---- messages ---- */

struct message_row {
    int64_t id;
    int64_t n; /* counts from 1 in its case */
    int64_t at;
    char *author;    /* "reporter", "stranger", "team:ADDRESS", "member:ORG" */
    char *signed_by; /* primary fingerprint, NULL where nothing was proved */
    bool verified;
    bool encrypted;
    int64_t size_bytes;
};

void message_row_free(struct message_row *row);
/* Fills row->id and row->n. raw: the mail as read (decrypted); facts: JSON text of what was understood. */
enum err message_insert(struct db *db, int64_t case_id, struct message_row *row, struct span raw, struct span facts,
                        struct diag *why);
enum err message_all(struct db *db, int64_t case_id, struct message_row **out, size_t *n, struct diag *why);
enum err message_raw(struct db *db, int64_t id, struct buf *out, struct diag *why);
enum err message_facts(struct db *db, int64_t id, struct buf *out, struct diag *why);

/* ---- Message-ID references, kept as keyed digests ---- */
enum err reference_add(struct db *db, int64_t case_id, const char *message_id, struct diag *why);
/* The case that a Message-ID belongs to; 0: none. */
int64_t reference_find(struct db *db, const char *message_id);

/* ---- participants: reporters and people invited ---- */

struct participant_row {
    int64_t id;
    int64_t case_id;
    char *role; /* "reporter", "invited" */
    char *fingerprint;
    int64_t ended_at;
};

void participant_row_free(struct participant_row *row);
/* Makes a random token of 104 bits for the address; key: a certificate used for replies to this participant alone. */
enum err participant_insert(struct db *db, int64_t case_id, const char *role, const char *address, struct span key,
                            const char *fingerprint, int64_t now_utc_s, struct participant_row *out, struct diag *why);
enum err participant_by_token(struct db *db, const char *token, struct participant_row *out, struct diag *why);
/* By address within a case; ERR_NOT_FOUND. */
enum err participant_by_address(struct db *db, int64_t case_id, const char *address, struct participant_row *out,
                                struct diag *why);
enum err participant_all(struct db *db, int64_t case_id, struct participant_row **out, size_t *n, struct diag *why);
char *participant_address(struct db *db, int64_t id); /* the caller wipes and frees */
char *participant_fingerprint(struct db *db, int64_t id); /* NULL where he has no key; the caller frees */
char *participant_token(struct db *db, int64_t id);
char *participant_token_of_nobody(void); /* looks the same, and leads nowhere; the caller frees */
enum err participant_key(struct db *db, int64_t id, struct buf *out, struct diag *why);
/* The key of the participant, the newest where there are several, that a signature names as its issuer. */
enum err participant_key_of_issuer(struct db *db, const char *issuer, struct buf *out, struct diag *why);
/* Ends the participation, and the token, of an address or key (NULL: none) in every case of a list; *n counts them. */
enum err participant_end_person(struct db *db, int64_t list_id, const char *address, const char *fingerprint,
                                int64_t now_utc_s, int64_t *n, struct diag *why);
enum err participant_set_key(struct db *db, int64_t id, struct span key, const char *fingerprint, struct diag *why);

/* Seals the fingerprints of participants, messages and copies that an older program left in clear. In a transaction. */
enum err participant_seal_old(struct db *db, struct diag *why);

/* ---- notes of the team ---- */
enum err note_insert(struct db *db, int64_t case_id, const char *actor, const char *text, int64_t now_utc_s,
                     struct diag *why);

struct note_row {
    int64_t id;
    int64_t at;
    char *actor;
    char *text; /* opened; wiped when freed */
};
void note_row_free(struct note_row *row);
enum err note_all(struct db *db, int64_t case_id, struct note_row **out, size_t *n, struct diag *why);

#endif
