/*
 * The pool of workers and its spares (proc/pool.h, proc/spares.h). The workers are this program again; how one behaves
 * is said by --sandbox, and by its request.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/fsx.h"
#include "base/mem.h"
#include "proc/pool.h"
#include "proc/spares.h"
#include "tests/lib/testdir.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SELF "/proc/self/exe"

/* ---- the worker ---- */

static int answer(uint32_t op, const struct buf *request)
{
    struct buf out = BUF_EMPTY;
    int code;

    if (op == 1 && request->len == 4 && !memcmp(request->data, "dies", 4))
        return 1;
    if (op == 1 && request->len == 5 && !memcmp(request->data, "hangs", 5))
        pause();
    if (op == 1 && request->len == 4 && !memcmp(request->data, "junk", 4))
        return write(WORKER_FD, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) != 8;
    if (op == 1 && request->len == 7 && !memcmp(request->data, "refuses", 7)) {
        frame_put_str(&out, "a-rule");
        frame_put_str(&out, "words");
        code = frame_send(WORKER_FD, ERR_REJECT, buf_span(&out), NULL) != ERR_OK;
        buf_free(&out);
        return code;
    }
    frame_put_u64(&out, (uint64_t)getpid());
    frame_put_buf(&out, request);
    code = frame_send(WORKER_FD, 0, buf_span(&out), NULL) != ERR_OK;
    buf_free(&out);
    return code;
}

static int fake_worker(int argc, char **argv)
{
    const char *how = "";
    struct buf request = BUF_EMPTY;
    uint32_t op;
    int code;

    for (int i = 1; i + 1 < argc; i++)
        if (!strcmp(argv[i], "--sandbox"))
            how = argv[i + 1];
    setpgid(0, 0);
    if (!strcmp(how, "dies"))
        return 1;
    if (!strcmp(how, "hangs"))
        pause();
    if (!strcmp(how, "ready, dies")) {
        /* A byte for each, in the file that --homes names. */
        for (int i = 1; i + 1 < argc; i++)
            if (!strcmp(argv[i], "--homes") && (code = open(argv[i + 1], O_WRONLY | O_APPEND | O_CLOEXEC)) >= 0)
                (void)!write(code, ".", 1);
        frame_send(WORKER_FD, WORKER_READY, (struct span){NULL, 0}, NULL);
        return 1;
    }
    if (!strcmp(how, "speaks"))
        return frame_send(WORKER_FD, 0, span_of("unasked"), NULL) || pause();
    if (frame_send(WORKER_FD, WORKER_READY, (struct span){NULL, 0}, NULL) ||
        frame_receive(WORKER_FD, FRAME_PAYLOAD_MAX, &op, &request, NULL))
        return 1;
    code = answer(op, &request);
    buf_free(&request);
    return code;
}

/* ---- spares by themselves ---- */

static void let_run(struct spares *s, struct loop *loop, enum spares_need need, int ms)
{
    for (int64_t until = clock_monotonic_ms() + ms; clock_monotonic_ms() < until;) {
        spares_tick(s, need);
        loop_once(loop, 5);
    }
}

/* Until so many stand ready, or for long enough to know that they never will. */
static void await(struct spares *s, struct loop *loop, enum spares_need need, size_t mime, size_t crypto)
{
    for (int i = 0; i < 1200 && (spares_ready(s, WORKER_MIME) < mime || spares_ready(s, WORKER_CRYPTO) < crypto); i++)
        let_run(s, loop, need, 25);
    let_run(s, loop, need, 100);
}

static void wait_ready(struct spares *s, struct loop *loop, enum spares_need need, size_t mime, size_t crypto)
{
    await(s, loop, need, mime, crypto);
    assert_int_equal(spares_ready(s, WORKER_MIME), mime);
    assert_int_equal(spares_ready(s, WORKER_CRYPTO), crypto);
}

static void test_counts(void **state)
{
    struct loop *loop = loop_new();
    struct spares *s = spares_new(loop, SELF, 2, 10);

    (void)state;
    wait_ready(s, loop, SPARES_NONE, 0, 0);
    wait_ready(s, loop, SPARES_SOME, 1, 1);
    wait_ready(s, loop, SPARES_ALL, 4, 3);
    spares_free(&s);
    assert_null(s);
    s = spares_new(loop, SELF, 64, 10);
    wait_ready(s, loop, SPARES_ALL, 8, 8);
    spares_free(&s);
    spares_free(&s);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* none is left */
    loop_free(&loop);
}

