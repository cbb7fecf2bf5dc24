#include "tests/unit/spool_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const three[] = {"security@example.org", "other@example.org", "security+apply@example.org"};

static void test_round_trip(void **state)
{
    struct fixture *f = *state;
    struct buf body = BUF_EMPTY;
    struct spool_names names;
    struct spool_entry entry;
    struct diag why;

    put(f, three, 3, "Subject: x\r\n\r\nbody\r\n", SPOOL_OVERSIZE);
    assert_int_equal(count(f, "tmp"), 0);
    assert_int_equal(spool_list(f->spool, &names, &why), ERR_OK);
    assert_int_equal(names.n, 3);
    assert_int_equal(names.strangers, 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(spool_read(f->spool, names.name[i], &entry, &why), ERR_OK);
        assert_string_equal(entry.sender, "finder@example.net");
        assert_string_equal(entry.recipient, three[i]);
        assert_int_equal(entry.received_at_utc_s, 1795359600);
        assert_int_equal(entry.origin, SPOOL_FROM_LMTP);
        assert_int_equal(entry.flags, SPOOL_OVERSIZE);
        assert_int_equal(spool_entry_load(&entry, &body, &why), ERR_OK);
        assert_string_equal(buf_text(&body), "Subject: x\r\n\r\nbody\r\n");
        spool_entry_close(&entry);
        assert_int_equal(spool_remove(f->spool, names.name[i], &why), ERR_OK);
        assert_int_equal(spool_remove(f->spool, names.name[i], &why), ERR_OK);
        assert_int_equal(spool_read(f->spool, names.name[i], &entry, &why), ERR_NOT_FOUND);
    }
    assert_int_equal(count(f, "new"), 0);
    spool_names_free(&names);
    buf_free(&body);
}

/* Every entry stands alone: taking one away leaves the others readable. */
static void test_entries_are_independent(void **state)
{
    struct fixture *f = *state;
    struct buf body = BUF_EMPTY;
    struct spool_names names;
    struct spool_entry entry;
    struct diag why;

    put(f, three, 3, "abc", 0);
    assert_int_equal(spool_list(f->spool, &names, &why), ERR_OK);
    assert_int_equal(spool_remove(f->spool, names.name[0], &why), ERR_OK);
    assert_int_equal(spool_set_aside(f->spool, names.name[1], &why), ERR_OK);
    assert_int_equal(count(f, "bad"), 1);
    assert_int_equal(spool_read(f->spool, names.name[2], &entry, &why), ERR_OK);
    assert_int_equal(spool_entry_load(&entry, &body, &why), ERR_OK);
    assert_string_equal(buf_text(&body), "abc");
    spool_entry_close(&entry);
    spool_names_free(&names);
    buf_free(&body);
}

static void test_empty_and_null_sender(void **state)
{
    struct fixture *f = *state;
    struct spool_envelope envelope = envelope_of(one, 1);
    struct buf body = BUF_EMPTY;
    struct spool_names names;
    struct spool_entry entry;
    struct spool_file *file;
    struct diag why;
    bool committed;

    envelope.sender = "";
    assert_int_equal(spool_begin(f->spool, &envelope, &file, &why), ERR_OK);
    assert_int_equal(spool_commit(&file, 0, &committed, &why), ERR_OK);
    assert_int_equal(spool_list(f->spool, &names, &why), ERR_OK);
    assert_int_equal(spool_read(f->spool, names.name[0], &entry, &why), ERR_OK);
    assert_string_equal(entry.sender, "");
    assert_int_equal(entry.body_bytes, 0);
    assert_int_equal(spool_entry_load(&entry, &body, &why), ERR_OK);
    assert_int_equal(body.len, 0);
    spool_entry_close(&entry);
    spool_names_free(&names);
    buf_free(&body);
}

