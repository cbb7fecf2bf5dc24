/*
 * Applications for membership, with their votes, vouchers and messages.
 *
 * Everything that a person wrote is sealed (organisation, form, addresses, key, texts); clear are code, state,
 * instants, the fingerprint, and keyed digests of what has to be found again. An applicant's key is in no shard of
 * members: it is kept here, and imported into the quarantine home.
 */
#ifndef STORE_APPLICATIONS_H
#define STORE_APPLICATIONS_H

#include "codec/pgp_key.h"
#include "store/db.h"

/* Where the key stands with the quarantine home. */
enum application_quarantine { QUARANTINE_NONE, QUARANTINE_TO_IMPORT, QUARANTINE_IN, QUARANTINE_TO_DELETE };

struct application_row {
    int64_t id;
    int64_t list_id;
    char code[BOX_ID_SIZE];
    char *state;       /* policy/states.h */
    char *fingerprint; /* NULL: no key that can be used came */
    char *key_rule;    /* why one that came is not used; "key.sought": it is being looked up; NULL */
    char *tier;        /* as an admin chose it; NULL: by the class */
    int64_t received_at, complete_at, decide_by, challenge_until; /* INSTANT_NONE */
    int64_t challenges;                                           /* how many were sent */
    int64_t member_id;                                            /* once it is one; 0 */
    bool proved;     /* what came was signed by its key: it goes before one that merely has the key of another */
    bool answerable; /* the sender proved enough to be answered by a program */
    enum application_quarantine quarantine;
};

void application_row_free(struct application_row *row);

/*
 * A new one, with a code of its own; fills row->id and row->code. org and from (an address) are what later ones are
 * found by, answer is the address that answers go to.
 */
enum err application_insert(struct db *db, struct application_row *row, const char *org, const char *from,
                            const char *answer, struct diag *why);
/* Writes every clear column. */
enum err application_update(struct db *db, const struct application_row *row, struct diag *why);

/* ERR_NOT_FOUND rule application.unknown. */
enum err application_by_code(struct db *db, const char *code, struct application_row *out, struct diag *why);
enum err application_by_id(struct db *db, int64_t id, struct application_row *out, struct diag *why);
/* One that was signed by it first, then those that are not over, then the newest. ERR_NOT_FOUND. */
enum err application_by_fingerprint(struct db *db, int64_t list_id, const char *fingerprint,
                                    struct application_row *out, struct diag *why);
/* The newest of an organisation (case does not count) that is not over; without: not this one (0: any). */
enum err application_open_of_org(struct db *db, int64_t list_id, const char *org, int64_t without,
                                 struct application_row *out, struct diag *why);
/* All of a list in the order in which they came; the caller frees each and the array. */
enum err application_all(struct db *db, int64_t list_id, struct application_row **out, size_t *n, struct diag *why);

/* ---- sealed parts; the readers' strings the caller wipes and frees, NULL where there is none ---- */
enum application_part {
    APPLICATION_ORG,
    APPLICATION_FORM,      /* "Field: value" lines */
    APPLICATION_ANSWER_TO, /* the address that answers go to */
    APPLICATION_REASON,    /* of a decline */
    APPLICATION_PARTS
};
enum err application_set(struct db *db, int64_t id, enum application_part part, const char *text, struct diag *why);
char *application_get(struct db *db, int64_t id, enum application_part part);
enum err application_rename(struct db *db, int64_t id, const char *org, struct diag *why);
bool application_is_from(struct db *db, int64_t id, const char *from);

/* ---- the key ---- */
enum err application_set_key(struct db *db, struct application_row *row, const struct pgp_key_info *facts,
                             struct span certificate, struct diag *why);
/* Forgets it here; the quarantine home is told to. */
enum err application_drop_key(struct db *db, struct application_row *row, struct diag *why);
/* ERR_NOT_FOUND rule key.missing. certificate may be NULL. */
enum err application_key(struct db *db, int64_t id, struct pgp_key_info *facts, struct buf *certificate,
                         struct diag *why);
/*
 * Whether the key shares a (sub)key with one of the list's, or with an open application that goes before: one that was
 * signed by the key before one that was not, then the older one.
 */
bool application_key_taken(struct db *db, const struct application_row *row, const struct pgp_key_info *facts);
/* Whether a signature's issuer (fingerprint or key id) is a key in the list's quarantine. */
bool application_has_issuer(struct db *db, int64_t list_id, const char *issuer);
/* The next key to be imported into, or deleted from, its quarantine home; ERR_NOT_FOUND: none. */
enum err application_quarantine_next(struct db *db, struct application_row *out, struct diag *why);
enum err application_quarantine_done(struct db *db, int64_t id, enum application_quarantine now, struct diag *why);

/* ---- the challenge: kept as a keyed digest ---- */
enum err application_set_challenge(struct db *db, struct application_row *row, const char *nonce, int64_t until,
                                   struct diag *why);
bool application_challenge_is(struct db *db, int64_t id, const char *nonce);

/* ---- votes ---- */
struct application_vote {
    char *admin; /* address */
    char *vote;  /* "approve" */
    int64_t at;
};
/* The votes that decided; those of an approval that still waits stand in store/approvals.h. Once for each admin. */
enum err application_vote(struct db *db, int64_t id, const char *admin, const char *vote, int64_t now_utc_s,
                          struct diag *why);
enum err application_votes(struct db *db, int64_t id, struct application_vote **out, size_t *n, struct diag *why);
void application_votes_free(struct application_vote *votes, size_t n);
enum err application_votes_drop(struct db *db, int64_t id, struct diag *why);

/* ---- vouchers ---- */
struct application_voucher {
    int64_t member_id;
    char *state; /* "asked", "yes", "no" */
};
/* Once for each member: ERR_OK, *added false where it has been asked. */
enum err application_voucher_ask(struct db *db, int64_t id, int64_t member_id, int64_t now_utc_s, bool *added,
                                 struct diag *why);
bool application_names_voucher(struct db *db, int64_t id, int64_t member_id);
/* ERR_NOT_FOUND rule application.not-asked. */
enum err application_voucher_answer(struct db *db, int64_t id, int64_t member_id, bool yes, int64_t now_utc_s,
                                    struct diag *why);
enum err application_vouchers(struct db *db, int64_t id, struct application_voucher **out, size_t *n, struct diag *why);
void application_vouchers_free(struct application_voucher *vouchers, size_t n);

/* ---- what was written besides the form ---- */
struct application_message {
    int64_t at;
    char *author; /* "applicant", "admin:ADDRESS", "member:ORG" */
    char *text;   /* opened; wiped when freed */
};
enum err application_message_add(struct db *db, int64_t id, const char *author, const char *text, int64_t now_utc_s,
                                 struct diag *why);
enum err application_messages(struct db *db, int64_t id, struct application_message **out, size_t *n, struct diag *why);
void application_messages_free(struct application_message *messages, size_t n);

/* ---- Message-IDs, as keyed digests: they route, and never authorise ---- */
enum err application_reference_add(struct db *db, int64_t id, const char *message_id, struct diag *why);
/* 0: none. */
int64_t application_reference_find(struct db *db, int64_t list_id, const char *message_id);

/* Answers of this kind of the last so many seconds, and of those to this address; for limits. */
int64_t application_answers_since(struct db *db, int64_t since_utc_s);
int64_t application_answers_to_since(struct db *db, const char *address, int64_t since_utc_s);
enum err application_answer_note(struct db *db, const char *address, int64_t now_utc_s, struct diag *why);

#endif
