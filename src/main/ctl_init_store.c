/* The database of an instance: the data key, and what init records. */
#include "main/ctl_init.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_home.h"
#include "codec/pgp_open.h"
#include "codec/pgp_seal.h"
#include "store/audit.h"
#include "store/members.h"

#include <stdlib.h>
#include <string.h>

#define STORAGE_KEYS_MAX 64 /* lists of one instance that share the data key */
#define WRAPPED_KEY      "wrapped-key"

/* Wraps the data key to every storage key that the home knows. */
static enum err wrap(const char *home, struct span key, struct buf *out, struct diag *why)
{
    static char fingerprints[STORAGE_KEYS_MAX][PGP_FPR_SIZE];
    const char *names[STORAGE_KEYS_MAX];
    size_t n = 0;
    enum err err = pgp_key_list(home, false, fingerprints, STORAGE_KEYS_MAX, &n, why);

    for (size_t i = 0; i < n; i++)
        names[i] = fingerprints[i];
    return err ? err : pgp_encrypt_plain(home, key, names, n, out, why);
}

static enum err new_key(struct init_plan *p, uint8_t key[BOX_KEY_BYTES], struct buf *wrapped, struct diag *why)
{
    char *home = init_gnupg(p, "storage");
    enum err err;

    box_make_key(key);
    err = wrap(home, (struct span){key, BOX_KEY_BYTES}, wrapped, why);
    free(home);
    return err;
}

/*
 * One more list: the data key is opened by the first list's storage key, and wrapped to the new one as well, so that
 * either opens it whatever the order of the lists.
 */
static enum err shared_key(struct init_plan *p, uint8_t key[BOX_KEY_BYTES], struct buf *wrapped, struct diag *why)
{
    char *first = settings_gnupg(p->settings, p->settings->lists[0].name, "storage"), *own = init_gnupg(p, "storage");
    struct buf old = BUF_EMPTY, plain = BUF_EMPTY, certificate = BUF_EMPTY;
    enum err err = ERR_OK;

    if (!db_meta_get(p->db, WRAPPED_KEY, &old))
        err = diag_set(why, ERR_REJECT, "store.no-key", "the database has no data key: restore a backup");
    if (!err)
        err = pgp_decrypt_plain(first, buf_span(&old), &plain, why);
    if (!err && plain.len != BOX_KEY_BYTES)
        err = diag_set(why, ERR_REJECT, "store.no-key", "the data key of the database is damaged: restore a backup");
    if (!err)
        err = pgp_key_export(own, p->storage, true, false, &certificate, why);
    if (!err)
        err = pgp_key_import(first, buf_span(&certificate), NULL, why);
    if (!err) {
        memcpy(key, plain.data, BOX_KEY_BYTES);
        err = wrap(first, buf_span(&plain), wrapped, why);
        if (err)
            pgp_key_delete(first, p->storage, false, NULL);
    }
    pgp_home_stop_agent(first);
    buf_free(&certificate);
    buf_free(&plain);
    buf_free(&old);
    free(own);
    free(first);
    return err;
}

/* Admins of all lists: their certificates are in the database already. */
static enum err add_known_admins(struct init_plan *p, struct diag *why)
{
    struct key_row *row = mem_zero(1, sizeof *row);
    struct list_row list = {0};
    enum err err = list_by_name(p->db, p->settings->lists[0].name, &list, why);

    for (size_t i = 0; !err && i < p->settings->n_admins; i++) {
        const struct settings_admin *a = &p->settings->admins[i];
        struct init_admin *add;

        if (a->n_lists || key_by_fingerprint(p->db, list.id, a->fingerprint, row, NULL))
            continue;
        p->admins = mem_resize(p->admins, p->n_admins + 1, sizeof *p->admins);
        add = &p->admins[p->n_admins++];
        *add = (struct init_admin){
            .address = mem_strdup(a->address), .file = BUF_EMPTY, .certificate = BUF_EMPTY, .key = row->facts};
        err = key_certificate(p->db, row->id, &add->certificate, why);
    }
    list_row_free(&list);
    free(row);
    return err;
}

static enum err record_admins(struct init_plan *p, int64_t list_id, struct diag *why)
{
    enum err err = ERR_OK;
    int64_t id = 0;

    for (size_t i = 0; !err && i < p->n_admins; i++) {
        struct init_admin *a = &p->admins[i];

        err = key_insert(p->db, list_id, true, &a->key, buf_span(&a->certificate), p->now_utc_s, &id, why);
        if (!err)
            err = key_set_imported(p->db, id, why);
    }
    return err;
}

/* What the daemon asks for: the list's public key, for `key export`; and when keys were made, which no CLOCKFILE
 * precedes. */
static enum err record_list_key(struct init_plan *p, struct diag *why)
{
    char *home = init_gnupg(p, "list"), *name = mem_printf("list-key:%s", p->list);
    char *made_at = mem_printf("%lld", (long long)p->now_utc_s);
    struct buf certificate = BUF_EMPTY;
    enum err err = pgp_key_export(home, p->fingerprint, true, false, &certificate, why);

    if (!err)
        err = db_meta_set(p->db, name, buf_span(&certificate), why);
    if (!err)
        err = db_meta_set(p->db, "made-at", span_of(made_at), why);
    buf_free(&certificate);
    free(made_at);
    free(name);
    free(home);
    return err;
}

static enum err record(struct init_plan *p, const struct buf *wrapped, struct diag *why)
{
    struct list_row list = {0};
    enum err err = db_begin(p->db, why);

    if (!err)
        err = db_meta_set(p->db, WRAPPED_KEY, buf_span(wrapped), why);
    if (!err)
        err = record_list_key(p, why);
    if (!err)
        err = list_insert(p->db, p->list, p->fingerprint, 1, why);
    if (!err)
        err = list_by_name(p->db, p->list, &list, why);
    if (!err)
        err = record_admins(p, list.id, why);
    if (!err)
        err = audit_append(p->db, p->now_utc_s, "embargoctl", "init", p->list, "", NULL, why);
    if (!err && init_is_interrupted())
        err = diag_set(why, ERR_AGAIN, "init.interrupted", "it was interrupted; nothing is left of it");
    if (!err)
        err = db_commit(p->db, why);
    list_row_free(&list);
    return err;
}

enum err init_store(struct init_plan *p, struct diag *why)
{
    char *state = init_path(p, "state");
    struct buf wrapped = BUF_EMPTY;
    uint8_t key[BOX_KEY_BYTES] = {0};
    enum err err = db_open(state, p->settings ? DB_OPEN : DB_CREATE, &p->db, why);

    if (!err)
        err = p->settings ? shared_key(p, key, &wrapped, why) : new_key(p, key, &wrapped, why);
    if (!err) {
        db_set_box(p->db, box_new(key));
        mem_wipe(key, sizeof key);
    }
    if (!err && p->settings)
        err = add_known_admins(p, why);
    if (!err)
        err = init_import_admins(p, why);
    if (!err)
        err = record(p, &wrapped, why);
    if (err && p->settings) {
        char *first = settings_gnupg(p->settings, p->settings->lists[0].name, "storage");

        pgp_key_delete(first, p->storage, false, NULL);
        pgp_home_stop_agent(first);
        free(first);
    }
    buf_free(&wrapped);
    free(state);
    return err;
}
