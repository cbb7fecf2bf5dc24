#include "main/ctl_restore.h"

#include "base/fsx.h"
#include "base/instant.h"
#include "base/mem.h"
#include "flow/restored.h"
#include "store/audit.h"
#include "store/last_backup.h"
#include "store/nonces.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

/* The trail must be whole, and end as the manifest says. */
static enum err check_trail(struct restore *r, struct db *db, struct diag *why)
{
    const json_t *audit = json_object_get(r->manifest, "audit");
    const char *head = json_string_value(json_object_get(audit, "head"));
    int64_t bad = 0;
    enum err err = audit_verify(db, 0, NULL, &r->entries, r->head, &bad, why);

    if (!err && (bad || !head || strcmp(head, r->head) != 0))
        err = diag_set(why, ERR_REJECT, "backup.damaged", "its audit trail is broken: take another one");
    return err;
}

static void text_of(const json_t *o, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(o, key));

    snprintf(out, size, "%s", text ? text : "");
}

static enum err mark(struct restore *r, struct db *db, struct diag *why)
{
    struct restored mark = {.state = r->accept ? RESTORED_ACCEPTED : RESTORED_HOLD,
                            .restored_at = (int64_t)time(NULL),
                            .accepted_at = INSTANT_NONE};
    char taken[INSTANT_TEXT_SIZE];
    enum err err = db_begin(db, why);

    text_of(r->manifest, "taken_at", taken, sizeof taken);
    text_of(r->manifest, "id", mark.id, sizeof mark.id);
    instant_parse(taken, &mark.taken_at);
    snprintf(mark.name, sizeof mark.name, "%s", restore_base(r->file));
    if (!err)
        err = nonce_end(db, 0, NULL, why);
    if (!err && r->rehearsal)
        err = db_meta_set(db, "kind", span_of("rehearsal"), why);
    if (!err)
        err = restored_write(db, &mark, why);
    return db_end(db, err, why);
}

/* So that it can be named, should this database be damaged too. */
static void note(const struct restore *r, const char *state)
{
    struct last_backup made = {.with_keys = json_is_true(json_object_get(r->manifest, "with_keys"))};
    char taken[INSTANT_TEXT_SIZE];

    text_of(r->manifest, "taken_at", taken, sizeof taken);
    text_of(r->manifest, "id", made.id, sizeof made.id);
    snprintf(made.name, sizeof made.name, "%s", restore_base(r->file));
    if (instant_parse(taken, &made.at))
        last_backup_write(state, &made, NULL);
}

enum err restore_database(struct restore *r, struct diag *why)
{
    char *state = mem_printf("%s/state", r->home);
    struct db *db = NULL;
    enum err err = db_open(state, DB_OPEN, &db, why);

    if (!err)
        err = check_trail(r, db, why);
    if (!err)
        err = mark(r, db, why);
    db_close(&db);
    if (!err)
        note(r, state);
    free(state);
    return err;
}

/* ---- acceptance ---- */

static enum err may_accept(const struct restored *r, const char *file, struct diag *why)
{
    if (r->state != RESTORED_HOLD && r->state != RESTORED_ACCEPTED)
        return diag_set(why, ERR_DENIED, "restore.not-held",
                        "this instance is not on hold: there is nothing to accept");
    if (file && strcmp(restore_base(file), r->name) != 0)
        return diag_set(why, ERR_DENIED, "restore.exists",
                        "the instance that is there was restored from %.200s: restore into an empty folder", r->name);
    return ERR_OK;
}

enum err restore_accept(const struct settings *s, const char *file, json_t **data, struct diag *why)
{
    char *state = settings_path(s, "state"), taken[INSTANT_TEXT_SIZE];
    struct restored r = {0};
    struct db *db = NULL;
    int lock = -1;
    enum err err = fsx_open_dir(AT_FDCWD, state, &lock, why);

    if (!err && flock(lock, LOCK_EX | LOCK_NB))
        err = diag_set(why, ERR_DENIED, "restore.running", "a daemon has this instance: stop it, accept, start it");
    if (!err)
        err = db_open(state, DB_OPEN, &db, why);
    if (!err) {
        restored_read(db, &r);
        err = may_accept(&r, file, why);
    }
    r.state = RESTORED_ACCEPTED;
    if (!err)
        err = restored_write(db, &r, why);
    if (!err)
        *data = json_pack("{s:s, s:s, s:s, s:s, s:b}", "home", s->home, "id", r.id, "file", r.name, "taken_at",
                          instant_text(r.taken_at, taken), "on_hold", 0);
    db_close(&db);
    fsx_close(&lock);
    free(state);
    return err;
}
