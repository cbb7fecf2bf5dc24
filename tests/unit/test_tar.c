/* The archive of a backup: what is written is read again, in pieces of any length; whatever is odd is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/tar.h"

struct seen {
    struct buf text; /* "NAME:SIZE:BYTES;" of each */
    const char *refuse;
};

static enum err begin(void *ctx, const char *name, uint64_t size, struct diag *why)
{
    struct seen *s = ctx;

    buf_printf(&s->text, "%s:%llu:", name, (unsigned long long)size);
    return s->refuse && strcmp(s->refuse, name) == 0 ? diag_set(why, ERR_DENIED, "test", "no") : ERR_OK;
}

static enum err bytes(void *ctx, struct span in, struct diag *why)
{
    struct seen *s = ctx;

    (void)why;
    buf_add(&s->text, in.data, in.len);
    return ERR_OK;
}

static enum err end(void *ctx, struct diag *why)
{
    struct seen *s = ctx;

    (void)why;
    buf_add_byte(&s->text, ';');
    return ERR_OK;
}

static void add(struct buf *out, const char *name, const char *content)
{
    static const uint8_t zeros[TAR_BLOCK];
    uint8_t head[TAR_BLOCK];

    assert_int_equal(tar_head(name, strlen(content), 1795359600, head, NULL), ERR_OK);
    buf_add(out, head, sizeof head);
    buf_add_str(out, content);
    buf_add(out, zeros, tar_padding(strlen(content)));
}

static void add_end(struct buf *out)
{
    static const uint8_t zeros[TAR_END_BYTES];

    buf_add(out, zeros, sizeof zeros);
}

/* step 0: all at once. */
static enum err feed(struct span in, size_t step, struct seen *s, bool *whole, struct diag *why)
{
    struct tar_reader t = {.begin = begin, .bytes = bytes, .end = end, .ctx = s};
    enum err err = ERR_OK;

    s->text = BUF_EMPTY;
    while (!err && in.len) {
        size_t n = step && step < in.len ? step : in.len;

        err = tar_feed(&t, (struct span){in.data, n}, why);
        in.data += n;
        in.len -= n;
    }
    *whole = tar_is_whole(&t);
    return err;
}

static void test_pieces(void **state)
{
    static const size_t steps[] = {0, 1, 7, 511, 512, 513, 4096};
    struct buf all = BUF_EMPTY;
    char *block = mem_zero(1, 513);

    (void)state;
    memset(block, 'b', 512);
    add(&all, "README", "hello");
    add(&all, "a/b/c", "");
    add(&all, "block", block);
    add_end(&all);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct seen s = {.refuse = NULL};
        struct diag why;
        bool whole;
        char *wanted = mem_printf("README:5:hello;a/b/c:0:;block:512:%s;", block);

        assert_int_equal(feed(buf_span(&all), steps[i], &s, &whole, &why), ERR_OK);
        assert_true(whole);
        assert_string_equal(buf_text(&s.text), wanted);
        buf_free(&s.text);
        free(wanted);
    }
    free(block);
    buf_free(&all);
}

/* Cut anywhere, it is not whole. */
static void test_cut(void **state)
{
    struct buf all = BUF_EMPTY;

    (void)state;
    add(&all, "one", "1");
    add(&all, "two", "22");
    add_end(&all);
    for (size_t n = 0; n < all.len; n++) {
        struct seen s = {.refuse = NULL};
        struct diag why;
        bool whole;

        assert_int_equal(feed((struct span){all.data, n}, 0, &s, &whole, &why), ERR_OK);
        assert_false(whole);
        buf_free(&s.text);
    }
    buf_free(&all);
}

static void fix_sum(uint8_t *head)
{
    unsigned sum = 0;
    char text[8];

    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : head[i];
    snprintf(text, sizeof text, "%06o", sum);
    memcpy(head + 148, text, 7);
    head[155] = ' ';
}

static void test_odd(void **state)
{
    static const struct {
        const char *words;
        size_t at;
        const char *bytes;
        size_t len;
        const char *rule;
        bool fix;
    } rows[] = {
        {"a sum that is off", 0, "x", 1, "archive.damaged", false},
        {"another magic", 257, "gnu", 3, "archive.damaged", true},
        {"a size that is no number", 124, "abc", 3, "archive.damaged", true},
        {"a size in base 256", 124, "\x80", 1, "archive.damaged", true},
        {"a folder", 156, "5", 1, "archive.entry", true},
        {"a symbolic link", 156, "2", 1, "archive.entry", true},
        {"a hard link", 156, "1", 1, "archive.entry", true},
        {"a pax head", 156, "x", 1, "archive.entry", true},
        {"a long name of GNU's", 156, "L", 1, "archive.entry", true},
        {"a name of a link", 157, "x", 1, "archive.entry", true},
        {"a prefix", 345, "etc", 3, "archive.entry", true},
        {"an absolute name", 0, "/ne", 3, "archive.name", true},
        {"a name with dots", 0, "../", 3, "archive.name", true},
        {"no name", 0, "\0\0\0", 3, "archive.name", true},
        {"a name with a control character", 0, "o\n", 2, "archive.name", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct seen s = {.refuse = NULL};
        struct buf all = BUF_EMPTY;
        struct diag why = {0};
        bool whole;
        enum err err;

        add(&all, "one", "1");
        add_end(&all);
        memcpy(all.data + rows[i].at, rows[i].bytes, rows[i].len);
        if (rows[i].fix)
            fix_sum(all.data);
        err = feed(buf_span(&all), 0, &s, &whole, &why);
        if (err != ERR_REJECT || strcmp(why.rule, rows[i].rule) != 0 || s.text.len)
            fail_msg("%s: error %d, rule %s, seen %s", rows[i].words, (int)err, why.rule, buf_text(&s.text));
        buf_free(&s.text);
        buf_free(&all);
    }
}

static void test_rest(void **state)
{
    struct seen s = {.refuse = "two"};
    struct buf all = BUF_EMPTY;
    uint8_t head[TAR_BLOCK];
    char name[TAR_NAME_MAX + 2];
    struct diag why;
    bool whole;

    (void)state;
    memset(name, 'n', sizeof name);
    name[TAR_NAME_MAX + 1] = 0;
    assert_int_equal(tar_head(name, 1, 0, head, &why), ERR_USAGE);
    name[TAR_NAME_MAX] = 0;
    assert_int_equal(tar_head(name, TAR_SIZE_MAX, 0, head, &why), ERR_OK);
    assert_int_equal(tar_head(name, TAR_SIZE_MAX + 1, 0, head, &why), ERR_LIMIT);
    assert_int_equal(tar_head("a//b", 1, 0, head, &why), ERR_USAGE);
    /* What a callback says ends it; a byte in the padding, or behind the end, is damage. */
    add(&all, "one", "1");
    add(&all, "two", "2");
    add_end(&all);
    assert_int_equal(feed(buf_span(&all), 0, &s, &whole, &why), ERR_DENIED);
    buf_free(&s.text);
    s.refuse = NULL;
    all.data[TAR_BLOCK + 5] = 1;
    assert_int_equal(feed(buf_span(&all), 0, &s, &whole, &why), ERR_REJECT);
    buf_free(&s.text);
    all.data[TAR_BLOCK + 5] = 0;
    add(&all, "three", "3");
    assert_int_equal(feed(buf_span(&all), 0, &s, &whole, &why), ERR_REJECT);
    buf_free(&s.text);
    buf_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_odd),
        cmocka_unit_test(test_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
