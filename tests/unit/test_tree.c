/* The folder that is replaced at once: never half of it, nothing lost by a fault, equal files kept. */
#include "base/tree.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "tests/lib/testdir.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define OK(call) assert_int_equal((call), ERR_OK)

struct place {
    char *dir, *path;
    struct tree *tree;
    struct diag why;
};

static int setup(void **state)
{
    struct place *p = mem_zero(1, sizeof *p);

    p->dir = testdir_make();
    p->path = mem_printf("%s/public", p->dir);
    OK(tree_open(p->path, &p->tree, &p->why));
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    tree_close(&p->tree);
    free(p->path);
    testdir_remove(p->dir);
    free(p);
    return 0;
}

static void build(struct place *p, const char *a, const char *b)
{
    OK(tree_begin(p->tree, &p->why));
    OK(tree_put(p->tree, "index.html", span_of(a), &p->why));
    OK(tree_put(p->tree, "main/x/v1.txt", span_of(b), &p->why));
    OK(tree_publish(p->tree, &p->why));
    while (tree_sweep(p->tree, 1))
        ;
}

static void expect(const struct place *p, const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", p->path, name);
    struct buf out = BUF_EMPTY;
    struct diag why;

    OK(fsx_read_path(path, 1 << 20, &out, &why));
    assert_string_equal(buf_text(&out), text);
    buf_free(&out);
    free(path);
}

static ino_t inode_of(const struct place *p, const char *name)
{
    char *path = mem_printf("%s/%s", p->path, name);
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    free(path);
    return st.st_ino;
}

static void test_replace(void **state)
{
    struct place *p = *state;
    ino_t same;

    build(p, "one", "text");
    expect(p, "index.html", "one");
    same = inode_of(p, "main/x/v1.txt");
    build(p, "two", "text");
    expect(p, "index.html", "two");
    assert_int_equal(inode_of(p, "main/x/v1.txt"), same);
    build(p, "two", "tExt"); /* as long, but another */
    expect(p, "main/x/v1.txt", "tExt");
    assert_int_equal(testdir_count(p->dir), 1);
}

/* What somebody has changed in the folder is put right. */
static void test_mended(void **state)
{
    struct place *p = *state;
    char *path = mem_printf("%s/index.html", p->path);
    FILE *file;

    build(p, "one", "text");
    file = fopen(path, "w");
    fputs("0wn", file);
    fclose(file);
    build(p, "one", "text");
    expect(p, "index.html", "one");
    assert_int_equal(chmod(path, 0666), 0);
    build(p, "one", "text");
    inode_of(p, "index.html");
    unlink(path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    build(p, "one", "text");
    expect(p, "index.html", "one");
    free(path);
}

static void test_fault_leaves_old(void **state)
{
    struct place *p = *state;
    struct rlimit was, small = {4096, 4096};
    char *big = mem_zero(1, 10001);

    memset(big, 'x', 10000);
    build(p, "one", "text");
    OK(tree_begin(p->tree, &p->why));
    OK(tree_put(p->tree, "index.html", span_of("two"), &p->why));
    /* A write that cannot be done: here by the size that a file may have, elsewhere by a full disk. */
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    small.rlim_max = was.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    assert_int_not_equal(tree_put(p->tree, "big", span_of(big), &p->why), ERR_OK);
    setrlimit(RLIMIT_FSIZE, &was);
    expect(p, "index.html", "one");
    while (tree_sweep(p->tree, 1))
        ;
    assert_int_equal(testdir_count(p->dir), 1);
    build(p, "three", "text");
    expect(p, "index.html", "three");
    free(big);
}

static void test_left_by_a_crash(void **state)
{
    struct place *p = *state;
    char *deep = mem_printf("%s/.public.new", p->dir), *aside = mem_printf("%s/.public.old", p->dir), *more;

    build(p, "one", "text");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(mkdir(deep, 0755), 0);
        more = mem_printf("%s/d", deep);
        free(deep);
        deep = more;
    }
    assert_int_not_equal(tree_begin(p->tree, &p->why), ERR_OK);
    while (tree_sweep(p->tree, 1))
        ;
    assert_int_equal(testdir_count(p->dir), 1);
    /* Between the two renames of a file system that cannot exchange. */
    assert_int_equal(rename(p->path, aside), 0);
    while (tree_sweep(p->tree, 1))
        ;
    expect(p, "index.html", "one");
    free(deep);
    free(aside);
}

static void test_names(void **state)
{
    static const char *const bad[] = {"", "/a", "a/", "a//b", "../a", "a/../b", ".", "a/.", "a\nb", "a/\x01"};
    struct place *p = *state;

    OK(tree_begin(p->tree, &p->why));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(tree_put(p->tree, bad[i], span_of("x"), &p->why), ERR_USAGE);
    OK(tree_put(p->tree, "a", span_of("x"), &p->why));
    assert_int_equal(tree_put(p->tree, "a", span_of("x"), &p->why), ERR_USAGE);
}

/* A reader who looks all the time sees a whole folder each time. */
static void test_reader(void **state)
{
    struct place *p = *state;
    char *path = mem_printf("%s/index.html", p->path);
    pid_t reader;

    build(p, "0", "text");
    reader = fork();
    if (reader == 0) {
        for (int i = 0; i < 20000; i++)
            if (access(path, R_OK))
                _exit(1);
        _exit(0);
    }
    for (int i = 0; i < 50; i++)
        build(p, i % 2 ? "1" : "2", "text");
    assert_int_equal(testdir_count(p->dir), 1);
    {
        int status = -1;

        while (waitpid(reader, &status, 0) < 0)
            ;
        assert_int_equal(status, 0);
    }
    free(path);
}

#define IN_PLACE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(test_replace),         IN_PLACE(test_mended), IN_PLACE(test_fault_leaves_old),
        IN_PLACE(test_left_by_a_crash), IN_PLACE(test_names),  IN_PLACE(test_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
