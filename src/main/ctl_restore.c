#include "main/ctl_restore.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "codec/box.h"
#include "codec/pgp_home.h"
#include "main/ctl.h"
#include "main/ctl_init.h"
#include "proc/worker_backup.h"
#include "store/schema.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *restore_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* ---- what was unpacked is what it should be ---- */

static enum err check_signer(const struct restore *r, struct diag *why)
{
    const char *key = r->settings->lists[0].fingerprint;

    if (strcmp(r->facts.signer, key) != 0)
        return diag_set(why, ERR_REJECT, "backup.signer",
                        "it is signed by %s, and the list's key in it is %s: somebody else made it", r->facts.signer,
                        key);
    if (r->list_key && strcasecmp(r->list_key, r->facts.signer) != 0)
        return diag_set(why, ERR_DENIED, "backup.other-list", "it is signed by %s, not by the key of --list-key",
                        r->facts.signer);
    if (r->list && !settings_list_named(r->settings, r->list))
        return diag_set(why, ERR_DENIED, "backup.other-list", "it is of another instance: it has no list %.60s",
                        r->list);
    return ERR_OK;
}

static enum err check_form(const json_t *manifest, struct diag *why)
{
    json_int_t format = json_integer_value(json_object_get(manifest, "format"));
    json_int_t schema = json_integer_value(json_object_get(manifest, "schema"));
    const char *program = json_string_value(json_object_get(manifest, "program"));

    if (format != BACKUP_FORMAT)
        return diag_set(why, ERR_REJECT, "backup.format", "it has format %lld, this program knows %d: use %.60s",
                        (long long)format, BACKUP_FORMAT, program ? program : "the program that made it");
    if (schema > (json_int_t)schema_steps_n)
        return diag_set(why, ERR_REJECT, "store.newer",
                        "its database has version %lld, this program knows %zu: use %.60s, or a newer one",
                        (long long)schema, schema_steps_n, program ? program : "the newer program");
    return ERR_OK;
}

static enum err read_conf(struct restore *r, struct diag *why)
{
    struct conf_faults faults = {0};
    char *file = mem_printf("%s/embargod.conf", r->home);
    enum err err = settings_parse(buf_text(&r->conf), r->conf.len, file, &faults, &r->settings);

    if (err)
        err = diag_set(why, ERR_REJECT, "backup.format", "its embargod.conf is not understood: line %d: %.200s",
                       faults.n ? faults.items[0].line : 0, faults.n ? faults.items[0].text : "");
    for (size_t i = 0; !err && i < r->settings->n_lists; i++)
        if (strlen(r->home) + strlen(r->settings->lists[i].name) + strlen("/gnupg//quarantine") >= PGP_HOME_MAX)
            err = diag_set(why, ERR_USAGE, "init.path-too-long",
                           "the folder's path is too long for GnuPG's sockets: choose a shorter --home");
    conf_faults_free(&faults);
    free(file);
    return err;
}

/* The secret keys of another backup of the same list. */
static enum err add_keys(struct restore *r, struct diag *why)
{
    struct pgp_stream_facts facts;
    struct buf conf = BUF_EMPTY;
    json_t *manifest = NULL;
    enum err err;

    if (!r->keys)
        return ERR_OK;
    if (json_is_true(json_object_get(r->manifest, "with_keys")))
        return diag_set(why, ERR_USAGE, "restore.keys", "the backup has its keys: leave --keys out");
    err = restore_unpack(r, r->keys, true, &conf, &manifest, &facts, why);
    if (!err && strcmp(facts.signer, r->facts.signer) != 0)
        err = diag_set(why, ERR_DENIED, "backup.other-list", "--keys is of another list: signed by %s", facts.signer);
    if (!err && !json_is_true(json_object_get(manifest, "with_keys")))
        err = diag_set(why, ERR_DENIED, "restore.keys", "--keys was made without --with-keys");
    json_decref(manifest);
    buf_free(&conf);
    return err;
}

/* ---- homes, folders, and embargod.conf ---- */

static enum pgp_home_kind kind_of(const char *name)
{
    return strcmp(name, "list") == 0         ? PGP_HOME_LIST
           : strcmp(name, "storage") == 0    ? PGP_HOME_STORAGE
           : strcmp(name, "quarantine") == 0 ? PGP_HOME_QUARANTINE
                                             : PGP_HOME_SHARD;
}

