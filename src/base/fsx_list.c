#include "base/fsx.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum err fsx_list(const char *path, struct fsx_names *out, struct diag *why)
{
    DIR *dir = opendir(path);
    struct dirent *d;
    size_t cap = 0;

    *out = (struct fsx_names){0};
    if (!dir)
        return fsx_fail(why, "folder.read", "reading a folder");
    for (errno = 0; (d = readdir(dir)); errno = 0) {
        if (*d->d_name == '.')
            continue;
        if (out->n == cap) {
            cap = cap ? cap * 2 : 32;
            out->name = mem_resize(out->name, cap, sizeof *out->name);
        }
        out->name[out->n++] = mem_strdup(d->d_name);
    }
    if (errno) {
        int failed = errno;

        closedir(dir);
        errno = failed;
        return fsx_fail(why, "folder.read", "reading a folder");
    }
    closedir(dir);
    if (out->n)
        qsort(out->name, out->n, sizeof *out->name, by_name);
    return ERR_OK;
}

void fsx_names_free(struct fsx_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->name[i]);
    free(names->name);
    *names = (struct fsx_names){0};
}
