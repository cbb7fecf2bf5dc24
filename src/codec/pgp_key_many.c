/* Many certificates at a time: to examine one costs four starts of gpg, to examine a hundred costs little more. */
#include "codec/pgp_key.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_cert.h"
#include "codec/pgp_gpg.h"
#include "codec/pgp_home.h"
#include "codec/pgp_key_store.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT_MAX ((size_t)64 << 20)

/* One certificate of the batch, by its fingerprint. */
struct place {
    char fingerprint[PGP_FPR_SIZE];
    size_t index;
};

static int by_fingerprint(const void *a, const void *b)
{
    return strcmp(((const struct place *)a)->fingerprint, ((const struct place *)b)->fingerprint);
}

/* The first of the places with this fingerprint; several rows may bring the same key. NULL: none. */
static const struct place *find(const struct place *places, size_t n, const char *fingerprint)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (strcmp(places[mid].fingerprint, fingerprint) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && strcmp(places[low].fingerprint, fingerprint) == 0 ? &places[low] : NULL;
}

/* The certificates that are whole, in one stream; each other one has its error. */
static void prepare(const struct span *in, size_t n, struct pgp_key_examined *out, struct buf *all,
                    struct place *places, size_t *n_places)
{
    struct buf stripped = BUF_EMPTY;
    size_t found;

    *n_places = 0;
    for (size_t i = 0; i < n; i++) {
        struct place *p = &places[*n_places];

        out[i].err = pgp_key_prepare(in[i], 1, &stripped, &found, &out[i].why);
        if (!out[i].err && !pgp_cert_fingerprint(buf_span(&stripped), p->fingerprint))
            out[i].err = pgp_key_not_taken(&out[i].why, "it has no fingerprint");
        if (out[i].err)
            continue;
        buf_add_buf(all, &stripped);
        p->index = i;
        ++*n_places;
    }
    buf_free(&stripped);
    qsort(places, *n_places, sizeof *places, by_fingerprint);
}

static enum err list_all(const char *home, const struct place *places, size_t n, struct pgp_key_examined *out,
                         struct diag *why)
{
    struct pgp_gpg gpg;
    gpgme_key_t key;
    enum err err = pgp_gpg_open(&gpg, home, why);

    if (err)
        return err;
    if (gpgme_op_keylist_start(gpg.ctx, NULL, 0))
        err = diag_set(why, ERR_AGAIN, "pgp.engine", "gpg does not list the keys");
    while (!err && !gpgme_op_keylist_next(gpg.ctx, &key)) {
        const struct place *p = key->fpr ? find(places, n, key->fpr) : NULL;

        for (; p && p < places + n && strcmp(p->fingerprint, key->fpr) == 0; p++)
            out[p->index].err = pgp_key_read(key, &out[p->index].info, &out[p->index].why);
        gpgme_key_unref(key);
    }
    pgp_gpg_close(&gpg);
    return err;
}

static enum err export_all(const char *home, struct buf *out, struct diag *why)
{
    struct pgp_sink sink;
    struct pgp_gpg gpg;
    gpgme_error_t error;
    enum err err = pgp_gpg_open(&gpg, home, why);

    if (err)
        return err;
    pgp_gpg_sink_open(&sink, out, SIZE_MAX);
    error = gpgme_op_export(gpg.ctx, NULL, GPGME_EXPORT_MODE_MINIMAL, sink.data);
    pgp_gpg_sink_close(&sink);
    if (error || sink.over)
        err = diag_set(why, ERR_AGAIN, "pgp.engine", "gpg does not export the keys");
    pgp_gpg_close(&gpg);
    return err;
}

static void take_certificate(struct span certificate, struct pgp_key_examined *e)
{
    struct pgp_cert_preferences prefs;

    pgp_cert_read_preferences(certificate, &prefs);
    e->info.prefers_aes = prefs.aes;
    e->info.prefers_seipd2 = prefs.seipd2;
    e->info.only_weak_digests = prefs.only_weak_digests;
    if (certificate.len > PGP_KEY_MINIMAL_MAX)
        e->err = pgp_key_too_large(&e->why, "more than 256 KiB without others' signatures");
    else
        buf_add(&e->minimal, certificate.data, certificate.len);
}

static enum err read_home(const char *home, const struct place *places, size_t n, struct pgp_key_examined *out,
                          struct diag *why)
{
    struct buf exported = {.max = EXPORT_MAX};
    struct span certificate;
    size_t at = 0;
    char fingerprint[PGP_FPR_SIZE];
    enum err err = list_all(home, places, n, out, why);

    if (!err)
        err = export_all(home, &exported, why);
    while (!err && pgp_cert_next(buf_span(&exported), &at, &certificate)) {
        const struct place *p = pgp_cert_fingerprint(certificate, fingerprint) ? find(places, n, fingerprint) : NULL;

        for (; p && p < places + n && strcmp(p->fingerprint, fingerprint) == 0; p++)
            if (!out[p->index].err && !out[p->index].minimal.len)
                take_certificate(certificate, &out[p->index]);
    }
    for (size_t i = 0; !err && i < n; i++)
        if (!out[places[i].index].err && !out[places[i].index].minimal.len)
            out[places[i].index].err = pgp_key_not_taken(&out[places[i].index].why, "it is not among what gpg took");
    buf_free(&exported);
    return err;
}

/* One by one, so that one that gpg does not take harms no other. */
static void examine_each(const char *workdir, int64_t now_utc_s, const struct span *in, const struct place *places,
                         size_t n, struct pgp_key_examined *out)
{
    for (size_t i = 0; i < n; i++) {
        struct pgp_key_examined *e = &out[places[i].index];

        e->err = pgp_key_update(workdir, now_utc_s, (struct span){NULL, 0}, in[places[i].index], &e->info, &e->minimal,
                                &e->why);
    }
}

enum err pgp_key_examine_many(const char *workdir, int64_t now_utc_s, const struct span *in, size_t n,
                              struct pgp_key_examined *out, struct diag *why)
{
    struct place *places = mem_zero(n + 1, sizeof *places);
    struct buf all = BUF_EMPTY;
    char home[PGP_HOME_MAX] = "";
    size_t n_places = 0;
    enum err err;

    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < n; i++)
        buf_init(&out[i].minimal, PGP_KEY_RAW_MAX);
    prepare(in, n, out, &all, places, &n_places);
    err = pgp_home_make_temporary(workdir, home, why);
    if (!err && now_utc_s != INSTANT_NONE)
        err = pgp_home_set_time(home, now_utc_s, why);
    if (!err && n_places) {
        if (all.over || pgp_key_import_bytes(home, buf_span(&all), n_places, false, NULL, why))
            examine_each(workdir, now_utc_s, in, places, n_places, out);
        else
            err = read_home(home, places, n_places, out, why);
    }
    if (home[0])
        pgp_home_remove(home);
    buf_free(&all);
    free(places);
    return err;
}
