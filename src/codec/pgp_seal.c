#include "codec/pgp_seal.h"

#include "base/mem.h"
#include "codec/pgp_gpg.h"
#include "codec/pgp_seal_result.h"
#include "codec/pgp_split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AES256 9

struct group {
    const char *const *fingerprints;
    size_t n;
    struct pgp_failed_key *failed;
    size_t max_failed;
    size_t n_failed;
};

static void keys_free(gpgme_key_t *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (keys[i])
            gpgme_key_unref(keys[i]);
    free(keys);
}

static void add_failed(struct group *group, const char *fingerprint, const char *reason)
{
    struct pgp_failed_key *one;

    if (group->n_failed >= group->max_failed)
        return;
    one = &group->failed[group->n_failed++];
    pgp_fpr_copy(one->fingerprint, fingerprint);
    snprintf(one->reason, sizeof one->reason, "%s", reason);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Distinct, whole fingerprints. */
static enum err check_fingerprints(const struct group *group, struct diag *why)
{
    char(*all)[PGP_FPR_SIZE];
    enum err err = ERR_OK;

    if (!group->n || group->n > PGP_GROUP_MAX)
        return diag_set(why, ERR_USAGE, "pgp.usage", "a group has 1 to %d recipients", PGP_GROUP_MAX);
    all = mem_zero(group->n, sizeof *all);
    for (size_t i = 0; i < group->n; i++) {
        if (!pgp_fpr_valid(group->fingerprints[i]))
            err = diag_set(why, ERR_USAGE, "pgp.usage", "a recipient is named by the full fingerprint");
        pgp_fpr_copy(all[i], group->fingerprints[i]);
    }
    qsort(all, group->n, sizeof *all, by_text);
    for (size_t i = 1; i < group->n && !err; i++)
        if (!strcmp(all[i], all[i - 1]))
            err = diag_set(why, ERR_USAGE, "pgp.usage", "a recipient is named twice");
    free(all);
    return err;
}

/* Where a fingerprint of the group stands; -1: nowhere. */
static long place_of(const struct group *group, const char *fingerprint)
{
    char found[PGP_FPR_SIZE], one[PGP_FPR_SIZE];

    pgp_fpr_copy(found, fingerprint);
    for (size_t i = 0; i < group->n; i++) {
        pgp_fpr_copy(one, group->fingerprints[i]);
        if (!strcmp(one, found))
            return (long)i;
    }
    return -1;
}

/*
 * All keys by one listing, for a look-up for each costs a gpg call; places[i] is the key of fingerprints[i]. The
 * patterns are full fingerprints, so gpg matches nothing else, and what it hands back is checked.
 */
static enum err find_keys(struct pgp_gpg *gpg, struct group *group, gpgme_key_t *places, struct diag *why)
{
    const char **patterns = mem_zero(group->n + 1, sizeof *patterns);
    enum err err = ERR_OK;
    gpgme_error_t error;
    gpgme_key_t key;
    long at;

    memcpy(patterns, group->fingerprints, group->n * sizeof *patterns);
    error = gpgme_op_keylist_ext_start(gpg->ctx, patterns, 0, 0);
    while (!error && !(error = gpgme_op_keylist_next(gpg->ctx, &key))) {
        at = place_of(group, key->fpr);
        if (at >= 0 && !places[at])
            places[at] = key;
        else
            gpgme_key_unref(key);
    }
    gpgme_op_keylist_end(gpg->ctx);
    free(patterns);
    if (gpgme_err_code(error) != GPG_ERR_EOF)
        err = pgp_result_refused(error, NULL, why);
    for (size_t i = 0; i < group->n && !err; i++)
        if (!places[i])
            add_failed(group, group->fingerprints[i], "not in this home");
    return err;
}

static enum err check_keys(struct group *group, gpgme_key_t *keys, struct diag *why)
{
    for (size_t i = 0; i < group->n; i++)
        if (!keys[i])
            return diag_set(why, ERR_REJECT, "key.unusable", "the home lacks the key of a recipient; import it");
    return ERR_OK;
}

/* What gpg says of the call, and what it wrote. */
static enum err check_sealed(struct pgp_gpg *gpg, size_t n, struct span out, struct diag *why)
{
    gpgme_encrypt_result_t result = gpgme_op_encrypt_result(gpg->ctx);
    struct pgp_split split;
    enum err err;

    if (!result || result->invalid_recipients)
        return pgp_result_off(why, "a recipient was left out");
    if (gpg->status.sealed_cipher != AES256)
        return pgp_result_off(why, "the cipher is not AES256");
    err = pgp_split_parse(out, n, &split, NULL);
    if (err || split.n != n)
        err = pgp_result_off(why, "not one session key for each recipient before one protected body");
    pgp_split_free(&split);
    return err;
}

/* Names the keys that gpg refused. */
static enum err seal_refused(struct pgp_gpg *gpg, gpgme_error_t error, struct group *group, const struct pgp_sink *sink,
                             struct diag *why)
{
    gpgme_encrypt_result_t result = gpgme_op_encrypt_result(gpg->ctx);
    gpgme_invalid_key_t bad = result ? result->invalid_recipients : NULL;

    for (; bad; bad = bad->next)
        if (place_of(group, bad->fpr) >= 0)
            add_failed(group, bad->fpr, pgp_gpg_words(bad->reason));
    return pgp_result_refused(error, sink, why);
}

static enum err seal(struct pgp_gpg *gpg, struct span data, struct group *group, gpgme_key_t *keys, struct buf *out,
                     struct diag *why)
{
    const gpgme_encrypt_flags_t flags =
        GPGME_ENCRYPT_ALWAYS_TRUST | GPGME_ENCRYPT_NO_ENCRYPT_TO | GPGME_ENCRYPT_NO_COMPRESS;
    gpgme_data_t in = pgp_gpg_input(data);
    struct pgp_sink sink;
    gpgme_error_t error;
    enum err err;

    pgp_gpg_sink_open(&sink, out, SIZE_MAX);
    error = gpgme_op_encrypt(gpg->ctx, keys, flags, in, sink.data);
    pgp_gpg_sink_close(&sink);
    gpgme_data_release(in);
    err = error ? seal_refused(gpg, error, group, &sink, why) : check_sealed(gpg, group->n, buf_span(out), why);
    return err;
}

static enum err encrypt(const char *home, struct span data, struct group *group, struct buf *out, struct diag *why)
{
    gpgme_key_t *keys = NULL;
    struct pgp_gpg gpg = {0};
    enum err err;

    buf_clear(out);
    err = check_fingerprints(group, why);
    if (!err)
        err = pgp_gpg_open(&gpg, home, why);
    if (!err) {
        keys = mem_zero(group->n + 1, sizeof *keys);
        err = find_keys(&gpg, group, keys, why);
    }
    if (!err)
        err = check_keys(group, keys, why);
    if (!err)
        err = seal(&gpg, data, group, keys, out, why);
    if (keys)
        keys_free(keys, group->n);
    pgp_gpg_close(&gpg);
    if (err)
        buf_clear(out);
    return err;
}

enum err pgp_encrypt_group(const char *shard_home, struct span signed_packets, const char *const *fingerprints,
                           size_t n, struct buf *out_binary, struct pgp_failed_key *failed, size_t max_failed,
                           size_t *n_failed, struct diag *why)
{
    struct group group = {.fingerprints = fingerprints, .n = n, .failed = failed, .max_failed = max_failed};
    bool frameless = false;
    enum err err = pgp_home_is_frameless(shard_home, &frameless, why);

    buf_clear(out_binary);
    if (!err && !frameless)
        err = diag_set(why, ERR_USAGE, "pgp.usage", "signed packets are encrypted in a shard's home only");
    if (!err && !pgp_is_plain_signed(signed_packets))
        err = diag_set(why, ERR_USAGE, "pgp.usage", "only a signed message is encrypted to a group");
    if (!err)
        err = encrypt(shard_home, signed_packets, &group, out_binary, why);
    if (n_failed)
        *n_failed = group.n_failed;
    return err;
}

enum err pgp_encrypt_plain(const char *home, struct span data, const char *const *fingerprints, size_t n,
                           struct buf *out_binary, struct diag *why)
{
    struct group group = {.fingerprints = fingerprints, .n = n};
    bool frameless = false;
    enum err err = pgp_home_is_frameless(home, &frameless, why);

    buf_clear(out_binary);
    if (!err && frameless)
        err = diag_set(why, ERR_USAGE, "pgp.usage", "plain data is not encrypted in a shard's home");
    return err ? err : encrypt(home, data, &group, out_binary, why);
}
