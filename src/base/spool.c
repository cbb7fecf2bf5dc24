#include "base/spool.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "base/spool_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SPARE_FILES 64 /* inodes that have to be free */

static enum err read_mode(struct spool *spool, struct diag *why)
{
    struct stat st;

    if (fstat(spool->tmp_fd, &st))
        return fsx_fail(why, "spool.unreadable", "spool/tmp");
    spool->file_mode = st.st_mode & S_IRWXG ? 0640 : 0600;
    return ERR_OK;
}

enum err spool_open(const char *dir, struct spool **out, struct diag *why)
{
    struct spool *spool = mem_zero(1, sizeof *spool);
    enum err err;
    int top;

    *out = NULL;
    spool->tmp_fd = spool->new_fd = spool->bad_fd = -1;
    spool->reserve_bytes = SPOOL_RESERVE_BYTES;
    err = fsx_make_dir(AT_FDCWD, dir, 0700, &top, why);
    if (!err)
        err = fsx_make_dir(top, "tmp", 0700, &spool->tmp_fd, why);
    if (!err)
        err = read_mode(spool, why);
    if (!err)
        err = fsx_make_dir(top, "new", 0700, &spool->new_fd, why);
    if (!err)
        err = fsx_make_dir(top, "bad", 0700, &spool->bad_fd, why);
    fsx_close(&top);
    if (err)
        spool_close(&spool);
    *out = spool;
    return err;
}

void spool_close(struct spool **spool)
{
    if (!*spool)
        return;
    fsx_close(&(*spool)->tmp_fd);
    fsx_close(&(*spool)->new_fd);
    fsx_close(&(*spool)->bad_fd);
    free(*spool);
    *spool = NULL;
}

void spool_set_reserve(struct spool *spool, uint64_t bytes)
{
    spool->reserve_bytes = bytes;
}

bool spool_has_room(const struct spool *spool, uint64_t bytes)
{
    struct statvfs st;
    uint64_t blocks;

    if (fstatvfs(spool->new_fd, &st) || st.f_frsize == 0)
        return false;
    if (st.f_files && st.f_favail < SPARE_FILES)
        return false;
    if (bytes > UINT64_MAX - spool->reserve_bytes)
        return false;
    blocks = (bytes + spool->reserve_bytes) / st.f_frsize;
    return st.f_bavail > blocks;
}

/* Removes an unfinished file whose writer is gone: its lock went with it. 1: removed, 0: it is to stay, -1: neither. */
static int sweep_file(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), result = -1;

    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    if (flock(fd, LOCK_EX | LOCK_NB))
        result = errno == EWOULDBLOCK ? 0 : -1;
    else if (unlinkat(dir_fd, name, 0) == 0)
        result = 1;
    fsx_close(&fd);
    return result;
}

/* A second descriptor of its own, so that the position of the directory stream is nobody else's. */
static DIR *open_stream(int dir_fd)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

    if (!stream)
        fsx_close(&fd);
    return stream;
}

static enum err sweep_once(struct spool *spool, size_t *n, struct diag *why)
{
    DIR *stream = open_stream(spool->tmp_fd);
    struct dirent *item;
    enum err err = ERR_OK;

    if (!stream)
        return diag_errno(why, ERR_INTERNAL, "spool.sweep", "looking for unfinished mails");
    while ((item = readdir(stream))) {
        int result = spool_name_ok(item->d_name) ? sweep_file(spool->tmp_fd, item->d_name) : 0;

        if (result < 0)
            err = diag_errno(why, ERR_INTERNAL, "spool.sweep", "removing an unfinished mail");
        else
            *n += (size_t)result;
    }
    closedir(stream);
    return err;
}

enum err spool_sweep(struct spool *spool, size_t *n, struct diag *why)
{
    *n = 0;
    return sweep_once(spool, n, why) ? sweep_once(spool, n, why) : ERR_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void add_name(struct spool_names *out, size_t *cap, const char *name)
{
    if (out->n == *cap) {
        *cap = *cap ? *cap * 2 : 64;
        out->name = mem_resize(out->name, *cap, sizeof *out->name);
    }
    memset(out->name[out->n], 0, SPOOL_NAME_SIZE);
    memcpy(out->name[out->n], name, strlen(name));
    out->n++;
}

enum err spool_list(const struct spool *spool, struct spool_names *out, struct diag *why)
{
    DIR *stream = open_stream(spool->new_fd);
    struct dirent *item;
    size_t cap = 0;
    int failed;

    *out = (struct spool_names){0};
    if (!stream)
        return fsx_fail(why, "spool.unreadable", "new");
    for (errno = 0; (item = readdir(stream)); errno = 0) {
        if (spool_name_ok(item->d_name))
            add_name(out, &cap, item->d_name);
        else if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0)
            out->strangers++;
    }
    failed = errno;
    closedir(stream);
    if (failed) {
        errno = failed;
        spool_names_free(out);
        return fsx_fail(why, "spool.unreadable", "new");
    }
    if (out->n)
        qsort(out->name, out->n, sizeof *out->name, by_name);
    return ERR_OK;
}

void spool_names_free(struct spool_names *names)
{
    free(names->name);
    *names = (struct spool_names){0};
}

static enum err need_entry_name(const char *name, struct diag *why)
{
    return spool_name_ok(name) ? ERR_OK : diag_set(why, ERR_USAGE, "spool.name", "not the name of a spool entry");
}

enum err spool_remove(struct spool *spool, const char *name, struct diag *why)
{
    enum err err = need_entry_name(name, why);

    return err ? err : fsx_remove(spool->new_fd, name, why);
}

enum err spool_set_aside(struct spool *spool, const char *name, struct diag *why)
{
    enum err err = need_entry_name(name, why);

    return err ? err : fsx_rename(spool->new_fd, name, spool->bad_fd, name, why);
}
