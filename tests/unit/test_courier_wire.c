#include "io/courier_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Both ends of a connection, the writer's first; what came before the mail has been read. */
static void connect_pair(int fds[2])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char before[8];

    assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &size), 0);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fds[0], (struct sockaddr *)&a, sizeof a), 0);
    fds[1] = accept(listener, NULL, NULL);
    assert_true(fds[1] >= 0);
    close(listener);
    assert_int_equal(write(fds[0], "DATA\r\n", 6), 6);
    assert_int_equal(read(fds[1], before, sizeof before), 6);
    assert_int_equal(write(fds[1], "354\r\n", 5), 5);
    assert_int_equal(read(fds[0], before, sizeof before), 5);
}

static struct span words(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

/* given: what libesmtp is given, in blocks of so many bytes; written: what it wrote. The header's end is not announced.
 */
static const struct {
    const char *given, *written;
    bool whole; /* more than was meant is no hole: within TLS the records add some */
} mails[] = {
    {"A: b\r\n\r\ntext\r\n", "A: b\r\n\r\ntext\r\n.\r\n", true},
    {"A: b\r\n\r\n", "A: b\r\n\r\n.\r\n", true},
    {"A: b\r\n\r\n.\r\n..a\r\nb.\r\n", "A: b\r\n\r\n..\r\n...a\r\nb.\r\n.\r\n", true},
    {".A: b\r\n\r\n", "..A: b\r\n\r\n.\r\n", true},
    {"A: b\r\n\r\n.one\r\n.two\r\n", "A: b\r\n\r\n..one\r\n..two\r\n.\r\n", true},
    {"A: b\r\n\r\ntext\r\n", "A: b\r\n\r\ntxt\r\n.\r\n", false},
    {"A: b\r\n\r\ntext\r\n", "A: b\r\n\r\n.\r\n", false},
    {"A: b\r\n\r\ntext\r\n", "", false},
    {"A: b\r\n\r\ntext\r\n", "A: b\r\n\r\ntext text\r\n.\r\n", true},
};

static void test_wire(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mails / sizeof mails[0]; i++)
        for (size_t block = 1; block < 32; block++) {
            struct span given = words(mails[i].given), written = words(mails[i].written);
            struct courier_wire w;
            int fds[2];

            connect_pair(fds);
            courier_wire_begin(&w, fds[0]);
            if (!w.before) {
                close(fds[0]);
                close(fds[1]);
                skip(); /* this kernel does not count */
            }
            courier_wire_meant(&w, given.len - 2);
            while (given.len) {
                size_t n = given.len < block ? given.len : block;

                courier_wire_given(&w, (struct span){given.data, n});
                given.data += n;
                given.len -= n;
            }
            courier_wire_given(&w, (struct span){NULL, 0});
            assert_int_equal(write(fds[0], written.data, written.len), written.len);
            assert_int_equal(courier_wire_is_whole(&w, fds[0]), mails[i].whole);
            close(fds[0]);
            close(fds[1]);
        }
}

/* Before the end: libesmtp has some of it in its buffer, and less than 2 KiB. */
static void test_hole(void **state)
{
    static const struct {
        size_t given, written;
        bool hole;
    } rows[] = {
        {100, 0, false},    {2047, 0, false},    {2048, 0, true},       {5000, 4096, false},   {5000, 2953, false},
        {5000, 2952, true}, {5000, 5000, false}, {65536, 65536, false}, {65536, 63489, false}, {65536, 63488, true},
    };
    static char bytes[65536];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct courier_wire w;
        int fds[2];

        connect_pair(fds);
        courier_wire_begin(&w, fds[0]);
        if (!w.before)
            skip();
        courier_wire_meant(&w, rows[i].given - 2);
        assert_int_equal(write(fds[0], bytes, rows[i].written), rows[i].written);
        assert_int_equal(courier_wire_has_hole(&w, fds[0]), rows[i].hole);
        close(fds[0]);
        close(fds[1]);
    }
}

/* Nothing is known: nothing is said against the mail. */
static void test_unknown(void **state)
{
    struct courier_wire w;

    (void)state;
    courier_wire_begin(&w, -1);
    courier_wire_meant(&w, 100);
    assert_true(courier_wire_is_whole(&w, -1));
    assert_false(courier_wire_has_hole(&w, -1));
    courier_wire_begin(&w, STDERR_FILENO);
    assert_true(courier_wire_is_whole(&w, STDERR_FILENO));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_wire), cmocka_unit_test(test_hole),
                                       cmocka_unit_test(test_unknown)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
