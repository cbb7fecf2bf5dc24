/*
 * The change of the list's own key (embargoctl key rotate-list), so that a crash at any step leaves the old state or
 * the new one:
 *
 *   1  the new key is made in the list's home, and signs the statement together with the old one
 *   2  it is staged: certificates and statement are put into the database, one transaction; nothing has changed yet
 *   3  embargod.conf, which decides, gets `key` and `previous_key`, by rename
 *   4  the daemon starts, sees another key in embargod.conf than in the database, and takes what is staged, in one
 *      transaction with the duty that announces it
 *
 * Before 3 the old key stays, and the command run again goes on with the staged one; after 3 the next start does the
 * rest. A key in embargod.conf that is neither the database's nor staged refuses the start (list.other-key): what
 * members are told, the site and the signatures must be one key.
 *
 * Both keys open mail as long as previous_key stands in embargod.conf. What a key opens that was taken out of it is
 * held (not-for-us), whether or not the secret key is there still.
 *
 * In `meta`, for each list: list-key and list-key-before (certificates), list-key-statement, list-key-next (staged),
 * list-keys-shown, list-keys-retired (a line for each key that was the list's: the fingerprints of it and its subkeys).
 */
#ifndef FLOW_LIST_ROTATION_H
#define FLOW_LIST_ROTATION_H

#include "flow/flow.h"

struct list_rotation {
    char *fingerprint, *previous; /* upper-case hex */
    char *statement;              /* clear-signed by both */
    char *retires;                /* fingerprints of the previous key and its subkeys, blanks between */
    struct buf certificate, previous_certificate;
};

void list_rotation_free(struct list_rotation *r);

/* Step 2. In the caller's transaction. */
enum err list_rotation_stage(struct db *db, const char *list, const struct list_rotation *r, struct diag *why);

/* False where nothing is staged, or it cannot be read. */
bool list_rotation_staged(struct db *db, const char *list, struct list_rotation *out);

enum list_rotation_state {
    LIST_ROTATION_NONE,        /* one key, and nothing staged */
    LIST_ROTATION_INTERRUPTED, /* staged, and embargod.conf has the old key */
    LIST_ROTATION_DUE,         /* embargod.conf has the staged key */
    LIST_ROTATION_OTHER        /* embargod.conf has a key that is neither */
};

/* row_fingerprint: of the list's row. */
enum list_rotation_state list_rotation_state(struct db *db, const struct settings_list *list,
                                             const char *row_fingerprint);

/*
 * Step 4, at core's start; and where the keys in embargod.conf are others than at the last start, a site that stands is
 * built anew. ERR_REJECT list.other-key. In the caller's transaction.
 */
enum err list_rotation_adopt(struct flow *f, const struct settings_list *list, const struct list_row *row,
                             struct diag *why);

/* Was this (sub)key the list's once, and is in embargod.conf no more? */
bool list_rotation_retired(struct db *db, const struct settings_list *list, const char *opened_by);

/* What is recorded of the list's keys: what is "list-key", "list-key-before", "list-key-statement". */
bool list_rotation_meta(struct db *db, const char *what, const char *list, struct buf *out);

/* Appends the fingerprint of the key before the one of now; nothing where there was none. */
void list_rotation_last(struct db *db, const char *list, struct buf *out);

#endif
