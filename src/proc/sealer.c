/*
 * Mails of the outbox that wait for their sealing: signed once by the list, encrypted shard by shard, taken apart into
 * one copy per recipient, committed. A key that gpg refuses is taken out and recorded; a result that is not one
 * session key per recipient is thrown away, and each recipient gets a call of his own.
 *
 * The signed packets live here only, and are wiped with the task. Nothing of a group's session key is kept.
 */
#include "proc/sealer.h"

#include "base/frame.h"
#include "base/fsx.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/applications.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A small mail's group is cut so that every worker has a part, where a part's session keys cost more than its start;
 * each part has a body of its own, which a large mail must not have.
 */
#define CUT_BODY_BYTES ((size_t)256 << 10)
#define CUT_KEYS_MIN   100

struct sealer *sealer_new(struct core *core)
{
    struct sealer *s = mem_zero(1, sizeof *s);
    char *path = settings_path(core->settings, "state/bodies");
    struct diag why;

    s->core = core;
    s->waiting_end = &s->waiting;
    if (fsx_open_dir(AT_FDCWD, path, &s->bodies_fd, &why)) {
        log_diag(NULL, "bodies-missing", &why);
        s->bodies_fd = -1;
    }
    free(path);
    return s;
}

static void part_free(struct part *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->fingerprints[i]);
    free(p->fingerprints);
    free(p->copies);
    free(p->subkeys);
    free(p);
}

static void task_free(struct task *t)
{
    mail_row_free(&t->mail);
    buf_free(&t->packets);
    free(t);
}

void sealer_free(struct sealer **s)
{
    if (!*s)
        return;
    for (struct task *t = (*s)->tasks, *next; t; t = next) {
        next = t->next;
        task_free(t);
    }
    for (struct part *p = (*s)->waiting, *next; p; p = next) {
        next = p->next;
        part_free(p);
    }
    fsx_close(&(*s)->bodies_fd);
    free(*s);
    *s = NULL;
}

size_t sealer_busy(const struct sealer *s)
{
    return s->n_tasks;
}

static void task_end(struct task *t)
{
    struct task **at = &t->s->tasks;
    struct diag why;

    if (mail_settle(t->s->core->flow.db, t->mail.id, &why))
        log_diag(NULL, "seal-settle-failed", &why);
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    t->s->n_tasks--;
    db_shrink(t->s->core->flow.db);
    task_free(t);
}

void sealer_part_end(struct part *p)
{
    struct task *t = p->t;

    part_free(p);
    if (--t->parts == 0)
        task_end(t);
}

struct part *sealer_part_new(struct task *t, int64_t shard)
{
    struct part *p = mem_zero(1, sizeof *p);

    p->t = t;
    p->shard = shard;
    return p;
}

void sealer_part_add(struct part *p, int64_t copy, const char *fingerprint, uint64_t subkey)
{
    p->copies = mem_resize(p->copies, p->n + 1, sizeof *p->copies);
    p->subkeys = mem_resize(p->subkeys, p->n + 1, sizeof *p->subkeys);
    p->fingerprints = mem_resize(p->fingerprints, p->n + 1, sizeof *p->fingerprints);
    p->copies[p->n] = copy;
    p->subkeys[p->n] = subkey;
    p->fingerprints[p->n++] = mem_strdup(fingerprint);
}

static void submit_waiting(struct sealer *s);

static void encrypted(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct part *p = ctx;
    struct sealer *s = p->t->s;

    s->n_running--;
    sealer_part_reply(p, err, reply, why);
    submit_waiting(s);
}

/* A key that is in no shard: a participant's, or an applicant's. */
static enum err copy_own_key(struct core *core, const struct copy_row *row, struct buf *key, char **fingerprint,
                             struct diag *why)
{
    struct pgp_key_info *facts;
    enum err err;

    if (!row->application_id) {
        *fingerprint = participant_fingerprint(core->flow.db, row->participant_id);
        return participant_key(core->flow.db, row->participant_id, key, why);
    }
    facts = mem_zero(1, sizeof *facts);
    *fingerprint = mem_strdup(row->fingerprint);
    err = application_key(core->flow.db, row->application_id, facts, key, why);
    free(facts);
    return err;
}

