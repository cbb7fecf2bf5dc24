/* Homes and keys of a new list. */
#include "main/ctl_init.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_home.h"
#include "codec/pgp_seal.h"
#include "store/members.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *name;
    enum pgp_home_kind kind;
} homes[] = {
    {"list", PGP_HOME_LIST},
    {"storage", PGP_HOME_STORAGE},
    {"quarantine", PGP_HOME_QUARANTINE},
    {"member-000", PGP_HOME_SHARD},
};

enum err init_make_homes(struct init_plan *p, struct diag *why)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < sizeof homes / sizeof homes[0]; i++) {
        char *home = init_gnupg(p, homes[i].name);

        err = pgp_home_make(home, homes[i].kind, why);
        free(home);
    }
    return err;
}

void init_stop_agents(const struct init_plan *p)
{
    for (size_t i = 0; i < sizeof homes / sizeof homes[0]; i++) {
        char *home = init_gnupg(p, homes[i].name);

        pgp_home_stop_agent(home);
        free(home);
    }
}

/* A key must be one that mail can be encrypted to; whose says so to the reader. */
static enum err check_state(const struct init_plan *p, const struct pgp_key_info *key, const char *whose,
                            struct diag *why)
{
    char reason[256], rule[DIAG_RULE_MAX];
    enum pgp_key_state state = pgp_key_state_at(key, p->now_utc_s, reason, sizeof reason);

    if (pgp_key_state_sends(state))
        return ERR_OK;
    snprintf(rule, sizeof rule, "key.%s", pgp_key_state_name(state));
    return diag_set(why, ERR_REJECT, rule, "%s: %s", whose, reason);
}

/* The list's key: generated, or copied, and tried, since it must work with nobody there to type a passphrase. */
static enum err make_list_key(struct init_plan *p, const char *home, struct diag *why)
{
    struct pgp_key_info *key = mem_zero(1, sizeof *key);
    char *user_id = mem_printf("%s <%s>", p->list, p->address);
    struct buf packets = BUF_EMPTY;
    enum err err;

    if (p->key) {
        snprintf(p->fingerprint, sizeof p->fingerprint, "%s", p->key);
        err = pgp_key_copy_secret(p->from, p->key, home, why);
    } else {
        err = pgp_key_generate(home, user_id, INSTANT_NONE, p->fingerprint, why);
    }
    if (!err)
        err = pgp_key_lookup(home, p->fingerprint, key, why);
    /* A key that was made this second is not dated in the future. */
    p->now_utc_s = (int64_t)time(NULL);
    if (!err)
        err = check_state(p, key, "the list's key", why);
    if (!err)
        err = pgp_sign_inline(home, p->fingerprint, span_of("embargod"), &packets, why);
    buf_free(&packets);
    free(user_id);
    free(key);
    return err;
}

enum err init_make_keys(struct init_plan *p, struct diag *why)
{
    char *list = init_gnupg(p, "list"), *storage = init_gnupg(p, "storage");
    char *user_id = mem_printf("embargod storage %s <storage@%s.invalid>", p->list, p->list);
    enum err err = make_list_key(p, list, why);

    if (!err)
        err = pgp_key_generate(storage, user_id, INSTANT_NONE, p->storage, why);
    free(user_id);
    free(storage);
    free(list);
    return err;
}

static bool is_twice(const struct init_plan *p, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(p->admins[k].key.fingerprint, p->admins[i].key.fingerprint) == 0 ||
            pgp_key_shares_subkey(&p->admins[k].key, &p->admins[i].key))
            return true;
    for (size_t k = 0; p->settings && k < p->settings->n_admins; k++)
        if (strcmp(p->settings->admins[k].fingerprint, p->admins[i].key.fingerprint) == 0)
            return true;
    return strcmp(p->admins[i].key.fingerprint, p->fingerprint) == 0;
}

enum err init_examine_admins(struct init_plan *p, struct diag *why)
{
    char *folder = init_path(p, "gnupg");
    enum err err = ERR_OK;
    size_t n;

    for (size_t i = 0; !err && i < p->n_admins; i++) {
        struct init_admin *a = &p->admins[i];

        if (!a->file.len)
            continue;
        err = pgp_key_examine(folder, buf_span(&a->file), &a->key, 1, &n, why);
        if (!err)
            err = pgp_key_minimise(folder, buf_span(&a->file), &a->certificate, why);
        if (!err)
            err = check_state(p, &a->key, a->address, why);
        if (!err && is_twice(p, i))
            err = diag_set(why, ERR_REJECT, "init.admin",
                           "the key of %s is somebody else's already: each admin needs a key of the own", a->address);
    }
    free(folder);
    return err;
}

enum err init_import_admins(struct init_plan *p, struct diag *why)
{
    char *list = init_gnupg(p, "list"), *team = init_gnupg(p, "member-000");
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < p->n_admins; i++) {
        struct span certificate = buf_span(&p->admins[i].certificate);

        err = pgp_key_import(list, certificate, NULL, why);
        if (!err)
            err = pgp_key_import(team, certificate, NULL, why);
    }
    free(team);
    free(list);
    return err;
}
