#include "base/tree.h"

#include "base/fsx.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE_DEPTH_MAX 16
#define TREE_PATH_MAX  1024

struct tree {
    int parent_fd; /* of the folder's own folder */
    char *name;    /* "public" */
    char *beside;  /* ".public.new" */
    int old_fd;    /* -1: there is none yet */
    int new_fd;
    char **folders; /* that were made, to be synced */
    size_t n_folders;
};

enum err tree_open(const char *path, struct tree **out, struct diag *why)
{
    char *real = realpath(path, NULL), *whole = mem_strdup(real ? real : path), *slash = strrchr(whole, '/');
    struct tree *t = mem_zero(1, sizeof *t);
    enum err err = ERR_OK;

    free(real);
    *out = NULL;
    t->parent_fd = t->old_fd = t->new_fd = -1;
    if (!slash || !slash[1])
        err = diag_set(why, ERR_USAGE, "file.path", "the folder of the site must have a name");
    if (!err) {
        t->name = mem_strdup(slash + 1);
        t->beside = mem_printf(".%s.new", t->name);
        slash[slash == whole] = 0;
        err = fsx_open_dir(AT_FDCWD, whole, &t->parent_fd, why);
    }
    free(whole);
    if (err)
        tree_close(&t);
    *out = t;
    return err;
}

static void forget(struct tree *t)
{
    fsx_close(&t->old_fd);
    fsx_close(&t->new_fd);
    for (size_t i = 0; i < t->n_folders; i++)
        free(t->folders[i]);
    free(t->folders);
    t->folders = NULL;
    t->n_folders = 0;
}

void tree_close(struct tree **t)
{
    if (!*t)
        return;
    forget(*t);
    fsx_close(&(*t)->parent_fd);
    free((*t)->name);
    free((*t)->beside);
    free(*t);
    *t = NULL;
}

/* Readers are others than the daemon, whose umask is narrow. */
static enum err make_folder(int at_fd, const char *path, struct diag *why)
{
    int fd = -1;
    enum err err = ERR_OK;

    if (mkdirat(at_fd, path, 0755))
        return fsx_fail(why, "file.folder", path);
    fd = openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fchmod(fd, 0755))
        err = fsx_fail(why, "file.folder", path);
    fsx_close(&fd);
    return err;
}

enum err tree_begin(struct tree *t, struct diag *why)
{
    enum err err;

    forget(t);
    err = make_folder(t->parent_fd, t->beside, why);
    if (!err)
        err = fsx_open_dir(t->parent_fd, t->beside, &t->new_fd, why);
    if (!err)
        t->old_fd = openat(t->parent_fd, t->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return err;
}

/* Each component is a name, and the whole is bounded. */
static bool path_ok(const char *path)
{
    char name[FSX_NAME_MAX + 1];

    if (strlen(path) > TREE_PATH_MAX)
        return false;
    for (const char *at = path;;) {
        size_t n = strcspn(at, "/");

        if (n > FSX_NAME_MAX)
            return false;
        memcpy(name, at, n);
        name[n] = 0;
        if (!fsx_name_ok(name))
            return false;
        if (!at[n])
            return true;
        at += n + 1;
    }
}

static enum err make_folders(struct tree *t, const char *path, struct diag *why)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        char *folder = mem_strndup(path, (size_t)(slash - path));
        struct stat st;
        enum err err = ERR_OK;

        if (fstatat(t->new_fd, folder, &st, AT_SYMLINK_NOFOLLOW)) {
            err = make_folder(t->new_fd, folder, why);
            t->folders = mem_resize(t->folders, t->n_folders + 1, sizeof *t->folders);
            t->folders[t->n_folders++] = folder;
        } else {
            free(folder);
        }
        if (err)
            return err;
    }
    return ERR_OK;
}

