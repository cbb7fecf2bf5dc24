/*
 * The way of a spool file: mime worker → (crypto worker → mime worker) → (crypto worker: the signature) → flow.
 * One step for each answer of a worker; the order is that of the design and never changes.
 */
#include "proc/core.h"

#include "base/frame.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/pgp_scan.h"
#include "codec/pgp_wire.h"
#include "flow/receive.h"
#include "proc/find_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES_KEPT     256
#define PAUSE_AFTER_MS 2000

struct mail {
    struct mail *next;
    struct opening *o;
    char name[SPOOL_NAME_SIZE];
    struct incoming in;
    struct buf packets; /* the inner OpenPGP message, still signed */
    enum mime_shape shape;
    int part_a, part_b;
    char *home; /* where the signature is verified now */
};

struct opening {
    struct core *core;
    struct mail *open;
    size_t n_open;
    /* How often a spool file took a worker down with it. */
    struct {
        char name[SPOOL_NAME_SIZE];
        int n;
    } tries[TRIES_KEPT];
    size_t next_try;
    int64_t not_before_ms; /* after a fault that was nobody's mail's: do not spin */
};

struct opening *opening_new(struct core *core)
{
    struct opening *o = mem_zero(1, sizeof *o);

    o->core = core;
    return o;
}

static void mail_free(struct mail *m)
{
    incoming_free(&m->in);
    buf_free(&m->packets);
    free(m->home);
    free(m);
}

void opening_free(struct opening **o)
{
    if (!*o)
        return;
    for (struct mail *m = (*o)->open, *next; m; m = next) {
        next = m->next;
        mail_free(m);
    }
    free(*o);
    *o = NULL;
}

size_t opening_busy(const struct opening *o)
{
    return o->n_open;
}

static void leave(struct mail *m)
{
    struct mail **at = &m->o->open;

    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    m->o->n_open--;
    mail_free(m);
}

/* The database has it: the spool's file may go. */
static void finish(struct mail *m)
{
    struct diag why;

    if (spool_remove(m->o->core->spool, m->name, &why))
        log_diag(NULL, "spool-remove-failed", &why);
    leave(m);
}

/* It stays in the spool, and is tried again a little later. */
static void defer(struct mail *m, const struct diag *why)
{
    log_diag(NULL, "mail-deferred", why);
    m->o->not_before_ms = clock_monotonic_ms() + PAUSE_AFTER_MS;
    leave(m);
}

static void hold(struct mail *m, const struct diag *reason)
{
    struct diag why;

    if (receive_hold(&m->o->core->flow, &m->in, reason, &why)) {
        defer(m, &why);
        return;
    }
    finish(m);
}

static void receive(struct mail *m);

/* An admin wants this mail although it cannot be read: it is taken as bytes, with words that say so. */
static void take_unread(struct mail *m, const struct diag *why)
{
    struct mime_part *part = mem_zero(1, sizeof *part);

    m->in.encrypted = m->in.has_signature = false;
    m->in.root = 0;
    mime_message_free(&m->in.outer);
    mime_message_free(&m->in.inner);
    buf_free(&m->in.plain);
    mem_free_secret(&m->in.text);
    part->parent = -1;
    part->type = mem_strdup("application/octet-stream");
    part->name = mem_strdup("mail.eml");
    part->encoding = XFER_BINARY;
    part->body_len = m->in.raw.len;
    m->in.outer.parts = part;
    m->in.outer.n_parts = 1;
    m->in.outer.date_utc_s = INSTANT_NONE;
    m->in.outer.subject = mem_strdup("A mail that could not be read");
    m->in.text = mem_printf(
        "This mail was let in by an admin. It could not be read (%s), and is attached as it came.\n", why->rule);
    receive(m);
}

static int count_try(struct opening *o, const char *name)
{
    for (size_t i = 0; i < TRIES_KEPT; i++)
        if (strcmp(o->tries[i].name, name) == 0)
            return ++o->tries[i].n;
    snprintf(o->tries[o->next_try].name, SPOOL_NAME_SIZE, "%s", name);
    o->tries[o->next_try].n = 1;
    o->next_try = (o->next_try + 1) % TRIES_KEPT;
    return 1;
}

