/*
 * The signature of a mail: looked at first where the team's keys are, then in the shard that has the signer's key, then
 * with a key that came with the mail. One of the three has it, or nobody has.
 */
#include "proc/opening.h"

#include "base/frame.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/pgp_probe.h"
#include "codec/pgp_scan.h"
#include "codec/pgp_wire.h"
#include "proc/examiner.h"
#include "proc/find_key.h"
#include "store/applications.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- signatures ---- */

/* Of a signature by a key that is not in this home: has somebody of ours such a key? */
static bool is_known_elsewhere(struct mail *m, const struct pgp_signature *sig)
{
    const struct settings_list *list = opening_list_of(m);
    struct list_row row;
    struct diag why;
    bool known;

    if (sig->verdict != PGP_SIG_UNKNOWN_KEY || list_by_name(m->core->flow.db, list->name, &row, &why))
        return false;
    known = key_shard_of_issuer(m->core->flow.db, row.id, sig->issuer) >= 0;
    list_row_free(&row);
    return known;
}

/*
 * Of several, the one that counts is the good one, or the one by somebody of ours whose key is in another home; a
 * stranger's beside it harms nothing. Where one is bad, or two persons' are good, nobody's word is proved.
 */
static void take_signatures(struct mail *m, const struct pgp_signature *sigs, size_t n)
{
    const struct pgp_signature *best = n ? &sigs[0] : NULL;
    bool doubtful = false;

    for (size_t i = 0; i < n; i++) {
        bool good = sigs[i].verdict == PGP_SIG_GOOD;

        doubtful = doubtful || (n > 1 && sigs[i].verdict == PGP_SIG_BAD) ||
                   (good && best->verdict == PGP_SIG_GOOD && strcmp(best->fingerprint, sigs[i].fingerprint) != 0);
        if (best->verdict != PGP_SIG_GOOD &&
            (good || (i > 0 && !is_known_elsewhere(m, best) && is_known_elsewhere(m, &sigs[i]))))
            best = &sigs[i];
    }
    m->in.has_signature = n > 0;
    if (best)
        m->in.signature = *best;
    if (doubtful)
        m->in.signature.verdict = PGP_SIG_ERROR;
}

bool opening_take_signatures(struct mail *m, struct frame_reader *r)
{
    struct pgp_signature sigs[WORKER_SIGNATURES_MAX];
    size_t n = frame_get_count(r, 8);

    if (n > WORKER_SIGNATURES_MAX)
        r->bad = true;
    for (size_t i = 0; !r->bad && i < n; i++)
        pgp_signature_get(r, &sigs[i]);
    if (!frame_done(r))
        return false;
    take_signatures(m, sigs, n);
    return true;
}

/* The home of the shard that holds the signer's key; NULL where nobody's key made the signature. */
static char *home_of_signer(struct mail *m)
{
    const struct settings_list *list = opening_list_of(m);
    struct list_row row;
    struct diag why;
    int64_t shard;

    if (!m->in.has_signature || m->in.signature.verdict != PGP_SIG_UNKNOWN_KEY ||
        list_by_name(m->core->flow.db, list->name, &row, &why))
        return NULL;
    shard = key_shard_of_issuer(m->core->flow.db, row.id, m->in.signature.issuer);
    /* An applicant's key proves an applicant, whatever else its home holds. */
    if (shard < 0 && application_has_issuer(m->core->flow.db, row.id, m->in.signature.issuer))
        m->in.by_loose_key = true;
    list_row_free(&row);
    if (shard < 0)
        return m->in.by_loose_key ? settings_gnupg(m->core->settings, list->name, "quarantine") : NULL;
    return settings_shard(m->core->settings, list->name, shard);
}

/* ---- is it gpg? ---- */

static void gpg_tried(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct mail *m = ctx;

    (void)reply;
    if (pgp_probe_blames_gpg(err, why)) {
        log_event(NULL, "gpg-is-broken", why->rule, "the mail is not unsigned for it (%s), but waits", m->refused.rule);
        m->ends->failed(m, ERR_AGAIN, false, why);
        return;
    }
    m->go_on(m);
}

/*
 * What was refused is the key that came with a mail, or its signature by that key, without which the mail would be read
 * as nobody's. A broken gpg says the same: it is tried with a message that is known to be good.
 */
static void doubt_gpg(struct mail *m, const struct diag *why, void (*go_on)(struct mail *m))
{
    const struct settings_list *list = opening_list_of(m);
    struct buf request = BUF_EMPTY;
    char *home = settings_gnupg(m->core->settings, list->name, "list");

    m->refused = *why;
    m->go_on = go_on;
    frame_put_i64(&request, core_gpg_time(m->core));
    frame_put_str(&request, home);
    frame_put_str(&request, list->fingerprint);
    pool_submit(m->core->pool, WORKER_CRYPTO, CRYPTO_PROBE, &request, gpg_tried, m);
    free(home);
}

static void verified(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct mail *m = ctx;
    struct frame_reader r;
    struct span plain;

    if (err == ERR_REJECT && m->shape == MIME_PGP_SIGNED && !m->is_clearsigned) {
        /* A detached signature that is none proves nothing; the mail is readable all the same. */
        m->in.has_signature = true;
        m->in.signature = (struct pgp_signature){.verdict = PGP_SIG_ERROR};
        opening_look_for_key(m);
        return;
    }
    if (m->tried_loose && (err == ERR_REJECT || err == ERR_LIMIT)) {
        doubt_gpg(m, why, opening_finish);
        return;
    }
    if (err) {
        m->ends->failed(m, err, true, why);
        return;
    }
    frame_reader_init(&r, reply);
    plain = frame_get_bytes(&r);
    if (!opening_take_signatures(m, &r)) {
        opening_bad_frame(m);
        return;
    }
    if (m->tried_loose) {
        m->in.by_loose_key = true;
        opening_finish(m);
        return;
    }
    if (opening_verify_elsewhere(m))
        return;
    if (m->plain_follows)
        opening_take_plain(m, plain);
    else
        opening_look_for_key(m);
}

