#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int pipe_fds[2], real_stderr;

static void capture(void)
{
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    dup2(pipe_fds[1], STDERR_FILENO);
}

/* What was written since, NUL-terminated. */
static size_t captured(char *out, size_t size)
{
    ssize_t n;

    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(pipe_fds[1]);
    n = read(pipe_fds[0], out, size - 1);
    close(pipe_fds[0]);
    assert_true(n >= 0);
    out[n] = 0;
    return (size_t)n;
}

/* The line without its time, which must be an instant. */
static const char *after_time(char *line)
{
    char *space = strchr(line, ' ');
    int64_t at;

    assert_non_null(space);
    *space = 0;
    assert_true(instant_parse(line, &at));
    return space + 1;
}

static void test_lines(void **state)
{
    static const struct {
        const char *id, *rule, *words, *line;
    } rows[] = {
        {"abcd2345", "key.expired", "it has ended", "core id=abcd2345 event=x rule=key.expired it has ended\n"},
        {NULL, NULL, NULL, "core id=- event=x rule=-\n"},
        {"a", "", "", "core id=a event=x rule=-\n"},
        {NULL, NULL, "two\nlines", "core id=- event=x rule=- two?lines\n"},
        {NULL, NULL, "a\r\n2026-01-01T00:00:00Z core id=b\t\x1b[2J\x7f",
         "core id=- event=x rule=- a??2026-01-01T00:00:00Z core id=b??[2J?\n"},
        {NULL, NULL, "caf\xc3\xa9 100%d", "core id=- event=x rule=- caf\xc3\xa9 100%d\n"},
    };
    char line[4096];

    (void)state;
    log_set_role("core");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        capture();
        if (rows[i].words)
            log_event(rows[i].id, "x", rows[i].rule, "%s", rows[i].words);
        else
            log_event(rows[i].id, "x", rows[i].rule, NULL);
        captured(line, sizeof line);
        assert_string_equal(after_time(line), rows[i].line);
    }
}

/* Whatever the length, one line that ends. */
static void test_long_words(void **state)
{
    static const size_t sizes[] = {700, 766, 767, 768, 900, 1000, 1024, 5000};
    char line[8192];

    (void)state;
    log_set_role("core");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *words = mem_zero(sizes[i] + 1, 1), *id = mem_zero(sizes[i] + 1, 1);
        size_t n;

        memset(words, 'w', sizes[i]);
        memset(id, 'i', sizes[i]);
        capture();
        log_event(NULL, "long", NULL, "%s", words);
        log_event(id, "long", NULL, "%s", words);
        n = captured(line, sizeof line);
        assert_true(n <= 2 * 1024);
        assert_int_equal(line[n - 1], '\n');
        assert_ptr_equal(strchr(strchr(line, '\n') + 1, '\n'), line + n - 1);
        free(words);
        free(id);
    }
}

static void test_diag(void **state)
{
    struct diag why;
    char line[4096];

    (void)state;
    log_set_role("intake");
    diag_set(&why, ERR_LIMIT, "disk.full", "free %d bytes", 7);
    capture();
    log_diag("m1", "deferred", &why);
    captured(line, sizeof line);
    assert_string_equal(after_time(line), "intake id=m1 event=deferred rule=disk.full free 7 bytes\n");
}

static void test_closed_stderr(void **state)
{
    char line[16];

    (void)state;
    capture();
    close(STDERR_FILENO);
    log_event(NULL, "nobody-reads", NULL, NULL);
    assert_int_equal(captured(line, sizeof line), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long_words),
        cmocka_unit_test(test_diag),
        cmocka_unit_test(test_closed_stderr),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
