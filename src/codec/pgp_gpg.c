#include "codec/pgp_gpg.h"

#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err pgp_gpg_check_home(const char *home, struct diag *why)
{
    if (!home || home[0] != '/')
        return diag_set(why, ERR_USAGE, "pgp.home", "a GnuPG home must be given as an absolute path");
    if (strlen(home) >= PGP_HOME_MAX || strpbrk(home, "\r\n"))
        return diag_set(why, ERR_USAGE, "pgp.home", "the path of a GnuPG home must be shorter than %d bytes",
                        PGP_HOME_MAX);
    return ERR_OK;
}

bool pgp_fpr_valid(const char *fingerprint)
{
    size_t n = fingerprint ? strspn(fingerprint, "0123456789ABCDEFabcdef") : 0;

    return (n == 40 || n == 64) && !fingerprint[n];
}

void pgp_fpr_copy(char *out, const char *fingerprint)
{
    size_t i = 0;

    for (; fingerprint && fingerprint[i] && i < PGP_FPR_SIZE - 1; i++)
        out[i] = (char)toupper((unsigned char)fingerprint[i]);
    out[i] = 0;
}

const char *pgp_gpg_words(gpgme_error_t error)
{
    return gpgme_strerror(error);
}

/* The n-th number of a status line, 0 where there is none. */
static long number_at(const char *args, int n)
{
    char *end;
    long value = 0;

    for (; n >= 0; n--) {
        value = strtol(args, &end, 10);
        if (end == args)
            return 0;
        args = end;
    }
    return value;
}

static void on_error_line(struct pgp_status *s, const char *args)
{
    static const char where[] = "pkdecrypt_failed ";

    s->n_errors++;
    if (!strncmp(args, where, sizeof where - 1))
        s->key_trouble = gpgme_err_code((gpgme_error_t)strtoul(args + sizeof where - 1, NULL, 10));
}

/* PLAINTEXT format date name */
static void on_plaintext_line(struct pgp_status *s, const char *args)
{
    const char *name = strchr(args, ' ');

    name = name ? strchr(name + 1, ' ') : NULL;
    s->saw_plaintext = true;
    s->n_plaintext++;
    s->name_len = name ? strlen(name + 1) : 0;
}

/* VALIDSIG fpr date made expires version reserved algo hash class primary */
static void on_valid_line(struct pgp_status *s, const char *args)
{
    char class[4], made_by[PGP_FPR_SIZE], primary[PGP_FPR_SIZE];
    int n = sscanf(args, "%64s %*s %*s %*s %*s %*s %*s %*s %3s %64s", made_by, class, primary);

    if (n < 2 || (strcmp(class, "00") && strcmp(class, "01")))
        s->odd_class = true;
    if (n == 3 && s->n_valid < PGP_VALID_MAX && pgp_fpr_valid(made_by) && pgp_fpr_valid(primary)) {
        pgp_fpr_copy(s->valid[s->n_valid].made_by, made_by);
        pgp_fpr_copy(s->valid[s->n_valid++].primary, primary);
    }
}

static gpgme_error_t on_status(void *hook, const char *keyword, const char *args)
{
    struct pgp_status *s = hook;
    char fingerprint[PGP_FPR_SIZE];

    if (!strcmp(keyword, "ENC_TO")) {
        s->saw_encrypted = s->saw_recipient = true;
    } else if (!strcmp(keyword, "BEGIN_DECRYPTION")) {
        s->saw_encrypted = true;
        s->n_begin_decryption++;
    } else if (!strcmp(keyword, "END_DECRYPTION")) {
        s->saw_end_decryption = true;
    } else if (!strcmp(keyword, "GOODMDC")) {
        s->saw_good_mdc = true;
    } else if (!strcmp(keyword, "PLAINTEXT")) {
        on_plaintext_line(s, args);
    } else if (!strcmp(keyword, "FAILURE")) {
        s->failed = true;
    } else if (!strcmp(keyword, "NODATA") || !strcmp(keyword, "UNEXPECTED")) {
        s->broken = true;
    } else if (!strcmp(keyword, "BEGIN_ENCRYPTION")) {
        s->sealed_cipher = (int)number_at(args, 1);
    } else if (!strcmp(keyword, "DECRYPTION_INFO")) {
        s->opened_cipher = (int)number_at(args, 1);
    } else if (!strcmp(keyword, "VALIDSIG")) {
        on_valid_line(s, args);
    } else if (!strcmp(keyword, "DECRYPTION_KEY") && sscanf(args, "%64s", fingerprint) == 1) {
        pgp_fpr_copy(s->opened_by, fingerprint);
    } else if (!strcmp(keyword, "ERROR")) {
        on_error_line(s, args);
    }
    return 0;
}

