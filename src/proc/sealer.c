/*
 * Mails of the outbox that wait for their sealing: signed once by the list, encrypted shard by shard, taken apart into
 * one copy per recipient, committed. A key that gpg refuses is taken out and recorded; a result that is not one
 * session key per recipient is thrown away, and each recipient gets a call of his own.
 *
 * The signed packets live here only, and are wiped with the task. Nothing of a group's session key is kept.
 */
#include "proc/core.h"

#include "base/frame.h"
#include "base/fsx.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/pgp_split.h"
#include "store/outbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEAL_TRIES_MAX 5
#define PAUSE_AFTER_MS 2000

/*
 * A small mail's group is cut so that every worker has a part, where a part's session keys cost more than its start;
 * each part has a body of its own, which a large mail must not have.
 */
#define CUT_BODY_BYTES ((size_t)256 << 10)
#define CUT_KEYS_MIN   100

struct part;

/* One mail under way. */
struct task {
    struct task *next;
    struct sealer *s;
    struct mail_row mail;
    const struct settings_list *list;
    struct buf packets; /* signed by the list */
    size_t parts;       /* encryptions that run */
};

/* One encryption: the copies of one shard, or a single copy. */
struct part {
    struct part *next; /* that waits too */
    struct task *t;
    int64_t *copies;
    uint64_t *subkeys; /* that gpg will choose */
    char **fingerprints;
    size_t n;
    int64_t shard; /* -1: a key of a participant */
    bool alone;    /* the fallback: each recipient by itself */
};

struct sealer {
    struct core *core;
    struct task *tasks;
    size_t n_tasks;
    /* Parts wait here and not in the pool, where each would hold a copy of the mail. */
    struct part *waiting, **waiting_end;
    int n_running;
    int bodies_fd;
    int64_t not_before_ms; /* after a failure: do not spin */
};

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

static void part_free(struct part *p);

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

static void part_free(struct part *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->fingerprints[i]);
    free(p->fingerprints);
    free(p->copies);
    free(p->subkeys);
    free(p);
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

static void part_end(struct part *p)
{
    struct task *t = p->t;

    part_free(p);
    if (--t->parts == 0)
        task_end(t);
}

/* ---- a result becomes a body and heads ---- */

static enum err write_body(struct sealer *s, struct span body, char name[40], struct diag *why)
{
    char hex[33];

    fsx_random_hex(16, hex);
    snprintf(name, 40, "%s.pgp", hex);
    return fsx_write_file(s->bodies_fd, name, 0640, body.data, body.len, why);
}

static enum err commit_copies(struct part *p, struct span message, const struct pgp_split *split, const size_t *map,
                              const char *file, struct diag *why)
{
    struct db *db = p->t->s->core->flow.db;
    int64_t body_id;
    enum err err = db_begin(db, why);

    if (!err)
        err = body_insert(db, p->t->mail.id, file, (int64_t)split->body_len, &body_id, why);
    for (size_t i = 0; !err && i < p->n; i++) {
        const struct pgp_pkesk *k = &split->pkesk[map[i]];

        err = copy_sealed(db, p->copies[i], (struct span){message.data + k->off, k->len}, body_id, why);
    }
    if (!err)
        err = db_commit(db, why);
    if (err)
        db_rollback(db);
    return err;
}

/* ERR_REJECT rule pgp.split: the result is not what it must be. */
static enum err take_result(struct part *p, struct span message, struct diag *why)
{
    struct pgp_split split;
    char file[40];
    size_t *map;
    enum err err = pgp_split_parse(message, p->n + 1, &split, why);

    if (err)
        return err;
    map = mem_zero(p->n, sizeof *map);
    err = pgp_split_map(&split, p->subkeys, p->n, map, why);
    if (!err)
        err = write_body(p->t->s, (struct span){message.data + split.body_off, split.body_len}, file, why);
    if (!err) {
        err = commit_copies(p, message, &split, map, file, why);
        if (err)
            unlinkat(p->t->s->bodies_fd, file, 0);
    }
    free(map);
    pgp_split_free(&split);
    return err;
}