static void submit_participant(struct part *p)
{
    struct core *core = p->t->s->core;
    struct copy_row row = {0};
    struct buf key = BUF_EMPTY, request = BUF_EMPTY;
    struct diag why;
    char *fingerprint = NULL;
    enum err err = copy_by_id(core->flow.db, p->copies[0], &row, &why);

    if (!err)
        err = copy_own_key(core, &row, &key, &fingerprint, &why);
    if (!err && !fingerprint)
        err = diag_set(&why, ERR_AGAIN, "key.missing", "the fingerprint of a participant's key does not open");
    copy_row_free(&row);
    if (err) {
        buf_free(&key);
        free(fingerprint);
        p->t->s->n_running--;
        sealer_part_failed(p, &why);
        return;
    }
    frame_put_i64(&request, core_gpg_time(core));
    frame_put_str(&request, core->homes);
    frame_put_buf(&request, &key);
    frame_put_str(&request, fingerprint);
    frame_put_buf(&request, &p->t->packets);
    pool_submit(core->pool, WORKER_CRYPTO, CRYPTO_ENCRYPT_TO, &request, encrypted, p);
    buf_free(&key);
    free(fingerprint);
}

static void submit_shard(struct part *p)
{
    struct core *core = p->t->s->core;
    struct buf request = BUF_EMPTY;
    char *home;

    home = settings_shard(core->settings, p->t->list->name, p->shard);
    frame_put_i64(&request, core_gpg_time(core));
    frame_put_str(&request, home);
    frame_put_u32(&request, (uint32_t)p->n);
    for (size_t i = 0; i < p->n; i++)
        frame_put_str(&request, p->fingerprints[i]);
    frame_put_buf(&request, &p->t->packets);
    pool_submit(core->pool, WORKER_CRYPTO, CRYPTO_ENCRYPT, &request, encrypted, p);
    free(home);
}

static void submit_waiting(struct sealer *s)
{
    while (s->waiting && s->n_running < s->core->settings->limits.workers) {
        struct part *p = s->waiting;

        s->waiting = p->next;
        if (!s->waiting)
            s->waiting_end = &s->waiting;
        s->n_running++;
        if (p->shard < 0)
            submit_participant(p);
        else
            submit_shard(p);
    }
}

/* It begins when a worker is free. */
void sealer_part_submit(struct part *p)
{
    struct sealer *s = p->t->s;

    p->next = NULL;
    *s->waiting_end = p;
    s->waiting_end = &p->next;
    submit_waiting(s);
}

/* ---- the copies of a mail, shard by shard ---- */

/* The same key twice in a group (two addresses, one key) would be one session key: the second goes by itself. */
static bool part_has(const struct part *p, const char *fingerprint)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->fingerprints[i], fingerprint) == 0)
            return true;
    return false;
}

static void start_part(struct part *p)
{
    p->t->parts++;
    sealer_part_submit(p);
}

/* Screens one copy: the key must be usable now, or it would fail the whole group. ERR_REJECT: it is not. */
static enum err screen(struct task *t, const struct copy_row *copy, struct key_row *key, struct diag *why)
{
    struct core *core = t->s->core;
    enum err err = key_by_id(core->flow.db, copy->key_row, key, why);
    enum pgp_key_state state;
    char rule[64];

    if (err == ERR_NOT_FOUND)
        return diag_set(why, ERR_REJECT, "key.missing", "there is no key for it");
    if (err)
        return err;
    state = pgp_key_state_at(&key->facts, clock_now(&core->clock), NULL, 0);
    snprintf(rule, sizeof rule, "key.%s", pgp_key_state_name(state));
    return pgp_key_state_sends(state) ? ERR_OK : diag_set(why, ERR_REJECT, rule, "its key is not usable");
}

/* A copy whose key is not usable fails; one that could not be looked at stays, and its mail comes again. */
static void screened_out(struct task *t, const struct copy_row *copy, enum err err, const struct diag *why)
{
    struct core *core = t->s->core;
    struct diag record;

    if (err == ERR_REJECT) {
        log_event(NULL, "copy-failed", why->rule, "copy=%lld", (long long)copy->id);
        err = copy_set_state(core->flow.db, copy->id, "failed", why->rule, clock_now(&core->clock), &record);
        why = &record;
    }
    if (err) {
        log_diag(NULL, "seal-failed", why);
        t->s->not_before_ms = clock_monotonic_ms() + SEALER_PAUSE_MS;
    }
}

/* How many of n copies one call shall take. */
static size_t keys_per_part(const struct task *t, size_t n)
{
    size_t workers = (size_t)t->s->core->settings->limits.workers, each = (n + workers - 1) / workers;

    if (t->packets.len > CUT_BODY_BYTES || each >= MEMBER_SHARD_KEYS)
        return MEMBER_SHARD_KEYS;
    return each < CUT_KEYS_MIN ? CUT_KEYS_MIN : each;
}

