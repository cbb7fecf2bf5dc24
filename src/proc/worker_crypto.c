#include "proc/worker.h"

#include "base/frame.h"
#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_home.h"
#include "codec/pgp_key.h"
#include "codec/pgp_open.h"
#include "codec/pgp_probe.h"
#include "codec/pgp_seal.h"
#include "codec/pgp_wire.h"
#include "flow/import_table.h"
#include "proc/worker_backup.h"

#include <stdlib.h>
#include <time.h>

static enum err damaged(struct diag *why)
{
    return diag_set(why, ERR_INTERNAL, "frame.bad", "a request to a worker is damaged");
}

/* Every request names the instant, then the home (or the folder for throw-away homes). */
static char *get_home(struct frame_reader *r, int64_t *now)
{
    *now = frame_get_i64(r);
    return frame_get_str(r);
}

static enum err set_time(const char *home, int64_t now, struct diag *why)
{
    return now == INSTANT_NONE ? ERR_OK : pgp_home_set_time(home, now, why);
}

/*
 * The time by which certificates are taken. A rehearsal that is behind the machine's clock must not lose keys that were
 * made meanwhile, since gpg drops what is signed in its future; what such a key may be used for, its state says.
 */
static int64_t time_for_keys(int64_t now)
{
    int64_t real = (int64_t)time(NULL);

    return now == INSTANT_NONE || now > real ? now : real;
}

