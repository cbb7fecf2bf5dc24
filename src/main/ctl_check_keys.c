/* Keys and what depends on them: each list's, the storage key, each admin's. */
#include "main/ctl_check.h"

#include "base/mem.h"
#include "codec/pgp_home.h"
#include "codec/pgp_key_store.h"
#include "codec/pgp_open.h"
#include "codec/pgp_probe.h"
#include "codec/pgp_seal.h"
#include "flow/preflight.h"
#include "store/members.h"
#include "store/secret_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED_MAX 10 /* members, in one line */

/* An agent that this look started goes away again; a daemon's own stays. */
static void leave(const struct check *k, const char *home)
{
    if (!k->daemon_running)
        pgp_home_stop_agent(home);
}

/* Without a daemon the passphrase comes from where the daemon would have it. */
static void unlock(struct check *k, const struct settings_list *list, const char *home)
{
    struct buf passphrase = {.max = SETTINGS_PASSPHRASE_MAX};
    struct diag none;

    if (!k->daemon_running && !settings_passphrase(list, &passphrase, &none) && passphrase.len &&
        !pgp_home_start_agent(home, &none))
        pgp_home_unlock(home, list->fingerprint, buf_span(&passphrase), &none);
    buf_free(&passphrase);
}

static void check_list_key(struct check *k, const struct settings_list *list)
{
    char *home = settings_gnupg(k->settings, list->name, "list"), *name = mem_printf("key of %s", list->name);
    char *remedy = mem_printf("the secret key %s must be in %s, without a passphrase, or with that of passphrase_file",
                              list->fingerprint, home);
    struct pgp_key_info *key = mem_zero(1, sizeof *key);
    struct buf packets = BUF_EMPTY;
    enum pgp_key_state state = PGP_KEY_MISSING;
    struct diag why;
    char reason[256] = "";
    enum err err = pgp_key_lookup(home, list->fingerprint, key, &why);

    unlock(k, list, home);
    if (!err)
        state = pgp_key_state_at(key, pgp_home_now(home), reason, sizeof reason);
    if (!err && pgp_key_state_sends(state))
        err = pgp_sign_inline(home, list->fingerprint, span_of("check"), &packets, &why);
    if (!err && pgp_key_state_sends(state))
        err = pgp_probe(home, list->fingerprint, &why);
    if (err && strcmp(why.rule, "pgp.engine") == 0)
        check_add(k, CHECK_FAIL, name, REMEDY_GPG, "%s", why.text);
    else if (err)
        check_add(k, CHECK_FAIL, name, remedy, "%s", why.text);
    else if (!pgp_key_state_sends(state))
        check_add(k, CHECK_FAIL, name, "renew the key, or make another", "%s: %s", pgp_key_state_name(state), reason);
    else if (state == PGP_KEY_EXPIRING)
        check_add(k, CHECK_WARN, name, "renew the key", "%s", reason);
    else
        check_add(k, CHECK_OK, name, "", "%s signs, and opens what is sealed to it", list->fingerprint);
    if (list->previous_key)
        check_add(k, CHECK_WARN, name,
                  "when no mail to the old key comes any more: remove previous_key, and delete the old secret key",
                  "side by side with %s", list->previous_key);
    leave(k, home);
    buf_free(&packets);
    free(key);
    free(remedy);
    free(name);
    free(home);
}

static void check_storage(struct check *k)
{
    char *home = settings_gnupg(k->settings, k->settings->lists[0].name, "storage");
    char *remedy = mem_printf("the storage key must be in %s, without a passphrase", home);
    struct buf wrapped = BUF_EMPTY, plain = BUF_EMPTY;
    struct diag why;

    if (!db_meta_get(k->db, "wrapped-key", &wrapped))
        check_add(k, CHECK_FAIL, "storage key", REMEDY_COPY, "the database has no data key");
    else if (pgp_decrypt_plain(home, buf_span(&wrapped), &plain, &why))
        check_add(k, CHECK_FAIL, "storage key", remedy, "it does not open the data key: %s", why.text);
    else if (plain.len != BOX_KEY_BYTES)
        check_add(k, CHECK_FAIL, "storage key", REMEDY_COPY, "the data key is damaged");
    else
        check_add(k, CHECK_OK, "storage key", "", "opens the data key");
    leave(k, home);
    buf_free(&plain);
    buf_free(&wrapped);
    free(remedy);
    free(home);
}

