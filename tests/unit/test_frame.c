#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/frame.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct frame_reader reader_of(const void *bytes, size_t len)
{
    struct frame_reader r;

    frame_reader_init(&r, (struct span){bytes, len});
    return r;
}

static void put_all(struct buf *b)
{
    struct buf bytes = BUF_EMPTY;

    buf_add(&bytes, "\0x", 2);
    frame_put_u32(b, 0);
    frame_put_u32(b, UINT32_MAX);
    frame_put_u64(b, UINT64_C(0x0102030405060708));
    frame_put_i64(b, INT64_MIN);
    frame_put_i64(b, -1);
    frame_put_bool(b, true);
    frame_put_bool(b, false);
    frame_put_bytes(b, "a\0b", 3);
    frame_put_span(b, (struct span){NULL, 0});
    frame_put_buf(b, &bytes);
    frame_put_str(b, "words");
    frame_put_str(b, "");
    frame_put_str(b, NULL);
    buf_free(&bytes);
}

/* Reads what put_all wrote; how far it got is seen by frame_done alone. */
static bool get_all(struct span payload, bool check)
{
    struct frame_reader r;
    uint32_t zero, max;
    uint64_t u;
    int64_t least, minus;
    bool yes, no;
    struct span a, empty, bytes;
    char *words, *none, *null;

    frame_reader_init(&r, payload);
    zero = frame_get_u32(&r);
    max = frame_get_u32(&r);
    u = frame_get_u64(&r);
    least = frame_get_i64(&r);
    minus = frame_get_i64(&r);
    yes = frame_get_bool(&r);
    no = frame_get_bool(&r);
    a = frame_get_bytes(&r);
    empty = frame_get_bytes(&r);
    bytes = frame_get_bytes(&r);
    words = frame_get_str(&r);
    none = frame_get_str(&r);
    null = frame_get_str(&r);
    if (check) {
        assert_int_equal(zero, 0);
        assert_int_equal(max, UINT32_MAX);
        assert_true(u == UINT64_C(0x0102030405060708));
        assert_true(least == INT64_MIN);
        assert_true(minus == -1);
        assert_true(yes);
        assert_false(no);
        assert_int_equal(a.len, 3);
        assert_memory_equal(a.data, "a\0b", 3);
        assert_int_equal(empty.len, 0);
        assert_int_equal(bytes.len, 2);
        assert_string_equal(words, "words");
        assert_string_equal(none, "");
        assert_null(null);
    }
    free(words);
    free(none);
    free(null);
    return frame_done(&r);
}

static void test_round_trip(void **state)
{
    struct buf b = BUF_EMPTY;

    (void)state;
    put_all(&b);
    assert_true(get_all(buf_span(&b), true));
    buf_free(&b);
}

/* Every payload that is cut, and one with a byte too many, is bad. */
static void test_short_and_trailing(void **state)
{
    struct buf b = BUF_EMPTY;

    (void)state;
    put_all(&b);
    for (size_t len = 0; len < b.len; len++) {
        uint8_t *exact = malloc(len ? len : 1);

        memcpy(exact, b.data, len);
        assert_false(get_all((struct span){exact, len}, false));
        free(exact);
    }
    buf_add_byte(&b, 0);
    assert_false(get_all(buf_span(&b), false));
    buf_free(&b);
}

static void test_empty_payload(void **state)
{
    struct frame_reader r = reader_of(NULL, 0);

    (void)state;
    assert_true(frame_done(&r));
    assert_int_equal(frame_get_u32(&r), 0);
    assert_false(frame_done(&r));
}

/* After a fault nothing is read any more, not even what would fit. */
static void test_fault_stays(void **state)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6};
    struct frame_reader r = reader_of(bytes, sizeof bytes);

    (void)state;
    assert_true(frame_get_u64(&r) == 0);
    assert_true(r.bad);
    assert_int_equal(frame_get_u32(&r), 0);
    assert_true(frame_get_i64(&r) == 0);
    assert_false(frame_get_bool(&r));
    assert_null(frame_get_bytes(&r).data);
    assert_null(frame_get_str(&r));
    assert_int_equal(frame_get_count(&r, 0), 0);
    assert_false(frame_done(&r));
}

