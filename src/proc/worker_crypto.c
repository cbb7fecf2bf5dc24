#include "proc/worker.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_home.h"
#include "codec/pgp_key.h"
#include "codec/pgp_open.h"
#include "codec/pgp_probe.h"
#include "codec/pgp_seal.h"
#include "codec/pgp_wire.h"
#include "proc/crypto_request.h"
#include "proc/worker_backup.h"
#include "proc/worker_keys.h"

#include <stdlib.h>
#include <time.h>

/* The request is whole, and its home has its time. */
static enum err begun(const struct crypto_request *q, struct diag *why)
{
    enum err err = crypto_request_whole(q, why);

    return err ? err : crypto_request_set_time(q, q->home, why);
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
    struct crypto_request q;
    struct span in;
    enum err err;

    crypto_request_begin(&q, request);
    in = frame_get_bytes(&q.r);
    err = begun(&q, why);
    if (!err)
        err = pgp_decrypt_plain(q.home, in, &plain, why);
    if (!err)
        frame_put_buf(reply, &plain);
    buf_free(&plain);
    crypto_request_free(&q);
    return err;
}

static enum err open_message(struct span request, struct buf *reply, struct diag *why)
{
    struct pgp_signature sigs[WORKER_SIGNATURES_MAX];
    struct pgp_decrypt_facts facts = {0};
    struct buf packets = BUF_EMPTY, plain = BUF_EMPTY;
    struct crypto_request q;
    struct span in;
    size_t n = 0;
    enum err err;

    crypto_request_begin(&q, request);
    packets.max = plain.max = (size_t)frame_get_u64(&q.r);
    in = frame_get_bytes(&q.r);
    err = begun(&q, why);
    if (!err)
        err = pgp_open(q.home, in, &packets, &plain, &facts, sigs, WORKER_SIGNATURES_MAX, &n, why);
    if (!err) {
        frame_put_buf(reply, &packets);
        frame_put_buf(reply, &plain);
        frame_put_str(reply, facts.opened_by);
        frame_put_u32(reply, (uint32_t)facts.cipher);
        put_signatures(sigs, n, reply);
    }
    buf_free(&packets);
    buf_free(&plain);
    crypto_request_free(&q);
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
    struct crypto_request q;
    struct span signature, in, certificate;
    size_t n = 0;
    uint32_t form;
    const char *home;
    enum err err;

    crypto_request_begin(&q, request);
    plain.max = (size_t)frame_get_u64(&q.r);
    form = frame_get_u32(&q.r);
    signature = frame_get_bytes(&q.r);
    in = frame_get_bytes(&q.r);
    certificate = frame_get_bytes(&q.r);
    err = crypto_request_whole(&q, why);
    if (!err && certificate.len)
        err = make_home_of(q.home, certificate, made, why);
    home = *made ? made : q.home;
    if (!err)
        err = crypto_request_set_time(&q, home, why);
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
    crypto_request_free(&q);
    return err;
}

static enum err sign(struct span request, struct buf *reply, struct diag *why)
{
    struct buf out = BUF_EMPTY;
    struct crypto_request q;
    struct span in;
    uint32_t form;
    enum err err;

    crypto_request_begin(&q, request);
    crypto_request_get_key(&q);
    form = frame_get_u32(&q.r);
    in = frame_get_bytes(&q.r);
    err = begun(&q, why);
    if (!err && form == SIGN_INLINE)
        err = pgp_sign_inline(q.home, q.fingerprint, in, &out, why);
    else if (!err && form == SIGN_DETACHED)
        err = pgp_sign_detached(q.home, q.fingerprint, in, &out, why);
    else if (!err)
        err = pgp_sign_clear(q.home, q.fingerprint, in, &out, why);
    if (!err)
        frame_put_buf(reply, &out);
    buf_free(&out);
    crypto_request_free(&q);
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
    struct crypto_request q;
    char **fingerprints;
    size_t n_failed = 0;
    struct span packets;
    uint32_t n;
    enum err err;

