#include "codec/pgp_seal.h"

#include "base/mem.h"
#include "codec/pgp_gpg.h"
#include "codec/pgp_packet.h"
#include "codec/pgp_seal_result.h"
#include "codec/pgp_split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AES256 9

struct named {
    char fingerprint[PGP_FPR_SIZE]; /* upper case */
};

struct group {
    struct named *sorted;
    size_t n;
    struct pgp_failed_key *failed;
    size_t max_failed;
    size_t n_failed;
    bool frameless; /* what is sealed is an OpenPGP message itself */
};

static void add_failed(struct group *group, const char *fingerprint, const char *reason)
{
    struct pgp_failed_key *one;

    if (group->n_failed >= group->max_failed)
        return;
    one = &group->failed[group->n_failed++];
    pgp_fpr_copy(one->fingerprint, fingerprint);
    snprintf(one->reason, sizeof one->reason, "%s", reason);
}

static int by_fingerprint(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->fingerprint, ((const struct named *)b)->fingerprint);
}

/* Distinct, whole fingerprints. group->sorted is the caller's to free. */
static enum err set_group(struct group *group, const char *const *fingerprints, size_t n, struct diag *why)
{
    if (!n || n > PGP_GROUP_MAX)
        return diag_set(why, ERR_USAGE, "pgp.usage", "a group has 1 to %d recipients", PGP_GROUP_MAX);
    group->n = n;
    group->sorted = mem_zero(n, sizeof *group->sorted);
    for (size_t i = 0; i < n; i++) {
        if (!pgp_fpr_valid(fingerprints[i]))
            return diag_set(why, ERR_USAGE, "pgp.usage", "a recipient is named by the full fingerprint");
        pgp_fpr_copy(group->sorted[i].fingerprint, fingerprints[i]);
    }
    qsort(group->sorted, n, sizeof *group->sorted, by_fingerprint);
    for (size_t i = 1; i < n; i++)
        if (!by_fingerprint(&group->sorted[i], &group->sorted[i - 1]))
            return diag_set(why, ERR_USAGE, "pgp.usage", "a recipient is named twice");
    return ERR_OK;
}

static bool is_wanted(const struct group *group, const char *fingerprint)
{
    struct named one;

    pgp_fpr_copy(one.fingerprint, fingerprint);
    return bsearch(&one, group->sorted, group->n, sizeof one, by_fingerprint) != NULL;
}

/* gpgme's form of a list of recipients: no look-up for each of them, which costs a gpg call. */
static char *recipients_text(const struct group *group)
{
    struct buf text = BUF_EMPTY;

    buf_add_str(&text, "--\n");
    for (size_t i = 0; i < group->n; i++)
        buf_printf(&text, "%s\n", group->sorted[i].fingerprint);
    return buf_take(&text);
}

/* gpg takes an error of its read for the end of the data, seals what it has by then, and says that all is well
 * (2.2.40: only its exit code, which gpgme drops, knows better). What is encrypted is as long as its data: in tag 18
 * after a version and 18 bytes, before 22 bytes (RFC 9580, section 5.13.1); in tag 20 with a header and tags that vary.
 */
static bool is_whole(struct span out, const struct pgp_split *split, size_t data_len, bool frameless)
{
    struct buf body = BUF_EMPTY;
    struct pgp_packet packet;
    size_t pos = split->body_off, len;

    if (pgp_packet_next(out, &pos, &packet) != PGP_PACKET_OK)
        return false;
    pgp_packet_add_body(out, &packet, &body);
    len = body.len;
    buf_free(&body);
    if (split->body_tag == PGP_TAG_SEIPD && frameless)
        return len == data_len + 1 + 18 + 22;
    return len >= data_len + 1 + 18 + 16;
}

/* What gpg says of the call, and what it wrote. */
static enum err check_sealed(struct pgp_gpg *gpg, const struct group *group, struct span data, struct span out,
                             struct diag *why)
{
    gpgme_encrypt_result_t result = gpgme_op_encrypt_result(gpg->ctx);
    struct pgp_split split;
    enum err err;

