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
#include "io/deliver_maildir.h"
#include "tests/lib/testdir.h"

#define HEAD "Return-Path: <list@example.org>\nDelivered-To: alice@example.net\n"

struct fixture {
    char *dir;
    char root[4096];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->dir = testdir_make();
    snprintf(f->root, sizeof f->root, "%s/mail", f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    testdir_remove(f->dir);
    free(f);
    return 0;
}

static struct maildir_delivery *begin(struct fixture *f, const char *id)
{
    struct maildir_delivery *d;
    struct diag why;

    assert_int_equal(deliver_maildir_begin(f->root, "alice@example.net", id, "list@example.org", &d, &why), ERR_OK);
    return d;
}

static void path_of(const struct fixture *f, const char *folder, const char *id, char *out, size_t size)
{
    snprintf(out, size, "%s/alice@example.net/%s%s%s", f->root, folder, *id ? "/" : "", id);
}

static int count(const struct fixture *f, const char *folder)
{
    char path[8192];

    path_of(f, folder, "", path, sizeof path);
    return testdir_count(path);
}

static void expect_file(const struct fixture *f, const char *id, const char *expected, size_t len)
{
    struct buf text = BUF_EMPTY;
    char path[8192];

    path_of(f, "new", id, path, sizeof path);
    assert_int_equal(fsx_read_path(path, 1 << 20, &text, NULL), ERR_OK);
    assert_int_equal(text.len, len);
    assert_memory_equal(text.data, expected, len);
    buf_free(&text);
}

static void test_line_ends_in_any_pieces(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", HEAD},
        {"Subject: x\r\n\r\nbody\r\n", HEAD "Subject: x\n\nbody\n"},
        {"a\nb\r\n", HEAD "a\nb\n"},
        {"a\rb\r\n", HEAD "a\rb\n"},
        {"a\r\r\nb", HEAD "a\r\nb"},
        {"\r\r\r\n\r", HEAD "\r\r\n\r"},
        {"a\r", HEAD "a\r"},
        {"\r\n\r\n", HEAD "\n\n"},
    };
    struct diag why;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].in);

        for (size_t piece = 1; piece <= len + 1; piece++) {
            struct maildir_delivery *d = begin(f, "id-1");

            for (size_t at = 0; at < len; at += piece)
                assert_int_equal(deliver_maildir_write(d, cases[i].in + at, len - at < piece ? len - at : piece, &why),
                                 ERR_OK);
            assert_int_equal(deliver_maildir_commit(&d, &why), ERR_OK);
            assert_null(d);
            expect_file(f, "id-1", cases[i].out, strlen(cases[i].out));
        }
    }
    assert_int_equal(count(f, "new"), 1); /* the same id takes the place of the one before */
    assert_int_equal(count(f, "tmp"), 0);
    assert_int_equal(count(f, "cur"), 0);
}

/* A CR at every place around the block's end. */
static void test_block_edges(void **state)
{
    struct fixture *f = *state;
    size_t size = 50000;
    char *in = malloc(size), *out = malloc(size + sizeof HEAD);
    struct diag why;

    for (size_t at = 16200; at < 16500; at += 7) {
        struct maildir_delivery *d = begin(f, "edge");
        size_t head = sizeof HEAD - 1;

        memset(in, 'x', size);
        in[at] = '\r';
        in[at + 1] = '\n';
        memcpy(out, HEAD, head);
        memcpy(out + head, in, at);
        memcpy(out + head + at, in + at + 1, size - at - 1);
        assert_int_equal(deliver_maildir_write(d, in, size, &why), ERR_OK);
        assert_int_equal(deliver_maildir_commit(&d, &why), ERR_OK);
        expect_file(f, "edge", out, head + size - 1);
    }
    free(in);
    free(out);
}