/* A worker said no, or ended. What is the mail's fault is held; what is not is tried again, a few times. */
static void worker_failed(struct mail *m, enum err err, const struct diag *why)
{
    struct diag poison;
    bool died = strncmp(why->rule, "worker.", 7) == 0;

    if (m->in.released && (err == ERR_REJECT || err == ERR_LIMIT || died)) {
        take_unread(m, why);
        return;
    }
    if (err == ERR_REJECT || err == ERR_LIMIT) {
        hold(m, why);
        return;
    }
    if (died && count_try(m->o, m->name) >= m->o->core->settings->limits.worker_tries) {
        diag_set(&poison, ERR_REJECT, "poison", "the mail took its worker down several times");
        hold(m, &poison);
        return;
    }
    defer(m, why);
}

static void receive(struct mail *m)
{
    enum receive_result result;
    char rule[DIAG_RULE_MAX];
    struct diag why;

    if (receive_mail(&m->o->core->flow, &m->in, &result, rule, &why)) {
        defer(m, &why);
        return;
    }
    finish(m);
}

/* ---- a key that came with the mail ---- */

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
        if (frame_done(&r) && !pgp_key_info_get(facts, info, &bad) &&
            pgp_key_state_sends(pgp_key_state_at(info, clock_now(&m->o->core->clock), NULL, 0))) {
            buf_add(&m->in.key, certificate.data, certificate.len);
            snprintf(m->in.key_fingerprint, sizeof m->in.key_fingerprint, "%s", info->fingerprint);
        }
    } else {
        log_event(NULL, "attached-key-refused", why->rule, NULL);
    }
    free(info);
    receive(m);
}

static void look_for_key(struct mail *m)
{
    struct buf key = BUF_EMPTY, request = BUF_EMPTY;
    char *folder;

    find_key_in_mail(&m->in, &key);
    if (!key.len) {
        buf_free(&key);
        receive(m);
        return;
    }
    folder = settings_path(m->o->core->settings, "gnupg");
    frame_put_i64(&request, core_gpg_time(m->o->core));
    frame_put_str(&request, folder);
    frame_put_buf(&request, &key);
    pool_submit(m->o->core->pool, WORKER_CRYPTO, CRYPTO_EXAMINE, &request, key_examined, m);
    buf_free(&key);
    free(folder);
}

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

static const struct settings_list *list_of(const struct mail *m)
{
    return settings_list_for(m->o->core->settings, m->in.recipient);
}

/* The home of the shard that holds the signer's key; NULL where nobody's key made the signature. */
static char *home_of_signer(struct mail *m)
{
    const struct settings_list *list = list_of(m);
    struct list_row row;
    struct diag why;
    int64_t shard;

    if (!m->in.has_signature || m->in.signature.verdict != PGP_SIG_UNKNOWN_KEY ||
        list_by_name(m->o->core->flow.db, list->name, &row, &why))
        return NULL;
    shard = key_shard_of_issuer(m->o->core->flow.db, row.id, m->in.signature.issuer);
    list_row_free(&row);
    return shard < 0 ? NULL : settings_shard(m->o->core->settings, list->name, shard);
}

static void structure(struct mail *m, struct span raw, bool of_plain);
static void verify_in(struct mail *m, char *home);

static void bad_frame(struct mail *m)
{
    struct diag why;

    diag_set(&why, ERR_AGAIN, "worker.frame", "a worker's answer is damaged");
    worker_failed(m, ERR_AGAIN, &why);
}

static void verified(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct mail *m = ctx;
    struct pgp_signature sigs[WORKER_SIGNATURES_MAX];
    struct frame_reader r;
    struct span plain;
    size_t n;
    char *home;

    if (err) {
        worker_failed(m, err, why);
        return;
    }
    frame_reader_init(&r, reply);
    plain = frame_get_bytes(&r);
    if (!get_signatures(&r, sigs, &n)) {
        bad_frame(m);
        return;
    }
    take_signatures(m, sigs, n);
    home = m->home ? NULL : home_of_signer(m);
    if (home) {
        verify_in(m, home);
        return;
    }
    if (m->packets.len && !m->in.plain.len) {
        buf_add(&m->in.plain, plain.data, plain.len);
        structure(m, buf_span(&m->in.plain), true);
        return;
    }
    look_for_key(m);
}