static enum err engine_trouble(gpgme_error_t error, struct diag *why)
{
    return diag_set(why, ERR_INTERNAL, "pgp.engine", "gpg cannot be run (%s); install GnuPG 2.2.40 or later",
                    pgp_gpg_words(error));
}

/* Closed, and kept for the next operation on their homes. */
static struct pgp_gpg idle[PGP_IDLE_MAX];

static bool take_idle(struct pgp_gpg *gpg, const char *home)
{
    for (size_t i = 0; i < PGP_IDLE_MAX; i++)
        if (idle[i].ctx && !strcmp(idle[i].home, home)) {
            *gpg = idle[i];
            idle[i].ctx = NULL;
            return true;
        }
    return false;
}

static gpgme_error_t make_context(struct pgp_gpg *gpg, const char *home)
{
    gpgme_error_t error;

    gpgme_check_version(NULL);
    error = gpgme_new(&gpg->ctx);
    if (!error)
        error = gpgme_set_protocol(gpg->ctx, GPGME_PROTOCOL_OpenPGP);
    if (!error)
        error = gpgme_ctx_set_engine_info(gpg->ctx, GPGME_PROTOCOL_OpenPGP, NULL, home);
    if (!error)
        error = gpgme_set_pinentry_mode(gpg->ctx, GPGME_PINENTRY_MODE_ERROR);
    if (!error)
        error = gpgme_set_ctx_flag(gpg->ctx, "full-status", "1");
    return error;
}

enum err pgp_gpg_open(struct pgp_gpg *gpg, const char *home, struct diag *why)
{
    enum err err = pgp_gpg_check_home(home, why);
    gpgme_error_t error = 0;

    memset(gpg, 0, sizeof *gpg);
    if (err)
        return err;
    if (take_idle(gpg, home)) {
        memset(&gpg->status, 0, sizeof gpg->status);
        gpgme_signers_clear(gpg->ctx);
    } else {
        error = make_context(gpg, home);
    }
    if (error) {
        if (gpg->ctx)
            gpgme_release(gpg->ctx);
        gpg->ctx = NULL;
        return engine_trouble(error, why);
    }
    snprintf(gpg->home, sizeof gpg->home, "%s", home);
    gpgme_set_offline(gpg->ctx, 1);
    gpgme_set_armor(gpg->ctx, 0);
    gpgme_set_textmode(gpg->ctx, 0);
    gpgme_set_keylist_mode(gpg->ctx, GPGME_KEYLIST_MODE_LOCAL);
    gpgme_set_status_cb(gpg->ctx, on_status, &gpg->status);
    return ERR_OK;
}

void pgp_gpg_close(struct pgp_gpg *gpg)
{
    size_t at = 0;

    if (!gpg->ctx)
        return;
    while (at < PGP_IDLE_MAX - 1 && idle[at].ctx)
        at++;
    if (idle[at].ctx)
        gpgme_release(idle[at].ctx);
    gpgme_set_status_cb(gpg->ctx, NULL, NULL);
    idle[at] = *gpg;
    gpg->ctx = NULL;
}

void pgp_gpg_drop(struct pgp_gpg *gpg)
{
    if (gpg->ctx)
        gpgme_release(gpg->ctx);
    gpg->ctx = NULL;
}

static _Noreturn void no_memory(void)
{
    fputs("event=out-of-memory\n", stderr);
    abort();
}

gpgme_data_t pgp_gpg_input(struct span bytes)
{
    gpgme_data_t data;

    if (gpgme_data_new_from_mem(&data, bytes.len ? (const char *)bytes.data : "", bytes.len, 0))
        no_memory();
    return data;
}

static ssize_t sink_write(void *handle, const void *bytes, size_t len)
{
    struct pgp_sink *sink = handle;

    if (!sink->over && len <= sink->limit && sink->out->len <= sink->limit - len)
        buf_add(sink->out, bytes, len);
    else
        sink->over = true;
    if (sink->out->over)
        sink->over = true;
    if (!sink->over)
        return (ssize_t)len;
    errno = EFBIG;
    return -1;
}

void pgp_gpg_sink_open(struct pgp_sink *sink, struct buf *out, size_t limit)
{
    static struct gpgme_data_cbs calls = {.write = sink_write};

    *sink = (struct pgp_sink){.out = out, .limit = limit};
    buf_clear(out);
    if (gpgme_data_new_from_cbs(&sink->data, &calls, sink))
        no_memory();
}

