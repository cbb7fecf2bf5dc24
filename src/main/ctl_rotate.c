/* key rotate-list: embargod.conf is the root of trust, so this is done where it lies, with the daemon stopped. */
#include "base/fsx.h"
#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_home.h"
#include "codec/pgp_key.h"
#include "codec/pgp_seal.h"
#include "flow/key_rotated.h"
#include "main/ctl.h"
#include "store/audit.h"
#include "store/members.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define CONF_MAX ((size_t)1 << 20)

struct rotation {
    struct ctl *ctl;
    const struct settings_list *list;
    char *home; /* the list's GnuPG home */
    char fingerprint[PGP_FPR_SIZE];
    struct buf conf, changed, statement, certificate;
    int64_t now_utc_s;
};

static enum err choose(struct rotation *r, struct diag *why)
{
    const struct settings *s = r->ctl->settings;

    r->list = r->ctl->list ? settings_list_named(s, r->ctl->list) : s->n_lists == 1 ? &s->lists[0] : NULL;
    if (!r->list)
        return diag_set(why, ERR_NOT_FOUND, "list.unknown", "no such list: name one of embargod.conf with --list");
    if (r->list->previous_key)
        return diag_set(why, ERR_DENIED, "rotate.under-way",
                        "the key before is in use still: remove previous_key from embargod.conf first");
    r->home = settings_gnupg(s, r->list->name, "list");
    return ERR_OK;
}

/* Length of a quoted fingerprint at p that is the list's; 0: another. */
static size_t quoted(const char *p, const char *fingerprint)
{
    const char *q = p + 1;

    if (*p != '"')
        return 0;
    for (; *q && *q != '"'; q++)
        if (!isspace((unsigned char)*q) && toupper((unsigned char)*q) != *fingerprint++)
            return 0;
    return *q && !*fingerprint ? (size_t)(q + 1 - p) : 0;
}

/* The one `key = "OLD"`; the result is read as the daemon reads it, and must say what was meant. */
static enum err change_conf(struct rotation *r, struct diag *why)
{
    const char *text = buf_text(&r->conf), *at = NULL, *word = NULL;
    size_t len = 0, n = 0;
    struct conf_faults faults = {0};
    struct settings *s = NULL;
    const struct settings_list *l;
    enum err err;

    for (const char *p = text; (p = strchr(p, '"')); p++)
        if (quoted(p, r->list->fingerprint)) {
            const char *b = p;

            while (b > text && (isspace((unsigned char)b[-1]) || b[-1] == '=' || b[-1] == ':'))
                b--;
            if (b - text >= 4 && memcmp(b - 3, "key", 3) == 0 && !isalnum((unsigned char)b[-4]) && b[-4] != '_')
                at = p, word = b - 3, len = quoted(p, r->list->fingerprint), n++;
        }
    if (n == 1)
        buf_printf(&r->changed, "%.*sprevious_key = \"%s\";\n    %.*s\"%s\"%s", (int)(word - text), text,
                   r->list->fingerprint, (int)(at - word), word, r->fingerprint, at + len);
    err = n == 1 ? settings_parse(buf_text(&r->changed), r->changed.len, r->ctl->config, &faults, &s) : ERR_REJECT;
    l = err ? NULL : settings_list_named(s, r->list->name);
    if (!l || strcmp(l->fingerprint, r->fingerprint) != 0 || !l->previous_key)
        err = diag_set(why, ERR_REJECT, "rotate.conf", "embargod.conf must have the list's key once, as key = \"%s\"",
                       r->list->fingerprint);
    conf_faults_free(&faults);
    settings_free(&s);
    return err;
}

static enum err make_key(struct rotation *r, struct diag *why)
{
    char *user_id = mem_printf("%s <%s>", r->list->name, r->list->address), at[INSTANT_TEXT_SIZE];
    struct buf text = BUF_EMPTY;
    enum err err = pgp_key_generate(r->home, user_id, INSTANT_NONE, r->fingerprint, why);

    r->now_utc_s = (int64_t)time(NULL);
    buf_printf(&text, "The key of the list %s changes.\nDate: %s\nOld key: %s\nNew key: %s\nBoth keys sign this.\n",
               r->list->address, instant_text(r->now_utc_s, at), r->list->fingerprint, r->fingerprint);
    if (!err)
        err = pgp_sign_clear_both(r->home, r->list->fingerprint, r->fingerprint, buf_span(&text), &r->statement, why);
    if (!err)
        err = pgp_key_export(r->home, r->fingerprint, true, false, &r->certificate, why);
    buf_free(&text);
    free(user_id);
    return err;
}

