#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsx.h"
#include "base/mem.h"
#include "tests/lib/testdir.h"

struct fixture {
    char *dir;
    int fd;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->dir = testdir_make();
    assert_int_equal(fsx_open_dir(AT_FDCWD, f->dir, &f->fd, NULL), ERR_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    fsx_close(&f->fd);
    testdir_remove(f->dir);
    free(f);
    return 0;
}

static void test_names(void **state)
{
    char name[300];

    (void)state;
    assert_true(fsx_name_ok("a"));
    assert_true(fsx_name_ok(".a"));
    assert_true(fsx_name_ok("..."));
    assert_true(fsx_name_ok("a b@example.org"));
    assert_false(fsx_name_ok(""));
    assert_false(fsx_name_ok("."));
    assert_false(fsx_name_ok(".."));
    assert_false(fsx_name_ok("a/b"));
    assert_false(fsx_name_ok("/"));
    assert_false(fsx_name_ok("a\n"));
    assert_false(fsx_name_ok("\x7f"));
    memset(name, 'a', sizeof name);
    name[255] = 0;
    assert_true(fsx_name_ok(name));
    name[255] = 'a';
    name[256] = 0;
    assert_false(fsx_name_ok(name));
}

static void test_join(void **state)
{
    static const struct {
        const char *dir, *name, *joined;
        size_t size;
    } cases[] = {
        {"a", "b", "a/b", 4}, {"a", "b", NULL, 3},        {"a/", "b", "a/b", 4},     {"/", "b", "/b", 3},
        {"/", "b", NULL, 2},  {"", "b", NULL, 99},        {"a", "", NULL, 99},       {"a", "b/c", "a/b/c", 6},
        {"a", "b", NULL, 0},  {"abcdefgh", "b", NULL, 4}, {"a", "bcdefgh", NULL, 4},
    };
    char out[100];
    struct diag why;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum err err = fsx_join(cases[i].dir, cases[i].name, out, cases[i].size, &why);

        assert_int_equal(err, cases[i].joined ? ERR_OK : ERR_USAGE);
        if (cases[i].joined)
            assert_string_equal(out, cases[i].joined);
    }
}