static void fail_copy(struct part *p, size_t i, const char *rule)
{
    struct core *core = p->t->s->core;
    struct diag why;

    log_event(NULL, "copy-failed", rule, "copy=%lld key=%s", (long long)p->copies[i], p->fingerprints[i]);
    if (copy_set_state(core->flow.db, p->copies[i], "failed", rule, clock_now(&core->clock), &why))
        log_diag(NULL, "seal-record-failed", &why);
}

static void submit_part(struct part *p);
static void submit_waiting(struct sealer *s);

/* Each recipient by a call of its own. */
static void split_part(struct part *p)
{
    for (size_t i = 0; i < p->n; i++) {
        struct part *one = mem_zero(1, sizeof *one);

        one->t = p->t;
        one->n = 1;
        one->shard = p->shard;
        one->alone = true;
        one->copies = mem_zero(1, sizeof *one->copies);
        one->subkeys = mem_zero(1, sizeof *one->subkeys);
        one->fingerprints = mem_zero(1, sizeof *one->fingerprints);
        one->copies[0] = p->copies[i];
        one->subkeys[0] = p->subkeys[i];
        one->fingerprints[0] = mem_strdup(p->fingerprints[i]);
        p->t->parts++;
        submit_part(one);
    }
}

static void drop_at(struct part *p, size_t i)
{
    free(p->fingerprints[i]);
    p->n--;
    p->fingerprints[i] = p->fingerprints[p->n];
    p->copies[i] = p->copies[p->n];
    p->subkeys[i] = p->subkeys[p->n];
}

/* Takes the refused keys out and tries the rest. */
static void without_failed(struct part *p, struct frame_reader *r)
{
    uint32_t n = frame_get_count(r, 8);
    size_t before = p->n;

    for (uint32_t k = 0; k < n; k++) {
        char *fingerprint = frame_get_str(r), *reason = frame_get_str(r);

        for (size_t i = 0; fingerprint && i < p->n; i++)
            if (strcmp(p->fingerprints[i], fingerprint) == 0) {
                fail_copy(p, i, "key.unusable");
                drop_at(p, i);
                break;
            }
        free(fingerprint);
        free(reason);
    }
    if (p->n == before)
        split_part(p); /* gpg named none of ours: find it one by one */
    else if (p->n) {
        struct part *rest = mem_zero(1, sizeof *rest);

        *rest = *p;
        *p = (struct part){.t = rest->t};
        rest->t->parts++;
        submit_part(rest);
    }
    part_end(p);
}

/* Nothing came of it: again later, and after some tries no more. */
static void part_failed(struct part *p, const struct diag *why)
{
    struct db *db = p->t->s->core->flow.db;
    struct copy_row row;
    struct diag record;

    log_diag(NULL, "seal-failed", why);
    p->t->s->not_before_ms = clock_monotonic_ms() + PAUSE_AFTER_MS;
    for (size_t i = 0; i < p->n; i++) {
        if (copy_count_seal_try(db, p->copies[i], &record) || copy_by_id(db, p->copies[i], &row, &record)) {
            log_diag(NULL, "seal-record-failed", &record);
            continue;
        }
        if (row.seal_tries >= SEAL_TRIES_MAX)
            fail_copy(p, i, why->rule);
        copy_row_free(&row);
    }
    part_end(p);
}

static void take_reply(struct part *p, enum err err, struct span reply, const struct diag *why)
{
    struct frame_reader r;
    struct span message;
    struct diag bad;

    if (err) {
        part_failed(p, why);
        return;
    }
    frame_reader_init(&r, reply);
    if (p->shard >= 0 && !frame_get_bool(&r)) {
        without_failed(p, &r);
        return;
    }
    if (p->shard < 0)
        p->subkeys[0] = frame_get_u64(&r); /* of a participant only the worker sees the key */
    message = frame_get_bytes(&r);
    err = frame_done(&r) ? take_result(p, message, &bad)
                         : diag_set(&bad, ERR_AGAIN, "worker.frame", "a worker's answer is damaged");
    if (err == ERR_REJECT && !p->alone) {
        log_event(NULL, "seal-fallback", bad.rule, "%zu recipients are sealed one by one", p->n);
        split_part(p);
        part_end(p);
    } else if (err) {
        part_failed(p, &bad);
    } else {
        part_end(p);
    }
}