static void put_signatures(const struct pgp_signature *sigs, size_t n, struct buf *reply)
{
    frame_put_u32(reply, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        pgp_signature_put(&sigs[i], reply);
}

static enum err unwrap(struct span request, struct buf *reply, struct diag *why)
{
    struct buf plain = BUF_EMPTY;
    struct frame_reader r;
    int64_t now;
    char *home;
    struct span in;
    enum err err;

    frame_reader_init(&r, request);
    home = get_home(&r, &now);
    in = frame_get_bytes(&r);
    err = frame_done(&r) && home ? set_time(home, now, why) : damaged(why);
    if (!err)
        err = pgp_decrypt_plain(home, in, &plain, why);
    if (!err)
        frame_put_buf(reply, &plain);
    buf_free(&plain);
    free(home);
    return err;
}

static enum err open_message(struct span request, struct buf *reply, struct diag *why)
{
    struct pgp_signature sigs[WORKER_SIGNATURES_MAX];
    struct pgp_decrypt_facts facts = {0};
    struct buf packets = BUF_EMPTY, plain = BUF_EMPTY;
    struct frame_reader r;
    struct span in;
    size_t n = 0;
    int64_t now;
    char *home;
    enum err err;

    frame_reader_init(&r, request);
    home = get_home(&r, &now);
    packets.max = plain.max = (size_t)frame_get_u64(&r);
    in = frame_get_bytes(&r);
    err = frame_done(&r) && home ? set_time(home, now, why) : damaged(why);
    if (!err)
        err = pgp_open(home, in, &packets, &plain, &facts, sigs, WORKER_SIGNATURES_MAX, &n, why);
    if (!err) {
        frame_put_buf(reply, &packets);
        frame_put_buf(reply, &plain);
        frame_put_str(reply, facts.opened_by);
        frame_put_u32(reply, (uint32_t)facts.cipher);
        put_signatures(sigs, n, reply);
    }
    buf_free(&packets);
    buf_free(&plain);
    free(home);
    return err;
}

/* A throw-away home with one certificate in it. */
static enum err make_home_of(const char *folder, struct span certificate, char *home, struct diag *why)
{
    char found[PGP_FPR_SIZE];
    enum err err = pgp_home_make_temporary(folder, home, why);

    return err ? err : pgp_key_import(home, certificate, found, why);
}

static enum err verify(struct span request, struct buf *reply, struct diag *why)
{
    struct pgp_signature sigs[WORKER_SIGNATURES_MAX];
    char made[PGP_HOME_MAX] = "";
    struct buf plain = BUF_EMPTY;
    struct frame_reader r;
    struct span signature, in, certificate;
    size_t n = 0;
    uint32_t form;
    int64_t now;
    char *given;
    const char *home;
    enum err err;

    frame_reader_init(&r, request);
    given = get_home(&r, &now);
    plain.max = (size_t)frame_get_u64(&r);
    form = frame_get_u32(&r);
    signature = frame_get_bytes(&r);
    in = frame_get_bytes(&r);
    certificate = frame_get_bytes(&r);
    err = frame_done(&r) && given ? ERR_OK : damaged(why);
    if (!err && certificate.len)
        err = make_home_of(given, certificate, made, why);
    home = *made ? made : given;
    if (!err)
        err = set_time(home, now, why);
    if (!err && form == VERIFY_INLINE)
        err = pgp_verify_inline(home, in, &plain, sigs, WORKER_SIGNATURES_MAX, &n, why);
    else if (!err && form == VERIFY_DETACHED)
        err = pgp_verify_detached(home, signature, in, sigs, WORKER_SIGNATURES_MAX, &n, why);
    else if (!err)
        err = pgp_verify_clear(home, in, &plain, sigs, WORKER_SIGNATURES_MAX, &n, why);
    if (!err) {
        frame_put_buf(reply, &plain);
        put_signatures(sigs, n, reply);
    }
    if (*made)
        pgp_home_remove(made);
    buf_free(&plain);
    free(given);
    return err;
}

static enum err sign(struct span request, struct buf *reply, struct diag *why)
{
    struct buf out = BUF_EMPTY;
    struct frame_reader r;
    char *home, *fingerprint;
    struct span in;
    uint32_t form;
    int64_t now;
    enum err err;

    frame_reader_init(&r, request);
    home = get_home(&r, &now);
    fingerprint = frame_get_str(&r);
    form = frame_get_u32(&r);
    in = frame_get_bytes(&r);
    err = frame_done(&r) && home && fingerprint ? set_time(home, now, why) : damaged(why);
    if (!err && form == SIGN_INLINE)
        err = pgp_sign_inline(home, fingerprint, in, &out, why);
    else if (!err && form == SIGN_DETACHED)
        err = pgp_sign_detached(home, fingerprint, in, &out, why);
    else if (!err)
        err = pgp_sign_clear(home, fingerprint, in, &out, why);
    if (!err)
        frame_put_buf(reply, &out);
    buf_free(&out);
    free(home);
    free(fingerprint);
    return err;
}

static void put_failed(const struct pgp_failed_key *failed, size_t n, struct buf *reply)
{
    frame_put_u32(reply, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        frame_put_str(reply, failed[i].fingerprint);
        frame_put_str(reply, failed[i].reason);
    }
}

static enum err encrypt(struct span request, struct buf *reply, struct diag *why)
{
    struct pgp_failed_key failed[8];
    struct buf out = BUF_EMPTY;
    struct frame_reader r;
    char *home, **fingerprints;
    size_t n_failed = 0;
    struct span packets;
    uint32_t n;
    int64_t now;
    enum err err;

    frame_reader_init(&r, request);
    home = get_home(&r, &now);
    n = frame_get_count(&r, 4);
    fingerprints = mem_zero(n, sizeof *fingerprints);
    for (uint32_t i = 0; i < n; i++)
        fingerprints[i] = frame_get_str(&r);
    packets = frame_get_bytes(&r);
    err = frame_done(&r) && home ? set_time(home, now, why) : damaged(why);
    if (!err)
        err = pgp_encrypt_group(home, packets, (const char *const *)fingerprints, n, &out, failed, 8, &n_failed, why);
    if (!err) {
        frame_put_bool(reply, true);
        frame_put_buf(reply, &out);
    } else if (err == ERR_REJECT && n_failed) {
        frame_put_bool(reply, false);
        put_failed(failed, n_failed, reply);
        err = ERR_OK;
    }
    for (uint32_t i = 0; i < n; i++)
        free(fingerprints[i]);
    free(fingerprints);
    buf_free(&out);
    free(home);
    return err;
}

/* A key that is used for replies to one participant alone never enters a home that lasts. */
static enum err encrypt_to(struct span request, struct buf *reply, struct diag *why)
{
    char home[PGP_HOME_MAX] = "", found[PGP_FPR_SIZE];
    struct pgp_key_info *key = mem_zero(1, sizeof *key);
    struct buf out = BUF_EMPTY;
    struct frame_reader r;
    char *folder, *fingerprint;
    struct span certificate, packets;
    int64_t now;
    enum err err;

    frame_reader_init(&r, request);
    folder = get_home(&r, &now);
    certificate = frame_get_bytes(&r);
    fingerprint = frame_get_str(&r);
    packets = frame_get_bytes(&r);
    err = frame_done(&r) && folder && fingerprint ? pgp_home_make_temporary(folder, home, why) : damaged(why);
    if (!err)
        err = pgp_home_make(home, PGP_HOME_SHARD, why);
    if (!err)
        err = set_time(home, now, why);
    if (!err)
        err = pgp_key_import(home, certificate, found, why);
    if (!err)
        err = pgp_key_lookup(home, fingerprint, key, why);
    if (!err)
        err = pgp_encrypt_group(home, packets, (const char *const[]){fingerprint}, 1, &out, NULL, 0, NULL, why);
    if (!err) {
        const struct pgp_subkey_info *subkey =
            pgp_key_pick_encryption(key, now == INSTANT_NONE ? (int64_t)time(NULL) : now);

        frame_put_u64(reply, subkey ? pgp_key_id_number(subkey->key_id) : 0);
        frame_put_buf(reply, &out);
    }
    if (*home)
        pgp_home_remove(home);
    free(key);
    buf_free(&out);
    free(folder);
    free(fingerprint);
    return err;
}

static enum err examine_key(const char *folder, int64_t now, struct span known, struct span in, struct buf *reply,
                            struct diag *why)
{
    struct pgp_key_info *info = mem_zero(1, sizeof *info);
    struct buf minimal = BUF_EMPTY, packed = BUF_EMPTY;
    enum err err = pgp_key_update(folder, time_for_keys(now), known, in, info, &minimal, why);

    if (!err) {
        pgp_key_info_put(info, &packed);
        frame_put_buf(reply, &packed);
        frame_put_buf(reply, &minimal);
    }
    buf_free(&minimal);
    buf_free(&packed);
    free(info);
    return err;
}

static enum err update(struct span request, struct buf *reply, struct diag *why)
{
    char revoked[PGP_FPR_SIZE];
    struct frame_reader r;
    struct span in, known;
    int64_t now;
    char *folder;
    enum err err = ERR_OK;

    frame_reader_init(&r, request);
    folder = get_home(&r, &now);
    in = frame_get_bytes(&r);
    known = frame_get_bytes(&r);
    if (!frame_done(&r) || !folder) {
        err = damaged(why);
    } else if (!known.len && pgp_key_is_revocation(in, revoked)) {
        frame_put_bytes(reply, "", 0);
        frame_put_str(reply, revoked);
    } else {
        err = examine_key(folder, now, known, in, reply, why);
    }
    free(folder);
    return err;
}

static enum err examine_many(struct span request, struct buf *reply, struct diag *why)
{
    struct pgp_key_examined *found;
    struct frame_reader r;
    struct span *in;
    int64_t now;
    char *folder;
    uint32_t n;
    enum err err;

    frame_reader_init(&r, request);
    folder = get_home(&r, &now);
    n = frame_get_count(&r, 4);
    in = mem_zero(n + 1, sizeof *in);
    found = mem_zero(n + 1, sizeof *found);
    for (uint32_t i = 0; i < n; i++)
        in[i] = frame_get_bytes(&r);
    err = frame_done(&r) && folder ? pgp_key_examine_many(folder, time_for_keys(now), in, n, found, why) : damaged(why);
    for (uint32_t i = 0; i < n; i++) {
        if (!err)
            import_key_put(found[i].err, &found[i].why, &found[i].info, buf_span(&found[i].minimal), reply);
        buf_free(&found[i].minimal);
    }
    free(found);
    free(in);
    free(folder);
    return err;
}

/* All by one call of gpg, which is some ten times faster; where it refuses, one by one, so that one harms no other. */
static void import_all(const char *home, const struct span *certificates, uint32_t n, struct buf *reply)
{
    char fingerprint[PGP_FPR_SIZE];
    bool whole = pgp_key_import_many(home, certificates, n, NULL) == ERR_OK;

    for (uint32_t i = 0; i < n; i++)
        frame_put_bool(reply, whole || !pgp_key_import(home, certificates[i], fingerprint, NULL));
}

static enum err import(struct span request, struct buf *reply, struct diag *why)
{
    struct frame_reader r;
    struct span *certificates;
    int64_t now;
    char *home;
    uint32_t n;
    enum err err;

    frame_reader_init(&r, request);
    home = get_home(&r, &now);
    n = frame_get_count(&r, 4);
    certificates = mem_zero(n, sizeof *certificates);
    for (uint32_t i = 0; i < n; i++)
        certificates[i] = frame_get_bytes(&r);
    err = frame_done(&r) && home ? pgp_home_make(home, PGP_HOME_SHARD, why) : damaged(why);
    if (!err)
        err = set_time(home, time_for_keys(now), why);
    if (!err) {
        frame_put_u32(reply, n);
        import_all(home, certificates, n, reply);
    }
    free(certificates);
    free(home);
    return err;
}

/* Keys of applicants come and go here, one by one. */
static enum err quarantine(struct span request, struct buf *reply, struct diag *why)
{
    char found[PGP_FPR_SIZE];
    struct frame_reader r;
    struct span certificate;
    char *home, *fingerprint;
    int64_t now;
    enum err err;

    (void)reply;
    frame_reader_init(&r, request);
    home = get_home(&r, &now);
    fingerprint = frame_get_str(&r);
    certificate = frame_get_bytes(&r);
    err = frame_done(&r) && home && fingerprint ? pgp_home_make(home, PGP_HOME_QUARANTINE, why) : damaged(why);
    if (!err)
        err = set_time(home, time_for_keys(now), why);
    if (!err && certificate.len)
        err = pgp_key_import(home, certificate, found, why);
    else if (!err && (err = pgp_key_delete(home, fingerprint, false, why)) == ERR_NOT_FOUND)
        err = ERR_OK;
    free(home);
    free(fingerprint);
    return err;
}

static enum err probe(struct span request, struct buf *reply, struct diag *why)
{
    struct frame_reader r;
    char *home, *fingerprint;
    int64_t now;
    enum err err;

    (void)reply;
    frame_reader_init(&r, request);
    home = get_home(&r, &now);
    fingerprint = frame_get_str(&r);
    err = frame_done(&r) && home && fingerprint ? set_time(home, now, why) : damaged(why);
    if (!err)
        err = pgp_probe(home, fingerprint, why);
    free(home);
    free(fingerprint);
    return err;
}

enum err worker_crypto_do(uint32_t op, struct span request, struct buf *reply, struct diag *why)
{
    static const struct {
        uint32_t op;
        enum err (*run)(struct span, struct buf *, struct diag *);
    } table[] = {{CRYPTO_UNWRAP, unwrap},         {CRYPTO_OPEN, open_message},
                 {CRYPTO_VERIFY, verify},         {CRYPTO_SIGN, sign},
                 {CRYPTO_ENCRYPT, encrypt},       {CRYPTO_ENCRYPT_TO, encrypt_to},
                 {CRYPTO_UPDATE, update},         {CRYPTO_IMPORT, import},
                 {CRYPTO_QUARANTINE, quarantine}, {CRYPTO_EXAMINE_MANY, examine_many},
                 {CRYPTO_BACKUP, worker_backup},  {CRYPTO_PROBE, probe}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].op == op)
            return table[i].run(request, reply, why);
    return diag_set(why, ERR_INTERNAL, "frame.bad", "a crypto worker does not know operation %u", op);
}