static bool has_secret(const char *home)
{
    char *path = mem_printf("%s/private-keys-v1.d", home);
    bool has = access(path, F_OK) == 0 && !init_is_empty(path);

    free(path);
    return has;
}

static enum err make_homes(struct restore *r, const char *list, struct diag *why)
{
    static const char *const names[] = {"list", "storage", "quarantine"};
    char *folder = mem_printf("%s/gnupg/%s", r->home, list);
    DIR *dir = opendir(folder);
    struct dirent *d;
    enum err err = dir ? ERR_OK : diag_set(why, ERR_REJECT, "backup.damaged", "it has no keys of the list %.60s", list);

    for (size_t i = 0; !err && i < 3; i++) {
        char *home = mem_printf("%s/%s", folder, names[i]);

        if (i < 2 && !has_secret(home))
            r->has_keys = false;
        err = pgp_home_make(home, kind_of(names[i]), why);
        free(home);
    }
    while (!err && dir && (d = readdir(dir)))
        if (strncmp(d->d_name, "member-", 7) == 0) {
            char *home = mem_printf("%s/%s", folder, d->d_name);

            err = pgp_home_make(home, PGP_HOME_SHARD, why);
            free(home);
        }
    if (dir)
        closedir(dir);
    free(folder);
    return err;
}

static enum err make_folders(struct restore *r, struct diag *why)
{
    static const char *const names[] = {"state/spool", "state/bodies", "policy", "policy/holidays",
                                        "mail",        "public",       "run"};
    enum err err = ERR_OK;

    r->has_keys = true;
    for (size_t i = 0; !err && i < sizeof names / sizeof names[0]; i++) {
        char *path = mem_printf("%s/%s", r->home, names[i]);

        if (mkdir(path, 0700) && errno != EEXIST)
            err = fsx_fail(why, "restore.write", "making a folder");
        free(path);
    }
    for (size_t i = 0; !err && i < r->settings->n_lists; i++)
        err = make_homes(r, r->settings->lists[i].name, why);
    return err;
}

/* Everything is on the disk before the file that makes an instance of it. */
static enum err write_conf(struct restore *r, struct diag *why)
{
    int fd = -1;
    enum err err = fsx_open_dir(AT_FDCWD, r->home, &fd, why);

    if (!err && syncfs(fd))
        err = fsx_fail(why, "restore.write", "what was unpacked");
    if (!err)
        err = fsx_write_file(fd, "embargod.conf", 0600, r->conf.data, r->conf.len, why);
    fsx_close(&fd);
    return err;
}

/* ---- the command ---- */

static enum err make_home(struct restore *r, struct diag *why)
{
    if (mkdir(r->home, 0700) == 0)
        r->made_home = true;
    else if (errno != EEXIST)
        return diag_set(why, ERR_USAGE, "init.home", "cannot make the folder: %s", strerror(errno));
    else if (!init_is_empty(r->home))
        return diag_set(why, ERR_DENIED, "restore.not-empty",
                        "%.200s is not empty: name an empty or a new folder with --home", r->home);
    return chmod(r->home, 0700) ? fsx_fail(why, "init.home", "the folder") : ERR_OK;
}

static enum err make(struct restore *r, struct diag *why)
{
    static enum err (*const steps[])(struct restore *, struct diag *) = {add_keys, make_folders, restore_database,
                                                                         write_conf};
    enum err err = restore_unpack(r, r->file, false, &r->conf, &r->manifest, &r->facts, why);

    if (!err)
        err = check_form(r->manifest, why);
    if (!err)
        err = read_conf(r, why);
    if (!err)
        err = check_signer(r, why);
    for (size_t i = 0; !err && i < sizeof steps / sizeof steps[0]; i++) {
        err = steps[i](r, why);
        if (!err && init_is_interrupted())
            err = diag_set(why, ERR_AGAIN, "init.interrupted", "it was interrupted; nothing is left of it");
    }
    return err;
}

