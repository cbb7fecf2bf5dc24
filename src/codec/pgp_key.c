#include "codec/pgp_key.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_cert.h"
#include "codec/pgp_gpg.h"
#include "codec/pgp_home.h"
#include "codec/pgp_key_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* gpgme numbers the elliptic curves in its own way. */
static int algo_number(gpgme_pubkey_algo_t algo)
{
    switch (algo) {
    case GPGME_PK_ECDH:
        return 18;
    case GPGME_PK_ECDSA:
        return 19;
    case GPGME_PK_EDDSA:
        return 22;
    default:
        return algo < 100 ? (int)algo : 0;
    }
}

static int64_t instant_of(long at, int64_t none)
{
    return at > 0 ? (int64_t)at : none;
}

static void set_subkey(gpgme_subkey_t sub, struct pgp_subkey_info *out)
{
    char *name = gpgme_pubkey_algo_string(sub);

    pgp_fpr_copy(out->fingerprint, sub->fpr);
    snprintf(out->key_id, sizeof out->key_id, "%s", sub->keyid ? sub->keyid : "");
    out->can_encrypt = sub->can_encrypt;
    out->can_sign = sub->can_sign;
    out->can_certify = sub->can_certify;
    out->revoked = sub->revoked;
    out->invalid = sub->invalid || sub->timestamp <= 0;
    out->created_at_utc_s = instant_of(sub->timestamp, 0);
    out->expires_at_utc_s = instant_of(sub->expires, INSTANT_NONE);
    out->algo = algo_number(sub->pubkey_algo);
    out->bits = sub->length;
    snprintf(out->algo_name, sizeof out->algo_name, "%s", name ? name : "");
    gpgme_free(name);
}

static void add_uid(struct pgp_key_info *out, gpgme_user_id_t uid)
{
    if (out->n_uids < PGP_KEY_UIDS_MAX && !uid->revoked && !uid->invalid && uid->uid)
        snprintf(out->uids[out->n_uids++], PGP_KEY_UID_SIZE, "%s", uid->uid);
}

enum err pgp_key_read(gpgme_key_t key, struct pgp_key_info *out, struct diag *why)
{
    memset(out, 0, sizeof *out);
    pgp_fpr_copy(out->fingerprint, key->fpr);
    for (gpgme_user_id_t uid = key->uids; uid; uid = uid->next)
        add_uid(out, uid);
    for (gpgme_subkey_t sub = key->subkeys; sub; sub = sub->next) {
        if (out->n_subkeys == PGP_KEY_SUBKEYS_MAX)
            return pgp_key_too_large(why, "more than 31 subkeys");
        set_subkey(sub, &out->subkeys[out->n_subkeys++]);
    }
    if (!out->n_subkeys || !pgp_fpr_valid(out->fingerprint))
        return pgp_key_not_taken(why, "gpg lists no key");
    out->created_at_utc_s = out->subkeys[0].created_at_utc_s;
    out->expires_at_utc_s = out->subkeys[0].expires_at_utc_s;
    out->revoked = key->revoked;
    out->invalid = key->invalid && !key->revoked && !key->expired;
    return ERR_OK;
}

static enum err set_preferences(const char *home, struct pgp_key_info *info, struct diag *why)
{
    struct pgp_cert_preferences prefs;
    struct buf cert = {.max = PGP_KEY_RAW_MAX};
    enum err err = pgp_key_export(home, info->fingerprint, true, false, &cert, why);

    if (!err) {
        pgp_cert_read_preferences(buf_span(&cert), &prefs);
        info->prefers_aes = prefs.aes;
        info->prefers_seipd2 = prefs.seipd2;
        info->only_weak_digests = prefs.only_weak_digests;
    }
    buf_free(&cert);
    return err;
}

enum err pgp_key_lookup(const char *home, const char *fingerprint, struct pgp_key_info *info, struct diag *why)
{
    gpgme_key_t key = NULL;
    struct pgp_gpg gpg;
    enum err err;

    memset(info, 0, sizeof *info);
    err = pgp_gpg_open(&gpg, home, why);
    if (err)
        return err;
    err = pgp_gpg_key(&gpg, fingerprint, false, &key, why);
    if (!err)
        err = pgp_key_read(key, info, why);
    if (key)
        gpgme_key_unref(key);
    pgp_gpg_close(&gpg);
    if (!err)
        err = set_preferences(home, info, why);
    if (err)
        memset(info, 0, sizeof *info);
    return err;
}

static enum err examine_home(const char *home, struct pgp_key_info *infos, size_t max, size_t *n, struct diag *why)
{
    char(*all)[PGP_FPR_SIZE] = mem_zero(max, sizeof *all);
    enum err err = pgp_key_list(home, false, all, max, n, why);

    for (size_t i = 0; i < *n && !err; i++)
        err = pgp_key_lookup(home, all[i], &infos[i], why);
    if (!err && !*n)
        err = pgp_key_not_taken(why, "no key in it");
    free(all);
    return err;
}

enum err pgp_key_examine(const char *workdir, struct span in, struct pgp_key_info *infos, size_t max, size_t *n,
                         struct diag *why)
{
    struct buf stripped = BUF_EMPTY;
    char home[PGP_HOME_MAX] = "";
    enum err err;

    *n = 0;
    memset(infos, 0, max * sizeof *infos);
    err = pgp_key_prepare(in, max, &stripped, n, why);
    if (!err)
        err = pgp_home_make_temporary(workdir, home, why);
    if (!err)
        err = pgp_key_import_bytes(home, buf_span(&stripped), *n, false, NULL, why);
    if (!err)
        err = examine_home(home, infos, max, n, why);
    if (home[0])
        pgp_home_remove(home);
    if (err) {
        *n = 0;
        memset(infos, 0, max * sizeof *infos);
    }
    buf_free(&stripped);
    return err;
}

enum err pgp_key_minimise(const char *workdir, struct span in, struct buf *out, struct diag *why)
{
    struct buf stripped = BUF_EMPTY;
    char home[PGP_HOME_MAX] = "", fingerprint[PGP_FPR_SIZE];
    size_t n;
    enum err err;

    buf_clear(out);
    err = pgp_key_prepare(in, 1, &stripped, &n, why);
    if (!err)
        err = pgp_home_make_temporary(workdir, home, why);
    if (!err)
        err = pgp_key_import_bytes(home, buf_span(&stripped), n, false, fingerprint, why);
    if (!err)
        err = pgp_key_export(home, fingerprint, true, false, out, why);
    if (!err && out->len > PGP_KEY_MINIMAL_MAX)
        err = pgp_key_too_large(why, "more than 256 KiB without others' signatures");
    if (home[0])
        pgp_home_remove(home);
    if (err)
        buf_clear(out);
    buf_free(&stripped);
    return err;
}
