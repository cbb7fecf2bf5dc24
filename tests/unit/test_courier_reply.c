#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/courier_reply.h"

static void test_set(void **state)
{
    static const struct {
        int code;
        const char *text, *enhanced;
    } replies[] = {
        {250, "2.0.0 Ok", "2.0.0"},
        {250, "2.0.0", "2.0.0"},
        {550, "5.1.1 <ann@example.net> unknown", "5.1.1"},
        {550, "5.123.999 far", "5.123.999"},
        {550, "5.1234.9 too far", ""},
        {550, "5.1.", ""},
        {550, "5..1", ""},
        {550, "5.1.1x", ""},
        {550, "4.1.1 says something else", ""},
        {550, "no such user", ""},
        {550, "", ""},
        {550, NULL, ""},
        {0, NULL, ""},
    };
    struct courier_reply r;

    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        courier_reply_set(&r, replies[i].code, replies[i].text);
        assert_int_equal(r.code, replies[i].code);
        assert_string_equal(r.enhanced, replies[i].enhanced);
    }
}

static void test_judge(void **state)
{
    static const struct {
        int code;
        const char *text;
        enum courier_step step;
        enum courier_outcome outcome;
        const char *begins;
    } replies[] = {
        {450, "4.2.0 later", COURIER_RCPT, COURIER_DEFERRED, "450 4.2.0 at RCPT"},
        {450, NULL, COURIER_RCPT, COURIER_DEFERRED, "450 at RCPT"},
        {550, "5.1.1 no", COURIER_RCPT, COURIER_FAILED, "550 5.1.1 at RCPT: the mail server refuses the address"},
        {550, NULL, COURIER_MAIL, COURIER_FAILED, "550 at MAIL: the mail server refuses our envelope sender"},
        {554, NULL, COURIER_DATA, COURIER_FAILED, "554 at DATA: the mail server refuses the mail itself"},
        {552, NULL, COURIER_DATA, COURIER_FAILED, "552 at DATA: it is too large"},
        {554, "5.2.3 too large", COURIER_DATA, COURIER_FAILED, "554 5.2.3 at DATA: it is too large"},
        {599, NULL, COURIER_DATA, COURIER_FAILED, "599"},
        {600, NULL, COURIER_DATA, COURIER_DEFERRED, "600 at DATA"},
        {399, NULL, COURIER_DATA, COURIER_DEFERRED, "399 at DATA"},
        {200, NULL, COURIER_DATA, COURIER_DEFERRED, "200 at DATA"},
        {554, "5.7.1 no", COURIER_OPENING, COURIER_DEFERRED, "554 5.7.1 at opening the session"},
        {500, NULL, COURIER_RCPT, COURIER_DEFERRED, "500 at RCPT"},
        {504, NULL, COURIER_RCPT, COURIER_DEFERRED, "504 at RCPT"},
        {505, NULL, COURIER_RCPT, COURIER_FAILED, "505 at RCPT"},
        {521, NULL, COURIER_MAIL, COURIER_DEFERRED, "521 at MAIL"},
        {530, NULL, COURIER_MAIL, COURIER_DEFERRED, "530 at MAIL"},
        {539, NULL, COURIER_MAIL, COURIER_DEFERRED, "539 at MAIL"},
        {540, NULL, COURIER_MAIL, COURIER_FAILED, "540 at MAIL"},
        {0, NULL, COURIER_DATA, COURIER_DEFERRED, "smtp.dropped: the connection ended before the reply to DATA"},
    };
    char out[COURIER_CODE_SIZE];
    struct courier_reply r;

    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        courier_reply_set(&r, replies[i].code, replies[i].text);
        assert_int_equal(courier_reply_judge(&r, replies[i].step, out), replies[i].outcome);
        assert_memory_equal(out, replies[i].begins, strlen(replies[i].begins));
        assert_true(replies[i].outcome != COURIER_FAILED || strstr(out, "queue retry"));
    }
}

