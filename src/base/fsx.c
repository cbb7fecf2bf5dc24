#include "base/fsx.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum err fsx_fail(struct diag *why, const char *rule, const char *what)
{
    switch (errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return diag_errno(why, ERR_LIMIT, "disk.full", what);
    case ENOENT:
        return diag_errno(why, ERR_NOT_FOUND, rule, what);
    default:
        return diag_errno(why, ERR_AGAIN, rule, what);
    }
}

void fsx_close(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

bool fsx_name_ok(const char *name)
{
    size_t len = strnlen(name, FSX_NAME_MAX + 1);

    if (len == 0 || len > FSX_NAME_MAX || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    for (size_t i = 0; i < len; i++)
        if (name[i] == '/' || (unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return false;
    return true;
}

static enum err need_name(const char *name, struct diag *why)
{
    if (fsx_name_ok(name))
        return ERR_OK;
    return diag_set(why, ERR_USAGE, "file.name",
                    "a file's name is empty, longer than %d bytes, or holds a slash or a control character",
                    FSX_NAME_MAX);
}

enum err fsx_join(const char *dir, const char *name, char *out, size_t size, struct diag *why)
{
    size_t dir_len = strlen(dir), name_len = strlen(name);
    bool slash = dir_len > 0 && dir[dir_len - 1] != '/';

    if (dir_len == 0 || name_len == 0)
        return diag_set(why, ERR_USAGE, "file.path", "a path lacks its folder or its name");
    if (dir_len >= size || name_len >= size || dir_len + slash + name_len >= size)
        return diag_set(why, ERR_USAGE, "file.path", "a path is longer than %zu bytes; use a shorter folder", size - 1);
    memcpy(out, dir, dir_len);
    if (slash)
        out[dir_len] = '/';
    memcpy(out + dir_len + slash, name, name_len + 1);
    return ERR_OK;
}

enum err fsx_open_dir(int at_fd, const char *path, int *out_fd, struct diag *why)
{
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (at_fd == AT_FDCWD ? 0 : O_NOFOLLOW);

    *out_fd = openat(at_fd, path, flags);
    return *out_fd < 0 ? fsx_fail(why, "file.folder", path) : ERR_OK;
}

enum err fsx_sync(int fd, const char *what, struct diag *why)
{
    return fsync(fd) ? fsx_fail(why, "file.sync", what) : ERR_OK;
}

/* Opens and fsyncs the directory that holds `path`; below a descriptor `path` is one component, so it is the fd. */
static enum err sync_parent(int at_fd, const char *path, struct diag *why)
{
    const char *slash = strrchr(path, '/');
    char parent[4096];
    size_t len;
    int fd;
    enum err err;

    if (!slash && at_fd != AT_FDCWD)
        return fsx_sync(at_fd, path, why);
    len = slash ? (size_t)(slash - path) : 0;
    if (len >= sizeof parent)
        return diag_set(why, ERR_USAGE, "file.path", "a path is longer than %zu bytes", sizeof parent - 1);
    if (len)
        memcpy(parent, path, len);
    else
        parent[len++] = slash ? '/' : '.';
    parent[len] = 0;
    err = fsx_open_dir(at_fd, parent, &fd, why);
    if (err)
        return err;
    err = fsx_sync(fd, parent, why);
    fsx_close(&fd);
    return err;
}

/* The umask takes bits away, so the mode is set once more. A link in the directory's place is refused. */
static enum err set_mode(int at_fd, const char *name, mode_t mode, struct diag *why)
{
    int fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    enum err err = ERR_OK;

    if (fd < 0 || fchmod(fd, mode))
        err = fsx_fail(why, "file.folder", name);
    fsx_close(&fd);
    return err;
}

enum err fsx_mkdir(int at_fd, const char *name, mode_t mode, struct diag *why)
{
    struct stat st;
    enum err err;

    if (at_fd != AT_FDCWD && (err = need_name(name, why)))
        return err;
    if (mkdirat(at_fd, name, mode) == 0) {
        err = set_mode(at_fd, name, mode, why);
        return err ? err : sync_parent(at_fd, name, why);
    }
    if (errno != EEXIST)
        return fsx_fail(why, "file.folder", name);
    if (fstatat(at_fd, name, &st, at_fd == AT_FDCWD ? 0 : AT_SYMLINK_NOFOLLOW))
        return fsx_fail(why, "file.folder", name);
    if (!S_ISDIR(st.st_mode))
        return diag_set(why, ERR_USAGE, "file.folder", "%s is in the way: it is no folder; move it aside", name);
    /* A crash may have come between its making and the fsync of its parent. */
    return sync_parent(at_fd, name, why);
}

enum err fsx_make_dir(int at_fd, const char *name, mode_t mode, int *out_fd, struct diag *why)
{
    enum err err = fsx_mkdir(at_fd, name, mode, why);

    *out_fd = -1;
    return err ? err : fsx_open_dir(at_fd, name, out_fd, why);
}

enum err fsx_write_all(int fd, const void *bytes, size_t len, const char *what, struct diag *why)
{
    const uint8_t *at = bytes;

    while (len) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fsx_fail(why, "file.write", what);
        at += n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

void fsx_random_hex(size_t n_bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n_bytes; i++) {
        uint8_t byte;

        /* Short requests are never cut; before the pool is ready it waits, which is what we want. */
        while (getrandom(&byte, 1, 0) != 1)
            if (errno != EINTR)
                abort();
        out[2 * i] = digits[byte >> 4];
        out[2 * i + 1] = digits[byte & 15];
    }
    out[2 * n_bytes] = 0;
}

/* uid and gid: -1 leaves them as they come. */
static enum err write_file(int dir_fd, const char *name, mode_t mode, uid_t uid, gid_t gid, const void *bytes,
                           size_t len, struct diag *why)
{
    char temp[32] = ".tmp-";
    enum err err = need_name(name, why);
    int fd;

    if (err)
        return err;
    fsx_random_hex(8, temp + 5);
    fd = openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return fsx_fail(why, "file.write", name);
    if (fchown(fd, uid, gid) || fchmod(fd, mode))
        err = fsx_fail(why, "file.write", name);
    if (!err)
        err = fsx_write_all(fd, bytes, len, name, why);
    if (!err)
        err = fsx_sync(fd, name, why);
    fsx_close(&fd);
    if (!err && renameat(dir_fd, temp, dir_fd, name))
        err = fsx_fail(why, "file.write", name);
    if (err) {
        unlinkat(dir_fd, temp, 0);
        return err;
    }
    if (dir_fd == AT_FDCWD)
        return sync_parent(AT_FDCWD, name, why);
    return fsx_sync(dir_fd, name, why);
}

enum err fsx_write_file(int dir_fd, const char *name, mode_t mode, const void *bytes, size_t len, struct diag *why)
{
    return write_file(dir_fd, name, mode, (uid_t)-1, (gid_t)-1, bytes, len, why);
}

enum err fsx_write_file_like(int dir_fd, const char *name, const struct stat *like, const void *bytes, size_t len,
                             struct diag *why)
{
    return write_file(dir_fd, name, like->st_mode & 07777, like->st_uid, like->st_gid, bytes, len, why);
}

static enum err read_chunks(int fd, const char *name, size_t max_bytes, struct buf *out, uint8_t *chunk, size_t size,
                            struct diag *why)
{
    for (;;) {
        ssize_t n = read(fd, chunk, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fsx_fail(why, "file.read", name);
        if (n == 0)
            return ERR_OK;
        if ((size_t)n > max_bytes - out->len)
            break;
        buf_add(out, chunk, (size_t)n);
        if (out->over)
            break;
    }
    return diag_set(why, ERR_LIMIT, "file.too-large", "%s is larger than %zu bytes", name, max_bytes);
}

static enum err read_fd(int fd, const char *name, size_t max_bytes, struct buf *out, struct diag *why)
{
    uint8_t chunk[16384];
    struct stat st;
    enum err err;

    if (fstat(fd, &st))
        return fsx_fail(why, "file.read", name);
    if (!S_ISREG(st.st_mode))
        return diag_set(why, ERR_USAGE, "file.read", "%s is no regular file", name);
    err = read_chunks(fd, name, max_bytes, out, chunk, sizeof chunk, why);
    mem_wipe(chunk, sizeof chunk);
    return err;
}

static enum err read_open(int fd, const char *name, size_t max_bytes, struct buf *out, struct diag *why)
{
    enum err err;

    buf_clear(out);
    if (fd < 0)
        return fsx_fail(why, "file.read", name);
    err = read_fd(fd, name, max_bytes, out, why);
    if (err)
        buf_clear(out);
    fsx_close(&fd);
    return err;
}

/* O_NONBLOCK: a FIFO in a file's place must not hang the reader. */
enum err fsx_read_file(int dir_fd, const char *name, size_t max_bytes, struct buf *out, struct diag *why)
{
    enum err err = need_name(name, why);

    if (err)
        return err;
    return read_open(openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), name, max_bytes, out, why);
}

enum err fsx_read_path(const char *path, size_t max_bytes, struct buf *out, struct diag *why)
{
    return read_open(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), path, max_bytes, out, why);
}

enum err fsx_rename(int from_fd, const char *from, int to_fd, const char *to, struct diag *why)
{
    enum err err = need_name(from, why);

    if (!err)
        err = need_name(to, why);
    if (err)
        return err;
    if (renameat(from_fd, from, to_fd, to))
        return fsx_fail(why, "file.rename", from);
    err = fsx_sync(to_fd, to, why);
    if (!err && from_fd != to_fd)
        err = fsx_sync(from_fd, from, why);
    return err;
}

enum err fsx_remove(int dir_fd, const char *name, struct diag *why)
{
    enum err err = need_name(name, why);

    if (err)
        return err;
    if (unlinkat(dir_fd, name, 0) && errno != ENOENT)
        return fsx_fail(why, "file.remove", name);
    return fsx_sync(dir_fd, name, why);
}

int64_t fsx_free_bytes(const char *path)
{
    struct statvfs st;

    if (statvfs(path, &st))
        return -1;
    return st.f_bavail > (fsblkcnt_t)INT64_MAX / (st.f_frsize + 1) ? INT64_MAX : (int64_t)(st.f_bavail * st.f_frsize);
}
