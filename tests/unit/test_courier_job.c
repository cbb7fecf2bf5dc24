#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/pgp_armor.h"
#include "io/courier.h"
#include "tests/lib/testdir.h"

#include <fcntl.h>
#include <sys/stat.h>

struct fixture {
    char *dir;
    int dir_fd;
};

static int setup(void **state)
{
    struct fixture *f = mem_zero(1, sizeof *f);

    f->dir = testdir_make();
    f->dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    close(f->dir_fd);
    testdir_remove(f->dir);
    free(f);
    return 0;
}

static void make_job(struct courier_job *job, const char *prefix, const char *head, const char *body_file,
                     const char *suffix)
{
    *job = (struct courier_job){.id = INT64_C(0x123456789a),
                                .delivery_id = mem_strdup("copy-1"),
                                .sender = mem_strdup("security+b-x@example.org"),
                                .recipient = mem_strdup("a@example.net"),
                                .prefix = BUF_EMPTY,
                                .head = BUF_EMPTY,
                                .suffix = BUF_EMPTY,
                                .body_file = mem_strdup(body_file)};
    buf_add_str(&job->prefix, prefix);
    buf_add_str(&job->head, head);
    buf_add_str(&job->suffix, suffix);
}

static void test_frame(void **state)
{
    static const char *const files[] = {"body-1", NULL};
    struct courier_job in, out = {0};
    struct diag why;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct buf b = BUF_EMPTY;

        make_job(&in, "prefix", i ? "" : "head", files[i], "suffix");
        buf_add(&in.prefix, "\0\xff", 2);
        courier_job_put(&in, &b);
        assert_int_equal(courier_job_get(buf_span(&b), &out, &why), ERR_OK);
        assert_true(out.id == in.id);
        assert_string_equal(out.delivery_id, "copy-1");
        assert_string_equal(out.sender, "security+b-x@example.org");
        assert_string_equal(out.recipient, "a@example.net");
        assert_int_equal(out.prefix.len, 8);
        assert_memory_equal(out.prefix.data, "prefix\0\xff", 8);
        assert_string_equal(buf_text(&out.head), i ? "" : "head");
        assert_string_equal(buf_text(&out.suffix), "suffix");
        if (files[i])
            assert_string_equal(out.body_file, files[i]);
        else
            assert_null(out.body_file);
        courier_job_free(&in);
        courier_job_free(&out);
        courier_job_free(&out);
        buf_free(&b);
    }
}

static void expect_bad(struct span payload)
{
    struct courier_job out = {0};
    struct diag why;

    assert_int_equal(courier_job_get(payload, &out, &why), ERR_REJECT);
    assert_string_equal(why.rule, "frame.bad");
    assert_null(out.recipient);
    assert_null(out.prefix.data);
}

static void test_frame_damaged(void **state)
{
    struct courier_job job;
    struct buf b = BUF_EMPTY;

    (void)state;
    make_job(&job, "prefix", "head", "body", "suffix");
    courier_job_put(&job, &b);
    for (size_t len = 0; len < b.len; len++)
        expect_bad((struct span){b.data, len});
    buf_add_byte(&b, 0);
    expect_bad(buf_span(&b));
    /* nobody to deliver to, nobody it comes from, no name for the delivery */
    for (int i = 0; i < 3; i++) {
        char **missing = i == 0 ? &job.recipient : i == 1 ? &job.sender : &job.delivery_id, *kept = *missing;

        buf_clear(&b);
        *missing = NULL;
        courier_job_put(&job, &b);
        *missing = kept;
        expect_bad(buf_span(&b));
    }
    courier_job_free(&job);
    buf_free(&b);
}

/* ---- streaming ---- */

struct sink {
    struct buf got;
    size_t calls, refuse_at; /* the call that is refused, from 1; 0: none */
};

static bool take(void *ctx, const void *bytes, size_t len)
{
    struct sink *s = ctx;

    if (++s->calls == s->refuse_at)
        return false;
    buf_add(&s->got, bytes, len);
    return true;
}

static void write_body(const struct fixture *f, const char *name, const uint8_t *bytes, size_t len)
{
    char *path = mem_printf("%s/%s", f->dir, name);
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
    free(path);
}