/* True where the old folder has this very file, which then has a second name in the new one. */
static bool link_old(const struct tree *t, const char *path, struct span bytes)
{
    char part[65536];
    struct stat st;
    size_t at = 0;
    ssize_t n = 0;
    int fd = t->old_fd < 0 ? -1 : openat(t->old_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool same = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0644 &&
                st.st_uid == geteuid() && (size_t)st.st_size == bytes.len;

    while (same && at < bytes.len) {
        n = read(fd, part, sizeof part);
        if (n < 0 && errno == EINTR)
            continue;
        same = n > 0 && (size_t)n <= bytes.len - at && memcmp(part, bytes.data + at, (size_t)n) == 0;
        at += n > 0 ? (size_t)n : 0;
    }
    fsx_close(&fd);
    return same && linkat(t->old_fd, path, t->new_fd, path, 0) == 0;
}

enum err tree_put(struct tree *t, const char *path, struct span bytes, struct diag *why)
{
    enum err err;
    int fd;

    if (!path_ok(path))
        return diag_set(why, ERR_USAGE, "file.path", "a file of the site has no proper name");
    err = make_folders(t, path, why);
    if (err || link_old(t, path, bytes))
        return err;
    fd = openat(t->new_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return errno == EEXIST ? diag_set(why, ERR_USAGE, "file.path", "two files of the site have the same name")
                               : fsx_fail(why, "file.write", path);
    err = fchmod(fd, 0644) ? fsx_fail(why, "file.write", path) : fsx_write_all(fd, bytes.data, bytes.len, path, why);
    if (!err)
        err = fsx_sync(fd, path, why);
    if (close(fd) && !err)
        err = fsx_fail(why, "file.write", path);
    return err;
}

static enum err sync_folders(const struct tree *t, struct diag *why)
{
    enum err err = ERR_OK;

    for (size_t i = t->n_folders; !err && i-- > 0;) {
        int fd;

        err = fsx_open_dir(t->new_fd, t->folders[i], &fd, why);
        if (!err)
            err = fsx_sync(fd, t->folders[i], why);
        fsx_close(&fd);
    }
    return err ? err : fsx_sync(t->new_fd, t->beside, why);
}

/*
 * Where the file system cannot exchange, the old folder steps aside first: for a moment there is none, and a crash in
 * that moment is mended by the next build.
 */
static enum err swap_by_steps(struct tree *t, struct diag *why)
{
    char *aside = mem_printf(".%s.old", t->name);
    enum err err = ERR_OK;

    if (renameat(t->parent_fd, t->name, t->parent_fd, aside) ||
        renameat(t->parent_fd, t->beside, t->parent_fd, t->name))
        err = fsx_fail(why, "file.rename", t->name);
    else if (renameat(t->parent_fd, aside, t->parent_fd, t->beside))
        err = fsx_fail(why, "file.rename", t->name);
    free(aside);
    return err;
}

enum err tree_publish(struct tree *t, struct diag *why)
{
    enum err err = sync_folders(t, why);

    if (err)
        return err;
    if (t->old_fd < 0)
        err = renameat2(t->parent_fd, t->beside, t->parent_fd, t->name, RENAME_NOREPLACE)
                  ? fsx_fail(why, "file.rename", t->name)
                  : ERR_OK;
    else if (renameat2(t->parent_fd, t->beside, t->parent_fd, t->name, RENAME_EXCHANGE))
        err = errno == EINVAL || errno == ENOSYS ? swap_by_steps(t, why) : fsx_fail(why, "file.rename", t->name);
    if (!err)
        err = fsx_sync(t->parent_fd, t->name, why);
    forget(t);
    return err;
}

/* Removes one entry below the folder: the first of the first of the first. False where the folder itself is gone. */
static bool remove_one(int parent_fd, const char *name)
{
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), up = dup(parent_fd);
    char at[FSX_NAME_MAX + 1];
    bool gone;

    snprintf(at, sizeof at, "%s", name);
    for (int depth = 0; fd >= 0 && up >= 0 && depth < TREE_DEPTH_MAX; depth++) {
        DIR *dir = fdopendir(dup(fd));
        struct dirent *e = NULL;

        while (dir && (e = readdir(dir)) && (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")))
            ;
        if (!e) {
            gone = unlinkat(up, at, AT_REMOVEDIR) == 0;
            if (dir)
                closedir(dir);
            fsx_close(&fd);
            fsx_close(&up);
            return gone;
        }
        gone = unlinkat(fd, e->d_name, 0) == 0;
        if (gone || (errno != EISDIR && errno != EPERM)) {
            closedir(dir);
            fsx_close(&fd);
            fsx_close(&up);
            return gone;
        }
        snprintf(at, sizeof at, "%s", e->d_name);
        closedir(dir);
        fsx_close(&up);
        up = fd;
        fd = openat(up, at, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    }
    fsx_close(&fd);
    fsx_close(&up);
    return false;
}

static bool is_there(const struct tree *t, const char *name)
{
    struct stat st;

    return fstatat(t->parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool tree_sweep(struct tree *t, size_t n)
{
    char *aside = mem_printf(".%s.old", t->name);
    bool left;

    forget(t);
    /* What swap_by_steps may leave: the old folder without the new one, or beside it. */
    if (is_there(t, aside) && !is_there(t, t->name))
        renameat(t->parent_fd, aside, t->parent_fd, t->name);
    while (n && remove_one(t->parent_fd, aside))
        n--;
    while (n && remove_one(t->parent_fd, t->beside))
        n--;
    left = !n && (is_there(t, aside) || is_there(t, t->beside));
    free(aside);
    return left;
}