static void test_hostile_values(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        char kind;
    } rows[] = {
        {"\0\0\0\2", 4, 'b'},                  /* a bool of 2 */
        {"\xff\xff\xff\xff", 4, 'b'},          /* a bool of everything */
        {"\0\0\0\3ab", 6, 's'},                /* a string that runs past the end */
        {"\0\0\0\3a\0b", 7, 's'},              /* a NUL inside a string */
        {"\0\0\0\1\0", 5, 's'},                /* nothing but a NUL */
        {"\xff\xff\xff\xfe", 4, 's'},          /* 4 GiB announced */
        {"\xff\xff\xff\xff", 4, 'y'},          /* the length that means NULL is no length of bytes */
        {"\x7f\xff\xff\xff....", 8, 'y'},      /* 2 GiB announced */
        {"\0\0\0\5aaaa", 8, 'y'},              /* one byte short */
        {"\0\0\0\3........", 12, '4'},         /* three items of four bytes, two of which are there */
        {"\xff\xff\xff\xff........", 12, '4'}, /* a huge count */
        {"\0\0\0\11........", 12, '0'},        /* items of unknown size take a byte at least */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct frame_reader r = reader_of(rows[i].bytes, rows[i].len);

        if (rows[i].kind == 'b')
            assert_false(frame_get_bool(&r));
        else if (rows[i].kind == 's')
            assert_null(frame_get_str(&r));
        else if (rows[i].kind == 'y')
            assert_null(frame_get_bytes(&r).data);
        else
            assert_int_equal(frame_get_count(&r, rows[i].kind == '4' ? 4 : 0), 0);
        assert_true(r.bad);
    }
}

static void test_counts_that_fit(void **state)
{
    struct frame_reader r = reader_of("\0\0\0\2........", 12);

    (void)state;
    assert_int_equal(frame_get_count(&r, 4), 2);
    r = reader_of("\0\0\0\10........", 12);
    assert_int_equal(frame_get_count(&r, 0), 8);
    r = reader_of("\0\0\0\0", 4);
    assert_int_equal(frame_get_count(&r, 4), 0);
    assert_true(frame_done(&r));
}

/* A buffer that has overflowed never makes a frame that looks whole. */
static void test_overflow_spreads(void **state)
{
    struct buf small, b = BUF_EMPTY;

    (void)state;
    buf_init(&small, 3);
    frame_put_u32(&small, 1);
    assert_true(small.over);
    frame_put_buf(&b, &small);
    assert_true(b.over);
    buf_free(&b);
    buf_free(&small);
    frame_write(&b, 1, (struct span){(const uint8_t *)"", FRAME_PAYLOAD_MAX + 1});
    assert_true(b.over);
    buf_free(&b);
}

static void test_next(void **state)
{
    struct buf b = BUF_EMPTY;
    struct span payload;
    uint32_t type = 0;
    size_t used = 0;

    (void)state;
    frame_write(&b, 7, span_of("first"));
    frame_write(&b, 8, (struct span){NULL, 0});
    for (size_t len = 0; len < FRAME_HEAD_BYTES + 5; len++)
        assert_int_equal(frame_next((struct span){b.data, len}, 100, &type, &payload, &used), ERR_AGAIN);
    assert_int_equal(frame_next(buf_span(&b), 5, &type, &payload, &used), ERR_OK);
    assert_int_equal(type, 7);
    assert_int_equal(used, FRAME_HEAD_BYTES + 5);
    assert_int_equal(payload.len, 5);
    assert_memory_equal(payload.data, "first", 5);
    buf_drop_front(&b, used);
    assert_int_equal(frame_next(buf_span(&b), 0, &type, &payload, &used), ERR_OK);
    assert_int_equal(type, 8);
    assert_int_equal(payload.len, 0);
    buf_drop_front(&b, used);
    assert_int_equal(b.len, 0);
    buf_free(&b);
}

