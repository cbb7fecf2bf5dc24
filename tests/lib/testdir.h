/*
 * A throw-away directory for a unit test, removed with all that is in it.
 *
 * testdir_make gives an absolute path below $TMPDIR (or /tmp); testdir_remove frees it. testdir_count counts a
 * folder's entries without "." and "..", or gives -1.
 */
#ifndef TESTS_TESTDIR_H
#define TESTS_TESTDIR_H

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline char *testdir_make(void)
{
    const char *base = getenv("TMPDIR");
    char *path = NULL;

    if (asprintf(&path, "%s/embargod-test-XXXXXX", base && base[0] == '/' ? base : "/tmp") < 0 || !mkdtemp(path))
        abort();
    return path;
}

static inline int testdir_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void testdir_remove(char *path)
{
    nftw(path, testdir_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

static inline int testdir_count(const char *path)
{
    DIR *stream = opendir(path);
    struct dirent *item;
    int n = 0;

    if (!stream)
        return -1;
    while ((item = readdir(stream)))
        n += strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0;
    closedir(stream);
    return n;
}

#endif
