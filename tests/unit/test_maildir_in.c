/* Mail out of a Maildir: safe in the spool before it goes, and what is left where it is. */
#include "io/maildir_in.h"
#include "io/maildir_folder.h"

#include "base/mem.h"
#include "tests/unit/lmtp_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct box {
    char *dir;
    struct maildir_in *m;
};

#define HEAD "Return-Path: <a@example.net>\nDelivered-To: security@example.org\nReceived: x\n"

static char *path_of(const struct box *b, const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/new/%s", b->dir, name);
    return path;
}

static void put_bytes(const struct box *b, const char *name, const void *bytes, size_t len)
{
    int fd = open(path_of(b, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

static void put_mail(const struct box *b, const char *name, const char *text)
{
    put_bytes(b, name, text, strlen(text));
}

static void make_old(const struct box *b, const char *name, int seconds)
{
    struct timespec times[2] = {{.tv_sec = time(NULL) - seconds}, {.tv_sec = time(NULL) - seconds}};

    assert_int_equal(utimensat(AT_FDCWD, path_of(b, name), times, 0), 0);
}

static int move(const struct box *b, const char *from, const char *to)
{
    char old[512];

    snprintf(old, sizeof old, "%s", path_of(b, from));
    return rename(old, path_of(b, to));
}

static struct box open_box(struct fixture *f)
{
    struct box b = {.dir = testdir_make()};

    assert_int_equal(mkdir(path_of(&b, ""), 0700), 0);
    b.m = maildir_in_new(b.dir, &f->settings, f->spool, -1);
    return b;
}

static void close_box(struct box *b)
{
    maildir_in_free(&b->m);
    testdir_remove(b->dir);
}

static void work(struct box *b)
{
    for (int i = 0; i < 10000 && maildir_in_step(b->m); i++)
        ;
}

static int left(const struct box *b)
{
    return testdir_count(path_of(b, ""));
}

/* The newest entry of the spool. */
static void newest(struct fixture *f, struct spool_entry *entry, struct buf *body)
{
    struct spool_names names;
    struct diag why;

    assert_int_equal(spool_list(f->spool, &names, &why), ERR_OK);
    assert_true(names.n > 0);
    assert_int_equal(spool_read(f->spool, names.name[names.n - 1], entry, &why), ERR_OK);
    assert_int_equal(spool_entry_load(entry, body, &why), ERR_OK);
    spool_entry_close(entry);
    spool_names_free(&names);
}

static void test_taken(void **state)
{
    struct fixture *f = *state;
    struct box b = open_box(f);
    struct spool_entry entry;
    struct buf body = BUF_EMPTY;

    put_mail(&b, "1.a", HEAD "Subject: x\n\none\r\ntwo\nbare\rcr\nno end");
    work(&b);
    assert_int_equal(left(&b), 0);
    newest(f, &entry, &body);
    assert_string_equal(entry.sender, "a@example.net");
    assert_string_equal(entry.recipient, "security@example.org");
    assert_int_equal(entry.origin, SPOOL_FROM_MAILDIR);
    assert_int_equal(entry.flags, 0);
    assert_string_equal(buf_text(&body),
                        "Return-Path: <a@example.net>\r\nDelivered-To: security@example.org\r\nReceived: x\r\n"
                        "Subject: x\r\n\r\none\r\ntwo\r\nbare\rcr\r\nno end");

    /* a mailbox's line on top is no field */
    put_mail(&b, "2.a", "From a@example.net Sun Nov 22 12:00:00 2026\n" HEAD "\nx\n");
    work(&b);
    newest(f, &entry, &body);
    assert_string_equal(entry.sender, "a@example.net");
    assert_memory_equal(buf_text(&body), "Return-Path:", 12);
    assert_int_equal(entries(f), 2);
    buf_free(&body);
    close_box(&b);
}

static void test_without_envelope(void **state)
{
    static const char *const texts[] = {"Subject: x\n\nbody\n", "Return-Path: <a@example.net>\n\nx\n",
                                        "Delivered-To: security@example.org\n\nx\n", "\n\n", ""};
    struct fixture *f = *state;
    struct box b = open_box(f);
    struct spool_entry entry;
    struct buf body = BUF_EMPTY;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        put_mail(&b, "1.a", texts[i]);
        if (!*texts[i])
            make_old(&b, "1.a", MAILDIR_IN_EMPTY_S);
        work(&b);
        assert_int_equal(left(&b), 0);
        assert_int_equal(entries(f), i + 1);
        newest(f, &entry, &body);
        assert_int_equal(entry.flags, SPOOL_NO_ENVELOPE);
        assert_string_equal(entry.recipient, "security@example.org");
    }
    buf_free(&body);
    close_box(&b);
}

/* size_bytes 1000, hold_bytes 3000 */
static void test_sizes(void **state)
{
    static const struct {
        size_t bytes;
        bool taken;
        unsigned flags;
    } cases[] = {{1000, true, 0}, {1001, true, SPOOL_OVERSIZE}, {3000, true, SPOOL_OVERSIZE}, {3001, false, 0}};
    struct fixture *f = *state;
    struct box b = open_box(f);
    struct spool_entry entry;
    struct buf body = BUF_EMPTY;
    size_t waiting, not_taken;
    char text[4000];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t head = (size_t)snprintf(text, sizeof text,
                                       "Return-Path: <a@example.net>\r\n"
                                       "Delivered-To: security@example.org\r\n\r\n");
        memset(text + head, 'x', sizeof text - head);
        put_bytes(&b, "1.a", text, cases[i].bytes);
        work(&b);
        assert_int_equal(left(&b), cases[i].taken ? 0 : 1);
        newest(f, &entry, &body);
        if (cases[i].taken) {
            assert_int_equal(entry.flags, cases[i].flags);
            assert_int_equal(body.len, cases[i].bytes);
        }
    }
    assert_true(maildir_folder_count(b.dir, f->settings.hold_bytes, &waiting, &not_taken));
    assert_int_equal(waiting, 0);
    assert_int_equal(not_taken, 1);
    buf_free(&body);
    close_box(&b);
}

/* Larger than a step, and the chunks' bounds in the midst of line ends. */
static void test_large(void **state)
{
    struct fixture *f = *state;
    struct box b = open_box(f);
    struct spool_entry entry;
    struct buf text = BUF_EMPTY, wanted = BUF_EMPTY, body = BUF_EMPTY;

    f->settings.hold_bytes = f->settings.size_bytes = 10 << 20;
    buf_add_str(&text, HEAD "\n");
    buf_add_str(&wanted, "Return-Path: <a@example.net>\r\nDelivered-To: security@example.org\r\nReceived: x\r\n\r\n");
    for (int i = 0; i < 100000; i++) {
        buf_add_str(&text, i % 3 ? "x\n" : "yy\r\n");
        buf_add_str(&wanted, i % 3 ? "x\r\n" : "yy\r\n");
    }
    put_bytes(&b, "1.a", text.data, text.len);
    work(&b);
    newest(f, &entry, &body);
    assert_int_equal(body.len, wanted.len);
    assert_memory_equal(body.data, wanted.data, wanted.len);
    assert_int_equal(entry.flags, 0);
    buf_clear(&text);
    buf_add_str(&text, HEAD "\n");
    for (int i = 0; i < LMTP_DATA_LINE_MAX + 1; i++)
        buf_add_byte(&text, 'z');
    put_bytes(&b, "2.a", text.data, text.len);
    work(&b);
    newest(f, &entry, &body);
    assert_int_equal(entry.flags, SPOOL_LONG_LINE);
    buf_free(&text);
    buf_free(&wanted);
    buf_free(&body);
    close_box(&b);
}

/* What is no mail stays, and holds up nothing. */
static void test_tricks(void **state)
{
    struct fixture *f = *state;
    struct box b = open_box(f);
    char outside[512];
    size_t waiting, not_taken;

    snprintf(outside, sizeof outside, "%s/outside", b.dir);
    put_mail(&b, "../outside", HEAD "\nnot in the folder\n");
    assert_int_equal(symlink(outside, path_of(&b, "1.link")), 0);
    assert_int_equal(symlink("/nowhere", path_of(&b, "1.dangling")), 0);
    assert_int_equal(mkfifo(path_of(&b, "1.pipe"), 0600), 0);
    assert_int_equal(mkdir(path_of(&b, "1.folder"), 0700), 0);
    put_mail(&b, ".hidden", HEAD "\nhidden\n");
    put_mail(&b, "2.\x1b[31m\n..%s", HEAD "\nan odd name\n");
    put_mail(&b, "-rf", HEAD "\nanother\n");
    put_mail(&b, "9.good", HEAD "\ngood\n");
    work(&b);
    assert_int_equal(entries(f), 3);
    assert_int_equal(left(&b), 5);
    assert_int_equal(access(outside, F_OK), 0);
    assert_true(maildir_folder_count(b.dir, 3000, &waiting, &not_taken));
    assert_int_equal(waiting, 0);
    assert_int_equal(not_taken, 4);
    close_box(&b);
}

/* No room: nothing is taken, nothing lost, and it goes on when there is room. */
static void test_no_room(void **state)
{
    struct fixture *f = *state;
    struct box b = open_box(f);

    spool_set_reserve(f->spool, (uint64_t)1 << 62);
    put_mail(&b, "1.a", HEAD "\nx\n");
    put_mail(&b, "1.b", HEAD "\ny\n");
    work(&b);
    assert_int_equal(entries(f), 0);
    assert_int_equal(left(&b), 2);
    spool_set_reserve(f->spool, 0);
    work(&b);
    assert_int_equal(entries(f), 2);
    assert_int_equal(left(&b), 0);
    close_box(&b);
}

/* A file that grows while it is read is left to be read again, whole. */
static void test_changing(void **state)
{
    struct fixture *f = *state;
    struct box b = open_box(f);
    struct spool_entry entry;
    struct buf body = BUF_EMPTY;
    int fd;

    f->settings.hold_bytes = f->settings.size_bytes = 10 << 20;
    put_mail(&b, "1.a", HEAD "\nfirst\n");
    assert_true(maildir_in_step(b.m)); /* opened */
    fd = open(path_of(&b, "1.a"), O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "second\n", 7), 7);
    close(fd);
    work(&b);
    assert_int_equal(entries(f), 0);
    assert_int_equal(left(&b), 1);
    work(&b);
    assert_int_equal(entries(f), 1);
    newest(f, &entry, &body);
    assert_non_null(strstr(buf_text(&body), "second\r\n"));
    buf_free(&body);
    close_box(&b);
}

