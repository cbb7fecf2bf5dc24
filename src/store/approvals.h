/*
 * What waits for further admins: proposals and their votes. flow/approvals.h has the rules; here they are only kept.
 *
 * A proposal is open, and ends once, as done, refused (when its turn came it could not be carried out), vetoed,
 * withdrawn or expired. What is to be carried out is sealed, and wiped at the end. Votes stay.
 */
#ifndef STORE_APPROVALS_H
#define STORE_APPROVALS_H

#include "store/db.h"

struct approval_row {
    int64_t id;
    int64_t list_id;
    char code[BOX_ID_SIZE];
    char *kind;   /* who carries it out: "command", or an action's name (flow/approval_actions.c) */
    char *action; /* for people: "member add" */
    char *object; /* "Acorn", a case's id; nothing secret */
    char *by;     /* an actor's name */
    int64_t at;
    int64_t needs;
    int64_t not_before_at; /* INSTANT_NONE: as soon as enough admins approve */
    int64_t until_at;      /* when it expires */
    char *state;           /* open, done, refused, vetoed, withdrawn, expired */
};

struct vote_row {
    char *admin; /* an address */
    char *vote;  /* approve, veto */
    int64_t at;
};

void approval_row_free(struct approval_row *row);
void vote_rows_free(struct vote_row *rows, size_t n);

/* Fills row->id and row->code. digest (of what is proposed) finds it again: approval_same. */
enum err approval_insert(struct db *db, struct approval_row *row, const uint8_t digest[BOX_DIGEST_BYTES],
                         struct span payload, struct diag *why);
/* ERR_NOT_FOUND rule approval.unknown. */
enum err approval_by_code(struct db *db, const char *code, struct approval_row *out, struct diag *why);
enum err approval_by_id(struct db *db, int64_t id, struct approval_row *out, struct diag *why);
/* The open one of a list with this digest; ERR_NOT_FOUND. */
enum err approval_same(struct db *db, int64_t list_id, const uint8_t digest[BOX_DIGEST_BYTES], struct approval_row *out,
                       struct diag *why);
/* The open ones of a list (0: of all), oldest first. The caller frees rows and array. */
enum err approval_open(struct db *db, int64_t list_id, struct approval_row **out, size_t *n, struct diag *why);
enum err approval_payload(struct db *db, int64_t id, struct buf *out, struct diag *why);
/* Ends it, and wipes what was to be carried out. */
enum err approval_end(struct db *db, int64_t id, const char *state, int64_t now_utc_s, struct diag *why);

/* ERR_DENIED rule approval.twice where this admin has voted. */
enum err vote_insert(struct db *db, int64_t approval_id, const char *admin, const char *vote, int64_t now_utc_s,
                     struct diag *why);
/* Takes the place of a vote of the same admin. */
enum err vote_veto(struct db *db, int64_t approval_id, const char *admin, int64_t now_utc_s, struct diag *why);
/* Takes back what this admin has approved of what a list has open; the audit trail keeps it. */
enum err vote_drop(struct db *db, int64_t list_id, const char *admin, struct diag *why);
enum err vote_all(struct db *db, int64_t approval_id, struct vote_row **out, size_t *n, struct diag *why);

#endif
