#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "codec/json_memory.h"

#if defined(__SANITIZE_ADDRESS__)
#define OWN_REALLOC 0
#elif defined(__has_feature)
#define OWN_REALLOC !__has_feature(address_sanitizer)
#else
#define OWN_REALLOC 1
#endif

static char *build(void)
{
    json_t *top = json_object(), *inner = json_array();
    char *text;

    json_object_set_new(top, "embargo", json_string("2026-11-22T15:00:00Z"));
    json_object_set_new(top, "public", json_false());
    json_array_append_new(inner, json_integer(7));
    json_object_set_new(top, "items", inner);
    text = json_dumps(top, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(top);
    return text;
}

#if OWN_REALLOC && defined(__GLIBC__)
/* All of mem.h's: the one with this number, from 1, finds no memory. 0: each does. */
static int realloc_fails, realloc_n;

extern void *__libc_realloc(void *p, size_t n);

void *realloc(void *p, size_t n)
{
    return realloc_fails && ++realloc_n == realloc_fails ? NULL : __libc_realloc(p, n);
}

/* True: the process ended. False: it was not reached, and the text is whole. */
static bool ends_at(int nth, const char *whole)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        char *text;

        signal(SIGABRT, SIG_DFL); /* cmocka's would go on with the next test */
        realloc_n = 0;
        realloc_fails = nth;
        text = build();
        realloc_fails = 0;
        _exit(realloc_n < nth && text && strcmp(text, whole) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFSIGNALED(status);
}

static void test_nothing_is_left_out(void **state)
{
    char *whole = build();
    int n = 1;

    (void)state;
    assert_string_equal(whole, "{\"embargo\":\"2026-11-22T15:00:00Z\",\"items\":[7],\"public\":false}");
    while (ends_at(n, whole))
        n++;
    assert_true(n > 10); /* each of its allocations */
    free(whole);
}
#else
static void test_nothing_is_left_out(void **state)
{
    (void)state;
    free(build());
    skip(); /* the sanitizer's realloc is not to be replaced */
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_is_left_out)};

    json_memory_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