static void encrypted(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct part *p = ctx;
    struct sealer *s = p->t->s;

    s->n_running--;
    take_reply(p, err, reply, why);
    submit_waiting(s);
}

static void submit_participant(struct part *p)
{
    struct core *core = p->t->s->core;
    struct copy_row row;
    struct buf key = BUF_EMPTY, request = BUF_EMPTY;
    struct diag why;
    char *folder;
    enum err err = copy_by_id(core->flow.db, p->copies[0], &row, &why);

    if (!err)
        err = participant_key(core->flow.db, row.participant_id, &key, &why);
    if (err) {
        p->t->s->n_running--;
        part_failed(p, &why);
        return;
    }
    copy_row_free(&row);
    folder = settings_path(core->settings, "gnupg");
    frame_put_i64(&request, core_gpg_time(core));
    frame_put_str(&request, folder);
    frame_put_buf(&request, &key);
    frame_put_str(&request, p->fingerprints[0]);
    frame_put_buf(&request, &p->t->packets);
    pool_submit(core->pool, WORKER_CRYPTO, CRYPTO_ENCRYPT_TO, &request, encrypted, p);
    buf_free(&key);
    free(folder);
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
static void submit_part(struct part *p)
{
    struct sealer *s = p->t->s;

    p->next = NULL;
    *s->waiting_end = p;
    s->waiting_end = &p->next;
    submit_waiting(s);
}

/* ---- the copies of a mail, shard by shard ---- */

static struct part *part_new(struct task *t, int64_t shard)
{
    struct part *p = mem_zero(1, sizeof *p);

    p->t = t;
    p->shard = shard;
    return p;
}

static void part_add(struct part *p, int64_t copy, const char *fingerprint, uint64_t subkey)
{
    p->copies = mem_resize(p->copies, p->n + 1, sizeof *p->copies);
    p->subkeys = mem_resize(p->subkeys, p->n + 1, sizeof *p->subkeys);
    p->fingerprints = mem_resize(p->fingerprints, p->n + 1, sizeof *p->fingerprints);
    p->copies[p->n] = copy;
    p->subkeys[p->n] = subkey;
    p->fingerprints[p->n++] = mem_strdup(fingerprint);
}

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
    submit_part(p);
}

/* Screens one copy: the key must be usable now, or it would fail the whole group. */
static bool screen(struct task *t, const struct copy_row *copy, struct key_row *key, const char **rule)
{
    static char words[64];
    struct core *core = t->s->core;
    enum pgp_key_state state;
    struct diag why;

    if (key_by_id(core->flow.db, copy->key_row, key, &why)) {
        *rule = "key.missing";
        return false;
    }
    state = pgp_key_state_at(&key->facts, clock_now(&core->clock), NULL, 0);
    snprintf(words, sizeof words, "key.%s", pgp_key_state_name(state));
    *rule = words;
    return pgp_key_state_sends(state);
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
    const char *rule;
    struct part *p;
    struct diag why;

    if (copy->participant_id) {
        p = part_new(t, -1);
        p->alone = true;
        part_add(p, copy->id, copy->fingerprint, 0);
        start_part(p);
    } else if (!screen(t, copy, key, &rule)) {
        log_event(NULL, "copy-failed", rule, "copy=%lld", (long long)copy->id);
        copy_set_state(t->s->core->flow.db, copy->id, "failed", rule, clock_now(&t->s->core->clock), &why);
    } else {
        subkey = pgp_key_pick_encryption(&key->facts, clock_now(&t->s->core->clock));
        if (*group && ((*group)->shard != key->shard || (*group)->n >= max)) {
            start_part(*group);
            *group = NULL;
        }
        if (*group && part_has(*group, copy->fingerprint)) {
            p = part_new(t, key->shard);
            p->alone = true;
            part_add(p, copy->id, copy->fingerprint, pgp_key_id_number(subkey->key_id));
            start_part(p);
        } else {
            if (!*group)
                *group = part_new(t, key->shard);
            part_add(*group, copy->id, copy->fingerprint, pgp_key_id_number(subkey->key_id));
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
    t->s->not_before_ms = clock_monotonic_ms() + PAUSE_AFTER_MS;
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
            s->not_before_ms = clock_monotonic_ms() + PAUSE_AFTER_MS;
            return;
        }
        busy[n++] = id;
    }
}
