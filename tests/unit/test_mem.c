#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_zero(void **state)
{
    unsigned char *p = mem_zero(3, 5);

    (void)state;
    for (int i = 0; i < 15; i++)
        assert_int_equal(p[i], 0);
    free(p);
    p = mem_zero(0, 7);
    assert_non_null(p);
    free(p);
    p = mem_zero(7, 0);
    assert_non_null(p);
    free(p);
}

static void test_resize(void **state)
{
    int *p = mem_resize(NULL, 2, sizeof *p);

    (void)state;
    p[0] = 1;
    p[1] = 2;
    p = mem_resize(p, 1000, sizeof *p);
    assert_int_equal(p[0], 1);
    assert_int_equal(p[1], 2);
    p = mem_resize(p, 0, sizeof *p);
    assert_non_null(p);
    free(p);
}

static void test_strings(void **state)
{
    char *s = mem_strdup("abc");

    (void)state;
    assert_string_equal(s, "abc");
    free(s);
    assert_null(mem_strdup(NULL));
    s = mem_strndup("ab\0cd", 5);
    assert_memory_equal(s, "ab\0cd", 6);
    free(s);
    s = mem_strndup(NULL, 0);
    assert_string_equal(s, "");
    free(s);
    s = mem_printf("%s-%d", "xsa", 42);
    assert_string_equal(s, "xsa-42");
    free(s);
    s = mem_printf("%s", "");
    assert_string_equal(s, "");
    free(s);
}

static void test_secret(void **state)
{
    char bytes[] = "secret", *s = mem_strdup("secret");

    (void)state;
    mem_wipe(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        assert_int_equal(bytes[i], 0);
    mem_wipe(NULL, 0);
    mem_free_secret(&s);
    assert_null(s);
    mem_free_secret(&s);
    assert_null(s);
}

static void product_overflows(void)
{
    free(mem_resize(NULL, SIZE_MAX / 2, 3));
}

static void zero_overflows(void)
{
    free(mem_zero(SIZE_MAX / 2, 3));
}

/* Whether the process ends instead of going on with too little memory. */
static bool ends(void (*what)(void))
{
    int status, null;
    pid_t pid = fork();

    if (pid == 0) {
        null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        what();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void test_out_of_memory_ends(void **state)
{
    (void)state;
    assert_true(ends(product_overflows));
    assert_true(ends(zero_overflows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_secret),
        cmocka_unit_test(test_out_of_memory_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