static void add_copy(struct task *t, const struct copy_row *copy, size_t max, struct part **group)
{
    struct key_row *key = mem_zero(1, sizeof *key);
    const struct pgp_subkey_info *subkey;
    struct part *p;
    struct diag why;
    enum err err;

    if (copy->participant_id || copy->application_id) {
        p = sealer_part_new(t, -1);
        p->alone = true;
        sealer_part_add(p, copy->id, copy->fingerprint, 0);
        start_part(p);
    } else if ((err = screen(t, copy, key, &why))) {
        screened_out(t, copy, err, &why);
    } else {
        subkey = pgp_key_pick_encryption(&key->facts, clock_now(&t->s->core->clock));
        if (*group && ((*group)->shard != key->shard || (*group)->n >= max)) {
            start_part(*group);
            *group = NULL;
        }
        if (*group && part_has(*group, copy->fingerprint)) {
            p = sealer_part_new(t, key->shard);
            p->alone = true;
            sealer_part_add(p, copy->id, copy->fingerprint, pgp_key_id_number(subkey->key_id));
            start_part(p);
        } else {
            if (!*group)
                *group = sealer_part_new(t, key->shard);
            sealer_part_add(*group, copy->id, copy->fingerprint, pgp_key_id_number(subkey->key_id));
        }
    }
    free(key);
}

static void encrypt_all(struct task *t)
{
    struct copy_row *copies;
    struct part *group = NULL;
    struct diag why;
    size_t n;

    t->parts = 1; /* ours, so that the task does not end while copies are added */
    if (copy_of_mail(t->s->core->flow.db, t->mail.id, "sealing", &copies, &n, &why))
        log_diag(NULL, "seal-failed", &why);
    for (size_t i = 0; i < n; i++) {
        add_copy(t, &copies[i], keys_per_part(t, n), &group);
        copy_row_free(&copies[i]);
    }
    free(copies);
    if (group)
        start_part(group);
    if (--t->parts == 0)
        task_end(t);
}

static void mail_signed(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct task *t = ctx;
    struct frame_reader r;
    struct span packets;

    if (!err) {
        frame_reader_init(&r, reply);
        packets = frame_get_bytes(&r);
        buf_add(&t->packets, packets.data, packets.len);
        if (frame_done(&r)) {
            encrypt_all(t);
            return;
        }
    }
    if (err)
        log_diag(NULL, "sign-failed", why);
    t->s->not_before_ms = clock_monotonic_ms() + SEALER_PAUSE_MS;
    task_end(t);
}

static enum err begin_task(struct sealer *s, int64_t mail_id, struct diag *why)
{
    struct task *t = mem_zero(1, sizeof *t);
    struct buf payload = BUF_EMPTY, request = BUF_EMPTY;
    char *home;
    enum err err = mail_by_id(s->core->flow.db, mail_id, &t->mail, why);

    t->s = s;
    buf_init(&t->packets, BUF_MAX_DEFAULT);
    if (!err)
        err = (t->list = flow_list_of_row(&s->core->flow, t->mail.list_id, why)) ? ERR_OK : ERR_NOT_FOUND;
    if (!err)
        err = mail_payload(s->core->flow.db, mail_id, &payload, why);
    if (err) {
        task_free(t);
        buf_free(&payload);
        return err;
    }
    t->next = s->tasks;
    s->tasks = t;
    s->n_tasks++;
    home = settings_gnupg(s->core->settings, t->list->name, "list");
    frame_put_i64(&request, core_gpg_time(s->core));
    frame_put_str(&request, home);
    frame_put_str(&request, t->list->fingerprint);
    frame_put_u32(&request, SIGN_INLINE);
    frame_put_buf(&request, &payload);
    pool_submit(s->core->pool, WORKER_CRYPTO, CRYPTO_SIGN, &request, mail_signed, t);
    buf_free(&payload);
    free(home);
    return ERR_OK;
}

void sealer_tick(struct sealer *s)
{
    int64_t busy[8];
    size_t n = 0;
    int64_t id;
    struct diag why;

    /* Keys first: a group must not fail because a certificate is not imported yet. */
    if (importer_busy(s->core->importer) || s->bodies_fd < 0 || clock_monotonic_ms() < s->not_before_ms)
        return;
    for (struct task *t = s->tasks; t && n < 8; t = t->next)
        busy[n++] = t->mail.id;
    while (n < 4 && (id = mail_next_to_seal(s->core->flow.db, busy, n))) {
        if (begin_task(s, id, &why)) {
            log_diag(NULL, "seal-failed", &why);
            s->not_before_ms = clock_monotonic_ms() + SEALER_PAUSE_MS;
            return;
        }
        busy[n++] = id;
    }
}