static enum err set_meta(struct db *db, const char *what, const char *list, const struct buf *value, struct diag *why)
{
    char *name = mem_printf("%s:%s", what, list);
    enum err err = db_meta_set(db, name, buf_span(value), why);

    free(name);
    return err;
}

static enum err record(struct rotation *r, struct db *db, struct diag *why)
{
    const char *name = r->list->name;
    struct list_row row = {0};
    enum err err = list_by_name(db, name, &row, why);

    if (!err)
        err = list_insert(db, name, r->fingerprint, row.next_public, why);
    if (!err)
        err = set_meta(db, "list-key", name, &r->certificate, why);
    if (!err)
        err = set_meta(db, "list-key-statement", name, &r->statement, why);
    if (!err)
        err = duty_put(db, row.id, KEY_ROTATED_DUTY, row.id, r->fingerprint, r->now_utc_s, why);
    if (!err)
        err = audit_append(db, r->now_utc_s, "embargoctl", "key.rotated", name, r->fingerprint, NULL, why);
    list_row_free(&row);
    return err;
}

/* The file is written last before the commit, and put back where that fails. */
static enum err change(struct rotation *r, struct db *db, int dir, const char *name, mode_t mode, struct diag *why)
{
    enum err err = db_begin(db, why);

    if (!err)
        err = record(r, db, why);
    if (!err)
        err = fsx_write_file(dir, "embargod.conf.before-rotation", mode, r->conf.data, r->conf.len, why);
    if (!err)
        err = fsx_write_file(dir, name, mode, r->changed.data, r->changed.len, why);
    if (!err) {
        err = db_commit(db, why);
        if (err)
            fsx_write_file(dir, name, mode, r->conf.data, r->conf.len, NULL);
    }
    if (err && db_in_transaction(db))
        db_rollback(db);
    return err;
}

static enum err rotate(struct rotation *r, const char *state, struct diag *why)
{
    const char *slash = strrchr(r->ctl->config, '/');
    char *folder = slash ? mem_strndup(r->ctl->config, (size_t)(slash - r->ctl->config) + 1) : mem_strdup(".");
    struct stat st = {0};
    struct db *db = NULL;
    int dir = -1;
    enum err err = fsx_open_dir(AT_FDCWD, folder, &dir, why);

    if (!err && stat(r->ctl->config, &st))
        err = fsx_fail(why, "rotate.conf", "embargod.conf");
    if (!err)
        err = fsx_read_path(r->ctl->config, CONF_MAX, &r->conf, why);
    if (!err)
        err = db_open(state, DB_OPEN, &db, why);
    if (!err)
        err = make_key(r, why);
    if (!err)
        err = change_conf(r, why);
    if (!err)
        err = change(r, db, dir, slash ? slash + 1 : r->ctl->config, st.st_mode & 0777, why);
    if (err && r->fingerprint[0])
        pgp_key_delete(r->home, r->fingerprint, true, NULL);
    pgp_home_stop_agent(r->home);
    db_close(&db);
    fsx_close(&dir);
    free(folder);
    return err;
}

enum err ctl_rotate(struct ctl *ctl, const struct command *c, struct reply *reply, struct diag *why)
{
    struct rotation r = {
        .ctl = ctl, .conf = BUF_EMPTY, .changed = BUF_EMPTY, .statement = BUF_EMPTY, .certificate = BUF_EMPTY};
    char *state = NULL;
    int lock = -1;
    enum err err = ctl_load(ctl, why);

    (void)c;
    umask(077);
    if (!err)
        err = choose(&r, why);
    if (!err) {
        state = settings_path(ctl->settings, "state");
        err = fsx_open_dir(AT_FDCWD, state, &lock, why);
    }
    if (!err && flock(lock, LOCK_EX | LOCK_NB))
        err = diag_set(why, ERR_DENIED, "rotate.running", "a daemon has this instance: stop it, rotate, start it");
    if (!err)
        err = rotate(&r, state, why);
    if (!err) {
        reply->data = json_pack("{s:s, s:s, s:s, s:s}", "list", r.list->name, "fingerprint", r.fingerprint,
                                "previous_key", r.list->fingerprint, "statement", buf_text(&r.statement));
        snprintf(reply->message, sizeof reply->message, "the next start of embargod announces it");
    }
    fsx_close(&lock);
    buf_free(&r.conf);
    buf_free(&r.changed);
    buf_free(&r.statement);
    buf_free(&r.certificate);
    free(r.home);
    free(state);
    return err;
}