/* Verifies again, where the signer's key is; takes home. */
static void verify_in(struct mail *m, char *home)
{
    struct core *core = m->o->core;
    struct span content = incoming_content(&m->in);
    const struct mime_message *msg = incoming_message(&m->in);
    struct buf request = BUF_EMPTY, signature = BUF_EMPTY, canonical = BUF_EMPTY;
    bool detached = m->shape == MIME_PGP_SIGNED && msg->n_parts;
    struct diag why;

    free(m->home);
    m->home = home;
    frame_put_i64(&request, core_gpg_time(core));
    frame_put_str(&request, home);
    frame_put_u64(&request, core->settings->limits.decrypted_bytes);
    frame_put_u32(&request, detached ? VERIFY_DETACHED : VERIFY_INLINE);
    if (detached) {
        mime_part_decode(content, &msg->parts[m->part_b], &signature, &why);
        mime_canonical_eol(mime_part_entity(content, &msg->parts[m->part_a]), &canonical);
    }
    frame_put_buf(&request, &signature);
    frame_put_buf(&request, detached ? &canonical : &m->packets);
    pool_submit(core->pool, WORKER_CRYPTO, CRYPTO_VERIFY, &request, verified, m);
    buf_free(&signature);
    buf_free(&canonical);
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
        worker_failed(m, err, why);
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
        verify_in(m, home);
        return;
    }
    buf_add(&m->in.plain, plain.data, plain.len);
    structure(m, buf_span(&m->in.plain), true);
}

static void decrypt(struct mail *m)
{
    struct core *core = m->o->core;
    struct buf request = BUF_EMPTY, armored = BUF_EMPTY;
    struct pgp_scan scan;
    struct diag why;
    char *home;
    enum err err = mime_part_decode(buf_span(&m->in.raw), &m->in.outer.parts[m->part_b], &armored, &why);

    if (!err)
        err = pgp_packets_scan(buf_span(&armored), &scan, &m->in.cipher, &why);
    buf_free(&armored);
    if (err) {
        worker_failed(m, err, &why);
        return;
    }
    home = settings_gnupg(core->settings, list_of(m)->name, "list");
    frame_put_i64(&request, core_gpg_time(core));
    frame_put_str(&request, home);
    frame_put_u64(&request, core->settings->limits.decrypted_bytes);
    frame_put_buf(&request, &m->in.cipher);
    pool_submit(core->pool, WORKER_CRYPTO, CRYPTO_OPEN, &request, opened, m);
    free(home);
}

/* ---- structure ---- */

/* What follows from the shape of the outer mail, or of what was inside it. */
static void parsed_outer(struct mail *m)
{
    struct diag why;

    if (m->shape == MIME_PGP_ENCRYPTED) {
        decrypt(m);
    } else if (m->shape == MIME_PGP_SIGNED) {
        m->in.root = m->part_a;
        verify_in(m, settings_gnupg(m->o->core->settings, list_of(m)->name, "list"));
        free(m->home);
        m->home = NULL;
    } else if (m->shape == MIME_SMIME) {
        diag_set(&why, ERR_REJECT, "smime", "S/MIME is not read: ask for OpenPGP");
        worker_failed(m, ERR_REJECT, &why);
    } else {
        look_for_key(m);
    }
}

static void parsed_inner(struct mail *m)
{
    struct diag why;

    if (m->shape == MIME_PGP_ENCRYPTED) {
        diag_set(&why, ERR_REJECT, "nested-encryption", "an encrypted mail inside an encrypted one is not opened");
        worker_failed(m, ERR_REJECT, &why);
    } else if (m->shape == MIME_PGP_SIGNED && !m->in.has_signature) {
        m->in.root = m->part_a;
        verify_in(m, settings_gnupg(m->o->core->settings, list_of(m)->name, "list"));
        free(m->home);
        m->home = NULL;
    } else {
        look_for_key(m);
    }
}