/* What is to be verified, in the form that it has. */
static enum verify_form fill_verification(struct mail *m, struct buf *signature, struct buf *bytes)
{
    struct span content = incoming_content(&m->in);
    const struct mime_message *msg = incoming_message(&m->in);
    struct diag why;

    if (m->is_clearsigned || m->in.root == 0) {
        buf_add_buf(bytes, &m->packets);
        return m->is_clearsigned ? VERIFY_CLEAR : VERIFY_INLINE;
    }
    mime_part_decode(content, &msg->parts[m->part_b], signature, &why);
    mime_canonical_eol(mime_part_entity(content, &msg->parts[m->part_a]), bytes);
    return VERIFY_DETACHED;
}

/* certificate: empty, or the only one in a throw-away home below the folder `home`. */
static void verify_at(struct mail *m, const char *home, struct span certificate)
{
    struct buf request = BUF_EMPTY, signature = BUF_EMPTY, bytes = BUF_EMPTY;
    enum verify_form form = fill_verification(m, &signature, &bytes);

    frame_put_i64(&request, core_gpg_time(m->core));
    frame_put_str(&request, home);
    frame_put_u64(&request, opening_plain_limit(m));
    frame_put_u32(&request, form);
    frame_put_buf(&request, &signature);
    frame_put_buf(&request, &bytes);
    frame_put_span(&request, certificate);
    pool_submit(m->core->pool, WORKER_CRYPTO, CRYPTO_VERIFY, &request, verified, m);
    buf_free(&signature);
    buf_free(&bytes);
}

/* First where the team's keys are. */
void opening_verify(struct mail *m)
{
    char *home = settings_gnupg(m->core->settings, opening_list_of(m)->name, "list");

    verify_at(m, home, (struct span){NULL, 0});
    free(home);
}

/* Then, where nobody of the team signed, in the shard that has the signer's key. */
bool opening_verify_elsewhere(struct mail *m)
{
    char *home = m->home ? NULL : home_of_signer(m);

    if (!home)
        return false;
    m->home = home;
    verify_at(m, home, (struct span){NULL, 0});
    return true;
}

/* ---- a key that came with the mail ---- */

/*
 * A signature by nobody of ours: the key that came with the mail may have made it, or the one that the sender of an
 * earlier mail is pinned to. It says then that the mail is the key's holder's, and nothing more.
 */
static void judge_loose_signature(struct mail *m)
{
    struct buf key = BUF_EMPTY;
    struct diag why;

    if (m->tried_loose || !m->in.has_signature || m->in.signature.verdict != PGP_SIG_UNKNOWN_KEY ||
        (participant_key_of_issuer(m->core->flow.db, m->in.signature.issuer, &key, &why) && !m->in.key.len)) {
        buf_free(&key);
        opening_finish(m);
        return;
    }
    m->tried_loose = true;
    verify_at(m, m->core->homes, key.len ? buf_span(&key) : buf_span(&m->in.key));
    buf_free(&key);
}

/* Takes info. */
static void take_key(struct mail *m, struct pgp_key_info *info, struct span certificate)
{
    enum pgp_key_state state = pgp_key_state_at(info, clock_now(&m->core->clock), NULL, 0);

    free(m->in.key_facts);
    m->in.key_facts = info;
    buf_clear(&m->in.key_whole);
    buf_add(&m->in.key_whole, certificate.data, certificate.len);
    if (pgp_key_state_sends(state)) {
        buf_add(&m->in.key, certificate.data, certificate.len);
        snprintf(m->in.key_fingerprint, sizeof m->in.key_fingerprint, "%s", info->fingerprint);
    } else {
        snprintf(m->in.key_rule, sizeof m->in.key_rule, "key.%s", pgp_key_state_name(state));
    }
}

static void key_examined(void *ctx, enum err err, const struct pgp_key_info *key, struct span certificate,
                         const struct diag *why)
{
    struct mail *m = ctx;

    /*
     * The signature may be this key's: a worker that ended says nothing against either. Without one, a key that ends
     * workers is refused; what else passes is waited for.
     */
    if (err == ERR_AGAIN && (m->in.has_signature || strncmp(why->rule, "worker.", 7) != 0)) {
        m->ends->failed(m, err, false, why);
        return;
    }
    if (!err) {
        struct pgp_key_info *info = mem_zero(1, sizeof *info);

        *info = *key;
        take_key(m, info, certificate);
    } else {
        log_event(NULL, "attached-key-refused", why->rule, NULL);
        snprintf(m->in.key_rule, sizeof m->in.key_rule, "%s", why->rule);
    }
    if (err && m->in.has_signature && m->in.signature.verdict == PGP_SIG_UNKNOWN_KEY)
        doubt_gpg(m, why, judge_loose_signature);
    else
        judge_loose_signature(m);
}

/* Merged with what the list has of it: it may be news about a key that is known (flow/receive_key.c). */
void opening_look_for_key(struct mail *m)
{
    struct buf key = BUF_EMPTY;
    struct list_row row = {0};
    struct diag none;

    find_key_in_mail(&m->in, &key);
    if (!key.len) {
        judge_loose_signature(m);
    } else {
        list_by_name(m->core->flow.db, opening_list_of(m)->name, &row, &none);
        examiner_start(m->core, row.id, buf_span(&key), key_examined, m);
        list_row_free(&row);
    }
    buf_free(&key);
}