static json_t *describe(const struct restore *r)
{
    const json_t *m = r->manifest;
    json_t *o = json_object();

    json_object_set_new(o, "home", json_string(r->home));
    json_object_set(o, "id", json_object_get(m, "id"));
    json_object_set_new(o, "file", json_string(restore_base(r->file)));
    json_object_set(o, "taken_at", json_object_get(m, "taken_at"));
    json_object_set(o, "program", json_object_get(m, "program"));
    json_object_set_new(o, "signed_by", json_string(r->facts.signer));
    json_object_set(o, "lists", json_object_get(m, "lists"));
    if (r->rehearsal)
        json_object_set_new(o, "kind", json_string("rehearsal"));
    else
        json_object_set(o, "kind", json_object_get(m, "kind"));
    json_object_set_new(o, "audit", json_pack("{s:I, s:s}", "entries", (json_int_t)r->entries, "head", r->head));
    json_object_set_new(o, "has_keys", json_boolean(r->has_keys));
    json_object_set_new(o, "on_hold", json_boolean(!r->accept));
    return o;
}

static void say(const struct restore *r, struct reply *reply)
{
    if (!r->has_keys)
        snprintf(reply->message, sizeof reply->message,
                 "the secret keys are missing: put private-keys-v1.d of the old gnupg/LIST/list and gnupg/LIST/storage "
                 "into the new ones, or restore again with --keys BACKUP-WITH-KEYS");
    else if (!r->accept)
        snprintf(reply->message, sizeof reply->message,
                 "on hold: start embargod, look (status, next, queue list), stop it, restore --accept, start it");
}

/* Where: --home, else the folder of the configuration's name. */
static enum err find_home(struct ctl *ctl, const struct command *c, char **out, struct diag *why)
{
    const char *word = command_word(c, "home"), *slash = ctl->config ? strrchr(ctl->config, '/') : NULL;
    char *folder;
    enum err err;

    if (!word && !ctl->config)
        return diag_set(why, ERR_USAGE, "config.which", "name the new folder with --home DIR, or -c DIR/embargod.conf");
    folder = word    ? mem_strdup(word)
             : slash ? mem_strndup(ctl->config, (size_t)(slash - ctl->config) + (slash == ctl->config))
                     : mem_strdup(".");
    err = init_absolute(folder, out, why);
    free(folder);
    return err;
}

static enum err accept_there(struct ctl *ctl, const char *conf, const char *file, struct reply *reply, struct diag *why)
{
    enum err err = ERR_OK;

    if (!ctl->settings)
        err = settings_load(conf, &ctl->settings, why);
    if (!err)
        err = restore_accept(ctl->settings, file, &reply->data, why);
    if (!err)
        snprintf(reply->message, sizeof reply->message, "from its next start on it sends and publishes");
    return err;
}

enum err ctl_restore(struct ctl *ctl, const struct command *c, struct reply *reply, struct diag *why)
{
    struct restore r = {.file = command_word(c, "FILE"),
                        .keys = command_word(c, "keys"),
                        .list_key = command_word(c, "list-key"),
                        .list = ctl->list,
                        .rehearsal = command_flag(c, "rehearsal"),
                        .accept = command_flag(c, "accept"),
                        .conf = BUF_EMPTY};
    char *conf = NULL;
    bool begun = false;
    enum err err = find_home(ctl, c, &r.home, why);

    umask(077);
    if (!err)
        conf = mem_printf("%s/embargod.conf", r.home);
    if (!err && access(conf, F_OK) == 0) {
        err = r.accept ? accept_there(ctl, conf, r.file, reply, why)
                       : diag_set(why, ERR_DENIED, "restore.exists",
                                  "there is an instance in %.200s: name an empty or a new folder with --home", r.home);
    } else if (!err) {
        init_catch_signals();
        err = r.file ? box_start(why) : diag_set(why, ERR_USAGE, "command.argument", "restore needs FILE");
        if (!err)
            err = make_home(&r, why);
        begun = !err;
        if (!err)
            err = make(&r, why);
        if (err && begun)
            init_remove_tree(r.home, !r.made_home);
        if (!err) {
            reply->data = describe(&r);
            say(&r, reply);
        }
    }
    settings_free(&r.settings);
    json_decref(r.manifest);
    buf_free(&r.conf);
    free(conf);
    free(r.home);
    return err;
}