static void test_large_body_and_limit(void **state)
{
    struct fixture *f = *state;
    struct spool_envelope envelope = envelope_of(one, 1);
    size_t sizes[] = {1, 32767, 32768, 32769, 100000};
    struct buf body = BUF_EMPTY, small;
    struct spool_names names;
    struct spool_entry entry;
    struct diag why;
    uint8_t *bytes = malloc(100000);

    for (size_t i = 0; i < 100000; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct spool_file *file;
        bool committed;

        assert_int_equal(spool_begin(f->spool, &envelope, &file, &why), ERR_OK);
        for (size_t at = 0; at < sizes[i]; at += 777)
            assert_int_equal(spool_write(file, bytes + at, sizes[i] - at < 777 ? sizes[i] - at : 777, &why), ERR_OK);
        assert_int_equal(spool_commit(&file, 0, &committed, &why), ERR_OK);
    }
    assert_int_equal(spool_list(f->spool, &names, &why), ERR_OK);
    assert_int_equal(names.n, sizeof sizes / sizeof *sizes);
    for (size_t i = 0; i < names.n; i++) {
        assert_int_equal(spool_read(f->spool, names.name[i], &entry, &why), ERR_OK);
        assert_int_equal(spool_entry_load(&entry, &body, &why), ERR_OK);
        assert_int_equal(body.len, sizes[i]); /* the order of arrival is the order of names */
        assert_memory_equal(body.data, bytes, sizes[i]);
        buf_init(&small, sizes[i] - 1);
        assert_int_equal(spool_entry_load(&entry, &small, &why), ERR_LIMIT);
        assert_int_equal(small.len, 0);
        buf_free(&small);
        spool_entry_close(&entry);
    }
    spool_names_free(&names);
    buf_free(&body);
    free(bytes);
}

static void test_envelope_is_checked(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"", "a\r\nb@example.org", "tab\t@example.org", "del\x7f@example.org"};
    const char *many[SPOOL_RECIPIENTS_MAX + 1];
    char longest[SPOOL_ADDRESS_MAX + 2];
    struct spool_envelope envelope = envelope_of(one, 0);
    struct spool_file *file;
    struct diag why;

    assert_int_equal(spool_begin(f->spool, &envelope, &file, &why), ERR_USAGE);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        envelope = envelope_of(&bad[i], 1);
        assert_int_equal(spool_begin(f->spool, &envelope, &file, &why), ERR_USAGE);
        assert_string_equal(why.rule, "spool.envelope");
        assert_null(file);
    }
    for (size_t i = 0; i <= SPOOL_RECIPIENTS_MAX; i++)
        many[i] = one[0];
    envelope = envelope_of(many, SPOOL_RECIPIENTS_MAX + 1);
    assert_int_equal(spool_begin(f->spool, &envelope, &file, &why), ERR_USAGE);
    put(f, many, SPOOL_RECIPIENTS_MAX, "x", 0);
    assert_int_equal(count(f, "new"), SPOOL_RECIPIENTS_MAX);

    memset(longest, 'a', sizeof longest);
    longest[SPOOL_ADDRESS_MAX + 1] = 0;
    envelope = envelope_of(one, 1);
    envelope.sender = longest;
    assert_int_equal(spool_begin(f->spool, &envelope, &file, &why), ERR_USAGE);
    longest[SPOOL_ADDRESS_MAX] = 0;
    assert_int_equal(spool_begin(f->spool, &envelope, &file, &why), ERR_OK);
    spool_abandon(&file);
    spool_abandon(&file);
    assert_int_equal(count(f, "tmp"), 0);
}

static void test_room(void **state)
{
    struct fixture *f = *state;

    spool_set_reserve(f->spool, 0);
    assert_true(spool_has_room(f->spool, 1));
    assert_false(spool_has_room(f->spool, UINT64_MAX / 2));
    spool_set_reserve(f->spool, UINT64_MAX - 1);
    assert_false(spool_has_room(f->spool, 1));
    assert_false(spool_has_room(f->spool, 2));
}

/* A mail that turns out larger than its sender said, or one of many at once, does not use up what is kept for others.
 */
static void test_room_is_kept_while_writing(void **state)
{
    struct fixture *f = *state;
    struct spool_envelope envelope = envelope_of(one, 1);
    static const char block[65536];
    struct spool_file *file;
    struct diag why;
    bool committed = true;

    for (int large = 0; large < 2; large++) {
        spool_set_reserve(f->spool, 0);
        assert_int_equal(spool_begin(f->spool, &envelope, &file, &why), ERR_OK);
        assert_int_equal(spool_write(file, block, 100, &why), ERR_OK);
        spool_set_reserve(f->spool, UINT64_MAX / 2);
        if (large) {
            assert_int_equal(spool_write(file, block, sizeof block, &why), ERR_LIMIT);
            assert_string_equal(why.rule, "disk.full");
            spool_abandon(&file);
        } else {
            assert_int_equal(spool_commit(&file, 0, &committed, &why), ERR_LIMIT);
            assert_string_equal(why.rule, "disk.full");
            assert_false(committed);
        }
        assert_int_equal(count(f, "new"), 0);
        assert_int_equal(count(f, "tmp"), 0);
    }
    spool_set_reserve(f->spool, 0);
    put(f, one, 1, "x", 0);
}

