/* What core stands on (proc/ground.h): each way in which it may go, and what is no proof of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proc/ground.h"
#include "tests/lib/testdir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void touch(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
}

static void run(const char *words)
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        execl("/bin/sh", "sh", "-ec", words, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* A folder with all of it, below the one that is the current one from then on. */
static char *make_home(struct settings *s)
{
    char *dir = testdir_make();

    assert_int_equal(chdir(dir), 0);
    run("mkdir i i/state i/state/spool i/state/bodies");
    touch("i/state/db.sqlite");
    *s = (struct settings){.home = (char *)"i"};
    return dir;
}

static void test_changes(void **state)
{
    static const struct {
        const char *words; /* what happens to it */
        const char *place; /* what is named, NULL: all is well */
    } rows[] = {
        {":", NULL},
        {"echo more >>i/state/db.sqlite; touch i/state/spool/x; chmod 0700 i/state", NULL},
        {"rm -r i", "i/state was deleted"},
        {"rm -r i/state", "i/state was deleted"},
        {"rm i/state/db.sqlite", "i/state/db.sqlite was deleted"},
        {"rm -r i/state/spool", "i/state/spool was deleted"},
        {"rm -r i/state/bodies", "i/state/bodies was deleted"},
        {"mv i j", "i/state was deleted, moved"},
        {"mv i j; cp -a j i", "i/state became another one"},
        {"mv i/state i/was; ln -s was i/state", NULL},
        {"mv i/state i/was; mkdir i/state", "i/state became another one"},
        {"mv i/state i/was; touch i/state", "i/state became another one"},
        {"cp i/state/db.sqlite i/new; mv i/new i/state/db.sqlite", "i/state/db.sqlite became another one"},
        {"mv i/state/spool i/was; mkdir i/state/spool", "i/state/spool became another one"},
        {"rm -r i; touch i", "i/state was deleted"},
        /* No proof: whoever opens it says what is wrong. */
        {"mv i/state i/was; ln -s state i/state", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct settings s;
        char *dir = make_home(&s);
        struct ground ground;
        struct diag why = {0};

        ground_take(&ground, &s);
        assert_int_equal(ground.n, GROUND_PLACES);
        run(rows[i].words);
        if (!rows[i].place) {
            assert_int_equal(ground_check(&ground, &why), ERR_OK);
        } else {
            assert_int_equal(ground_check(&ground, &why), ERR_NOT_FOUND);
            assert_string_equal(why.rule, "state.gone");
            if (!strstr(why.text, rows[i].place))
                fail_msg("%s: %s", rows[i].words, why.text);
            assert_non_null(strstr(why.text, "start embargod again"));
        }
        ground_free(&ground);
        assert_int_equal(chdir("/"), 0);
        testdir_remove(dir);
    }
}

/* What was never there is not missed, and its coming changes nothing. */
static void test_not_there_before(void **state)
{
    struct settings s;
    char *dir = make_home(&s);
    struct ground ground;
    struct diag why;

    (void)state;
    run("rm -r i/state/bodies");
    ground_take(&ground, &s);
    assert_int_equal(ground.n, GROUND_PLACES - 1);
    assert_int_equal(ground_check(&ground, &why), ERR_OK);
    run("mkdir i/state/bodies");
    assert_int_equal(ground_check(&ground, &why), ERR_OK);
    ground_free(&ground);
    ground_free(&ground);
    assert_int_equal(ground_check(&ground, &why), ERR_OK);
    assert_int_equal(chdir("/"), 0);
    testdir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_changes), cmocka_unit_test(test_not_there_before)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
