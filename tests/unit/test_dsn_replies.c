#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/dsn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One reply of a far server, as notices of several kinds hand it on: with what is in each notice of that kind around
 * it, the class is the same. */

#define DAEMON "From: MAILER-DAEMON@mx.example\r\nTo: list@example.org\r\nSubject: Returned mail\r\n"
#define REPORT                                                                                                         \
    DAEMON "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"      \
           "--b\r\n\r\n"

/* %s: the reply; the second: its status, or one that says nothing. */
static const char *const notices[] = {
    DAEMON
    "\r\nIt failed:\r\n\r\n  ann@x.example\r\n    server mx.x.example [192.0.2.9] answered RCPT TO:<ann@x.example>:"
    "\r\n    %s\r\n\r\n---- copy of the mail ----\r\n",
    DAEMON "\r\n<ann@x.example>:\r\n192.0.2.9 does not like recipient.\r\nIt said: %s\r\nNo more is tried.\r\n",
    DAEMON "\r\nFailed address: ann@x.example\r\n\r\n--- Session ---\r\n10:00: <-- 250 ok\r\n10:00: --> RCPT "
           "To:<ann@x.example>\r\n10:00: <-- %s\r\n10:00: --> QUIT\r\n\r\n: Message contains [1] file attachments\r\n",
    DAEMON "\r\n[1] Rcpt=[ann@x.example]\r\n\r\nIt was not delivered. The reason:\r\n\r\n%s\r\n\r\nHere is listed the "
           "first part of it:\r\n",
    REPORT "It came back.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
           "Final-Recipient: rfc822; ann@x.example\r\nAction: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp; %s\r\n"
           "\r\n--b--\r\n",
    REPORT "This is why:\r\n\r\n%s\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; "
           "mx.example\r\n\r\nFinal-Recipient: rfc822; ann@x.example\r\nAction: failed\r\nStatus: %s\r\n\r\n--b--\r\n",
};

struct row {
    const char *reply, *status;
    enum dsn_class wanted;
};

static void expect(const struct row *row, const char *notice)
{
    char *text = mem_printf(notice, row->reply, row->status);
    struct mime_message m;
    struct diag why;
    struct dsn d;

    assert_int_equal(mime_parse(span_of(text), &MIME_LIMITS_DEFAULT, &m, &why), ERR_OK);
    dsn_read(span_of(text), &m, &d);
    if (d.class != row->wanted || d.n != 1)
        print_message("%s: %s\n%s\n", row->reply, dsn_class_name(d.class), text);
    assert_int_equal(d.class, row->wanted);
    assert_int_equal(d.n, 1);
    assert_string_equal(d.recipients[0].address, "ann@x.example");
    dsn_free(&d);
    mime_message_free(&m);
    free(text);
}

static void expect_all(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t at = 0; at < sizeof notices / sizeof notices[0]; at++)
            expect(&rows[i], notices[at]);
}

#define EXPECT(rows) expect_all(rows, sizeof rows / sizeof rows[0])

static void test_gone(void **state)
{
    static const struct row rows[] = {
        {"550 no mailbox of that name", "5.0.0", DSN_PERMANENT},
        {"550 5.7.1 <ann@x.example>: unknown user", "5.7.1", DSN_PERMANENT},
        {"550 5.2.1 the account that you tried to reach is disabled", "5.2.1", DSN_PERMANENT},
        {"550 Mailbox unavailable or access denied", "5.0.0", DSN_PERMANENT},
        {"550 unable to validate recipient", "5.0.0", DSN_PERMANENT},
        {"550 recipient verification failed", "5.0.0", DSN_PERMANENT},
        {"550 xyzzy", "5.0.0", DSN_PERMANENT}, /* no word of it is known */
        {"550 5.1.1 xyzzy", "5.1.1", DSN_PERMANENT},
        /* hosts that take no mail for it */
        {"550 relaying to <ann@x.example> prohibited by the administrator", "5.0.0", DSN_PERMANENT},
        {"554 5.7.1 <ann@x.example>: Relay access denied", "5.7.1", DSN_PERMANENT},
        {"550 5.7.1 not allowed to relay for this host", "5.7.1", DSN_PERMANENT},
        {"550 we cannot relay that", "5.0.0", DSN_PERMANENT},
    };

    (void)state;
    EXPECT(rows);
}

static void test_full(void **state)
{
    static const struct row rows[] = {
        {"552 5.2.2 The account that you tried to reach is over quota", "5.2.2", DSN_FULL},
        {"452 4.2.2 The email account that you tried to reach is over quota", "4.2.2", DSN_FULL},
        {"550 the mailbox of ann has overdrawn its diskspace", "5.0.0", DSN_FULL},
    };

    (void)state;
    EXPECT(rows);
}

/* Of this mail, or of us. */
static void test_refused(void **state)
{
    static const struct row rows[] = {
        {"554 5.7.1 refused for policy reasons", "5.7.1", DSN_TEMPORARY},
        {"550 5.7.26 this mail does not pass authentication checks", "5.7.26", DSN_TEMPORARY},
        {"550 5.7.1 xyzzy", "5.7.1", DSN_TEMPORARY},
        {"550 permanent failure for one or more recipients (ann@x.example:blocked)", "5.0.0", DSN_TEMPORARY},
        {"550 Reverse DNS lookup failed for host 192.0.2.7", "5.0.0", DSN_TEMPORARY},
        {"550 please turn on SMTP authentication", "5.0.0", DSN_TEMPORARY},
        {"550 rejected by our content scanner", "5.0.0", DSN_TEMPORARY},
        {"550 Rejected: 192.0.2.7 listed at dnsbl.x.example", "5.0.0", DSN_TEMPORARY},
        {"550 mail from your network is not welcome here", "5.0.0", DSN_TEMPORARY},
        {"550 forged header", "5.0.0", DSN_TEMPORARY},
        {"554 5.7.1 you are not allowed to send to this list", "5.7.1", DSN_TEMPORARY},
        /* what it says of the sender */
        {"553 5.1.8 <list@example.org>... Domain of sender address list@example.org does not exist", "5.1.8",
         DSN_TEMPORARY},
        {"550 5.1.7 the originator's address is not valid", "5.1.7", DSN_TEMPORARY},
    };

    (void)state;
    EXPECT(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
