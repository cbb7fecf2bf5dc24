/*
 * Lists, members (organisations), their contacts, and the keys of members and admins.
 *
 * A key is imported into a GnuPG home (shard) after its row is committed: `imported` says whether that has happened.
 * Shard 0 is the team's; members fill shards from 1 on, 500 keys each.
 */
#ifndef STORE_MEMBERS_H
#define STORE_MEMBERS_H

#include "codec/pgp_key.h"
#include "store/db.h"

#define MEMBER_SHARD_KEYS 500
#define MEMBER_SHARD_TEAM 0

struct list_row {
    int64_t id;
    char *name;
    char *fingerprint; /* of the list's key */
    int64_t next_public;
};

void list_row_free(struct list_row *row);
enum err list_insert(struct db *db, const char *name, const char *fingerprint, int64_t next_public, struct diag *why);
/* ERR_NOT_FOUND rule list.unknown. */
enum err list_by_name(struct db *db, const char *name, struct list_row *out, struct diag *why);
/* The series goes on at least from here: a number that is out is never given again. */
enum err list_raise_public_number(struct db *db, const char *name, int64_t next, struct diag *why);
/* The next number of the list's series, which moves on. */
enum err list_take_public_number(struct db *db, int64_t list_id, int64_t *out, struct diag *why);

struct member_row {
    int64_t id;
    int64_t list_id;
    char *org;
    char *class_name;
    char *tier;
    char *state; /* policy/states.h */
    int64_t added_at;
    char *language; /* of the texts that it gets (flow/texts.h); NULL: English */
};

void member_row_free(struct member_row *row);
/* ERR_DENIED member.exists: a member, or one that was, has this name, or one that differs in ASCII's case alone. */
enum err member_check_new(struct db *db, int64_t list_id, const char *org, struct diag *why);
enum err member_insert(struct db *db, struct member_row *row, struct diag *why); /* checked so */
/* A member that is removed loses its nonces (store/nonces.h) with that. */
enum err member_set_state(struct db *db, int64_t id, const char *state, const char *reason, int64_t now_utc_s,
                          struct diag *why);
/* NULL: English. */
enum err member_set_language(struct db *db, int64_t id, const char *language, struct diag *why);
/* ERR_NOT_FOUND rule member.unknown. */
enum err member_by_org(struct db *db, int64_t list_id, const char *org, struct member_row *out, struct diag *why);
enum err member_by_id(struct db *db, int64_t id, struct member_row *out, struct diag *why);
/* All members of a list in order of their organisations' names. */
enum err member_all(struct db *db, int64_t list_id, struct member_row **out, size_t *n, struct diag *why);

/* When it last said that all is as it was: at the latest when it came in. */
int64_t member_attested_at(struct db *db, int64_t id);
enum err member_set_attested(struct db *db, int64_t id, int64_t at_utc_s, struct diag *why);

/* When a mail last went to it; INSTANT_NONE: never. */
int64_t member_last_delivery(struct db *db, int64_t id);
/* Of how many cases it was told, and how many it has acknowledged. */
void member_count_acks(struct db *db, int64_t id, int64_t *told, int64_t *given);

struct contact_row {
    int64_t id;
    int64_t member_id;
    char *address;
    char *fingerprint; /* NULL: no key */
};

void contact_row_free(struct contact_row *row);
void contact_rows_free(struct contact_row *rows, size_t n);
enum err contact_insert(struct db *db, struct contact_row *row, int64_t now_utc_s, struct diag *why);
enum err contact_all(struct db *db, int64_t member_id, struct contact_row **out, size_t *n, struct diag *why);
/* Whether the address is a contact of any member; it says nothing of who wrote. */
bool contact_is_somebodys(struct db *db, const char *address);
/* ERR_NOT_FOUND rule contact.unknown. */
enum err contact_by_id(struct db *db, int64_t id, struct contact_row *out, struct diag *why);
enum err contact_delete(struct db *db, int64_t id, struct diag *why);
enum err contact_set_key(struct db *db, int64_t id, const char *fingerprint, struct diag *why);
/* The member that a fingerprint or an address belongs to; ERR_NOT_FOUND. */
enum err member_by_fingerprint(struct db *db, int64_t list_id, const char *fingerprint, struct member_row *out,
                               struct diag *why);
enum err member_by_address(struct db *db, int64_t list_id, const char *address, struct member_row *out,
                           struct diag *why);

struct key_row {
    int64_t id;
    int64_t list_id;
    int64_t shard;
    bool imported;
    struct pgp_key_info facts;
};

/*
 * Keeps a certificate. A known fingerprint gets the newer certificate and is to be imported again.
 * ERR_DENIED rule key.duplicate where another key has one of its subkeys.
 */
enum err key_insert(struct db *db, int64_t list_id, bool of_team, const struct pgp_key_info *facts,
                    struct span certificate, int64_t now_utc_s, int64_t *out_id, struct diag *why);
/* ERR_NOT_FOUND rule key.unknown. */
enum err key_by_fingerprint(struct db *db, int64_t list_id, const char *fingerprint, struct key_row *out,
                            struct diag *why);
enum err key_by_id(struct db *db, int64_t id, struct key_row *out, struct diag *why);
/* The shard of the key whose fingerprint, or whose (sub)key's id, this is; -1: none. */
int64_t key_shard_of_issuer(struct db *db, int64_t list_id, const char *issuer);
enum err key_certificate(struct db *db, int64_t id, struct buf *out, struct diag *why);
/* With its subkeys; the home of its shard keeps the certificate, which is of no use to anybody by itself. */
enum err key_delete(struct db *db, int64_t id, struct diag *why);
enum err key_set_imported(struct db *db, int64_t id, struct diag *why);
/* The rows of keys that still wait for their import, at most max of them. */
enum err key_waiting(struct db *db, int64_t *ids, size_t max, size_t *n, struct diag *why);
/* The fingerprints of all keys of a list, in order; the caller frees each and the array. */
enum err key_all(struct db *db, int64_t list_id, char ***out, size_t *n, struct diag *why);

#endif
