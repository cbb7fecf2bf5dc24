/* The list's new key: made, signed for by the old one, staged in the database. */
#include "main/ctl_rotate.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_home.h"
#include "codec/pgp_key.h"
#include "codec/pgp_key_store.h"
#include "codec/pgp_seal.h"
#include "flow/list_rotation.h"
#include "flow/texts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRETS_MAX 64

static bool has_secret(const struct rotation *r, const char *fingerprint)
{
    char(*found)[PGP_FPR_SIZE] = mem_zero(SECRETS_MAX, sizeof *found);
    struct diag none;
    size_t n = 0;
    bool has = false;

    if (!pgp_key_list(r->home, true, found, SECRETS_MAX, &n, &none))
        for (size_t i = 0; !has && i < n; i++)
            has = strcmp(found[i], fingerprint) == 0;
    free(found);
    return has;
}

/* --key: one that lies there, whose encryption works. */
static enum err take_wanted(struct rotation *r, struct diag *why)
{
    struct pgp_key_info *key = mem_zero(1, sizeof *key);
    char reason[256] = "", wanted[PGP_FPR_SIZE];
    enum pgp_key_state state = PGP_KEY_MISSING;
    size_t n = 0;
    enum err err = ERR_OK;

    for (const char *p = r->wanted; *p && n + 1 < sizeof wanted; p++)
        if (*p != ' ')
            wanted[n++] = (char)(*p >= 'a' && *p <= 'f' ? *p - 'a' + 'A' : *p);
    wanted[n] = 0;
    if (strcmp(wanted, r->list->fingerprint) == 0)
        err = diag_set(why, ERR_REJECT, "rotate.key", "%s is the list's key already", wanted);
    else if (!has_secret(r, wanted))
        err = diag_set(why, ERR_REJECT, "rotate.key",
                       "no secret key of this full fingerprint is in %s: import it there with gpg --homedir", r->home);
    if (!err)
        err = pgp_key_lookup(r->home, wanted, key, why);
    if (!err)
        state = pgp_key_state_at(key, pgp_home_now(r->home), reason, sizeof reason);
    if (!err && !pgp_key_state_sends(state))
        err = diag_set(why, ERR_REJECT, "rotate.key", "%s cannot be the list's key: %s", wanted, reason);
    if (!err)
        snprintf(r->fingerprint, sizeof r->fingerprint, "%s", wanted);
    free(key);
    return err;
}

/* *made: there is a key to be deleted where the rest fails. */
static enum err find_key(struct rotation *r, const struct list_rotation *staged, bool *made, struct diag *why)
{
    char *user_id;
    enum err err;

    if (r->wanted)
        return take_wanted(r, why);
    if (staged->fingerprint && has_secret(r, staged->fingerprint)) {
        snprintf(r->fingerprint, sizeof r->fingerprint, "%s", staged->fingerprint);
        return ERR_OK;
    }
    user_id = mem_printf("%s <%s>", r->list->name, r->list->address);
    err = pgp_key_generate_locked(r->home, user_id, INSTANT_NONE, buf_span(&r->passphrase), r->fingerprint, why);
    *made = !err;
    free(user_id);
    return err;
}

static enum err unlock(struct rotation *r, struct diag *why)
{
    enum err err = ERR_OK;

    if (!r->passphrase.len)
        return ERR_OK;
    err = pgp_home_start_agent(r->home, why);
    if (!err)
        err = pgp_home_unlock(r->home, r->list->fingerprint, buf_span(&r->passphrase), why);
    return err ? err : pgp_home_unlock(r->home, r->fingerprint, buf_span(&r->passphrase), why);
}

static enum err sign(struct rotation *r, struct diag *why)
{
    char at[INSTANT_TEXT_SIZE];
    const struct tmpl_value values[] = {{"list", r->list->address},
                                        {"at", instant_text(pgp_home_now(r->home), at)},
                                        {"old", r->list->fingerprint},
                                        {"new", r->fingerprint}};
    struct buf text = BUF_EMPTY;
    enum err err = text_fill("list-key-statement", values, 4, &text, why);

    if (!err)
        err = unlock(r, why);
    if (!err)
        err = pgp_sign_clear_both(r->home, r->list->fingerprint, r->fingerprint, buf_span(&text), &r->statement, why);
    buf_free(&text);
    return err;
}

/* What mail to the old key names: the fingerprints of all of it. */
static enum err list_old(const struct rotation *r, struct buf *out, struct diag *why)
{
    struct pgp_key_info *key = mem_zero(1, sizeof *key);
    enum err err = pgp_key_lookup(r->home, r->list->fingerprint, key, why);

    for (size_t i = 0; !err && i < key->n_subkeys; i++)
        buf_printf(out, "%s%s", i ? " " : "", key->subkeys[i].fingerprint);
    free(key);
    return err;
}

static enum err stage(struct rotation *r, struct db *db, struct diag *why)
{
    struct list_rotation next = {.fingerprint = r->fingerprint,
                                 .previous = r->list->fingerprint,
                                 .statement = (char *)buf_text(&r->statement),
                                 .certificate = BUF_EMPTY,
                                 .previous_certificate = BUF_EMPTY};
    struct buf retires = BUF_EMPTY;
    enum err err = pgp_key_export(r->home, r->fingerprint, true, false, &next.certificate, why);

    if (!err)
        err = pgp_key_export(r->home, r->list->fingerprint, true, false, &next.previous_certificate, why);
    if (!err)
        err = list_old(r, &retires, why);
    next.retires = (char *)buf_text(&retires);
    if (!err)
        err = db_begin(db, why);
    if (!err)
        err = list_rotation_stage(db, r->list->name, &next, why);
    err = db_end(db, err, why);
    buf_free(&next.certificate);
    buf_free(&next.previous_certificate);
    buf_free(&retires);
    return err;
}

/* The database has the same key as embargod.conf, else the last change has not begun yet, or went wrong. */
static enum err check_row(struct rotation *r, struct db *db, struct diag *why)
{
    struct list_row row = {0};
    enum err err = list_by_name(db, r->list->name, &row, why);

    if (!err && strcmp(row.fingerprint, r->list->fingerprint) != 0)
        err = diag_set(why, ERR_DENIED, "rotate.not-begun",
                       "embargod.conf has the key %s, and the database %s still: start embargod first, or put that one "
                       "back",
                       r->list->fingerprint, row.fingerprint);
    list_row_free(&row);
    return err;
}

enum err rotate_keys(struct rotation *r, struct diag *why)
{
    struct list_rotation staged = {.certificate = BUF_EMPTY, .previous_certificate = BUF_EMPTY};
    struct db *db = NULL;
    bool made = false;
    enum err err = db_open(r->state, DB_OPEN, &db, why);

    if (!err)
        err = check_row(r, db, why);
    if (!err)
        list_rotation_staged(db, r->list->name, &staged);
    if (!err)
        err = find_key(r, &staged, &made, why);
    if (!err)
        err = sign(r, why);
    if (!err)
        err = stage(r, db, why);
    if (err && made)
        pgp_key_delete(r->home, r->fingerprint, true, NULL);
    pgp_home_stop_agent(r->home);
    list_rotation_free(&staged);
    db_close(&db);
    return err;
}