static void end(struct worker_process *p)
{
    worker_kill(p->pid);
    waitpid(p->pid, NULL, 0);
    close(p->fd);
}

/* One that stands ready is taken first; one that has died meanwhile never; and without any, one is started. */
static void test_take(void **state)
{
    struct loop *loop = loop_new();
    struct spares *s = spares_new(loop, SELF, 2, 10);
    struct worker_process one, two, three;

    (void)state;
    assert_true(spares_take(s, WORKER_MIME, &one));
    assert_false(one.ready);
    wait_ready(s, loop, SPARES_ALL, 4, 3);
    assert_true(spares_take(s, WORKER_MIME, &two));
    assert_true(two.ready);
    assert_int_not_equal(one.pid, two.pid);
    assert_int_equal(spares_ready(s, WORKER_MIME), 3);
    assert_int_equal(spares_ready(s, WORKER_CRYPTO), 3);
    wait_ready(s, loop, SPARES_ALL, 4, 3);
    assert_true(spares_take(s, WORKER_CRYPTO, &three));
    assert_true(three.ready);
    end(&one);
    end(&two);
    end(&three);
    spares_free(&s);
    loop_free(&loop);
}

static size_t count_words(const char *path, const char *words)
{
    struct buf text = BUF_EMPTY;
    size_t n = 0;

    assert_int_equal(fsx_read_path(path, 1 << 20, &text, NULL), ERR_OK);
    for (const char *at = buf_text(&text); (at = strstr(at, words)); at++)
        n++;
    buf_free(&text);
    return n;
}

/*
 * Spares that are ready and die at once: the pauses grow all the same, the other kind goes on, the log says it once,
 * and once again when it is over.
 */
static void test_pauses(void **state)
{
    struct loop *loop = loop_new();
    struct spares *s = spares_new(loop, SELF, 2, 10);
    char *dir = testdir_make(), *begun = mem_printf("%s/begun", dir), *log = mem_printf("%s/log", dir);
    int to_log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), before = dup(STDERR_FILENO);
    int fd = open(begun, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    struct worker_process p;
    bool taken;
    size_t n;

    (void)state;
    assert_true(to_log >= 0 && fd >= 0 && before >= 0);
    close(fd);
    dup2(to_log, STDERR_FILENO);
    spares_confine(s, begun, "ready, dies");
    let_run(s, loop, SPARES_ALL, 2000);
    n = count_words(begun, ".");
    spares_confine(s, begun, "off");
    await(s, loop, SPARES_ALL, 4, 3);
    taken = spares_take(s, WORKER_CRYPTO, &p);
    dup2(before, STDERR_FILENO); /* which cmocka writes to */
    assert_true(taken && p.ready);
    /* After 0, 100, 300, 700 and 1,500 ms; three may be on their way at once. Without growth it were 20. */
    if (n < 2 || n > 8)
        fail_msg("%zu were started", n);
    assert_int_equal(count_words(log, "event=spare-worker-failed"), 1);
    assert_int_equal(count_words(log, "event=spare-workers-again"), 1);
    assert_int_equal(count_words(log, "role=crypto"), 2);
    end(&p);
    spares_free(&s);
    close(to_log);
    close(before);
    free(begun);
    free(log);
    testdir_remove(dir);
    loop_free(&loop);
}

/* One that ends, hangs or speaks before its request is none; once the trouble is over there are as many as before. */
static void test_troubles(void **state)
{
    static const char *const how[] = {"dies", "hangs", "speaks"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct loop *loop = loop_new();
        struct spares *s = spares_new(loop, SELF, 2, 1);
        struct worker_process p;

        spares_confine(s, "/nowhere", how[i]);
        let_run(s, loop, SPARES_ALL, 1300);
        assert_int_equal(spares_ready(s, WORKER_CRYPTO), 0);
        spares_confine(s, "/nowhere", "off");
        wait_ready(s, loop, SPARES_ALL, 4, 3);
        assert_true(spares_take(s, WORKER_CRYPTO, &p));
        assert_true(p.ready);
        end(&p);
        spares_free(&s);
        loop_free(&loop);
    }
}