static void test_words_are_checked(void **state)
{
    struct fixture *f = *state;
    char long_name[300];
    const struct {
        const char *address, *id, *sender, *rule;
    } cases[] = {
        {"", "id", "s", "maildir.address"},
        {".", "id", "s", "maildir.address"},
        {"..", "id", "s", "maildir.address"},
        {".hidden@example.org", "id", "s", "maildir.address"},
        {"../x@example.org", "id", "s", "maildir.address"},
        {"a/b@example.org", "id", "s", "maildir.address"},
        {"a\nb@example.org", "id", "s", "maildir.address"},
        {"a\x7f@example.org", "id", "s", "maildir.address"},
        {long_name, "id", "s", "maildir.address"},
        {"a@example.org", "", "s", "maildir.id"},
        {"a@example.org", ".id", "s", "maildir.id"},
        {"a@example.org", "-id", "s", "maildir.id"},
        {"a@example.org", "a/b", "s", "maildir.id"},
        {"a@example.org", "a:2,S", "s", "maildir.id"},
        {"a@example.org", long_name, "s", "maildir.id"},
        {"a@example.org", "id", "x\r\nBcc: y", "maildir.sender"},
    };
    struct maildir_delivery *d;
    struct diag why;

    memset(long_name, 'a', sizeof long_name);
    long_name[256] = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(deliver_maildir_begin(f->root, cases[i].address, cases[i].id, cases[i].sender, &d, &why),
                         ERR_USAGE);
        assert_string_equal(why.rule, cases[i].rule);
        assert_null(d);
    }
    assert_int_equal(testdir_count(f->root), -1); /* nothing was made */
}

static void test_null_sender_and_modes(void **state)
{
    struct fixture *f = *state;
    struct maildir_delivery *d;
    struct diag why;
    struct stat st;
    char path[8192];

    assert_int_equal(deliver_maildir_begin(f->root, "alice@example.net", "a.b_c-1", "", &d, &why), ERR_OK);
    assert_int_equal(deliver_maildir_commit(&d, &why), ERR_OK);
    expect_file(f, "a.b_c-1", "Return-Path: <>\nDelivered-To: alice@example.net\n", 48);
    path_of(f, "new", "a.b_c-1", path, sizeof path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    path_of(f, "new", "", path, sizeof path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void test_abandon_and_leftovers(void **state)
{
    struct fixture *f = *state;
    struct maildir_delivery *d = begin(f, "id"), *crashed;
    struct diag why;

    deliver_maildir_abandon(&d);
    deliver_maildir_abandon(&d);
    assert_int_equal(count(f, "tmp"), 0);
    crashed = begin(f, "id"); /* as if its process were gone */
    assert_int_equal(count(f, "tmp"), 1);
    d = begin(f, "id");
    assert_int_equal(count(f, "tmp"), 1);
    assert_int_equal(deliver_maildir_commit(&d, &why), ERR_OK);
    assert_int_equal(deliver_maildir_commit(&crashed, &why), ERR_AGAIN);
    assert_int_equal(count(f, "tmp"), 0);
    assert_int_equal(count(f, "new"), 1);
}

static void test_full_disk(void **state)
{
    struct fixture *f = *state;
    struct rlimit old, small;
    char *bytes = calloc(1, 100000);
    struct maildir_delivery *d;
    struct diag why;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 20000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    d = begin(f, "id");
    assert_int_equal(deliver_maildir_write(d, bytes, 100000, &why), ERR_LIMIT);
    assert_null(strstr(why.text, "alice"));
    assert_int_equal(deliver_maildir_write(d, bytes, 1, &why), ERR_AGAIN);
    assert_int_equal(deliver_maildir_commit(&d, &why), ERR_AGAIN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(count(f, "tmp"), 0);
    assert_int_equal(count(f, "new"), 0);
    free(bytes);
}

static void test_folder_in_the_way(void **state)
{
    struct fixture *f = *state;
    struct maildir_delivery *d;
    struct diag why;
    char path[8192], other[4096];

    assert_int_equal(mkdir(f->root, 0700), 0);
    snprintf(other, sizeof other, "%s/other", f->dir);
    assert_int_equal(mkdir(other, 0700), 0);
    snprintf(path, sizeof path, "%s/alice@example.net", f->root);
    assert_int_equal(symlink(other, path), 0); /* a link is not followed out of the root */
    assert_int_equal(deliver_maildir_begin(f->root, "alice@example.net", "id", "s", &d, &why), ERR_AGAIN);
    assert_null(strstr(why.text, "alice"));
    assert_null(d);
    assert_int_equal(testdir_count(other), 0);
}

int main(void)
{
#define WITH_DIR(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_DIR(test_line_ends_in_any_pieces), WITH_DIR(test_block_edges),           WITH_DIR(test_words_are_checked),
        WITH_DIR(test_null_sender_and_modes),   WITH_DIR(test_abandon_and_leftovers), WITH_DIR(test_full_disk),
        WITH_DIR(test_folder_in_the_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
