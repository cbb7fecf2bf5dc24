/*
 * Files that survive a crash: whole-file writes, directories and renames whose success means "on the disk".
 *
 * Every function works relative to a directory descriptor (AT_FDCWD too, but for fsx_rename and fsx_remove), opens with
 * O_CLOEXEC, and does not follow a symbolic link in the last component; fsx_open_dir alone follows one, and only below
 * AT_FDCWD, so that an administrator may move a whole folder to another disk. Names relative to a directory are single
 * components (fsx_name_ok). Descriptors handed out belong to the caller.
 *
 * Errors: ERR_NOT_FOUND no such file; ERR_LIMIT the disk, the quota or a limit handed in is full (rule `disk.full`
 * or `file.too-large`); ERR_USAGE a name or path that is no name; ERR_AGAIN everything else that the machine
 * refuses (rule `file.*`). The text names the object, which is a path of ours and never something from a mail.
 */
#ifndef BASE_FSX_H
#define BASE_FSX_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stat;

#define FSX_NAME_MAX 255 /* bytes of one component, NAME_MAX of the usual file systems */

/* True for one path component: 1..255 bytes, no '/', no control character, not "." nor "..". */
bool fsx_name_ok(const char *name);

/* out = dir "/" name; ERR_USAGE where it does not fit into size bytes, or dir is empty. name may have '/' inside. */
enum err fsx_join(const char *dir, const char *name, char *out, size_t size, struct diag *why);

enum err fsx_open_dir(int at_fd, const char *path, int *out_fd, struct diag *why);

/* Makes the directory with exactly this mode and fsyncs its parent; an existing directory is left as it is. */
enum err fsx_mkdir(int at_fd, const char *name, mode_t mode, struct diag *why);

/* fsx_mkdir, then fsx_open_dir below at_fd, without following a link. */
enum err fsx_make_dir(int at_fd, const char *name, mode_t mode, int *out_fd, struct diag *why);

/* Writes all of it, whatever the number of calls; what names the object in the diag. */
enum err fsx_write_all(int fd, const void *bytes, size_t len, const char *what, struct diag *why);

/* fsync; an error means that the content must be taken as lost (the kernel reports it once only). */
enum err fsx_sync(int fd, const char *what, struct diag *why);

/*
 * Replaces a whole file: a temporary file in the same directory, fsync, rename, fsync of the directory. After a
 * crash the old or the new content is there, never a part. A temporary file that a crash leaves begins with ".tmp-".
 */
enum err fsx_write_file(int dir_fd, const char *name, mode_t mode, const void *bytes, size_t len, struct diag *why);

/* The same with the mode, the owner and the group of another file. */
enum err fsx_write_file_like(int dir_fd, const char *name, const struct stat *like, const void *bytes, size_t len,
                             struct diag *why);

/* Reads a regular file of at most max_bytes into out (replaced on ERR_OK, empty otherwise). */
enum err fsx_read_file(int dir_fd, const char *name, size_t max_bytes, struct buf *out, struct diag *why);

/* The same for a path, whose last component may be a symbolic link (a file that an administrator names). */
enum err fsx_read_path(const char *path, size_t max_bytes, struct buf *out, struct diag *why);

/* Renames within or between directories and fsyncs both of them. */
enum err fsx_rename(int from_fd, const char *from, int to_fd, const char *to, struct diag *why);

/* Unlinks and fsyncs the directory; a file that is gone already is success. */
enum err fsx_remove(int dir_fd, const char *name, struct diag *why);

/* Bytes that an ordinary user may still write to the file system of a path; -1: nobody can say. */
int64_t fsx_free_bytes(const char *path);

/* 2 * n_bytes lower-case hex digits of randomness and a NUL. */
void fsx_random_hex(size_t n_bytes, char *out);

/* What stands in a folder, sorted; names that begin with a dot are left out. */
struct fsx_names {
    char **name;
    size_t n;
};

/*
 * All of it or an error: a folder that is read by half would look like one that lacks something. ERR_NOT_FOUND where
 * there is no folder. `out` is the caller's to free, also after an error. (fsx_list.c)
 */
enum err fsx_list(const char *path, struct fsx_names *out, struct diag *why);
void fsx_names_free(struct fsx_names *names);

/* The error for the current errno: full disks and quotas are ERR_LIMIT, a missing file ERR_NOT_FOUND. */
enum err fsx_fail(struct diag *why, const char *rule, const char *what);

/* Closes *fd where it is open, and sets it to -1. Keeps errno. */
void fsx_close(int *fd);

#endif
