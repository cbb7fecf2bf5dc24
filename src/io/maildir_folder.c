#include "io/maildir_folder.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "io/maildir_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* The folder itself too: one that is replaced under its name is found again at once. */
#define WATCHED (IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW)

static int open_new(const char *dir)
{
    int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

    if (top < 0)
        return -1;
    fd = openat(top, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    fsx_close(&top);
    return fd;
}

enum err maildir_folder_open(const char *dir, int *fd, struct diag *why)
{
    *fd = open_new(dir);
    if (*fd < 0)
        return diag_errno(why, ERR_AGAIN, "maildir.folder", "maildir_in: the folder `new` cannot be opened");
    /* What cannot be removed afterwards is not taken: it would come again and again. */
    if (faccessat(*fd, ".", R_OK | W_OK | X_OK, AT_EACCESS))
        return diag_set(why, ERR_AGAIN, "maildir.folder",
                        "maildir_in: the folder `new` cannot be written by this user (under systemd: ReadWritePaths=)");
    return ERR_OK;
}

static DIR *open_stream(int fd)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = own >= 0 ? fdopendir(own) : NULL;

    if (!stream)
        fsx_close(&own);
    return stream;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum err maildir_folder_names(int fd, char ***names, size_t *n, struct diag *why)
{
    DIR *stream = open_stream(fd);
    struct dirent *item;
    size_t cap = 0;

    *names = NULL;
    *n = 0;
    if (!stream)
        return diag_errno(why, ERR_AGAIN, "maildir.folder", "maildir_in: the folder `new` cannot be read");
    while ((item = readdir(stream))) {
        if (item->d_name[0] == '.')
            continue;
        if (*n == cap) {
            cap = cap ? cap * 2 : 64;
            *names = mem_resize(*names, cap, sizeof **names);
        }
        (*names)[(*n)++] = mem_strdup(item->d_name);
    }
    closedir(stream);
    /* Names begin with the second of delivery. */
    if (*n)
        qsort(*names, *n, sizeof **names, by_name);
    return ERR_OK;
}

void maildir_folder_names_free(char ***names, size_t *n)
{
    for (size_t i = 0; i < *n; i++)
        free((*names)[i]);
    free(*names);
    *names = NULL;
    *n = 0;
}

bool maildir_folder_watch(int inotify_fd, const char *dir)
{
    char *path = mem_printf("%s/new", dir);
    bool ok = inotify_fd >= 0 && inotify_add_watch(inotify_fd, path, WATCHED) >= 0;

    free(path);
    return ok;
}

bool maildir_folder_can_watch(const char *dir)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    bool ok = maildir_folder_watch(fd, dir);

    fsx_close(&fd);
    return ok;
}

bool maildir_folder_count(const char *dir, uint64_t hold_bytes, size_t *out_waiting, size_t *out_left)
{
    int fd = open_new(dir);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *item;

    *out_waiting = *out_left = 0;
    if (!stream) {
        fsx_close(&fd);
        return false;
    }
    while ((item = readdir(stream))) {
        struct stat st;
        int mail = *item->d_name == '.' ? -1 : maildir_file_open(fd, item->d_name, &st);

        if (*item->d_name != '.')
            ++*(mail >= 0 && (uint64_t)st.st_size <= hold_bytes ? out_waiting : out_left);
        fsx_close(&mail);
    }
    closedir(stream);
    return true;
}