static void test_whole_mail(void **state)
{
    struct fixture *f = *state;
    struct sink sink = {.got = BUF_EMPTY};
    struct courier_job job;
    struct diag why;

    make_job(&job, "Subject: x\r\n\r\nwhole\r\n", "", NULL, "");
    assert_int_equal(courier_stream(&job, f->dir_fd, take, &sink, &why), ERR_OK);
    assert_string_equal(buf_text(&sink.got), "Subject: x\r\n\r\nwhole\r\n");
    courier_job_free(&job);
    buf_free(&sink.got);
}

/* prefix, one armored block of head and body, suffix: whatever the sizes, around the block of a read as well. */
static void test_armored(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 3, 46, 47, 48, 65535, 65536, 65537, 200001};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct sink sink = {.got = BUF_EMPTY};
        struct courier_job job;
        struct buf binary = BUF_EMPTY;
        enum pgp_armor_kind kind;
        uint8_t *body = mem_zero(sizes[i], 1);
        struct diag why;
        size_t armored;

        for (size_t k = 0; k < sizes[i]; k++)
            body[k] = (uint8_t)(k * 7 + k / 251);
        write_body(f, "body", body, sizes[i]);
        make_job(&job, "prefix\r\n", "head!", "body", "suffix\r\n");
        assert_int_equal(courier_stream(&job, f->dir_fd, take, &sink, &why), ERR_OK);
        assert_memory_equal(sink.got.data, "prefix\r\n", 8);
        armored = pgp_armor_size(PGP_ARMOR_MESSAGE, "\r\n", 5 + sizes[i]);
        assert_int_equal(sink.got.len, 8 + armored + 8);
        assert_string_equal(buf_text(&sink.got) + sink.got.len - 8, "suffix\r\n");
        assert_int_equal(pgp_dearmor((struct span){sink.got.data + 8, armored}, &kind, &binary, &why), ERR_OK);
        assert_int_equal(kind, PGP_ARMOR_MESSAGE);
        assert_int_equal(binary.len, 5 + sizes[i]);
        assert_memory_equal(binary.data, "head!", 5);
        if (sizes[i])
            assert_memory_equal(binary.data + 5, body, sizes[i]);
        courier_job_free(&job);
        buf_free(&binary);
        buf_free(&sink.got);
        free(body);
    }
}

/* Whichever call refuses, the mail is not taken for whole, and nothing more is offered. */
static void test_sink_refuses(void **state)
{
    struct fixture *f = *state;
    uint8_t body[150000] = {1};
    struct courier_job job;
    struct diag why;
    size_t calls;

    write_body(f, "body", body, sizeof body);
    make_job(&job, "prefix", "head", "body", "suffix");
    for (calls = 1; calls < 50; calls++) {
        struct sink sink = {.got = BUF_EMPTY, .refuse_at = calls};
        enum err err = courier_stream(&job, f->dir_fd, take, &sink, &why);

        buf_free(&sink.got);
        if (!err)
            break;
        assert_int_equal(err, ERR_AGAIN);
        assert_string_equal(why.rule, "courier.sink");
        assert_int_equal(sink.calls, calls);
    }
    assert_int_equal(calls, 7); /* prefix, three blocks, the end of the armor, suffix: six calls were made */
    courier_job_free(&job);
}

/* A body is a plain file of the one folder. */
static void test_body_names(void **state)
{
    static const char *const names[] = {"missing", "../body", "/etc/hostname", ".", "..", "", "a/b", "link", "folder"};
    struct fixture *f = *state;

    write_body(f, "body", (const uint8_t *)"x", 1);
    assert_int_equal(symlinkat("body", f->dir_fd, "link"), 0);
    assert_int_equal(mkdirat(f->dir_fd, "folder", 0700), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct sink sink = {.got = BUF_EMPTY};
        struct courier_job job;
        struct diag why;

        make_job(&job, "prefix", "head", names[i], "suffix");
        assert_int_equal(courier_stream(&job, f->dir_fd, take, &sink, &why), ERR_AGAIN);
        assert_null(strstr(buf_text(&sink.got), "suffix"));
        courier_job_free(&job);
        buf_free(&sink.got);
    }
}

#define WITH_DIR(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame), cmocka_unit_test(test_frame_damaged), WITH_DIR(test_whole_mail),
        WITH_DIR(test_armored),       WITH_DIR(test_sink_refuses),          WITH_DIR(test_body_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
