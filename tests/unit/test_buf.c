#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

/* What the header promises of every buffer, whatever was done to it. */
static void check(const struct buf *b)
{
    if (!b->data) {
        assert_int_equal(b->len, 0);
        assert_int_equal(b->cap, 0);
        return;
    }
    assert_true(b->len <= b->cap);
    assert_true(b->cap <= b->max + 1);
    assert_int_equal(b->data[b->len], 0);
}

static void test_adding(void **state)
{
    struct buf b = BUF_EMPTY, other = BUF_EMPTY;

    (void)state;
    assert_string_equal(buf_text(&b), "");
    buf_add(&b, NULL, 0);
    check(&b);
    buf_add_str(&b, "ab");
    buf_add_byte(&b, 0);
    buf_add(&b, "cd", 2);
    check(&b);
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.data, "ab\0cd", 6);
    buf_add_str(&other, "!");
    buf_add_buf(&b, &other);
    buf_printf(&b, "%03d%s", 7, "");
    assert_memory_equal(b.data, "ab\0cd!007", 10);
    check(&b);
    buf_clear(&b);
    assert_string_equal(buf_text(&b), "");
    check(&b);
    buf_free(&b);
    buf_free(&b);
    assert_int_equal(b.max, BUF_MAX_DEFAULT);
    buf_free(&other);
}

static void test_grows_over_many_sizes(void **state)
{
    struct buf b = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < 70000; i++)
        buf_add_byte(&b, (uint8_t)(i * 31));
    check(&b);
    for (size_t i = 0; i < 70000; i++)
        assert_int_equal(b.data[i], (uint8_t)(i * 31));
    buf_free(&b);
}

/* An addition beyond the maximum adds nothing, and is remembered. */
static void test_maximum(void **state)
{
    static const struct {
        size_t max, first, second;
        size_t len;
        bool over;
    } rows[] = {
        {0, 0, 0, 0, false},    {0, 1, 0, 0, true},          {1, 1, 0, 1, false},         {1, 1, 1, 1, true},
        {63, 63, 0, 63, false}, {64, 64, 1, 64, true},       {65, 64, 1, 65, false},      {100, 50, 51, 50, true},
        {100, 101, 1, 0, true}, {100, 1, SIZE_MAX, 1, true}, {100, SIZE_MAX, 1, 0, true},
    };
    static const char bytes[128];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;

        buf_init(&b, rows[i].max);
        if (rows[i].first <= sizeof bytes)
            buf_add(&b, bytes, rows[i].first);
        else
            assert_null(buf_room(&b, rows[i].first));
        if (rows[i].second <= sizeof bytes)
            buf_add(&b, bytes, rows[i].second);
        else
            assert_null(buf_room(&b, rows[i].second));
        assert_int_equal(b.len, rows[i].len);
        assert_int_equal(b.over, rows[i].over);
        check(&b);
        buf_free(&b);
    }
}

static void test_over_stays(void **state)
{
    struct buf b, other = BUF_EMPTY;

    (void)state;
    buf_init(&b, 4);
    buf_printf(&b, "%s", "12345");
    assert_true(b.over);
    assert_int_equal(b.len, 0);
    buf_add_str(&b, "1");
    assert_int_equal(b.len, 0);
    buf_add_buf(&other, &b);
    assert_true(other.over);
    buf_clear(&b);
    assert_false(b.over);
    buf_add_str(&b, "1234");
    assert_string_equal(buf_text(&b), "1234");
    buf_free(&b);
    buf_free(&other);
}

static void test_room(void **state)
{
    struct buf b = BUF_EMPTY;

    (void)state;
    memcpy(buf_room(&b, 3), "xyz", 3);
    assert_int_equal(b.len, 0);
    buf_grown(&b, 2);
    assert_string_equal(buf_text(&b), "xy");
    check(&b);
    buf_free(&b);
}

static void test_drop_front(void **state)
{
    static const struct {
        size_t n;
        const char *left;
    } rows[] = {{0, "abcdef"}, {1, "bcdef"}, {5, "f"}, {6, ""}, {7, ""}, {SIZE_MAX, ""}};
    struct buf b = BUF_EMPTY;

    (void)state;
    buf_drop_front(&b, 3);
    check(&b);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&b);
        buf_add_str(&b, "abcdef");
        buf_drop_front(&b, rows[i].n);
        assert_string_equal(buf_text(&b), rows[i].left);
        assert_int_equal(b.len, strlen(rows[i].left));
        check(&b);
    }
    buf_free(&b);
}

/* What has been cleared or dropped is not in the memory any more. */
static void test_wiped(void **state)
{
    struct buf b = BUF_EMPTY;

    (void)state;
    buf_add_str(&b, "plaintext");
    buf_clear(&b);
    for (size_t i = 0; i < b.cap; i++)
        assert_int_equal(b.data[i], 0);
    buf_add_str(&b, "plaintext");
    buf_drop_front(&b, 5);
    for (size_t i = b.len; i < b.cap; i++)
        assert_int_equal(b.data[i], 0);
    buf_free(&b);
}

static void test_take_and_move(void **state)
{
    struct buf a = BUF_EMPTY, b;
    char *s = buf_take(&a);

    (void)state;
    assert_string_equal(s, "");
    free(s);
    buf_add_str(&a, "one");
    s = buf_take(&a);
    assert_string_equal(s, "one");
    assert_null(a.data);
    free(s);
    buf_init(&b, 10);
    buf_add_str(&b, "old");
    buf_add_str(&a, "new");
    buf_move(&b, &a);
    assert_string_equal(buf_text(&b), "new");
    assert_int_equal(b.max, BUF_MAX_DEFAULT);
    assert_string_equal(buf_text(&a), "");
    check(&a);
    check(&b);
    buf_free(&b);
    assert_int_equal(span_of("abc").len, 3);
    assert_int_equal(buf_span(&b).len, 0);
    assert_null(buf_span(&b).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adding),  cmocka_unit_test(test_grows_over_many_sizes),
        cmocka_unit_test(test_maximum), cmocka_unit_test(test_over_stays),
        cmocka_unit_test(test_room),    cmocka_unit_test(test_drop_front),
        cmocka_unit_test(test_wiped),   cmocka_unit_test(test_take_and_move),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