static void check_admin(struct check *k, const struct settings_admin *admin, const struct settings_list *list,
                        int64_t now_utc_s)
{
    char *name = mem_printf("admin %s of %s", admin->address, list->name);
    struct key_row *row = mem_zero(1, sizeof *row);
    struct list_row list_row = {0};
    char reason[256] = "";
    enum pgp_key_state state = PGP_KEY_MISSING;
    struct diag why;

    if (!list_by_name(k->db, list->name, &list_row, &why) &&
        !key_by_fingerprint(k->db, list_row.id, admin->fingerprint, row, &why))
        state = pgp_key_state_at(&row->facts, now_utc_s, reason, sizeof reason);
    if (state == PGP_KEY_MISSING)
        check_add(k, CHECK_FAIL, name, "embargoctl key import FILE", "the key of this admin is not known");
    else if (!pgp_key_state_sends(state))
        check_add(k, CHECK_FAIL, name, "embargoctl key import FILE, with a newer certificate", "%s: %s",
                  pgp_key_state_name(state), reason);
    else
        check_add(k, state == PGP_KEY_EXPIRING ? CHECK_WARN : CHECK_OK, name,
                  state == PGP_KEY_EXPIRING ? "ask for a renewed certificate" : "", "key %s",
                  pgp_key_state_name(state));
    list_row_free(&list_row);
    free(row);
    free(name);
}

/* Whom no advisory would reach. */
static void check_members(struct check *k, const struct settings_list *list, int64_t now_utc_s)
{
    char *name = mem_printf("members of %s", list->name);
    struct buf words = BUF_EMPTY;
    struct list_row row = {0};
    json_t *members = json_array(), *member;
    struct diag why;
    size_t i, n = 0;
    enum err err = list_by_name(k->db, list->name, &row, &why);

    if (!err)
        err = preflight_unserved(k->db, row.id, now_utc_s, members, &why);
    n = json_array_size(members);
    json_array_foreach(members, i, member) if (i < NAMED_MAX)
        buf_printf(&words, "%s%s (%s)", i ? ", " : "", json_string_value(json_object_get(member, "org")),
                   json_string_value(json_object_get(member, "rule")));
    if (err)
        check_add(k, CHECK_FAIL, name, REMEDY_COPY, "%s", why.text);
    else if (n)
        check_add(k, CHECK_WARN, name, "ask them for a key; embargoctl next names them all",
                  "%zu cannot be served: %s%s", n, buf_text(&words), n > NAMED_MAX ? ", …" : "");
    else
        check_add(k, CHECK_OK, name, "", "all can be served");
    json_decref(members);
    list_row_free(&row);
    buf_free(&words);
    free(name);
}

/* What a mail of the last months said is somebody's secret key, while he is still pinned to it. */
static void check_exposed(struct check *k, const struct settings_list *list, int64_t now_utc_s)
{
    char *name = mem_printf("exposed keys of %s", list->name);
    struct secret_key_row *rows = NULL;
    struct list_row row = {0};
    struct diag why;
    size_t n = 0;

    if (!list_by_name(k->db, list->name, &row, &why))
        secret_key_since(k->db, row.id, now_utc_s - SECRET_KEY_WARN_S, &rows, &n, &why);
    for (size_t i = 0; i < n; i++) {
        const struct settings_admin *admin = settings_admin_with_key(k->settings, list, rows[i].fingerprint);
        const char *who = admin                                                 ? admin->address
                          : strcmp(list->fingerprint, rows[i].fingerprint) == 0 ? "the list"
                                                                                : rows[i].org;

        if (who)
            check_add(k, CHECK_WARN, name, "ask its owner; then key replace, or key rotate-list",
                      "a mail (%s) held what says that it is the secret key of %s: %s", rows[i].code, who,
                      rows[i].fingerprint);
    }
    secret_key_rows_free(rows, n);
    list_row_free(&row);
    free(name);
}

/* Live, one uid cannot tell two admins apart, and approvals need two. */
static void check_uids(struct check *k)
{
    const struct settings *s = k->settings;

    for (size_t i = 0; i < s->n_admins; i++)
        for (size_t n = i + 1; n < s->n_admins; n++)
            if (s->admins[i].uid >= 0 && s->admins[i].uid == s->admins[n].uid) {
                check_add(k, CHECK_WARN, "admins", "give each admin a uid of the own",
                          "several admins share the uid %lld: embargoctl takes the first, and approvals are refused",
                          (long long)s->admins[i].uid);
                return;
            }
}

void check_keys(struct check *k)
{
    const struct settings *s = k->settings;

    for (size_t i = 0; i < s->n_lists; i++)
        check_list_key(k, &s->lists[i]);
    if (!k->db)
        return;
    check_storage(k);
    for (size_t i = 0; i < s->n_lists; i++) {
        char *home = settings_gnupg(s, s->lists[i].name, "list");

        for (size_t n = 0; n < s->n_admins; n++)
            if (settings_admin_serves(&s->admins[n], &s->lists[i]))
                check_admin(k, &s->admins[n], &s->lists[i], pgp_home_now(home));
        check_members(k, &s->lists[i], pgp_home_now(home));
        check_exposed(k, &s->lists[i], pgp_home_now(home));
        check_rotation(k, &s->lists[i]);
        leave(k, home);
        free(home);
    }
    check_uids(k);
}