    crypto_request_begin(&q, request);
    n = frame_get_count(&q.r, 4);
    fingerprints = mem_zero(n, sizeof *fingerprints);
    for (uint32_t i = 0; i < n; i++)
        fingerprints[i] = frame_get_str(&q.r);
    packets = frame_get_bytes(&q.r);
    err = begun(&q, why);
    if (!err)
        err = pgp_encrypt_group(q.home, packets, (const char *const *)fingerprints, n, &out, failed, 8, &n_failed, why);
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
    crypto_request_free(&q);
    return err;
}

/* A key that is used for replies to one participant alone never enters a home that lasts. */
static enum err encrypt_to(struct span request, struct buf *reply, struct diag *why)
{
    char home[PGP_HOME_MAX] = "", found[PGP_FPR_SIZE];
    struct pgp_key_info *key = mem_zero(1, sizeof *key);
    struct buf out = BUF_EMPTY;
    struct crypto_request q;
    struct span certificate, packets;
    enum err err;

    crypto_request_begin(&q, request);
    certificate = frame_get_bytes(&q.r);
    crypto_request_get_key(&q);
    packets = frame_get_bytes(&q.r);
    err = crypto_request_whole(&q, why);
    if (!err)
        err = pgp_home_make_temporary(q.home, home, why);
    if (!err)
        err = pgp_home_make(home, PGP_HOME_SHARD, why);
    if (!err)
        err = crypto_request_set_time(&q, home, why);
    if (!err)
        err = pgp_key_import(home, certificate, found, why);
    if (!err)
        err = pgp_key_lookup(home, q.fingerprint, key, why);
    if (!err)
        err = pgp_encrypt_group(home, packets, (const char *const[]){q.fingerprint}, 1, &out, NULL, 0, NULL, why);
    if (!err) {
        const struct pgp_subkey_info *subkey =
            pgp_key_pick_encryption(key, q.now_utc_s == INSTANT_NONE ? (int64_t)time(NULL) : q.now_utc_s);

        frame_put_u64(reply, subkey ? pgp_key_id_number(subkey->key_id) : 0);
        frame_put_buf(reply, &out);
    }
    if (*home)
        pgp_home_remove(home);
    free(key);
    buf_free(&out);
    crypto_request_free(&q);
    return err;
}

static enum err probe(struct span request, struct buf *reply, struct diag *why)
{
    struct crypto_request q;
    enum err err;

    (void)reply;
    crypto_request_begin(&q, request);
    crypto_request_get_key(&q);
    err = begun(&q, why);
    if (!err)
        err = pgp_probe(q.home, q.fingerprint, why);
    crypto_request_free(&q);
    return err;
}

enum err worker_crypto_do(uint32_t op, struct span request, struct buf *reply, struct diag *why)
{
    static const struct {
        uint32_t op;
        enum err (*run)(struct span, struct buf *, struct diag *);
    } table[] = {{CRYPTO_UNWRAP, unwrap},
                 {CRYPTO_OPEN, open_message},
                 {CRYPTO_VERIFY, verify},
                 {CRYPTO_SIGN, sign},
                 {CRYPTO_ENCRYPT, encrypt},
                 {CRYPTO_ENCRYPT_TO, encrypt_to},
                 {CRYPTO_UPDATE, worker_update},
                 {CRYPTO_IMPORT, worker_import},
                 {CRYPTO_QUARANTINE, worker_quarantine},
                 {CRYPTO_EXAMINE_MANY, worker_examine_many},
                 {CRYPTO_BACKUP, worker_backup},
                 {CRYPTO_PROBE, probe}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].op == op)
            return table[i].run(request, reply, why);
    return diag_set(why, ERR_INTERNAL, "frame.bad", "a crypto worker does not know operation %u", op);
}
