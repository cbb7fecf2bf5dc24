#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/prescan.h"
#include "codec/prescan_tree.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LITERAL(s) ((struct span){(const uint8_t *)(s), sizeof(s) - 1})
#define HEAD       "From: a@example.org\r\n"

static const struct mime_limits limits = MIME_LIMITS_DEFAULT;

static void expect(struct span raw, const struct mime_limits *l, enum err err, const char *rule)
{
    struct diag why = {0};

    assert_int_equal(prescan_check(raw, l, &why), err);
    assert_string_equal(why.rule, rule);
}

static void test_rules(void **state)
{
    static const struct {
        struct span raw;
        enum err err;
        const char *rule;
    } rows[] = {
        {LITERAL(""), ERR_REJECT, "empty"},
        {LITERAL("\r\n"), ERR_REJECT, "empty"},
        {LITERAL("\r\nno header\r\n"), ERR_REJECT, "empty"},
        {LITERAL("hello world\r\n"), ERR_REJECT, "empty"},
        {LITERAL(" folded first\r\n\r\nx"), ERR_REJECT, "empty"},
        {LITERAL(HEAD), ERR_REJECT, "empty"},
        {LITERAL(HEAD "\r\n"), ERR_REJECT, "empty"},
        {LITERAL(HEAD "\r\n \t\r\n\r\n"), ERR_REJECT, "empty"},
        {LITERAL(HEAD "\r\nx"), ERR_OK, ""},
        {LITERAL(HEAD "\nx"), ERR_OK, ""},
        {LITERAL("From b@example.org Sun Nov 22 15:00:00 2026\n" HEAD "\r\nx"), ERR_OK, ""},
        {LITERAL("\xef\xbb\xbf" HEAD "\r\nx"), ERR_OK, ""},
        {LITERAL("\r\n\r\n" HEAD "\r\nx"), ERR_OK, ""},
        {LITERAL(HEAD "no field\r\n"), ERR_OK, ""},
        {LITERAL("From: a\0b\r\n\r\nx"), ERR_REJECT, "nul-bytes"},
        {LITERAL("From: a\r\n \0b\r\n\r\nx"), ERR_REJECT, "nul-bytes"},
        {LITERAL("From: a\r\nTo\0: b\r\n\r\nx"), ERR_REJECT, "nul-bytes"},
        {LITERAL(HEAD "\r\nbody\0with a nul"), ERR_OK, ""},
        {LITERAL(HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: \0\r\n\r\nx\r\n--b--\r\n"),
         ERR_REJECT, "nul-bytes"},
        {LITERAL(HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\0\r\n--b--\r\n"), ERR_OK, ""},
        {LITERAL(HEAD "Content-Type: message/rfc822\r\n\r\nX: \0\r\n\r\nx"), ERR_REJECT, "nul-bytes"},
        {LITERAL(HEAD "Content-Type: multipart/mixed; boundary=\"\\\"\"\r\n\r\nx"), ERR_REJECT, "bad-boundary"},
        {LITERAL(HEAD "Content-Type: multipart/mixed;\r\n boundary\r\n =(c)\r\n \"\\\"\"\r\n\r\nx"), ERR_REJECT,
         "bad-boundary"},
        {LITERAL(HEAD "Content-Type: MULTIPART/mixed; BOUNDARY=\"\"\r\n\r\nx"), ERR_REJECT, "bad-boundary"},
        {LITERAL(HEAD "Content-Type: multipart/mixed; boundary=\"a \"\r\n\r\nx"), ERR_REJECT, "bad-boundary"},
        {LITERAL(HEAD "Content-Type: multipart/mixed; boundary=\"a\\b\"\r\n\r\nx"), ERR_REJECT, "bad-boundary"},
        {LITERAL(HEAD "Content-Type: multipart/mixed; boundary=\"a\xe9\"\r\n\r\nx"), ERR_REJECT, "bad-boundary"},
        {LITERAL(HEAD "Content-Type: multipart/mixed; boundary=\"a:=_b?'c\"\r\n\r\nx"), ERR_OK, ""},
        {LITERAL(HEAD "Content-Type: multipart/mixed\r\n\r\nx"), ERR_OK, ""},
        {LITERAL(HEAD "Content-Type: text/plain; name=\"a\\\"b\"\r\n\r\nx"), ERR_OK, ""},
        {LITERAL(HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
                      "Content-Type: multipart/mixed; boundary=\"\\\"\"\r\n\r\nx\r\n--b--\r\n"),
         ERR_REJECT, "bad-boundary"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("row %zu\n", i);
        expect(rows[i].raw, &limits, rows[i].err, rows[i].rule);
    }
}

static void repeat(struct buf *b, const char *s, size_t n)
{
    while (n--)
        buf_add_str(b, s);
}

static void test_sizes(void **state)
{
    struct mime_limits small = limits;
    struct buf b = BUF_EMPTY;

    (void)state;
    small.message_bytes = 30;
    buf_add_str(&b, "A: b\r\n\r\n");
    repeat(&b, "x", 22);
    expect(buf_span(&b), &small, ERR_OK, "");
    buf_add_str(&b, "x");
    expect(buf_span(&b), &small, ERR_LIMIT, "too-large");

    small = limits;
    small.header_line_bytes = 10;
    expect(LITERAL("A: 3456789\r\n\r\nx"), &small, ERR_OK, "");
    expect(LITERAL("A: 34567890\r\n\r\nx"), &small, ERR_LIMIT, "too-deep");
    small = limits;
    small.header_block_bytes = 8;
    expect(LITERAL("A: b\r\n\r\nx"), &small, ERR_OK, "");
    expect(LITERAL("A: bc\r\n\r\nx"), &small, ERR_LIMIT, "too-deep");

    buf_clear(&b);
    buf_add_str(&b, HEAD "Content-Type: multipart/mixed; boundary=");
    repeat(&b, "b", 200);
    buf_add_str(&b, "\r\n\r\nx");
    expect(buf_span(&b), &limits, ERR_OK, "");
    buf_clear(&b);
    buf_add_str(&b, HEAD "Content-Type: multipart/mixed; boundary=");
    repeat(&b, "b", 201);
    buf_add_str(&b, "\r\n\r\nx");
    expect(buf_span(&b), &limits, ERR_REJECT, "bad-boundary");
    buf_free(&b);
}

static void test_parts(void **state)
{
    struct buf b = BUF_EMPTY;

    (void)state;
    buf_add_str(&b, HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    repeat(&b, "--b\r\n\r\nx\r\n", 999);
    expect(buf_span(&b), &limits, ERR_OK, "");
    repeat(&b, "--b\r\n\r\nx\r\n", 1);
    expect(buf_span(&b), &limits, ERR_LIMIT, "too-deep");
    buf_free(&b);
}

static void nested_multiparts(struct buf *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%sContent-Type: multipart/mixed; boundary=b%zu\r\n\r\n--b%zu\r\n", i ? "" : HEAD, i, i);
    buf_add_str(b, "\r\nx\r\n");
}

static void test_depth(void **state)
{
    struct buf b = BUF_EMPTY;

    (void)state;
    nested_multiparts(&b, 50);
    expect(buf_span(&b), &limits, ERR_OK, "");
    buf_clear(&b);
    nested_multiparts(&b, 51);
    expect(buf_span(&b), &limits, ERR_LIMIT, "too-deep");
    buf_clear(&b);
    buf_add_str(&b, HEAD);
    repeat(&b, "Content-Type: message/rfc822\r\n\r\n", 50);
    buf_add_str(&b, "A: b\r\n\r\nx");
    expect(buf_span(&b), &limits, ERR_OK, "");
    buf_clear(&b);
    repeat(&b, "Content-Type: message/rfc822\r\n\r\n", 51);
    buf_add_str(&b, "A: b\r\n\r\nx");
    expect(buf_span(&b), &limits, ERR_LIMIT, "too-deep");
    buf_clear(&b);
    /* encoded, a message is bytes and no container (RFC 2046, 5.2.1) */
    repeat(&b, "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n", 60);
    buf_add_str(&b, "x");
    expect(buf_span(&b), &limits, ERR_OK, "");
    buf_clear(&b);
    buf_add_str(&b, HEAD "Content-Type: multipart/mixed; boundary=b ");
    repeat(&b, "(", 101);
    buf_add_str(&b, "\r\n\r\nx");
    expect(buf_span(&b), &limits, ERR_LIMIT, "too-deep");
    buf_free(&b);
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Hostile sizes stay cheap: a bound of seconds, far above what is measured, catches anything quadratic. */
static void test_hostile_sizes(void **state)
{
    struct mime_limits wide = limits;
    struct buf b = BUF_EMPTY;
    double start = seconds();

    (void)state;
    wide.message_bytes = (size_t)64 << 20;
    nested_multiparts(&b, 10000);
    expect(buf_span(&b), &wide, ERR_LIMIT, "too-deep");
    buf_clear(&b);
    repeat(&b, "Content-Type: message/rfc822\r\n\r\n", 100000);
    expect(buf_span(&b), &wide, ERR_LIMIT, "too-deep");
    buf_clear(&b);
    buf_add_str(&b, "From: ");
    repeat(&b, "(", 100000);
    buf_add_str(&b, "\r\n\r\nx");
    expect(buf_span(&b), &wide, ERR_LIMIT, "too-deep");
    buf_clear(&b);
    nested_multiparts(&b, 50);
    repeat(&b, "--b0b1b2b3b4\r\n", (30 << 20) / 14);
    expect(buf_span(&b), &wide, ERR_OK, "");
    buf_clear(&b);
    buf_add_str(&b, HEAD "\r\n");
    repeat(&b, "\n", 30 << 20);
    expect(buf_span(&b), &wide, ERR_REJECT, "empty");
    assert_true(seconds() - start < 20);
    buf_free(&b);
}

static void test_tree(void **state)
{
    static const char text[] =
        "Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\none\r\n"
        "--b  \r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntwo\r\n--b--\r\nepilogue --b\r\n--b\r\n";
    struct prescan_tree t;
    const char *bodies[] = {NULL, "one", "Subject: in\r\n\r\ntwo", "two"};
    const int parents[] = {-1, 0, 0, 2};

    (void)state;
    assert_int_equal(prescan_tree_build(span_of(text), &limits, &t, NULL), ERR_OK);
    assert_int_equal(t.n, 4);
    for (size_t i = 0; i < t.n; i++) {
        assert_int_equal(t.items[i].parent, parents[i]);
        if (!bodies[i])
            continue;
        assert_int_equal(t.items[i].end - t.items[i].body_off, strlen(bodies[i]));
        assert_memory_equal(text + t.items[i].body_off, bodies[i], strlen(bodies[i]));
    }
    prescan_tree_free(&t);
}

/* A boundary that is the beginning of another, two in a row, one that cuts a header, an outer one inside an inner part.
 */
static void test_tree_edges(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--bb\r\n\r\nno\r\n--b\r\n\r\nyes\r\n--b--", 2},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n--b--\r\n", 3},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n--b--\r\n", 2},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
         "--c\r\n--b\r\n\r\nx\r\n--c\r\n\r\nstill x\r\n--b--\r\n",
         4},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b", 2},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\nno boundary at all\r\n", 1},
        {"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\ny\r\n--b--\r\n", 3},
        {"Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct prescan_tree t;

        print_message("row %zu\n", i);
        assert_int_equal(prescan_tree_build(span_of(rows[i].text), &limits, &t, NULL), ERR_OK);
        assert_int_equal(t.n, rows[i].n);
        for (size_t k = 0; k < t.n; k++) {
            assert_true(t.items[k].header_off + t.items[k].header_len <= t.items[k].body_off);
            assert_true(t.items[k].body_off <= t.items[k].end);
        }
        prescan_tree_free(&t);
    }
}

static void test_pgp(void **state)
{
    static const struct {
        struct span in;
        enum err err;
    } rows[] = {
        {LITERAL(""), ERR_REJECT},
        {LITERAL("plain text"), ERR_OK},
        {LITERAL("-----BEGIN PGP MESSAGE-----\n\nwQEB0gH/\n=abcd\n-----END PGP MESSAGE-----\n"), ERR_OK},
        {LITERAL("-----BEGIN PGP MESSAGE-----\r\nVersion: x\r\n\r\nwQEB0gH/\r\n-----END PGP MESSAGE-----\r\n"), ERR_OK},
        {LITERAL("-----BEGIN PGP MESSAGE-----\n\nwQEB0gH/\n=abcd\n-----END PGP MESS"), ERR_REJECT},
        {LITERAL("-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----\n"), ERR_REJECT},
        {LITERAL("-----BEGIN PGP MESSAGE-----\n\nwQEB0gn/\n-----END PGP MESSAGE-----\n"), ERR_REJECT},
        {LITERAL("-----BEGIN PGP MESSAGE-----\nwQEB0gH/\n-----END PGP MESSAGE-----\n"), ERR_OK},
        {LITERAL("\xc1\x01\x01\xd2\x01\xff"), ERR_OK},         /* PKESK, SEIPD */
        {LITERAL("\xc1\x01\x01\xd2\x02\xff"), ERR_REJECT},     /* one octet short */
        {LITERAL("\xc1\x01\x01\xd2"), ERR_REJECT},             /* no length */
        {LITERAL("\xc1\x01\x01\xd2\xe1\xff\xff\x00"), ERR_OK}, /* partial, then an end of no octets */
        {LITERAL("\xc1\x01\x01\xd2\xe1\xff\xff"), ERR_REJECT},
        {LITERAL("\xc1\x01\x01\xd2\xff\x00\x00\x00\x02x"), ERR_REJECT},
        {LITERAL("\xc1\x01\x01\xd2\xff\xff\xff\xff\xffx"), ERR_REJECT},
        {LITERAL("\x85\x00\x01x\xa6x"), ERR_REJECT}, /* old format: two octets of length, then four */
        {LITERAL("\x85\x00\x01x\xa7x"), ERR_OK},     /* old format of no stated length */
        {LITERAL("\xffno tag of a message"), ERR_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct diag why = {0};

        print_message("row %zu\n", i);
        assert_int_equal(prescan_pgp(rows[i].in, &why), rows[i].err);
        assert_string_equal(why.rule, rows[i].err == ERR_OK ? "" : "truncated");
    }
}

static void test_skeleton(void **state)
{
    static const char text[] =
        "From: \"a\" (((( <a@example.org>\r\nContent-Type: multipart/mixed;\r\n boundary=\"b\"\r\n"
        "Content-Type: text/plain; x=(\r\n\r\n--b\r\nContent-Type: text/plain; y=\"(\"\r\n\r\nContent-Type: "
        "(\r\n--b--\r\n";
    struct prescan_tree t;
    struct buf out = BUF_EMPTY;

    (void)state;
    assert_int_equal(prescan_tree_build(span_of(text), &limits, &t, NULL), ERR_OK);
    prescan_tree_skeleton(span_of(text), &t, &out);
    assert_int_equal(out.len, sizeof text - 1);
    assert_null(strchr(buf_text(&out), '('));
    assert_null(strchr(buf_text(&out), '<'));
    assert_non_null(strstr(buf_text(&out), "Content-Type: multipart/mixed;\r\n boundary=\"b\"\r\n"));
    assert_null(strstr(buf_text(&out), "Content-Type: text/plain"));
    buf_free(&out);
    prescan_tree_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),      cmocka_unit_test(test_sizes),         cmocka_unit_test(test_parts),
        cmocka_unit_test(test_depth),      cmocka_unit_test(test_hostile_sizes), cmocka_unit_test(test_tree),
        cmocka_unit_test(test_tree_edges), cmocka_unit_test(test_pgp),           cmocka_unit_test(test_skeleton),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
