#include "tests/unit/spool_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads the only entry after `change` has been done to its bytes. */
static void expect_damaged(struct fixture *f, void (*change)(int fd, off_t size, long arg), long arg)
{
    struct spool_names names;
    struct spool_entry entry;
    struct diag why;
    struct stat st;
    char path[4096];
    int fd;

    put(f, one, 1, "a message\r\n", 0);
    assert_int_equal(spool_list(f->spool, &names, &why), ERR_OK);
    assert_int_equal(names.n, 1);
    snprintf(path, sizeof path, "%s/new/%s", f->dir, names.name[0]);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    change(fd, st.st_size, arg);
    close(fd);
    assert_int_equal(spool_read(f->spool, names.name[0], &entry, &why), ERR_REJECT);
    assert_string_equal(why.rule, "spool.damaged");
    assert_int_equal(entry.fd, -1);
    assert_int_equal(spool_set_aside(f->spool, names.name[0], &why), ERR_OK);
    assert_int_equal(count(f, "new"), 0);
    spool_names_free(&names);
}

static void cut_at(int fd, off_t size, long arg)
{
    (void)size;
    assert_int_equal(ftruncate(fd, arg), 0);
}

static void append(int fd, off_t size, long arg)
{
    (void)arg;
    assert_int_equal(pwrite(fd, "x", 1, size), 1);
}

/* arg: offset * 256 + new byte */
static void set_byte(int fd, off_t size, long arg)
{
    uint8_t byte = (uint8_t)arg;

    (void)size;
    assert_int_equal(pwrite(fd, &byte, 1, arg / 256), 1);
}

static void test_damage(void **state)
{
    struct fixture *f = *state;
    /* header: 36 fixed, 2+18 sender, 2+20 recipient, then 11 bytes of body */
    static const long cuts[] = {0, 1, 35, 36, 37, 77, 78, 88};
    static const struct {
        long offset, value;
    } bytes[] = {
        {0, 'e'},                                  /* magic */
        {9, 2},                                    /* version */
        {11, 16},                                  /* an unknown flag */
        {12, 255},                                 /* header beyond the file */
        {15, 77},                                  /* header too short: body longer than it says */
        {15, 35},   {16, 255},                     /* body */
        {23, 10},   {23, 12},  {32, 0},   {32, 4}, /* origin */
        {33, 1},                                   /* the zero */
        {34, 1},    {35, 0},   {35, 2},            /* recipients */
        {36, 1},    {37, 17},  {37, 200},          /* sender's length */
        {38, '\n'},                                /* a control character in the sender */
        {57, 19},   {57, 21},  {58, 0},
    };

    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++)
        expect_damaged(f, cut_at, cuts[i]);
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
        expect_damaged(f, set_byte, bytes[i].offset * 256 + bytes[i].value);
    expect_damaged(f, append, 0);
    assert_int_equal(count(f, "bad"), (int)(sizeof cuts / sizeof *cuts + sizeof bytes / sizeof *bytes + 1));
}

static void test_strangers_and_links(void **state)
{
    struct fixture *f = *state;
    struct spool_names names;
    struct spool_entry entry;
    struct diag why;
    char path[4096], target[4096];

    static const char *const strange[] = {"README", ".hidden",
                                          "0000000000000000-00000000-00000000-0000000000000000.100",
                                          "0000000000000000-00000000-00000000-000000000000000G.000",
                                          "0000000000000000-00000000-00000000-0000000000000000.0000"};
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        snprintf(path, sizeof path, "%s/new/%s", f->dir, strange[i]);
        close(open(path, O_CREAT | O_WRONLY, 0600));
        assert_int_equal(spool_read(f->spool, strange[i], &entry, &why), ERR_USAGE);
        assert_int_equal(spool_remove(f->spool, strange[i], &why), ERR_USAGE);
    }
    put(f, one, 1, "x", 0);
    assert_int_equal(spool_list(f->spool, &names, &why), ERR_OK);
    assert_int_equal(names.n, 1);
    assert_int_equal(names.strangers, 5);
    snprintf(target, sizeof target, "%s/new/%s", f->dir, names.name[0]);
    snprintf(path, sizeof path, "%s/new/0000000000000000-00000000-00000000-0000000000000000.000", f->dir);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(spool_read(f->spool, "0000000000000000-00000000-00000000-0000000000000000.000", &entry, &why),
                     ERR_REJECT);
    assert_int_equal(spool_read(f->spool, "../../etc/passwd", &entry, &why), ERR_USAGE);
    spool_names_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SPOOL(test_damage),
        WITH_SPOOL(test_strangers_and_links),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
