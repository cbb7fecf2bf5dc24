/* What comes of an encryption: one body and a head for each copy, or the keys that gpg refused, or another try. */
#include "proc/sealer.h"

#include "base/frame.h"
#include "base/fsx.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/pgp_split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEAL_TRIES_MAX 5

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
    return db_end(db, err, why);
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

    log_event(NULL, "copy-failed", rule, "copy=%lld key=%s", (long long)p->copies[i],
              p->fingerprints[i] ? p->fingerprints[i] : "-");
    if (copy_set_state(core->flow.db, p->copies[i], "failed", rule, clock_now(&core->clock), &why))
        log_diag(NULL, "seal-record-failed", &why);
}

/* The i-th recipient by a call of its own. */
static void submit_alone(struct part *p, size_t i)
{
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
    sealer_part_submit(one);
}

static void split_part(struct part *p)
{
    for (size_t i = 0; i < p->n; i++)
        submit_alone(p, i);
}

static void drop_at(struct part *p, size_t i)
{
    free(p->fingerprints[i]);
    p->n--;
    p->fingerprints[i] = p->fingerprints[p->n];
    p->copies[i] = p->copies[p->n];
    p->subkeys[i] = p->subkeys[p->n];
}

/*
 * Takes the refused keys out and tries the rest. A gpg that could not read its keys for a moment refuses good ones with
 * the same words: each has one more call, by itself.
 */
static void without_failed(struct part *p, struct frame_reader *r)
{
    uint32_t n = frame_get_count(r, 8);
    size_t before = p->n;
    struct diag why;

    for (uint32_t k = 0; k < n; k++) {
        char *fingerprint = frame_get_str(r), *reason = frame_get_str(r);

        for (size_t i = 0; fingerprint && i < p->n; i++)
            if (strcmp(p->fingerprints[i], fingerprint) == 0) {
                if (p->alone)
                    fail_copy(p, i, "key.unusable");
                else
                    submit_alone(p, i);
                drop_at(p, i);
                break;
            }
        free(fingerprint);
        free(reason);
    }
    if (p->n == before && p->alone) {
        diag_set(&why, ERR_AGAIN, "key.unusable", "gpg refuses a key, and names another");
        sealer_part_failed(p, &why);
        return;
    }
    if (p->n == before)
        split_part(p); /* gpg named none of ours: find it one by one */
    else if (p->n) {
        struct part *rest = mem_zero(1, sizeof *rest);

        *rest = *p;
        *p = (struct part){.t = rest->t};
        rest->t->parts++;
        sealer_part_submit(rest);
    }
    sealer_part_end(p);
}

void sealer_part_failed(struct part *p, const struct diag *why)
{
    struct db *db = p->t->s->core->flow.db;
    struct copy_row row;
    struct diag record;

    log_diag(NULL, "seal-failed", why);
    p->t->s->not_before_ms = clock_monotonic_ms() + SEALER_PAUSE_MS;
    /* A full disk is no fault of a copy: it uses up none of its tries. */
    for (size_t i = 0; i < p->n && strcmp(why->rule, "disk.full") != 0; i++) {
        if (copy_count_seal_try(db, p->copies[i], &record) || copy_by_id(db, p->copies[i], &row, &record)) {
            log_diag(NULL, "seal-record-failed", &record);
            continue;
        }
        if (row.seal_tries >= SEAL_TRIES_MAX)
            fail_copy(p, i, why->rule);
        copy_row_free(&row);
    }
    sealer_part_end(p);
}

void sealer_part_reply(struct part *p, enum err err, struct span reply, const struct diag *why)
{
    struct frame_reader r;
    struct span message;
    struct diag bad;

    if (err) {
        sealer_part_failed(p, why);
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
        sealer_part_end(p);
    } else if (err) {
        sealer_part_failed(p, &bad);
    } else {
        sealer_part_end(p);
    }
}