static void test_queue_id(void **state)
{
    static const char *const ids[][2] = {
        {"2.0.0 Ok: queued as 4Y5hXy2Kjcz1yW", "4Y5hXy2Kjcz1yW"},                 /* Postfix */
        {"Ok: queued as 3B2C4D5E6F\r\n", "3B2C4D5E6F"},                           /* the same, without enhanced codes */
        {"2.0.0 Ok: 1234 bytes queued as 4Y5hXy2Kjcz1yW", "4Y5hXy2Kjcz1yW"},      /* the same, in chunks */
        {"OK id=1tEx4M-00000001abc-0aBC", "1tEx4M-00000001abc-0aBC"},             /* Exim */
        {"2.0.0 4AMK0abc123456 Message accepted for delivery", "4AMK0abc123456"}, /* Sendmail */
        {"2.0.0 a1b2c3d4 Message accepted for delivery", "a1b2c3d4"},             /* OpenSMTPD */
        {"2.0.0 queued as ABCDE.", "ABCDE"},
        {"2.0.0 Ok", ""},
        {"Ok", ""},
        {"2.0.0 Message accepted for delivery", ""},
        {"queued as ", ""},
        {"queued as Ok", ""},
        {"queued as 12'; DROP", ""},
        {"", ""},
        {NULL, ""},
    };
    char out[COURIER_QUEUE_ID_SIZE], text[200] = "queued as ";

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        assert_int_equal(courier_reply_queue_id(ids[i][0], out), *ids[i][1] != 0);
        assert_string_equal(out, ids[i][1]);
    }
    memset(text + 10, 'A', 64);
    assert_true(courier_reply_queue_id(text, out));
    text[10 + 64] = 'A';
    assert_false(courier_reply_queue_id(text, out));
}

/* What comes in pieces, with "|" between what is asked. */
static void test_watch(void **state)
{
    static const struct {
        const char *bytes;
        int refusal;
        bool surplus;
    } sessions[] = {
        {"220 hello\r\n|250 ok\r\n", 0, false},
        {"220-hello\r\n220 there\r\n|250-a\r\n250-b\r\n250 c\r\n|220 go\r\n", 0, false},
        {"554 5.7.1 no\r\n|221 bye\r\n", 554, false},
        {"220 hello\r\n|502 what\r\n|250 ok\r\n", 0, false},
        {"220 hello\r\n|502 what\r\n|550 no\r\n|221 bye\r\n", 550, false},
        {"220 hello\r\n|250 ok\r\n250 more\r\n", 0, true},
        {"220 hello\r\n|250 ok\r\nx|", 0, true},
        {"220 hello\r\n220 go\r\n|", 0, true},
        {"220\r\n|250\n", 0, false},
        {"22\r\n|what\r\n-\r\n\r\n", 0, false},
        {"", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof sessions / sizeof sessions[0]; i++)
        for (size_t piece = 1; piece < 9; piece++) {
            struct courier_watch w = {0};

            for (const char *at = sessions[i].bytes; *at;) {
                size_t n = strcspn(at, "|");

                if (n > piece)
                    n = piece;
                if (n)
                    courier_watch_read(&w, at, n);
                else
                    courier_watch_asked(&w);
                at += n ? n : 1;
            }
            assert_int_equal(w.refusal.code, sessions[i].refusal);
            assert_int_equal(w.surplus, sessions[i].surplus);
        }
}

/* Lines without end, and NUL bytes, stay within bounds. */
static void test_watch_hide(void **state)
{
    static const struct {
        const char *said, *left;
    } rows[] = {
        {"250-SIZE\r\n250-CHUNKING\r\n250 HELP\r\n", "250-SIZE\r\n250-CHUNKIN-\r\n250 HELP\r\n"},
        {"250-chunking\r\n250 Chunking\r\n", "250-chunkin-\r\n250 Chunkin-\r\n"},
        {"250 CCHUNKINGG\r\n", "250 CCHUNKIN-G\r\n"},
        {"250 CHUNCHUNKING\r\n", "250 CHUNCHUNKIN-\r\n"},
        {"250-CHUNKIN\r\n250 G\r\n", "250-CHUNKIN\r\n250 G\r\n"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t block = 1; block < 64; block++) {
            struct courier_watch w = {0};
            char bytes[64];
            size_t len = strlen(rows[i].said);

            memcpy(bytes, rows[i].said, len + 1);
            for (size_t at = 0; at < len; at += block)
                courier_watch_hide(&w, bytes + at, len - at < block ? len - at : block);
            assert_string_equal(bytes, rows[i].left);
        }
}

static void test_watch_hostile(void **state)
{
    struct courier_watch w = {0};
    char bytes[2000];

    (void)state;
    memset(bytes, '4', sizeof bytes);
    courier_watch_read(&w, bytes, sizeof bytes);
    courier_watch_read(&w, "\n", 1);
    assert_false(w.ended);
    memset(bytes, 0, sizeof bytes);
    courier_watch_read(&w, bytes, sizeof bytes);
    courier_watch_read(&w, "\n421 no\n", 8);
    assert_true(w.ended);
    assert_int_equal(w.refusal.code, 421);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),   cmocka_unit_test(test_judge),      cmocka_unit_test(test_queue_id),
        cmocka_unit_test(test_watch), cmocka_unit_test(test_watch_hide), cmocka_unit_test(test_watch_hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