static void test_write_and_read(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_EMPTY;
    struct diag why;
    struct stat st;
    char path[4096];

    umask(077);
    assert_int_equal(fsx_write_file(f->fd, "a", 0640, "one", 3, &why), ERR_OK);
    assert_int_equal(fsx_write_file(f->fd, "a", 0640, "three", 5, &why), ERR_OK);
    assert_int_equal(fstatat(f->fd, "a", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(fsx_read_file(f->fd, "a", 5, &text, &why), ERR_OK);
    assert_string_equal(buf_text(&text), "three");
    assert_int_equal(fsx_read_file(f->fd, "a", 4, &text, &why), ERR_LIMIT);
    assert_string_equal(why.rule, "file.too-large");
    assert_int_equal(text.len, 0);
    assert_int_equal(fsx_write_file(f->fd, "empty", 0600, NULL, 0, &why), ERR_OK);
    assert_int_equal(fsx_read_file(f->fd, "empty", 0, &text, &why), ERR_OK);
    assert_int_equal(text.len, 0);
    assert_int_equal(fsx_read_file(f->fd, "none", 9, &text, &why), ERR_NOT_FOUND);
    assert_int_equal(fsx_read_file(f->fd, "../x", 9, &text, &why), ERR_USAGE);
    assert_int_equal(fsx_write_file(f->fd, "b/c", 0600, "x", 1, &why), ERR_USAGE);
    snprintf(path, sizeof path, "%s/a", f->dir);
    assert_int_equal(fsx_read_path(path, 100, &text, &why), ERR_OK);
    assert_string_equal(buf_text(&text), "three");
    assert_int_equal(testdir_count(f->dir), 2); /* no temporary file is left */
    buf_free(&text);
}

static void test_large_file(void **state)
{
    struct fixture *f = *state;
    size_t len = 3 * 16384 + 1;
    uint8_t *bytes = malloc(len);
    struct buf back = BUF_EMPTY, small;

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i / 100);
    assert_int_equal(fsx_write_file(f->fd, "big", 0600, bytes, len, NULL), ERR_OK);
    assert_int_equal(fsx_read_file(f->fd, "big", len, &back, NULL), ERR_OK);
    assert_int_equal(back.len, len);
    assert_memory_equal(back.data, bytes, len);
    buf_init(&small, 20000); /* the buffer's own maximum holds as well */
    assert_int_equal(fsx_read_file(f->fd, "big", len, &small, NULL), ERR_LIMIT);
    assert_int_equal(small.len, 0);
    buf_free(&small);
    buf_free(&back);
    free(bytes);
}

static void test_links_and_fifos(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_EMPTY;
    struct diag why;
    int fd;

    assert_int_equal(fsx_write_file(f->fd, "real", 0600, "x", 1, &why), ERR_OK);
    assert_int_equal(symlinkat("real", f->fd, "link"), 0);
    assert_int_equal(fsx_read_file(f->fd, "link", 9, &text, &why), ERR_AGAIN);
    /* a write takes the link's place and leaves its target alone */
    assert_int_equal(fsx_write_file(f->fd, "link", 0600, "new", 3, &why), ERR_OK);
    assert_int_equal(fsx_read_file(f->fd, "real", 9, &text, &why), ERR_OK);
    assert_string_equal(buf_text(&text), "x");
    assert_int_equal(mkfifoat(f->fd, "fifo", 0600), 0);
    assert_int_equal(fsx_read_file(f->fd, "fifo", 9, &text, &why), ERR_USAGE);
    assert_int_equal(symlinkat("/", f->fd, "dirlink"), 0);
    assert_int_equal(fsx_open_dir(f->fd, "dirlink", &fd, &why), ERR_AGAIN);
    assert_int_equal(fd, -1);
    assert_int_equal(fsx_mkdir(f->fd, "dirlink", 0700, &why), ERR_USAGE);
    buf_free(&text);
}

static void test_mkdir(void **state)
{
    struct fixture *f = *state;
    struct diag why;
    struct stat st;
    char path[4096];
    int fd;

    umask(077);
    assert_int_equal(fsx_mkdir(f->fd, "d", 0750, &why), ERR_OK);
    assert_int_equal(fstatat(f->fd, "d", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(fsx_mkdir(f->fd, "d", 0700, &why), ERR_OK);
    assert_int_equal(fstatat(f->fd, "d", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0750); /* what is there is left as it is */
    assert_int_equal(fsx_make_dir(f->fd, "d", 0700, &fd, &why), ERR_OK);
    assert_int_equal(fsx_mkdir(fd, "deeper", 0700, &why), ERR_OK);
    fsx_close(&fd);
    assert_int_equal(fd, -1);
    assert_int_equal(fsx_mkdir(f->fd, "no/such", 0700, &why), ERR_USAGE);
    snprintf(path, sizeof path, "%s/d/absolute", f->dir);
    assert_int_equal(fsx_mkdir(AT_FDCWD, path, 0700, &why), ERR_OK);
    snprintf(path, sizeof path, "%s/x/y", f->dir);
    assert_int_equal(fsx_mkdir(AT_FDCWD, path, 0700, &why), ERR_NOT_FOUND);
    assert_int_equal(fsx_write_file(f->fd, "file", 0600, "x", 1, &why), ERR_OK);
    assert_int_equal(fsx_mkdir(f->fd, "file", 0700, &why), ERR_USAGE);
    assert_int_equal(fsx_make_dir(f->fd, "file", 0700, &fd, &why), ERR_USAGE);
    assert_int_equal(fd, -1);
}

static void test_rename_and_remove(void **state)
{
    struct fixture *f = *state;
    struct diag why;
    int fd;

    assert_int_equal(fsx_make_dir(f->fd, "d", 0700, &fd, &why), ERR_OK);
    assert_int_equal(fsx_write_file(f->fd, "a", 0600, "x", 1, &why), ERR_OK);
    assert_int_equal(fsx_rename(f->fd, "a", fd, "b", &why), ERR_OK);
    assert_int_equal(fsx_rename(f->fd, "a", fd, "b", &why), ERR_NOT_FOUND);
    assert_int_equal(fsx_rename(fd, "b", fd, "../c", &why), ERR_USAGE);
    assert_int_equal(fsx_remove(fd, "b", &why), ERR_OK);
    assert_int_equal(fsx_remove(fd, "b", &why), ERR_OK);
    assert_int_equal(fsx_remove(f->fd, "d", &why), ERR_AGAIN);
    assert_int_equal(fsx_remove(f->fd, "..", &why), ERR_USAGE);
    fsx_close(&fd);
}

/* The old content stays when the new one does not fit. */
static void test_full_disk(void **state)
{
    struct fixture *f = *state;
    struct buf text = BUF_EMPTY;
    struct rlimit old, small;
    char *bytes = calloc(1, 50000);
    struct diag why;

    assert_int_equal(fsx_write_file(f->fd, "a", 0600, "old", 3, &why), ERR_OK);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 20000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(fsx_write_file(f->fd, "a", 0600, bytes, 50000, &why), ERR_LIMIT);
    assert_string_equal(why.rule, "disk.full");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(fsx_read_file(f->fd, "a", 9, &text, &why), ERR_OK);
    assert_string_equal(buf_text(&text), "old");
    assert_int_equal(testdir_count(f->dir), 1);
    buf_free(&text);
    free(bytes);
}

static void test_random_hex(void **state)
{
    char a[33], b[33];

    (void)state;
    fsx_random_hex(16, a);
    fsx_random_hex(16, b);
    assert_int_equal(strlen(a), 32);
    assert_int_equal(strspn(a, "0123456789abcdef"), 32);
    assert_string_not_equal(a, b);
    fsx_random_hex(0, a);
    assert_string_equal(a, "");
}

/* All names, or an error: never some. */
static void test_list(void **state)
{
    struct fixture *f = *state;
    char *none = mem_printf("%s/none", f->dir);
    struct rlimit had, tight = {.rlim_cur = 3};
    struct fsx_names names;
    struct diag why;

    assert_int_equal(fsx_write_file(f->fd, "b", 0600, "1", 1, &why), ERR_OK);
    assert_int_equal(fsx_write_file(f->fd, "a", 0600, "1", 1, &why), ERR_OK);
    assert_int_equal(fsx_write_file(f->fd, ".hidden", 0600, "1", 1, &why), ERR_OK);
    assert_int_equal(fsx_list(f->dir, &names, &why), ERR_OK);
    assert_int_equal(names.n, 2);
    assert_string_equal(names.name[0], "a");
    assert_string_equal(names.name[1], "b");
    fsx_names_free(&names);
    assert_int_equal(fsx_list(none, &names, &why), ERR_NOT_FOUND);
    assert_int_equal(names.n, 0);
    getrlimit(RLIMIT_NOFILE, &had);
    tight.rlim_max = had.rlim_max;
    setrlimit(RLIMIT_NOFILE, &tight);
    assert_int_equal(fsx_list(f->dir, &names, &why), ERR_AGAIN);
    setrlimit(RLIMIT_NOFILE, &had);
    assert_string_equal(why.rule, "folder.read");
    fsx_names_free(&names);
    free(none);
}

int main(void)
{
#define WITH_DIR(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),      cmocka_unit_test(test_join),
        WITH_DIR(test_write_and_read),     WITH_DIR(test_large_file),
        WITH_DIR(test_links_and_fifos),    WITH_DIR(test_mkdir),
        WITH_DIR(test_rename_and_remove),  WITH_DIR(test_full_disk),
        cmocka_unit_test(test_random_hex), WITH_DIR(test_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
