#include "codec/pgp_key.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_armor.h"
#include "codec/pgp_cert.h"
#include "codec/pgp_gpg.h"
#include "codec/pgp_home.h"
#include "codec/pgp_key_store.h"

#include <stdlib.h>
#include <string.h>

enum err pgp_key_too_large(struct diag *why, const char *what)
{
    return diag_set(why, ERR_LIMIT, "key.too-large", "the key is too large: %s", what);
}

enum err pgp_key_not_taken(struct diag *why, const char *what)
{
    return diag_set(why, ERR_REJECT, "key.not-taken", "gpg did not take the key (%s); export it again", what);
}

/* Where the line at `at` ends, its line end included. */
static size_t line_end(struct span text, size_t at)
{
    const uint8_t *end = memchr(text.data + at, '\n', text.len - at);

    return end ? (size_t)(end - text.data) + 1 : text.len;
}

static bool line_begins(struct span text, size_t at, const char *words)
{
    size_t n = strlen(words);

    return text.len - at >= n && !memcmp(text.data + at, words, n);
}

static enum err dearmor_block(struct span block, struct buf *out, struct diag *why)
{
    struct buf binary = {.max = PGP_KEY_RAW_MAX};
    enum pgp_armor_kind kind;
    enum err err = pgp_dearmor(block, &kind, &binary, why);

    if (!err)
        buf_add_buf(out, &binary);
    buf_free(&binary);
    return err;
}

/* All key blocks of a text; what stands around them (a greeting, a listing) is passed over, as gpg does. */
static enum err dearmor_keys(struct span text, struct buf *out, struct diag *why)
{
    size_t at = 0, start, blocks = 0;
    enum err err = ERR_OK;

    while (at < text.len && !err) {
        if (!line_begins(text, at, "-----BEGIN PGP PUBLIC KEY") &&
            !line_begins(text, at, "-----BEGIN PGP PRIVATE KEY")) {
            at = line_end(text, at);
            continue;
        }
        start = at;
        do
            at = line_end(text, at);
        while (at < text.len && !line_begins(text, at, "-----END PGP"));
        at = at < text.len ? line_end(text, at) : at;
        err = dearmor_block((struct span){text.data + start, at - start}, out, why);
        blocks++;
    }
    if (!err && !blocks)
        err =
            diag_set(why, ERR_REJECT, "key.garbage", "this is not an OpenPGP certificate; export it with gpg --export");
    return err;
}

enum err pgp_key_read_packets(struct span in, struct buf *out, struct diag *why)
{
    buf_clear(out);
    if (in.len > out->max)
        return pgp_key_too_large(why, "more than 8 MiB; export it with export-minimal");
    if (!in.len || !(in.data[0] & 0x80))
        return dearmor_keys(in, out, why);
    buf_add(out, in.data, in.len);
    return ERR_OK;
}

enum err pgp_key_prepare(struct span in, size_t max, struct buf *out, size_t *n, struct diag *why)
{
    struct buf packets = {.max = PGP_KEY_RAW_MAX};
    enum err err;

    buf_init(out, PGP_KEY_RAW_MAX);
    *n = 0;
    err = pgp_key_read_packets(in, &packets, why);
    if (!err)
        err = pgp_cert_check(buf_span(&packets), n, why);
    if (!err && *n > max)
        err = diag_set(why, ERR_REJECT, "key.several", "%zu keys where at most %zu are wanted", *n, max);
    if (!err) {
        pgp_cert_strip(buf_span(&packets), out);
        if (out->len > PGP_KEY_MINIMAL_MAX * *n)
            err = pgp_key_too_large(why, "more than 256 KiB without others' signatures");
    }
    if (err)
        buf_clear(out);
    buf_free(&packets);
    return err;
}

/* gpgme reports success for garbage: the counts tell what became of it. */
static enum err check_import(gpgme_import_result_t result, size_t n, bool secret, char *fingerprint, struct diag *why)
{
    const char *one = NULL;

    if (!result || result->considered < 1 || (size_t)result->considered != n)
        return pgp_key_not_taken(why, "it found another number of keys");
    if (result->no_user_id)
        return pgp_key_not_taken(why, "no user id with a valid signature by the key itself");
    if (result->not_imported)
        return pgp_key_not_taken(why, "not imported");
    if (!secret && (result->secret_read || result->secret_imported))
        return pgp_key_not_taken(why, "it holds a secret key");
    if (secret && !result->secret_imported && !result->secret_unchanged)
        return pgp_key_not_taken(why, "no secret key in it");
    for (gpgme_import_status_t s = result->imports; s; s = s->next) {
        if (s->result)
            return pgp_key_not_taken(why, pgp_gpg_words(s->result));
        if (n == 1 && one && s->fpr && strcmp(one, s->fpr))
            return pgp_key_not_taken(why, "it is more than one key");
        one = s->fpr ? s->fpr : one;
    }
    if (!one)
        return pgp_key_not_taken(why, "no key in it");
    if (fingerprint)
        pgp_fpr_copy(fingerprint, one);
    return ERR_OK;
}

enum err pgp_key_import_bytes(const char *home, struct span in, size_t n, bool secret, char *fingerprint,
                              struct diag *why)
{
    gpgme_error_t error;
    struct pgp_gpg gpg;
    gpgme_data_t data;
    enum err err = pgp_gpg_open(&gpg, home, why);

