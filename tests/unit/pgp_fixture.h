/*
 * What the tests of the pgp modules share: a scratch directory, homes with keys, a tool's output. A test that needs
 * a tool (sq, rnp) that is not installed says so and passes.
 */
#ifndef TESTS_UNIT_PGP_FIXTURE_H
#define TESTS_UNIT_PGP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_home.h"
#include "codec/pgp_key.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static char scratch[64];

/* A borrowed path in the scratch directory; 64 are alive at a time. */
static inline const char *in_scratch(const char *name)
{
    static char paths[64][PGP_HOME_MAX];
    static unsigned next;
    char *path = paths[next++ % 64];

    snprintf(path, PGP_HOME_MAX, "%s/%s", scratch, name);
    return path;
}

/* Runs a tool; its standard output goes to out (may be NULL), its errors there too where `errors`. The exit code. */
static inline int run_tool(struct buf *out, bool errors, const char *const *argv)
{
    int ends[2], status;
    uint8_t *room;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        int null = open("/dev/null", O_RDWR);

        dup2(null, 0);
        dup2(ends[1], 1);
        dup2(errors ? ends[1] : null, 2);
        close(ends[0]);
        close(ends[1]);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(ends[1]);
    struct buf all = BUF_EMPTY;
    while ((room = buf_room(&all, 65536)) && (n = read(ends[0], room, 65536)) > 0)
        buf_grown(&all, (size_t)n);
    close(ends[0]);
    waitpid(pid, &status, 0);
    if (out)
        buf_move(out, &all);
    else
        buf_free(&all);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void write_file(const char *path, struct span content)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(content.data, 1, content.len, f), content.len);
    assert_int_equal(fclose(f), 0);
}

static inline void read_file(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    uint8_t *room;
    size_t n;

    assert_non_null(f);
    buf_clear(out);
    while ((room = buf_room(out, 65536)) && (n = fread(room, 1, 65536, f)) > 0)
        buf_grown(out, n);
    fclose(f);
}

static inline int make_scratch(void **state)
{
    (void)state;
    snprintf(scratch, sizeof scratch, "/tmp/pgp-test-XXXXXX");
    return mkdtemp(scratch) ? 0 : -1;
}

static inline int remove_scratch(void **state)
{
    struct buf homes = BUF_EMPTY;
    char *line, *save;

    (void)state;
    run_tool(&homes, false, ARGS("find", scratch, "-name", "gpg.conf", "-printf", "%h\n"));
    if (homes.len)
        for (line = strtok_r((char *)homes.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
            pgp_home_stop_agent(line);
    buf_free(&homes);
    return run_tool(NULL, false, ARGS("rm", "-rf", scratch));
}

#define check_ok(err, why) check_ok_at(__LINE__, err, why)
static inline void check_ok_at(int line, enum err err, const struct diag *why)
{
    if (err)
        fail_msg("line %d: error %d, rule %s: %s", line, err, why->rule, why->text);
}

#define check_fails(err, want, rule, why) check_fails_at(__LINE__, err, want, rule, why)
static inline void check_fails_at(int line, enum err err, enum err want, const char *rule, const struct diag *why)
{
    if (err != want || strcmp(why->rule, rule))
        fail_msg("line %d: error %d, rule %s (%s) instead of %d, %s", line, err, why->rule, why->text, want, rule);
}

/* A home with a fresh Ed25519 key. */
static inline const char *home_with_key(const char *name, enum pgp_home_kind kind, char *fingerprint)
{
    const char *home = in_scratch(name);
    char *uid = mem_printf("%s <%s@example.org>", name, name);
    struct diag why;

    check_ok(pgp_home_make(home, kind, &why), &why);
    check_ok(pgp_key_generate(home, uid, INSTANT_NONE, fingerprint, &why), &why);
    free(uid);
    return home;
}

static inline void copy_public(const char *from, const char *fingerprint, const char *to)
{
    struct buf key = BUF_EMPTY;
    struct diag why;
    char got[PGP_FPR_SIZE];

    check_ok(pgp_key_export(from, fingerprint, true, true, &key, &why), &why);
    check_ok(pgp_key_import(to, buf_span(&key), got, &why), &why);
    assert_string_equal(got, fingerprint);
    buf_free(&key);
}

#endif
