#include "main/ctl_rotate.h"

#include "base/frame.h"
#include "base/fsx.h"
#include "base/mem.h"
#include "main/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONF_MAX   ((size_t)1 << 20)
#define ANSWER_MAX ((size_t)1 << 16)

static enum err choose(struct rotation *r, struct ctl *ctl, struct diag *why)
{
    const struct settings *s = ctl->settings;

    if (!ctl->list && s->n_lists > 1)
        return diag_set(why, ERR_USAGE, "list.which", "there are several lists: name one with --list");
    r->list = ctl->list ? settings_list_named(s, ctl->list) : &s->lists[0];
    if (!r->list)
        return diag_set(why, ERR_NOT_FOUND, "list.unknown", "no list `%.32s` in embargod.conf", ctl->list);
    if (r->list->previous_key)
        return diag_set(why, ERR_DENIED, "rotate.under-way",
                        "the key before is in use still: remove previous_key from embargod.conf first");
    r->home = settings_gnupg(s, r->list->name, "list");
    r->state = settings_path(s, "state");
    return settings_passphrase(r->list, &r->passphrase, why);
}

/* ---- as whoever owns state/ ---- */

static _Noreturn void child(struct rotation *r, const struct stat *owner, int fd)
{
    struct buf answer = BUF_EMPTY;
    struct diag why = {0};
    enum err err = ERR_OK;

    if (setgroups(0, NULL) || setresgid(owner->st_gid, owner->st_gid, owner->st_gid) ||
        setresuid(owner->st_uid, owner->st_uid, owner->st_uid) || setuid(0) == 0)
        err = diag_errno(&why, ERR_INTERNAL, "rotate.owner", "becoming the owner of state/");
    if (!err)
        err = rotate_keys(r, &why);
    frame_put_u32(&answer, (uint32_t)err);
    frame_put_str(&answer, why.rule);
    frame_put_str(&answer, why.text);
    frame_put_str(&answer, r->fingerprint);
    frame_put_buf(&answer, &r->statement);
    fsx_write_all(fd, answer.data, answer.len, "the answer", NULL);
    _exit(0);
}

static enum err take_answer(struct rotation *r, const struct buf *answer, struct diag *why)
{
    struct frame_reader f;
    struct span statement;
    char *rule, *text, *fingerprint;
    enum err err;

    frame_reader_init(&f, buf_span(answer));
    err = (enum err)frame_get_u32(&f);
    rule = frame_get_str(&f);
    text = frame_get_str(&f);
    fingerprint = frame_get_str(&f);
    statement = frame_get_bytes(&f);
    if (!frame_done(&f) || !rule || !text || !fingerprint)
        err = diag_set(why, ERR_INTERNAL, "rotate.owner", "the part of it that deals with keys has died");
    else if (err)
        diag_set(why, err, rule, "%s", text);
    else
        snprintf(r->fingerprint, sizeof r->fingerprint, "%s", fingerprint);
    if (!err)
        buf_add(&r->statement, statement.data, statement.len);
    free(rule);
    free(text);
    free(fingerprint);
    return err;
}

static enum err keys_as(struct rotation *r, const struct stat *owner, struct diag *why)
{
    struct buf answer = {.max = ANSWER_MAX};
    uint8_t *room;
    ssize_t n = 1;
    int fds[2], status;
    pid_t pid;
    enum err err;

    if (pipe2(fds, O_CLOEXEC))
        return diag_errno(why, ERR_INTERNAL, "rotate.owner", "a pipe");
    pid = fork();
    if (pid == 0)
        child(r, owner, fds[1]);
    close(fds[1]);
    while (pid > 0 && n && (room = buf_room(&answer, 4096))) {
        n = read(fds[0], room, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        buf_grown(&answer, (size_t)n);
    }
    close(fds[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    err = take_answer(r, &answer, why);
    buf_free(&answer);
    return err;
}

static enum err keys(struct rotation *r, int state, struct diag *why)
{
    struct stat st;

    if (fstat(state, &st))
        return fsx_fail(why, "file.folder", r->state);
    return geteuid() == 0 && st.st_uid != 0 ? keys_as(r, &st, why) : rotate_keys(r, why);
}

/* ---- embargod.conf ---- */

struct conf_file {
    char *path; /* of the file itself, where embargod.conf is a link */
    const char *name;
    int dir;
    struct stat st;
    struct buf text, changed;
};

static enum err open_conf(struct conf_file *c, const char *named, struct diag *why)
{
    char *slash;
    enum err err;

    c->path = realpath(named, NULL);
    slash = c->path ? strrchr(c->path, '/') : NULL;
    if (!slash)
        return fsx_fail(why, "rotate.conf", "embargod.conf");
    *slash = 0;
    err = fsx_open_dir(AT_FDCWD, slash == c->path ? "/" : c->path, &c->dir, why);
    *slash = '/';
    c->name = slash + 1;
    if (!err && fstatat(c->dir, c->name, &c->st, AT_SYMLINK_NOFOLLOW))
        err = fsx_fail(why, "rotate.conf", c->path);
    return err ? err : fsx_read_file(c->dir, c->name, CONF_MAX, &c->text, why);
}

/* What it was is kept beside it. */
static enum err write_conf(struct conf_file *c, struct diag *why)
{
    char *before = mem_printf("%s.before-rotation", c->name);
    enum err err = fsx_write_file_like(c->dir, before, &c->st, c->text.data, c->text.len, why);

    if (!err)
        err = fsx_write_file_like(c->dir, c->name, &c->st, c->changed.data, c->changed.len, why);
    free(before);
    return err;
}

static enum err rotate(struct rotation *r, const char *config, int state, struct diag *why)
{
    static const char any[] = "0000000000000000000000000000000000000000";
    struct conf_file c = {.dir = -1, .text = BUF_EMPTY, .changed = BUF_EMPTY};
    enum err err = open_conf(&c, config, why);

    /* Whether it can be changed is known before there is a key. */
    if (!err)
        err = rotate_conf(&c.text, config, r->list, any, &c.changed, why);
    if (!err)
        err = keys(r, state, why);
    if (!err)
        err = rotate_conf(&c.text, config, r->list, r->fingerprint, &c.changed, why);
    if (!err)
        err = write_conf(&c, why);
    fsx_close(&c.dir);
    buf_free(&c.text);
    buf_free(&c.changed);
    free(c.path);
    return err;
}

enum err ctl_rotate(struct ctl *ctl, const struct command *c, struct reply *reply, struct diag *why)
{
    struct rotation r = {.wanted = command_word(c, "key"), .passphrase = BUF_EMPTY, .statement = BUF_EMPTY};
    int lock = -1;
    enum err err = ctl_load(ctl, why);

    umask(077);
    if (!err)
        err = choose(&r, ctl, why);
    if (!err)
        err = fsx_open_dir(AT_FDCWD, r.state, &lock, why);
    if (!err && flock(lock, LOCK_EX | LOCK_NB))
        err = diag_set(why, ERR_DENIED, "rotate.running", "a daemon has this instance: stop it, rotate, start it");
    if (!err)
        err = rotate(&r, ctl->config, lock, why);
    if (!err) {
        reply->data = json_pack("{s:s, s:s, s:s, s:s}", "list", r.list->name, "fingerprint", r.fingerprint,
                                "previous_key", r.list->fingerprint, "statement", buf_text(&r.statement));
        snprintf(reply->message, sizeof reply->message, "the next start of embargod announces it");
    }
    fsx_close(&lock);
    buf_free(&r.passphrase);
    buf_free(&r.statement);
    free(r.home);
    free(r.state);
    return err;
}