/* A full disk, as a limit on the size of files: nothing is promised, nothing is left, and the next mail goes through.
 */
static void test_full_disk(void **state)
{
    struct fixture *f = *state;
    struct spool_envelope envelope = envelope_of(one, 1);
    struct rlimit old, small;
    static const char block[65536];
    struct spool_file *file;
    struct diag why;
    bool committed = true;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 50000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(spool_begin(f->spool, &envelope, &file, &why), ERR_OK);
    assert_int_equal(spool_write(file, block, sizeof block, &why), ERR_LIMIT);
    assert_string_equal(why.rule, "disk.full");
    assert_int_equal(spool_write(file, block, 1, &why), ERR_AGAIN);
    assert_int_equal(spool_commit(&file, 0, &committed, &why), ERR_AGAIN);
    assert_false(committed);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(count(f, "new"), 0);
    assert_int_equal(count(f, "tmp"), 0);
    put(f, one, 1, "x", 0);
}

/* A writer that dies leaves an unfinished file, which is swept; a living one's file stays. */
static void test_crash_and_sweep(void **state)
{
    struct fixture *f = *state;
    struct spool_envelope envelope = envelope_of(one, 1);
    struct spool_file *file;
    struct diag why;
    size_t n;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct spool_file *mine;

        if (spool_begin(f->spool, &envelope, &mine, NULL) || spool_write(mine, "half", 4, NULL))
            _exit(1);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(spool_begin(f->spool, &envelope, &file, &why), ERR_OK);
    assert_int_equal(count(f, "tmp"), 2);
    assert_int_equal(spool_sweep(f->spool, &n, &why), ERR_OK);
    assert_int_equal(n, 1);
    assert_int_equal(count(f, "tmp"), 1);
    assert_int_equal(count(f, "new"), 0);
    spool_abandon(&file);
    assert_int_equal(spool_sweep(f->spool, &n, &why), ERR_OK);
    assert_int_equal(n, 0);
}

/* Writes mails to two recipients without end, and says one byte for each that is promised. */
static void write_for_ever(struct fixture *f, int promised_fd)
{
    struct spool_envelope envelope = envelope_of(three, 2);
    bool committed[2];

    for (;;) {
        struct spool_file *file;

        if (spool_begin(f->spool, &envelope, &file, NULL) || spool_write(file, "a whole message\r\n", 17, NULL) ||
            spool_commit(&file, 0, committed, NULL) || write(promised_fd, "..", 2) != 2)
            _exit(1);
    }
}

