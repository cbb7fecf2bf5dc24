#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/frame.h"
#include "base/mem.h"
#include "codec/dsn.h"

#include <stdlib.h>
#include <string.h>

static const char two[] = "From: MAILER-DAEMON@mx.example\r\nSubject: Returned mail\r\n"
                          "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
                          "--b\r\n\r\nIt failed.\r\n"
                          "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
                          "Final-Recipient: rfc822; a@x.example\r\nOriginal-Recipient: rfc822; o@x.example\r\n"
                          "Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 unknown\r\n\r\n"
                          "Final-Recipient: rfc822; b@x.example\r\nAction: delayed\r\nStatus: 4.2.2\r\n\r\n"
                          "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <1@x.example>\r\n\r\n--b--\r\n";

static void read_mail(const char *text, struct buf *packed)
{
    struct mime_message m;
    struct diag why;
    struct dsn d;

    assert_int_equal(mime_parse(span_of(text), &MIME_LIMITS_DEFAULT, &m, &why), ERR_OK);
    dsn_read(span_of(text), &m, &d);
    dsn_put(&d, packed);
    dsn_free(&d);
    mime_message_free(&m);
}

static void test_there_and_back(void **state)
{
    struct buf packed = BUF_EMPTY, again = BUF_EMPTY;
    struct diag why;
    struct dsn d;

    (void)state;
    read_mail(two, &packed);
    assert_int_equal(dsn_get(buf_span(&packed), &d, &why), ERR_OK);
    assert_int_equal(d.n, 2);
    assert_int_equal(d.class, DSN_PERMANENT);
    assert_true(d.given_up && d.by_fields);
    assert_string_equal(d.recipients[0].address, "a@x.example");
    assert_string_equal(d.recipients[0].original, "o@x.example");
    assert_string_equal(d.recipients[0].status, "5.1.1");
    assert_int_equal(d.recipients[0].reply, 550);
    assert_string_equal(d.recipients[1].address, "b@x.example");
    assert_null(d.recipients[1].original);
    assert_int_equal(d.recipients[1].class, DSN_FULL);
    assert_string_equal(d.original_message_id, "<1@x.example>");
    dsn_put(&d, &again);
    assert_int_equal(again.len, packed.len);
    assert_memory_equal(again.data, packed.data, packed.len);
    dsn_free(&d);
    buf_free(&packed);
    buf_free(&again);
}

/* No bounce is a frame too. */
static void test_none(void **state)
{
    struct buf packed = BUF_EMPTY;
    struct diag why;
    struct dsn d;

    (void)state;
    read_mail("From: a@x.example\r\nSubject: A hole\r\n\r\nIt is here.\r\n", &packed);
    assert_int_equal(dsn_get(buf_span(&packed), &d, &why), ERR_OK);
    assert_int_equal(d.class, DSN_NOT);
    assert_int_equal(d.n, 0);
    dsn_free(&d);
    buf_free(&packed);
}

/* Controls that fields bring do not go on. */
static void test_controls(void **state)
{
    static const char mail[] =
        "From: MAILER-DAEMON@mx.example\r\nSubject: Returned mail\r\n"
        "X-Failed-Recipients: \"a\x01\x7f\"@x.example, \"a\x02\x03\"@x.example\r\n\r\nIt failed.\r\n";
    struct buf packed = BUF_EMPTY;
    struct diag why;
    struct dsn d;

    (void)state;
    read_mail(mail, &packed);
    assert_int_equal(dsn_get(buf_span(&packed), &d, &why), ERR_OK);
    assert_int_equal(d.n, 1);
    assert_string_equal(d.recipients[0].address, "\"a??\"@x.example");
    dsn_free(&d);
    buf_free(&packed);
}