/* A program that writes into the folder directly, in its own time. */
static void test_written_in_place(void **state)
{
    struct fixture *f = *state;
    struct box b = open_box(f);
    struct spool_entry entry;
    struct buf body = BUF_EMPTY;
    int fd = open(path_of(&b, "1.a"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    work(&b);
    assert_int_equal(entries(f), 0);
    assert_int_equal(write(fd, HEAD "\nfirst\n", strlen(HEAD) + 7), (ssize_t)strlen(HEAD) + 7);
    make_old(&b, "1.a", 100); /* however long it takes */
    work(&b);
    assert_int_equal(entries(f), 0);
    assert_int_equal(write(fd, "second\n", 7), 7);
    close(fd);
    work(&b);
    assert_int_equal(entries(f), 1);
    assert_int_equal(left(&b), 0);
    newest(f, &entry, &body);
    assert_non_null(strstr(buf_text(&body), "first\r\nsecond\r\n"));
    buf_free(&body);
    close_box(&b);
}

/* Made, closed, and filled later. One that nobody fills is taken after all, to be held. */
static void test_empty(void **state)
{
    struct fixture *f = *state;
    struct box b = open_box(f);

    put_mail(&b, "1.a", "");
    put_mail(&b, "2.b", "");
    put_mail(&b, "3.c", HEAD "\nthird\n"); /* holds up no other */
    work(&b);
    assert_int_equal(entries(f), 1);
    assert_int_equal(left(&b), 2);
    put_mail(&b, "1.a", HEAD "\nfirst\n");
    work(&b);
    assert_int_equal(entries(f), 2);
    make_old(&b, "2.b", MAILDIR_IN_EMPTY_S - 2);
    work(&b);
    assert_int_equal(entries(f), 2);
    make_old(&b, "2.b", MAILDIR_IN_EMPTY_S + 1);
    work(&b);
    assert_int_equal(entries(f), 3);
    assert_int_equal(left(&b), 0);
    close_box(&b);
}

/* Another mail that has taken the name of the one that is read is not removed with it. */
static void test_replaced(void **state)
{
    struct fixture *f = *state;
    struct box b = open_box(f);

    put_mail(&b, "1.a", HEAD "\nfirst\n");
    assert_true(maildir_in_step(b.m)); /* opened */
    put_mail(&b, ".2", HEAD "\nsecond\n");
    assert_int_equal(move(&b, ".2", "1.a"), 0);
    work(&b);
    work(&b);
    assert_int_equal(entries(f), 2);
    assert_int_equal(left(&b), 0);
    close_box(&b);
}

/* A folder that comes later, and goes. */
static void test_folder(void **state)
{
    struct fixture *f = *state;
    struct box b = {.dir = testdir_make()};
    size_t a, c;

    b.m = maildir_in_new(b.dir, &f->settings, f->spool, -1);
    work(&b);
    assert_false(maildir_folder_count(b.dir, 3000, &a, &c));
    assert_int_equal(mkdir(path_of(&b, ""), 0700), 0);
    put_mail(&b, "1.a", HEAD "\nx\n");
    work(&b);
    assert_int_equal(entries(f), 1);
    assert_int_equal(rmdir(path_of(&b, "")), 0);
    work(&b);
    assert_int_equal(mkdir(path_of(&b, ""), 0700), 0);
    put_mail(&b, "1.b", HEAD "\ny\n");
    work(&b);
    assert_int_equal(entries(f), 2);
    close_box(&b);
}

/* The watches: one mail that is renamed into the folder is told at once. */
static void test_watches(void **state)
{
    struct fixture *f = *state;
    struct box b = open_box(f);
    struct lmtp_watch watches[MAILDIR_IN_WATCHES];
    struct pollfd polls[MAILDIR_IN_WATCHES];

    maildir_in_watches(b.m, watches);
    for (int turn = 0; turn < 2; turn++) {
        if (turn) {
            put_mail(&b, "../tmp-1", HEAD "\nx\n");
            assert_int_equal(move(&b, "../tmp-1", "1.a"), 0);
        }
        for (int i = 0; i < 100; i++) {
            for (size_t k = 0; k < MAILDIR_IN_WATCHES; k++)
                polls[k] = (struct pollfd){.fd = watches[k].fd, .events = POLLIN};
            if (poll(polls, MAILDIR_IN_WATCHES, 100) == 0)
                break;
            for (size_t k = 0; k < MAILDIR_IN_WATCHES; k++)
                if (polls[k].revents)
                    assert_true(watches[k].ready(watches[k].ctx));
        }
    }
    assert_int_equal(entries(f), 1);
    assert_int_equal(left(&b), 0);
    close_box(&b);
}

/* Serves what is ready until nothing is for a tenth of a second. */
static void serve(const struct lmtp_watch watches[MAILDIR_IN_WATCHES])
{
    struct pollfd polls[MAILDIR_IN_WATCHES];

    for (int i = 0; i < 100; i++) {
        for (size_t k = 0; k < MAILDIR_IN_WATCHES; k++)
            polls[k] = (struct pollfd){.fd = watches[k].fd, .events = POLLIN};
        if (poll(polls, MAILDIR_IN_WATCHES, 100) == 0)
            return;
        for (size_t k = 0; k < MAILDIR_IN_WATCHES; k++)
            if (polls[k].revents)
                assert_true(watches[k].ready(watches[k].ctx));
    }
}

static long seconds_to_next(const struct lmtp_watch watches[MAILDIR_IN_WATCHES])
{
    struct itimerspec left;

    assert_int_equal(timerfd_gettime(watches[0].fd, &left), 0);
    return (long)left.it_value.tv_sec;
}

/* The folder is moved away, and another takes its name: what comes into that one is told, too. */
static void test_folder_replaced(void **state)
{
    struct fixture *f = *state;
    struct box b = open_box(f);
    struct lmtp_watch watches[MAILDIR_IN_WATCHES];
    char *fresh = mem_printf("%s/fresh", b.dir), *here = mem_printf("%s/new", b.dir),
         *old = mem_printf("%s/old", b.dir);

    maildir_in_watches(b.m, watches);
    serve(watches);
    assert_true(seconds_to_next(watches) > MAILDIR_IN_TROUBLE_S);
    assert_int_equal(mkdir(fresh, 0700), 0);
    assert_int_equal(rename(here, old), 0);
    assert_int_equal(rename(fresh, here), 0);
    serve(watches);
    put_mail(&b, "../tmp-1", HEAD "\nx\n");
    assert_int_equal(move(&b, "../tmp-1", "1.a"), 0);
    serve(watches);
    assert_int_equal(entries(f), 1);
    assert_int_equal(rmdir(old), 0);
    free(fresh);
    free(here);
    free(old);
    close_box(&b);
}

/* The kernel gives no inotify: the folder is read often, instead of once a minute. */
static void test_unwatched(void **state)
{
    struct fixture *f = *state;
    struct box b = open_box(f);
    struct lmtp_watch watches[MAILDIR_IN_WATCHES];
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    maildir_in_watches(b.m, watches);
    assert_true(maildir_folder_can_watch(b.dir));
    assert_true(dup2(null, watches[1].fd) >= 0);
    close(null);
    watches[1].fd = -1;
    serve(watches);
    assert_in_range(seconds_to_next(watches), MAILDIR_IN_TROUBLE_S - 1, MAILDIR_IN_TROUBLE_S);
    close_box(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_envelope, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tricks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_written_in_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unwatched, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