    if (!result || result->invalid_recipients)
        return pgp_result_off(why, "a recipient was left out");
    if (gpg->status.sealed_cipher != AES256)
        return pgp_result_off(why, "the cipher is not AES256");
    err = pgp_split_parse(out, group->n, &split, NULL);
    if (err || split.n != group->n)
        err = pgp_result_off(why, "not one session key for each recipient before one protected body");
    else if (!is_whole(out, &split, data.len, group->frameless))
        err = diag_set(why, ERR_AGAIN, "pgp.cut-short", "gpg has not sealed all of a mail");
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
        if (is_wanted(group, bad->fpr))
            add_failed(group, bad->fpr, pgp_gpg_words(bad->reason));
    return pgp_result_refused(error, sink, why);
}

static enum err seal(struct pgp_gpg *gpg, struct span data, struct group *group, struct buf *out, struct diag *why)
{
    /* Not left to gpg.conf alone: a gpg that cannot open it goes on without a word, and nobody could read the mail. */
    const gpgme_encrypt_flags_t flags = GPGME_ENCRYPT_ALWAYS_TRUST | GPGME_ENCRYPT_NO_ENCRYPT_TO |
                                        GPGME_ENCRYPT_NO_COMPRESS | (group->frameless ? GPGME_ENCRYPT_WRAP : 0);
    char *recipients = recipients_text(group);
    gpgme_data_t in = pgp_gpg_input(data);
    struct pgp_sink sink;
    gpgme_error_t error;

    pgp_gpg_sink_open(&sink, out, SIZE_MAX);
    error = gpgme_op_encrypt_ext(gpg->ctx, NULL, recipients, flags, in, sink.data);
    pgp_gpg_sink_close(&sink);
    gpgme_data_release(in);
    free(recipients);
    return error ? seal_refused(gpg, error, group, &sink, why) : check_sealed(gpg, group, data, buf_span(out), why);
}

static enum err encrypt(const char *home, struct span data, const char *const *fingerprints, size_t n,
                        struct group *group, struct buf *out, struct diag *why)
{
    struct pgp_gpg gpg = {0};
    enum err err = set_group(group, fingerprints, n, why);

    if (!err)
        err = pgp_gpg_open(&gpg, home, why);
    if (!err)
        err = seal(&gpg, data, group, out, why);
    pgp_gpg_close(&gpg);
    free(group->sorted);
    group->sorted = NULL;
    if (err)
        buf_clear(out);
    return err;
}

enum err pgp_encrypt_group(const char *shard_home, struct span signed_packets, const char *const *fingerprints,
                           size_t n, struct buf *out_binary, struct pgp_failed_key *failed, size_t max_failed,
                           size_t *n_failed, struct diag *why)
{
    struct group group = {.failed = failed, .max_failed = max_failed, .frameless = true};
    bool frameless = false;
    enum err err = pgp_home_is_frameless(shard_home, &frameless, why);

    buf_clear(out_binary);
    if (!err && !frameless)
        err = diag_set(why, ERR_USAGE, "pgp.usage", "signed packets are encrypted in a shard's home only");
    if (!err && !pgp_is_plain_signed(signed_packets))
        err = diag_set(why, ERR_USAGE, "pgp.usage", "only a signed message is encrypted to a group");
    if (!err)
        err = encrypt(shard_home, signed_packets, fingerprints, n, &group, out_binary, why);
    if (n_failed)
        *n_failed = group.n_failed;
    return err;
}

enum err pgp_encrypt_plain(const char *home, struct span data, const char *const *fingerprints, size_t n,
                           struct buf *out_binary, struct diag *why)
{
    struct group group = {0};
    bool frameless = false;
    enum err err = pgp_home_is_frameless(home, &frameless, why);

    buf_clear(out_binary);
    if (!err && frameless)
        err = diag_set(why, ERR_USAGE, "pgp.usage", "plain data is not encrypted in a shard's home");
    return err ? err : encrypt(home, data, fingerprints, n, &group, out_binary, why);
}
