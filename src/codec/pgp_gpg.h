/*
 * One gpg operation: a context on a home, bounded outputs, what gpg's status lines said. Internal to the pgp modules.
 *
 * Open, pgp_gpg_check_home first of all; one operation; judge it with pgp_gpg_judge (the operation's return is
 * believed first); close. A sink that its buffer's maximum stops makes the operation fail: look at sink->over.
 */
#ifndef CODEC_PGP_GPG_H
#define CODEC_PGP_GPG_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/pgp.h"

#include <gpgme.h>
#include <stdbool.h>

#define PGP_VALID_MAX 16

/* What the status lines told (gpgme alone does not show these). */
struct pgp_status {
    bool saw_encrypted; /* ENC_TO or BEGIN_DECRYPTION */
    bool saw_recipient; /* ENC_TO */
    int n_begin_decryption;
    bool saw_end_decryption;
    bool saw_good_mdc;    /* GOODMDC */
    unsigned key_trouble; /* gpg's error code of a session key that it could not open */
    int sealed_cipher;    /* BEGIN_ENCRYPTION */
    int opened_cipher;    /* DECRYPTION_INFO */
    bool saw_plaintext;
    int n_plaintext;
    size_t name_len; /* of the file that PLAINTEXT names; an escaped byte counts as three */
    int n_errors;    /* ERROR lines */
    bool failed;     /* FAILURE: gpg ends with an error code */
    bool broken;     /* NODATA, UNEXPECTED: packets that end early or make no sense, yet no error code */
    struct {
        char made_by[PGP_FPR_SIZE], primary[PGP_FPR_SIZE];
    } valid[PGP_VALID_MAX]; /* VALIDSIG: the (sub)key, and the key that it belongs to */
    size_t n_valid;
    bool odd_class;               /* VALIDSIG of something else than a document (section 5.2.1: 0x00 or 0x01) */
    char opened_by[PGP_FPR_SIZE]; /* DECRYPTION_KEY: the subkey */
};

struct pgp_gpg {
    gpgme_ctx_t ctx;
    char home[PGP_HOME_MAX];
    struct pgp_status status;
};

struct pgp_sink {
    struct buf *out;
    size_t limit; /* bytes, besides out->max */
    bool over;
    gpgme_data_t data;
};

/* What gpg lists of a key; its preferences are not among that. */
struct pgp_key_info;
enum err pgp_key_read(gpgme_key_t key, struct pgp_key_info *out, struct diag *why);

enum err pgp_gpg_check_home(const char *home, struct diag *why);

/*
 * Agent, network and environment are the home's; gpg never asks for a passphrase. To set a context up costs gpgme a
 * process, so the last few that were closed are kept, and taken again for the same home.
 */
#define PGP_IDLE_MAX 4
enum err pgp_gpg_open(struct pgp_gpg *gpg, const char *home, struct diag *why);
void pgp_gpg_close(struct pgp_gpg *gpg);
void pgp_gpg_drop(struct pgp_gpg *gpg); /* the same, and it is not kept */

/* Borrowed input; release with gpgme_data_release. Never NULL (out of memory ends the process). */
gpgme_data_t pgp_gpg_input(struct span bytes);

/* sink stays where it is until pgp_gpg_sink_close. */
void pgp_gpg_sink_open(struct pgp_sink *sink, struct buf *out, size_t limit);
void pgp_gpg_sink_close(struct pgp_sink *sink);

/* Errors that are the machine's or the agent's: ERR_AGAIN or ERR_INTERNAL; ERR_OK where it is the input's. */
enum err pgp_gpg_judge(gpgme_error_t error, struct diag *why);

/* gpgme's words for an error, without its source. */
const char *pgp_gpg_words(gpgme_error_t error);

/* 40 or 64 hex digits, nothing else. */
bool pgp_fpr_valid(const char *fingerprint);

/* Copies a fingerprint in upper case; "" for NULL. out has PGP_FPR_SIZE bytes. */
void pgp_fpr_copy(char *out, const char *fingerprint);

/* Whether the home has any secret key at all: with a dead agent gpg says "no secret key" of everything. */
bool pgp_gpg_has_secret(struct pgp_gpg *gpg);

/*
 * The one key that has this fingerprint, of its primary key or of a subkey; GPG_ERR_EOF: there is none. As
 * gpgme_get_key, which makes a context of its own each time, and so starts gpg twice.
 */
gpgme_error_t pgp_gpg_find(struct pgp_gpg *gpg, const char *fingerprint, bool secret, gpgme_key_t *out);

/*
 * Looks up one key by its full primary fingerprint (a subkey's is refused). The caller releases it.
 * ERR_NOT_FOUND key.not-found    ERR_AGAIN agent (secret is wanted, and none at all is in reach)
 */
enum err pgp_gpg_key(struct pgp_gpg *gpg, const char *fingerprint, bool secret, gpgme_key_t *out, struct diag *why);

#endif