    if (fingerprint)
        fingerprint[0] = 0;
    if (err)
        return err;
    data = pgp_gpg_input(in);
    error = gpgme_op_import(gpg.ctx, data);
    gpgme_data_release(data);
    if (error) {
        err = pgp_gpg_judge(error, why);
        err = err ? err : pgp_key_not_taken(why, pgp_gpg_words(error));
    } else {
        err = check_import(gpgme_op_import_result(gpg.ctx), n, secret, fingerprint, why);
    }
    pgp_gpg_close(&gpg);
    return err;
}

/* gpgme counts nothing of a revocation that it knows already, nor of one whose key is not there: look at the key. */
static enum err import_revocation(const char *home, struct span in, const char *issuer, char *fingerprint,
                                  struct diag *why)
{
    struct pgp_key_info *info;
    gpgme_error_t error;
    struct pgp_gpg gpg;
    gpgme_data_t data;
    enum err err = pgp_gpg_open(&gpg, home, why);

    if (err)
        return err;
    data = pgp_gpg_input(in);
    error = gpgme_op_import(gpg.ctx, data);
    gpgme_data_release(data);
    pgp_gpg_close(&gpg);
    if (error) {
        err = pgp_gpg_judge(error, why);
        return err ? err : pgp_key_not_taken(why, pgp_gpg_words(error));
    }
    info = mem_zero(1, sizeof *info);
    err = pgp_key_lookup(home, issuer, info, why);
    if (!err && !info->revoked)
        err = pgp_key_not_taken(why, "the revocation is not valid");
    if (!err && fingerprint)
        pgp_fpr_copy(fingerprint, info->fingerprint);
    free(info);
    return err;
}

bool pgp_key_is_revocation(struct span in, char *of)
{
    struct buf packets = {.max = PGP_KEY_RAW_MAX};
    struct diag none;
    bool is;

    *of = 0;
    is = !pgp_key_read_packets(in, &packets, &none) && pgp_cert_is_revocation(buf_span(&packets), of) &&
         pgp_fpr_valid(of);
    buf_free(&packets);
    return is;
}

enum err pgp_key_update(const char *workdir, int64_t now_utc_s, struct span known, struct span news,
                        struct pgp_key_info *info, struct buf *out, struct diag *why)
{
    char home[PGP_HOME_MAX] = "", fingerprint[PGP_FPR_SIZE], of_news[PGP_FPR_SIZE];
    enum err err = pgp_home_make_temporary(workdir, home, why);

    memset(info, 0, sizeof *info);
    buf_clear(out);
    if (!err && now_utc_s != INSTANT_NONE)
        err = pgp_home_set_time(home, now_utc_s, why);
    if (!err && known.len)
        err = pgp_key_import(home, known, fingerprint, why);
    if (!err)
        err = pgp_key_import(home, news, of_news, why);
    if (!err && known.len && strcmp(fingerprint, of_news) != 0)
        err = pgp_key_not_taken(why, "it is another key than the known one");
    if (!err)
        err = pgp_key_lookup(home, of_news, info, why);
    if (!err)
        err = pgp_key_export(home, of_news, true, false, out, why);
    if (!err && out->len > PGP_KEY_MINIMAL_MAX)
        err = pgp_key_too_large(why, "more than 256 KiB without others' signatures");
    if (home[0])
        pgp_home_remove(home);
    if (err) {
        buf_clear(out);
        memset(info, 0, sizeof *info);
    }
    return err;
}

enum err pgp_key_import(const char *home, struct span in, char *fingerprint, struct diag *why)
{
    struct buf packets = {.max = PGP_KEY_RAW_MAX}, stripped = BUF_EMPTY;
    char issuer[PGP_FPR_SIZE];
    size_t n;
    enum err err;

    if (fingerprint)
        fingerprint[0] = 0;
    err = pgp_key_read_packets(in, &packets, why);
    if (!err && pgp_cert_is_revocation(buf_span(&packets), issuer) && pgp_fpr_valid(issuer)) {
        err = import_revocation(home, buf_span(&packets), issuer, fingerprint, why);
    } else if (!err) {
        err = pgp_key_prepare(in, 1, &stripped, &n, why);
        if (!err)
            err = pgp_key_import_bytes(home, buf_span(&stripped), 1, false, fingerprint, why);
    }
    buf_free(&packets);
    buf_free(&stripped);
    return err;
}

enum err pgp_key_import_many(const char *home, const struct span *certificates, size_t n, struct diag *why)
{
    struct buf all = BUF_EMPTY, stripped = BUF_EMPTY;
    enum err err = ERR_OK;
    size_t found;

    for (size_t i = 0; !err && i < n; i++) {
        err = pgp_key_prepare(certificates[i], 1, &stripped, &found, why);
        buf_add_buf(&all, &stripped);
    }
    if (!err && all.over)
        err = pgp_key_too_large(why, "too many of them at once");
    if (!err && n)
        err = pgp_key_import_bytes(home, buf_span(&all), n, false, NULL, why);
    buf_free(&all);
    buf_free(&stripped);
    return err;
}
