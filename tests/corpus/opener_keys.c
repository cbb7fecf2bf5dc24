/* The certificates of a corpus: pinned to persons, or looked at as what they are. */
#include "base/mem.h"
#include "proc/examiner.h"
#include "tests/corpus/opener.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct examined {
    bool done;
    enum err err;
    struct diag why;
    struct pgp_key_info info;
    struct buf certificate;
};

static void on_examined(void *ctx, enum err err, const struct pgp_key_info *key, struct span certificate,
                        const struct diag *why)
{
    struct examined *e = ctx;

    e->done = true;
    e->err = err;
    if (err) {
        e->why = *why;
    } else {
        e->info = *key;
        buf_add(&e->certificate, certificate.data, certificate.len);
    }
}

/* What member add and an application do with a key. */
static void examine(const char *path, struct examined *e)
{
    struct buf key = BUF_EMPTY;

    memset(e, 0, sizeof *e);
    e->certificate = BUF_EMPTY;
    opener_read_file(path, &key);
    examiner_start(&core, 0, buf_span(&key), on_examined, e);
    while (!e->done)
        opener_turn();
    buf_free(&key);
}

void opener_try_key(const char *kind, const char *name, const char *path)
{
    struct examined *e = mem_zero(1, sizeof *e);
    double began = opener_now_ms();
    enum pgp_key_state state = PGP_KEY_MISSING;
    json_t *o = json_object();

    examine(path, e);
    if (!e->err)
        state = pgp_key_state_at(&e->info, clock_now(&core.clock), NULL, 0);
    json_object_set_new(o, "file", json_string(name));
    json_object_set_new(o, "kind", json_string(kind));
    json_object_set_new(o, "opened", json_boolean(!e->err && pgp_key_state_sends(state)));
    json_object_set_new(o, "signed_by", json_null());
    json_object_set_new(o, "rule", json_string(e->err ? e->why.rule : pgp_key_state_name(state)));
    json_object_set_new(o, "addresses", json_array());
    json_object_set_new(o, "class", json_null());
    json_object_set_new(o, "ms", json_real(opener_now_ms() - began));
    opener_print(o);
    buf_free(&e->certificate);
    free(e);
}

static enum err pin(const char *path, int64_t list_id, struct examined *e, struct diag *why)
{
    int64_t id;
    enum err err;

    examine(path, e);
    if (e->err) {
        *why = e->why;
        return e->err;
    }
    err = db_begin(core.flow.db, why);
    if (!err)
        err = key_insert(core.flow.db, list_id, false, &e->info, buf_span(&e->certificate), clock_now(&core.clock), &id,
                         why);
    return db_end(core.flow.db, err, why);
}

void opener_pin_all(const char *folder, int64_t list_id)
{
    struct examined *e = mem_zero(1, sizeof *e);
    DIR *dir = opendir(folder);
    struct dirent *entry;
    struct diag why;

    while (dir && (entry = readdir(dir))) {
        char *path = *entry->d_name == '.' ? NULL : mem_printf("%s/%s", folder, entry->d_name);

        if (path) {
            if (pin(path, list_id, e, &why))
                fprintf(stderr, "opener: not pinned: %s (%s)\n", entry->d_name, why.rule);
            buf_free(&e->certificate);
        }
        free(path);
    }
    if (dir)
        closedir(dir);
    free(e);
    do
        opener_turn();
    while (importer_busy(core.importer));
}