static void parsed(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct mail *m = ctx;
    bool of_plain = m->in.encrypted;
    struct mime_message *msg = of_plain ? &m->in.inner : &m->in.outer;
    struct frame_reader r;
    struct span packed, text;
    struct diag bad;
    int64_t a, b;
    uint32_t shape;

    if (err) {
        worker_failed(m, err, why);
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
        ((shape == MIME_PGP_ENCRYPTED || shape == MIME_PGP_SIGNED) && b < 0) || (shape == MIME_PGP_SIGNED && a < 0)) {
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

static void structure(struct mail *m, struct span raw, bool of_plain)
{
    const struct settings_limits *l = &m->o->core->settings->limits;
    struct buf request = BUF_EMPTY;

    frame_put_u64(&request, of_plain ? l->decrypted_bytes : l->message_bytes);
    frame_put_u64(&request, l->header_block_bytes);
    frame_put_u64(&request, l->header_line_bytes);
    frame_put_u64(&request, l->parts);
    frame_put_u64(&request, l->depth);
    frame_put_u64(&request, MIME_LIMITS_DEFAULT.comments);
    frame_put_span(&request, raw);
    pool_submit(m->o->core->pool, WORKER_MIME, MIME_PARSE, &request, parsed, m);
}

/* ---- the spool ---- */

static bool is_open(const struct opening *o, const char *name)
{
    for (const struct mail *m = o->open; m; m = m->next)
        if (strcmp(m->name, name) == 0)
            return true;
    return false;
}

static enum err load(struct core *core, const char *name, struct incoming *in, unsigned *flags, struct diag *why)
{
    struct spool_entry entry;
    enum err err = spool_read(core->spool, name, &entry, why);

    if (err)
        return err;
    in->sender = mem_strdup(entry.sender);
    in->recipient = mem_strdup(entry.recipient);
    in->received_at = clock_is_rehearsal(&core->clock) ? clock_now(&core->clock) : entry.received_at_utc_s;
    *flags = entry.flags;
    in->released = (entry.flags & SPOOL_RELEASED) != 0;
    buf_init(&in->raw, core->settings->limits.hold_bytes + (1 << 20));
    buf_init(&in->plain, core->settings->limits.decrypted_bytes);
    buf_init(&in->cipher, BUF_MAX_DEFAULT);
    buf_init(&in->key, BUF_MAX_DEFAULT);
    err = spool_entry_load(&entry, &in->raw, why);
    spool_entry_close(&entry);
    return err;
}

static void begin(struct opening *o, const char *name)
{
    struct mail *m = mem_zero(1, sizeof *m);
    unsigned flags = 0;
    struct diag why;
    enum err err;

    m->o = o;
    m->part_a = m->part_b = -1;
    buf_init(&m->packets, BUF_MAX_DEFAULT);
    snprintf(m->name, sizeof m->name, "%s", name);
    m->next = o->open;
    o->open = m;
    o->n_open++;
    err = load(o->core, name, &m->in, &flags, &why);
    if (err == ERR_REJECT)
        spool_set_aside(o->core->spool, name, &why);
    if (err) {
        defer(m, &why);
    } else if (!m->in.released && receive_is_repeated(&o->core->flow, &m->in)) {
        log_event(NULL, "mail-repeated", "redelivery", NULL);
        finish(m);
    } else if (flags & SPOOL_OVERSIZE) {
        diag_set(&why, ERR_REJECT, "too-large", "the mail is larger than limits.message_bytes");
        hold(m, &why);
    } else if (!list_of(m)) {
        diag_set(&why, ERR_REJECT, "no-list", "the recipient is no address of a list");
        hold(m, &why);
    } else {
        structure(m, buf_span(&m->in.raw), false);
    }
}

void opening_tick(struct opening *o)
{
    struct spool_names names;
    struct diag why;
    size_t max = (size_t)o->core->settings->limits.workers;

    if (o->n_open >= max || clock_monotonic_ms() < o->not_before_ms)
        return;
    if (spool_list(o->core->spool, &names, &why)) {
        log_diag(NULL, "spool-list-failed", &why);
        return;
    }
    for (size_t i = 0; i < names.n && o->n_open < max; i++)
        if (!is_open(o, names.name[i]))
            begin(o, names.name[i]);
    spool_names_free(&names);
}
