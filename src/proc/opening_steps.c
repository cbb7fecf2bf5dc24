/*
 * The way of one mail: mime worker → (crypto worker → mime worker) → (crypto worker: the signature) → flow. One step
 * for each answer of a worker; the order is that of the design and never changes.
 */
#include "proc/opening.h"

#include "base/frame.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/charset.h"
#include "codec/pgp_scan.h"
#include "codec/pgp_wire.h"
#include "proc/find_key.h"
#include "store/applications.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- signatures ---- */

/* Of several, the one that counts is a good one by a key that we know; else the first. */
static void take_signatures(struct mail *m, const struct pgp_signature *sigs, size_t n)
{
    size_t best = 0;

    for (size_t i = 0; i < n; i++)
        if (sigs[i].verdict == PGP_SIG_GOOD && sigs[best].verdict != PGP_SIG_GOOD)
            best = i;
    m->in.has_signature = n > 0;
    if (n)
        m->in.signature = sigs[best];
    /* Anything but exactly one signature proves less than it seems: who of them is meant? */
    if (n > 1)
        m->in.signature.verdict = PGP_SIG_ERROR;
}

static bool get_signatures(struct frame_reader *r, struct pgp_signature *sigs, size_t *n)
{
    *n = frame_get_count(r, 8);
    if (*n > WORKER_SIGNATURES_MAX)
        r->bad = true;
    for (size_t i = 0; !r->bad && i < *n; i++)
        pgp_signature_get(r, &sigs[i]);
    return frame_done(r);
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

/* Bytes that may come out of this mail: the limit, or so many times what went in (never less than a page of text). */
static size_t plain_limit(const struct mail *m)
{
    const struct settings_limits *l = &m->core->settings->limits;
    size_t in = m->in.cipher.len ? m->in.cipher.len : m->in.raw.len;
    size_t most = in > SIZE_MAX / l->decrypted_factor ? SIZE_MAX : in * l->decrypted_factor;

    if (most < PGP_BOMB_FLOOR)
        most = PGP_BOMB_FLOOR;
    return most < l->decrypted_bytes ? most : l->decrypted_bytes;
}

static void structure(struct mail *m);
static void look_for_key(struct mail *m);
static void verify_at_shard(struct mail *m, char *home);

static void bad_frame(struct mail *m)
{
    struct diag why;

    diag_set(&why, ERR_AGAIN, "worker.frame", "a worker's answer is damaged");
    m->ends->failed(m, ERR_AGAIN, false, &why);
}

/* What was inside is read from now on. The text of inline PGP is made an entity of its own. */
static void take_plain(struct mail *m, struct span plain)
{
    m->in.unpacked = true;
    if (m->is_inline)
        buf_printf(&m->in.plain, "Content-Type: text/plain; charset=%s\r\n\r\n",
                   charset_is_utf8(plain) ? "utf-8" : "iso-8859-1");
    buf_add(&m->in.plain, plain.data, plain.len);
    structure(m);
}

static void verified(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct mail *m = ctx;
    struct pgp_signature sigs[WORKER_SIGNATURES_MAX];
    struct frame_reader r;
    struct span plain;
    size_t n;
    char *home;

    if (err == ERR_REJECT && m->shape == MIME_PGP_SIGNED && !m->is_clearsigned) {
        /* A detached signature that is none proves nothing; the mail is readable all the same. */
        m->in.has_signature = true;
        m->in.signature = (struct pgp_signature){.verdict = PGP_SIG_ERROR};
        look_for_key(m);
        return;
    }
    if (m->tried_loose && (err == ERR_REJECT || err == ERR_LIMIT)) {
        m->ends->open(m);
        return;
    }
    if (err) {
        m->ends->failed(m, err, true, why);
        return;
    }
    frame_reader_init(&r, reply);
    plain = frame_get_bytes(&r);
    if (!get_signatures(&r, sigs, &n)) {
        bad_frame(m);
        return;
    }
    take_signatures(m, sigs, n);
    if (m->tried_loose) {
        m->in.by_loose_key = true;
        m->ends->open(m);
        return;
    }
    home = m->home ? NULL : home_of_signer(m);
    if (home) {
        verify_at_shard(m, home);
        return;
    }
    if (m->packets.len && !m->in.unpacked)
        take_plain(m, plain);
    else
        look_for_key(m);
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
    frame_put_u64(&request, plain_limit(m));
    frame_put_u32(&request, form);
    frame_put_buf(&request, &signature);
    frame_put_buf(&request, &bytes);
    frame_put_span(&request, certificate);
    pool_submit(m->core->pool, WORKER_CRYPTO, CRYPTO_VERIFY, &request, verified, m);
    buf_free(&signature);
    buf_free(&bytes);
}

/* First where the team's keys are. */
static void verify_at_list(struct mail *m)
{
    char *home = settings_gnupg(m->core->settings, opening_list_of(m)->name, "list");

    verify_at(m, home, (struct span){NULL, 0});
    free(home);
}

/* Then, where nobody of the team signed, in the shard that has the signer's key; takes home. */
static void verify_at_shard(struct mail *m, char *home)
{
    free(m->home);
    m->home = home;
    verify_at(m, home, (struct span){NULL, 0});
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
    char *folder;

    if (m->tried_loose || !m->in.has_signature || m->in.signature.verdict != PGP_SIG_UNKNOWN_KEY ||
        (participant_key_of_issuer(m->core->flow.db, m->in.signature.issuer, &key, &why) && !m->in.key.len)) {
        buf_free(&key);
        m->ends->open(m);
        return;
    }
    m->tried_loose = true;
    folder = settings_path(m->core->settings, "gnupg");
    verify_at(m, folder, key.len ? buf_span(&key) : buf_span(&m->in.key));
    buf_free(&key);
    free(folder);
}

/* Takes info. */
static void take_key(struct mail *m, struct pgp_key_info *info, struct span certificate)
{
    enum pgp_key_state state = pgp_key_state_at(info, clock_now(&m->core->clock), NULL, 0);

    free(m->in.key_facts);
    m->in.key_facts = info;
    if (pgp_key_state_sends(state)) {
        buf_add(&m->in.key, certificate.data, certificate.len);
        snprintf(m->in.key_fingerprint, sizeof m->in.key_fingerprint, "%s", info->fingerprint);
    } else {
        snprintf(m->in.key_rule, sizeof m->in.key_rule, "key.%s", pgp_key_state_name(state));
    }
}

static void key_examined(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct mail *m = ctx;
    struct pgp_key_info *info = mem_zero(1, sizeof *info);
    struct frame_reader r;
    struct span facts, certificate;
    struct diag bad;

    if (!err) {
        frame_reader_init(&r, reply);
        facts = frame_get_bytes(&r);
        certificate = frame_get_bytes(&r);
        if (frame_done(&r) && !pgp_key_info_get(facts, info, &bad)) {
            take_key(m, info, certificate);
            info = NULL;
        }
    } else {
        log_event(NULL, "attached-key-refused", why->rule, NULL);
        snprintf(m->in.key_rule, sizeof m->in.key_rule, "%s", why->rule);
    }
    free(info);
    judge_loose_signature(m);
}

static void look_for_key(struct mail *m)
{
    struct buf key = BUF_EMPTY, request = BUF_EMPTY;
    char *folder;

    find_key_in_mail(&m->in, &key);
    if (!key.len) {
        buf_free(&key);
        judge_loose_signature(m);
        return;
    }
    folder = settings_path(m->core->settings, "gnupg");
    frame_put_i64(&request, core_gpg_time(m->core));
    frame_put_str(&request, folder);
    frame_put_buf(&request, &key);
    pool_submit(m->core->pool, WORKER_CRYPTO, CRYPTO_EXAMINE, &request, key_examined, m);
    buf_free(&key);
    free(folder);
}

/* ---- decryption ---- */

static void opened(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct mail *m = ctx;
    struct pgp_signature sigs[WORKER_SIGNATURES_MAX];
    struct frame_reader r;
    struct span packets, plain;
    size_t n;
    char *home;

    if (err) {
        m->ends->failed(m, err, true, why);
        return;
    }
    frame_reader_init(&r, reply);
    packets = frame_get_bytes(&r);
    plain = frame_get_bytes(&r);
    frame_get_u32(&r);
    if (!get_signatures(&r, sigs, &n)) {
        bad_frame(m);
        return;
    }
    m->in.encrypted = true;
    take_signatures(m, sigs, n);
    buf_add(&m->packets, packets.data, packets.len);
    home = home_of_signer(m);
    if (home) {
        verify_at_shard(m, home);
        return;
    }
    take_plain(m, plain);
}

/* Takes armored: only a whole encrypted message, and nothing but, is given to a key (rules of codec/pgp_scan.h). */
static void decrypt(struct mail *m, struct buf *armored)
{
    struct core *core = m->core;
    struct buf request = BUF_EMPTY;
    struct pgp_scan scan;
    struct diag why;
    char *home;
    enum err err = pgp_packets_scan(buf_span(armored), &scan, &m->in.cipher, &why);

    buf_free(armored);
    if (err) {
        m->ends->failed(m, err, false, &why);
        return;
    }
    home = settings_gnupg(core->settings, opening_list_of(m)->name, "list");
    frame_put_i64(&request, core_gpg_time(core));
    frame_put_str(&request, home);
    frame_put_u64(&request, plain_limit(m));
    frame_put_buf(&request, &m->in.cipher);
    pool_submit(core->pool, WORKER_CRYPTO, CRYPTO_OPEN, &request, opened, m);
    free(home);
}

/* ---- structure ---- */

static void decrypt_part(struct mail *m, int part)
{
    struct buf armored = BUF_EMPTY;
    struct diag why;
    enum err err = mime_part_decode(buf_span(&m->in.raw), &m->in.outer.parts[part], &armored, &why);

    if (!err) {
        decrypt(m, &armored);
        return;
    }
    buf_free(&armored);
    m->ends->failed(m, err, false, &why);
}

/* A text that is armor from end to end: an encrypted message, or a clear-signed one. */
static void open_inline(struct mail *m)
{
    struct buf text = BUF_EMPTY;
    struct diag why;
    const char *start;
    enum err err = mime_part_decode(buf_span(&m->in.raw), &m->in.outer.parts[m->part_a], &text, &why);

    if (err) {
        buf_free(&text);
        m->ends->failed(m, err, false, &why);
        return;
    }
    m->is_inline = true;
    start = buf_text(&text) + strspn(buf_text(&text), " \t\r\n");
    m->is_clearsigned = strncmp(start, "-----BEGIN PGP SIGNED MESSAGE-----", 34) == 0;
    if (!m->is_clearsigned) {
        decrypt(m, &text);
        return;
    }
    buf_move(&m->packets, &text);
    verify_at_list(m);
}

/* What follows from the shape of the mail as it came. */
static void parsed_outer(struct mail *m)
{
    struct diag why;

    if (m->shape == MIME_PGP_ENCRYPTED) {
        decrypt_part(m, m->part_b);
    } else if (m->shape == MIME_INLINE_PGP) {
        open_inline(m);
    } else if (m->shape == MIME_PGP_SIGNED) {
        m->in.root = m->part_a;
        verify_at_list(m);
    } else if (m->shape == MIME_SMIME) {
        diag_set(&why, ERR_REJECT, "smime", "S/MIME is not read: ask for OpenPGP");
        m->ends->failed(m, ERR_REJECT, false, &why);
    } else {
        look_for_key(m);
    }
}

/* And of what was inside it. */
static void parsed_inner(struct mail *m)
{
    struct diag why;

    if (m->shape == MIME_PGP_ENCRYPTED) {
        diag_set(&why, ERR_REJECT, "nested-encryption", "an encrypted mail inside an encrypted one is not opened");
        m->ends->failed(m, ERR_REJECT, false, &why);
    } else if (m->shape == MIME_PGP_SIGNED && !m->in.has_signature) {
        m->in.root = m->part_a;
        verify_at_list(m);
    } else {
        look_for_key(m);
    }
}

static void parsed(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct mail *m = ctx;
    bool of_plain = m->in.unpacked;
    struct mime_message *msg = of_plain ? &m->in.inner : &m->in.outer;
    struct frame_reader r;
    struct span packed, text;
    struct diag bad;
    int64_t a, b;
    uint32_t shape;

    if (err) {
        m->ends->failed(m, err, false, why);
        return;
    }
    frame_reader_init(&r, reply);
    packed = frame_get_bytes(&r);
    shape = frame_get_u32(&r);
    a = frame_get_i64(&r);
    b = frame_get_i64(&r);
    text = frame_get_bytes(&r);
    if (!frame_done(&r) || shape > MIME_OTHER || mime_message_get(packed, incoming_content(&m->in).len, msg, &bad) ||
        a < -1 || b < -1 || a >= (int64_t)msg->n_parts || b >= (int64_t)msg->n_parts ||
        ((shape == MIME_PGP_ENCRYPTED || shape == MIME_PGP_SIGNED) && b < 0) ||
        ((shape == MIME_PGP_SIGNED || shape == MIME_INLINE_PGP) && a < 0)) {
        bad_frame(m);
        return;
    }
    m->shape = (enum mime_shape)shape;
    m->part_a = (int)a;
    m->part_b = (int)b;
    mem_free_secret(&m->in.text);
    m->in.text = mem_strndup(text.data, text.len);
    if (of_plain)
        parsed_inner(m);
    else
        parsed_outer(m);
}

static void structure(struct mail *m)
{
    const struct settings_limits *l = &m->core->settings->limits;
    struct buf request = BUF_EMPTY;

    frame_put_u64(&request, m->in.unpacked ? l->decrypted_bytes : l->message_bytes);
    frame_put_u64(&request, l->header_block_bytes);
    frame_put_u64(&request, l->header_line_bytes);
    frame_put_u64(&request, l->parts);
    frame_put_u64(&request, l->depth);
    frame_put_u64(&request, MIME_LIMITS_DEFAULT.comments);
    frame_put_span(&request, incoming_content(&m->in));
    pool_submit(m->core->pool, WORKER_MIME, MIME_PARSE, &request, parsed, m);
}

void opening_begin_steps(struct mail *m)
{
    structure(m);
}