/* No descriptors, no program: nothing is started, nothing spins, and afterwards all is as before. */
static void test_no_means(void **state)
{
    struct loop *loop = loop_new();
    struct spares *s = spares_new(loop, SELF, 2, 10), *none = spares_new(loop, "/nonexistent", 2, 10);
    struct rlimit old, few;
    struct worker_process p;

    (void)state;
    let_run(none, loop, SPARES_ALL, 300);
    assert_false(spares_take(none, WORKER_MIME, &p));
    assert_int_equal(p.fd, -1);
    spares_free(&none);
    getrlimit(RLIMIT_NOFILE, &old);
    few = (struct rlimit){3, old.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    spares_tick(s, SPARES_ALL);
    assert_false(spares_take(s, WORKER_MIME, &p));
    assert_int_equal(p.fd, -1);
    setrlimit(RLIMIT_NOFILE, &old);
    wait_ready(s, loop, SPARES_ALL, 4, 3);
    /* Those that stood ready die all at once. */
    for (int i = 0; i < 3; i++) {
        assert_true(spares_take(s, WORKER_CRYPTO, &p));
        end(&p);
    }
    wait_ready(s, loop, SPARES_ALL, 4, 3);
    spares_free(&s);
    loop_free(&loop);
}

/* ---- requests ---- */

struct outcome {
    bool done;
    enum err err;
    char rule[DIAG_RULE_MAX];
    uint64_t pid;
};

static void on_done(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct outcome *o = ctx;
    struct frame_reader r;

    assert_false(o->done);
    o->done = true;
    o->err = err;
    if (err) {
        snprintf(o->rule, sizeof o->rule, "%s", why->rule);
        return;
    }
    frame_reader_init(&r, reply);
    o->pid = frame_get_u64(&r);
    assert_int_equal(frame_get_bytes(&r).len, 200000);
    assert_true(frame_done(&r));
}

static void submit(struct pool *pool, const char *words, struct outcome *o)
{
    struct buf request = BUF_EMPTY;

    *o = (struct outcome){.done = false};
    if (words) {
        buf_add_str(&request, words);
    } else {
        memset(buf_room(&request, 200000), 'x', 200000);
        buf_grown(&request, 200000);
    }
    pool_submit(pool, WORKER_MIME, MIME_PARSE, &request, on_done, o);
}

static void run(struct pool *pool, struct loop *loop, const struct outcome *o)
{
    for (int i = 0; i < 3000 && !o->done; i++) {
        pool_tick(pool);
        loop_once(loop, 5);
    }
    assert_true(o->done);
}

static void test_requests(void **state)
{
    static const struct {
        const char *words;
        enum err err;
        const char *rule;
    } rows[] = {{NULL, ERR_OK, ""},
                {"refuses", ERR_REJECT, "a-rule"},
                {"dies", ERR_AGAIN, "worker.died"},
                {"junk", ERR_AGAIN, "worker.frame"},
                {"hangs", ERR_AGAIN, "worker.deadline"},
                {NULL, ERR_OK, ""}};
    struct loop *loop = loop_new();
    struct pool *pool = pool_new(loop, SELF, 2, 2);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct outcome o;

        submit(pool, rows[i].words, &o);
        run(pool, loop, &o);
        assert_int_equal(o.err, rows[i].err);
        assert_string_equal(o.rule, rows[i].rule);
        assert_int_equal(pool_busy(pool), 0);
    }
    pool_free(&pool);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    loop_free(&loop);
}

/* A process serves one request, whether it was a spare or not; more than can run wait. */
static void test_one_each(void **state)
{
    struct loop *loop = loop_new();
    struct pool *pool = pool_new(loop, SELF, 2, 10);
    struct outcome o[40];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 20; i++)
            submit(pool, NULL, &o[round * 20 + i]);
        assert_int_equal(pool_busy(pool), 20);
        for (size_t i = 0; i < 20; i++)
            run(pool, loop, &o[round * 20 + i]);
        for (int i = 0; i < 60; i++) { /* spares are made for the second round */
            pool_tick(pool);
            loop_once(loop, 5);
        }
    }
    for (size_t i = 0; i < 40; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(o[i].pid && o[i].pid != o[k].pid);
    submit(pool, "hangs", &o[0]);
    submit(pool, NULL, &o[1]);
    pool_tick(pool);
    pool_free(&pool);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    loop_free(&loop);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts),   cmocka_unit_test(test_take),
                                       cmocka_unit_test(test_troubles), cmocka_unit_test(test_pauses),
                                       cmocka_unit_test(test_no_means), cmocka_unit_test(test_requests),
                                       cmocka_unit_test(test_one_each)};

    if (argc > 1 && strncmp(argv[1], "--role=", 7) == 0)
        return fake_worker(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