void pgp_gpg_sink_close(struct pgp_sink *sink)
{
    gpgme_data_release(sink->data);
    sink->data = NULL;
}

enum err pgp_gpg_judge(gpgme_error_t error, struct diag *why)
{
    switch (gpgme_err_code(error)) {
    case GPG_ERR_NO_ERROR:
        return ERR_OK;
    case GPG_ERR_NO_AGENT:
    case GPG_ERR_AGENT:
    case GPG_ERR_ASS_CONNECT_FAILED:
    case GPG_ERR_TIMEOUT:
    case GPG_ERR_EIO:
        return diag_set(why, ERR_AGAIN, "agent", "the key agent cannot be reached (%s); try again later",
                        pgp_gpg_words(error));
    case GPG_ERR_NO_PIN_ENTRY:
    case GPG_ERR_PIN_ENTRY:
    case GPG_ERR_CANCELED:
    case GPG_ERR_FULLY_CANCELED:
    case GPG_ERR_BAD_PASSPHRASE:
    case GPG_ERR_NO_PASSPHRASE:
    case GPG_ERR_BAD_PIN:
        return diag_set(why, ERR_AGAIN, "locked-key",
                        "the secret key has a passphrase; take it off, so that it can be used unattended");
    case GPG_ERR_INV_ENGINE:
        return engine_trouble(error, why);
    case GPG_ERR_ENOMEM:
    case GPG_ERR_EMFILE:
    case GPG_ERR_ENFILE:
        return diag_set(why, ERR_INTERNAL, "pgp.engine", "gpg stopped: %s", pgp_gpg_words(error));
    case GPG_ERR_ENOSPC:
        return diag_set(why, ERR_AGAIN, "disk.full", "gpg has no room on the disk: make room");
    default:
        return ERR_OK;
    }
}

bool pgp_gpg_has_secret(struct pgp_gpg *gpg)
{
    gpgme_key_t key = NULL;
    bool found = !gpgme_op_keylist_start(gpg->ctx, NULL, 1) && !gpgme_op_keylist_next(gpg->ctx, &key);

    gpgme_op_keylist_end(gpg->ctx);
    if (key)
        gpgme_key_unref(key);
    return found;
}

static enum err not_found(struct pgp_gpg *gpg, bool secret, struct diag *why)
{
    if (secret && !pgp_gpg_has_secret(gpg))
        return diag_set(why, ERR_AGAIN, "agent", "no secret key is in reach; start the key agent, or import the key");
    return diag_set(why, ERR_NOT_FOUND, "key.not-found", "the home does not hold this key; import it first");
}

gpgme_error_t pgp_gpg_find(struct pgp_gpg *gpg, const char *fingerprint, bool secret, gpgme_key_t *out)
{
    gpgme_key_t another = NULL;
    gpgme_error_t error;

    *out = NULL;
    error = gpgme_op_keylist_start(gpg->ctx, fingerprint, secret);
    if (!error)
        error = gpgme_op_keylist_next(gpg->ctx, out);
    if (!error && !gpgme_op_keylist_next(gpg->ctx, &another)) {
        gpgme_key_unref(another);
        gpgme_key_unref(*out);
        *out = NULL;
        error = gpgme_error(GPG_ERR_AMBIGUOUS_NAME);
    }
    gpgme_op_keylist_end(gpg->ctx);
    return error;
}

enum err pgp_gpg_key(struct pgp_gpg *gpg, const char *fingerprint, bool secret, gpgme_key_t *out, struct diag *why)
{
    char wanted[PGP_FPR_SIZE], found[PGP_FPR_SIZE];
    gpgme_error_t error;
    enum err err;

    *out = NULL;
    if (!pgp_fpr_valid(fingerprint))
        return diag_set(why, ERR_USAGE, "pgp.usage", "a key is named by its full fingerprint of 40 or 64 hex digits");
    error = pgp_gpg_find(gpg, fingerprint, secret, out);
    if (error) {
        err = pgp_gpg_judge(error, why);
        return err ? err : not_found(gpg, secret, why);
    }
    pgp_fpr_copy(wanted, fingerprint);
    pgp_fpr_copy(found, (*out)->fpr);
    if (!strcmp(wanted, found))
        return ERR_OK;
    gpgme_key_unref(*out);
    *out = NULL;
    return not_found(gpg, secret, why);
}