/* Killed at any instruction: what was promised is there, and all that is there is whole. */
static void test_kill_anywhere(void **state)
{
    struct fixture *f = *state;
    struct spool_names names;
    struct spool_entry entry;
    size_t promised = 0, n_swept;
    struct diag why;
    char bytes[4096];
    int fds[2];
    ssize_t n;

    assert_int_equal(pipe(fds), 0);
    for (int round = 0; round < 40; round++) {
        pid_t pid = fork();

        if (pid == 0)
            write_for_ever(f, fds[1]);
        usleep(1000 + (useconds_t)round * 137);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
    close(fds[1]);
    while ((n = read(fds[0], bytes, sizeof bytes)) > 0)
        promised += (size_t)n;
    close(fds[0]);
    assert_int_equal(spool_list(f->spool, &names, &why), ERR_OK);
    assert_true(promised > 0);
    assert_true(names.n >= promised);
    for (size_t i = 0; i < names.n; i++) {
        assert_int_equal(spool_read(f->spool, names.name[i], &entry, &why), ERR_OK);
        assert_int_equal(entry.body_bytes, 17);
        spool_entry_close(&entry);
    }
    spool_names_free(&names);
    assert_int_equal(spool_sweep(f->spool, &n_swept, &why), ERR_OK);
    assert_int_equal(count(f, "tmp"), 0);
}

/* What cannot be removed is said; the rest goes all the same. */
static void test_sweep_that_fails(void **state)
{
    struct fixture *f = *state;
    struct spool_envelope envelope = envelope_of(one, 1);
    struct spool_names names;
    struct spool_file *file;
    struct diag why;
    char folder[4096];
    size_t n;
    pid_t pid;

    put(f, one, 1, "abc", 0);
    assert_int_equal(spool_list(f->spool, &names, &why), ERR_OK);
    snprintf(folder, sizeof folder, "%s/tmp/%s", f->dir, names.name[0]);
    assert_int_equal(mkdir(folder, 0700), 0);
    pid = fork();
    if (pid == 0)
        _exit(spool_begin(f->spool, &envelope, &file, NULL) != ERR_OK);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(spool_sweep(f->spool, &n, &why), ERR_INTERNAL);
    assert_string_equal(why.rule, "spool.sweep");
    assert_int_equal(n, 1);
    assert_int_equal(count(f, "tmp"), 1);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(spool_sweep(f->spool, &n, &why), ERR_OK);
    assert_int_equal(n, 0);
    spool_names_free(&names);
}

static void test_order_and_uniqueness(void **state)
{
    struct fixture *f = *state;
    struct spool_names names;
    struct diag why;
    char body[16];

    for (int i = 0; i < 50; i++) {
        snprintf(body, sizeof body, "%d", i);
        put(f, one, 1, body, 0);
    }
    assert_int_equal(spool_list(f->spool, &names, &why), ERR_OK);
    assert_int_equal(names.n, 50);
    for (size_t i = 0; i < 50; i++) {
        struct buf text = BUF_EMPTY;
        struct spool_entry entry;

        assert_int_equal(spool_read(f->spool, names.name[i], &entry, &why), ERR_OK);
        assert_int_equal(spool_entry_load(&entry, &text, &why), ERR_OK);
        snprintf(body, sizeof body, "%zu", i);
        assert_string_equal(buf_text(&text), body);
        buf_free(&text);
        spool_entry_close(&entry);
    }
    spool_names_free(&names);
}

static void test_modes(void **state)
{
    struct fixture *f = *state;
    static const struct {
        mode_t folder, file;
    } cases[] = {{0700, 0600}, {0770, 0640}};
    struct spool_names names;
    struct diag why;
    struct stat st;
    char path[4096];

    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/tmp", f->dir);
        assert_int_equal(chmod(path, cases[i].folder), 0);
        spool_close(&f->spool);
        assert_int_equal(spool_open(f->dir, &f->spool, &why), ERR_OK);
        put(f, one, 1, "x", 0);
        assert_int_equal(spool_list(f->spool, &names, &why), ERR_OK);
        snprintf(path, sizeof path, "%s/new/%s", f->dir, names.name[0]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, cases[i].file);
        assert_int_equal(spool_remove(f->spool, names.name[0], &why), ERR_OK);
        spool_names_free(&names);
    }
}

static void test_open_fails_cleanly(void **state)
{
    struct fixture *f = *state;
    struct spool *spool;
    struct diag why;
    char path[4096];

    snprintf(path, sizeof path, "%s/file", f->dir);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(spool_open(path, &spool, &why), ERR_USAGE);
    assert_null(spool);
    snprintf(path, sizeof path, "%s/no/such", f->dir);
    assert_int_equal(spool_open(path, &spool, &why), ERR_NOT_FOUND);
    assert_null(spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SPOOL(test_round_trip),
        WITH_SPOOL(test_entries_are_independent),
        WITH_SPOOL(test_empty_and_null_sender),
        WITH_SPOOL(test_large_body_and_limit),
        WITH_SPOOL(test_envelope_is_checked),
        WITH_SPOOL(test_room),
        WITH_SPOOL(test_full_disk),
        WITH_SPOOL(test_room_is_kept_while_writing),
        WITH_SPOOL(test_crash_and_sweep),
        WITH_SPOOL(test_sweep_that_fails),
        WITH_SPOOL(test_kill_anywhere),
        WITH_SPOOL(test_order_and_uniqueness),
        WITH_SPOOL(test_modes),
        WITH_SPOOL(test_open_fails_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