/* What is cut, longer, or changed anywhere is refused, or is still what the header promises. */
static void test_damaged(void **state)
{
    struct buf packed = BUF_EMPTY;
    struct diag why;
    struct dsn d;

    (void)state;
    read_mail(two, &packed);
    for (size_t n = 0; n < packed.len; n++) {
        assert_int_equal(dsn_get((struct span){packed.data, n}, &d, &why), ERR_REJECT);
        assert_int_equal(d.n, 0);
    }
    for (size_t i = 0; i < packed.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            packed.data[i] ^= (uint8_t)(1u << bit);
            if (dsn_get(buf_span(&packed), &d, &why) == ERR_OK) {
                for (size_t at = 0; at < d.n; at++) {
                    assert_in_range(d.recipients[at].class, DSN_DELAY, DSN_PERMANENT);
                    assert_in_range(d.recipients[at].reply, 0, 599);
                    assert_int_equal(strspn(d.recipients[at].status, "0123456789."), strlen(d.recipients[at].status));
                }
                dsn_free(&d);
            }
            packed.data[i] ^= (uint8_t)(1u << bit);
        }
    buf_add_byte(&packed, 0);
    assert_int_equal(dsn_get(buf_span(&packed), &d, &why), ERR_REJECT);
    buf_free(&packed);
}

static void put_recipient(struct buf *b, const char *address, uint32_t class, const char *status, uint32_t reply)
{
    frame_put_str(b, address);
    frame_put_str(b, NULL);
    frame_put_u32(b, class);
    frame_put_str(b, status);
    frame_put_u32(b, reply);
    frame_put_bool(b, true);
}

static void test_hostile(void **state)
{
    static const struct {
        const char *address, *status;
        uint32_t class, reply;
        enum err wanted;
    } rows[] = {{"a@x", "5.1.1", DSN_PERMANENT, 550, ERR_OK},   {NULL, "", DSN_DELAY, 0, ERR_OK},
                {"a@x", "5.1.1", DSN_NOT, 550, ERR_REJECT},     {"a@x", "5.1.1", DSN_PERMANENT + 1, 0, ERR_REJECT},
                {"a@x", "5.123.4567", DSN_DELAY, 0, ERR_OK},    {"a@x", "5.123.456789", DSN_DELAY, 0, ERR_REJECT},
                {"a@x", "5.1.x", DSN_DELAY, 0, ERR_REJECT},     {"a@x", NULL, DSN_DELAY, 0, ERR_REJECT},
                {"a\nb@x", "5.1.1", DSN_DELAY, 0, ERR_REJECT},  {"a@x", "", DSN_DELAY, 600, ERR_REJECT},
                {"a@x", "", DSN_DELAY, 0x80000000u, ERR_REJECT}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b = BUF_EMPTY;
        struct diag why;
        struct dsn d;

        frame_put_bool(&b, false);
        frame_put_str(&b, NULL);
        frame_put_u32(&b, 1);
        put_recipient(&b, rows[i].address, rows[i].class, rows[i].status, rows[i].reply);
        assert_int_equal(dsn_get(buf_span(&b), &d, &why), rows[i].wanted);
        dsn_free(&d);
        buf_free(&b);
    }
}

/* As many as there may be, and one more. */
static void test_many(void **state)
{
    (void)state;
    for (uint32_t n = DSN_RECIPIENTS_MAX; n <= DSN_RECIPIENTS_MAX + 1; n++) {
        struct buf b = BUF_EMPTY;
        struct diag why;
        struct dsn d;

        frame_put_bool(&b, true);
        frame_put_str(&b, NULL);
        frame_put_u32(&b, n);
        for (uint32_t i = 0; i < n; i++)
            put_recipient(&b, "a@x", DSN_FULL, "4.2.2", 452);
        assert_int_equal(dsn_get(buf_span(&b), &d, &why), n > DSN_RECIPIENTS_MAX ? ERR_REJECT : ERR_OK);
        dsn_free(&d);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_none),    cmocka_unit_test(test_controls),
        cmocka_unit_test(test_damaged),        cmocka_unit_test(test_hostile), cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