/* A length over the limit is refused from its four bytes alone, before anything is kept. */
static void test_next_too_large(void **state)
{
    static const struct {
        const char *head;
        size_t max;
        enum err err;
    } rows[] = {
        {"\0\0\0\6", 5, ERR_REJECT},
        {"\0\0\0\5", 5, ERR_AGAIN},
        {"\xff\xff\xff\xff", FRAME_PAYLOAD_MAX, ERR_REJECT},
        {"\xff\xff\xff\xff", SIZE_MAX, ERR_REJECT},
        {"\x0c\0\0\1", SIZE_MAX, ERR_REJECT}, /* one more than FRAME_PAYLOAD_MAX */
        {"\x0c\0\0\0", SIZE_MAX, ERR_AGAIN},
    };
    struct span payload;
    uint32_t type;
    size_t used;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(
            frame_next((struct span){(const uint8_t *)rows[i].head, 4}, rows[i].max, &type, &payload, &used),
            rows[i].err);
}

static void test_over_a_socket(void **state)
{
    struct buf payload = BUF_EMPTY;
    uint32_t type;
    struct diag why;
    int fds[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(frame_send(fds[0], 3, span_of("hello"), &why), ERR_OK);
    assert_int_equal(frame_send(fds[0], 4, (struct span){NULL, 0}, &why), ERR_OK);
    assert_int_equal(frame_receive(fds[1], 100, &type, &payload, &why), ERR_OK);
    assert_int_equal(type, 3);
    assert_string_equal(buf_text(&payload), "hello");
    assert_int_equal(frame_receive(fds[1], 100, &type, &payload, &why), ERR_OK);
    assert_int_equal(type, 4);
    assert_int_equal(payload.len, 0);
    assert_int_equal(frame_send(fds[0], 5, span_of("hello"), &why), ERR_OK);
    assert_int_equal(frame_receive(fds[1], 4, &type, &payload, &why), ERR_REJECT);
    assert_string_equal(why.rule, "frame.too-large");
    close(fds[0]);
    close(fds[1]);
    buf_free(&payload);
}

/* The other side ends in the middle: no payload is believed, and no signal ends us. */
static void test_cut_off(void **state)
{
    struct buf b = BUF_EMPTY, payload = BUF_EMPTY;
    uint32_t type;
    struct diag why;
    int fds[2];

    (void)state;
    frame_write(&b, 1, span_of("payload"));
    for (size_t len = 0; len < b.len; len++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(write(fds[0], b.data, len), len);
        close(fds[0]);
        assert_int_equal(frame_receive(fds[1], 100, &type, &payload, &why), ERR_AGAIN);
        assert_string_equal(why.rule, "frame.short");
        assert_string_equal(buf_text(&payload), "");
        assert_int_equal(frame_send(fds[1], 1, span_of("x"), &why), ERR_AGAIN);
        assert_string_equal(why.rule, "frame.send");
        close(fds[1]);
    }
    buf_free(&b);
    buf_free(&payload);
}

/* A pipe is no socket: send(2) refuses it, write(2) is used. */
static void test_over_a_pipe(void **state)
{
    struct buf payload = BUF_EMPTY;
    uint32_t type;
    struct diag why;
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(frame_send(fds[1], 9, span_of("abc"), &why), ERR_OK);
    assert_int_equal(frame_receive(fds[0], 3, &type, &payload, &why), ERR_OK);
    assert_int_equal(type, 9);
    assert_string_equal(buf_text(&payload), "abc");
    assert_int_equal(frame_receive(-1, 3, &type, &payload, &why), ERR_AGAIN);
    assert_string_equal(why.rule, "frame.receive");
    close(fds[0]);
    close(fds[1]);
    buf_free(&payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_short_and_trailing),
        cmocka_unit_test(test_empty_payload),    cmocka_unit_test(test_fault_stays),
        cmocka_unit_test(test_hostile_values),   cmocka_unit_test(test_counts_that_fit),
        cmocka_unit_test(test_overflow_spreads), cmocka_unit_test(test_next),
        cmocka_unit_test(test_next_too_large),   cmocka_unit_test(test_over_a_socket),
        cmocka_unit_test(test_cut_off),          cmocka_unit_test(test_over_a_pipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
