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

/* The forms of notices without fields, as the parsers of others know them (the detectors of GNU Mailman's flufl.bounce,
 * the engines of Sisimai, Mail::DeliveryStatus::BounceParser), each in words of our own as far as the form lets us. */

#define DAEMON "From: MAILER-DAEMON@mx.example\r\nSubject: Returned mail\r\n"
#define OFFICE "From: Postmaster <postmaster@mx.example>\r\nSubject: Undeliverable: x\r\n"
#define RITA   "From: Rita <rita@x.example>\r\nReturn-Path: <rita@x.example>\r\n"

struct row {
    const char *head, *body, *wanted;
};

static void expect_all(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *text = mem_printf("%sTo: list@example.org\r\n\r\n%s", rows[i].head, rows[i].body);
        struct mime_message m;
        struct diag why;
        struct dsn d;
        struct buf b = BUF_EMPTY;

        assert_int_equal(mime_parse(span_of(text), &MIME_LIMITS_DEFAULT, &m, &why), ERR_OK);
        dsn_read(span_of(text), &m, &d);
        buf_add_str(&b, dsn_class_name(d.class));
        for (size_t at = 0; at < d.n; at++)
            buf_printf(&b, "%s%s", at ? "," : " ", d.recipients[at].address ? d.recipients[at].address : "-");
        if (strcmp(buf_text(&b), rows[i].wanted) != 0)
            print_message("%s%s\n", rows[i].head, rows[i].body);
        assert_string_equal(buf_text(&b), rows[i].wanted);
        buf_free(&b);
        dsn_free(&d);
        mime_message_free(&m);
        free(text);
    }
}

#define EXPECT(rows) expect_all(rows, sizeof rows / sizeof rows[0])

/* Where the address stands. */
static void test_places(void **state)
{
    static const struct row rows[] = {
        {DAEMON,
         "|--- Failed addresses follow: ---|\r\n a@x.example ... unknown host\r\n|--- Message text follows: ---|\r\n",
         "permanent a@x.example"},
        {DAEMON, "These did NOT get it:\r\n\r\n> a@x.example\r\n\r\n--- Session ---\r\n", "permanent a@x.example"},
        {DAEMON, "Intended recipient:  <a@x.example>\r\nReason: no such account\r\n", "permanent a@x.example"},
        {DAEMON, "It was addressed to 'a@x.example' and came back.\r\n", "permanent a@x.example"},
        {DAEMON, "  * a@x.example\r\n", "permanent a@x.example"},
        {DAEMON, "Any label: [a@x.example]\r\nReply to: b@x.example\r\n", "permanent a@x.example"},
        {DAEMON, "Error-for:  a@x.example\r\nError-Text: No such local user.\r\n", "permanent a@x.example"},
        {DAEMON, "a@x.example [User unknown]\r\n", "permanent a@x.example"},
        {DAEMON, "a@x.example, ERROR CODE :550 - none such\r\n", "permanent a@x.example"},
        {DAEMON, "To:<a@x.example>:\r\nRemote host said: 550 gone\r\n", "permanent a@x.example"},
        {DAEMON, "  RCPT TO: a@x.example\r\n  From: b@x.example\r\n", "permanent a@x.example"},
        {DAEMON, "Sent <<< RCPT TO:<a@x.example>\r\nReceived >>> 550 5.1.1 <a@x.example>... none\r\n",
         "permanent a@x.example"},
        {OFFICE, "did not reach:\r\n\r\nc=US;a= ;p=Org;dda:SMTP=a@x.example; on Monday\r\n", "permanent a@x.example"},
        {OFFICE, "did not reach:\r\n\r\nAnn Ex (SMTP=a@x.example) on Monday\r\n", "permanent a@x.example"},
        /* the one that we know, where the other is hidden */
        {DAEMON, "It failed for:\r\n\r\n  an undisclosed address\r\n    (generated from a@x.example)\r\n",
         "permanent a@x.example"},
        {DAEMON, "It failed for:\r\n\r\n  b@x.example\r\n    (generated from a@x.example)\r\n",
         "permanent b@x.example"},
        {DAEMON, "\\name\r\n    (expanded from: <a@x.example>)\r\n", "permanent a@x.example"},
        /* a name without its domain */
        {"From: MAILER-DAEMON@x.example\r\nSubject: Returned mail\r\n",
         "It was undeliverable to the following:\r\n\tname (user not found)\r\n", "permanent name@x.example"},
        {"From: Postmaster <postmaster@x.example>\r\nSubject: Undeliverable message\r\n",
         "Receiver not found: name\r\n\r\nAsk us: help@x.example\r\n", "permanent name@x.example"},
        {"From: MAILER-DAEMON@x.example\r\nSubject: Returned mail\r\n",
         "Not delivered to:\r\n\r\n name    No matches\r\n\r\nTry other.name@x.example instead.\r\n",
         "permanent name@x.example"},
        {"From: MAILER-DAEMON@x.example\r\nSubject: Returned mail\r\n", "It failed:\r\n\r\nAll of it is lost.\r\n",
         "permanent -"},
    };

    (void)state;
    EXPECT(rows);
}

/* What is said of it. */
static void test_reasons(void **state)
{
    static const struct row rows[] = {
        {DAEMON, "<a@x.example>: no such mailbox; looks like spam\r\n", "permanent a@x.example"},
        {DAEMON, "<a@x.example>: the recipient's address is not known here, blocked\r\n", "permanent a@x.example"},
        {DAEMON, "<a@x.example>: this mailbox is currently inactive; spam\r\n", "permanent a@x.example"},
        {DAEMON, "<a@x.example>: user\r\n    is not known, spam\r\n", "permanent a@x.example"},
        {DAEMON, "<a@x.example>: the account or domain may not exist, or is blacklisted\r\n", "permanent a@x.example"},
        {DAEMON, "<a@x.example>: recipient address rejected: spam\r\n", "temporary a@x.example"},
        {DAEMON, "<a@x.example>: sender address does not resolve, spam\r\n", "temporary a@x.example"},
        {DAEMON, "<a@x.example>: ip address not found in any list, spam\r\n", "temporary a@x.example"},
        {DAEMON, "<a@x.example>: mailbox ann (12) is full\r\n", "full a@x.example"},
        {DAEMON, "<a@x.example>: messages in the mailbox exceeded the local limit\r\n", "full a@x.example"},
        {DAEMON, "<a@x.example>: message size exceeds size limit\r\n", "temporary a@x.example"},
        /* codes, and words beside them */
        {DAEMON, "<a@x.example>: 550 5.7.1 No such user!\r\n", "permanent a@x.example"},
        {DAEMON, "<a@x.example>: 554 5.7.1 policy reasons\r\n", "temporary a@x.example"},
        {DAEMON, "<a@x.example>: 550 5.1.1 rejected as spam\r\n", "permanent a@x.example"},
        {DAEMON, "<a@x.example>: 550 5.1.1 max message size exceeded\r\n", "temporary a@x.example"},
        {DAEMON, "<a@x.example>: 450 4.1.1 no such user\r\n", "temporary a@x.example"},
        {DAEMON, "<a@x.example>: connection timed out\r\n", "temporary a@x.example"},
        {DAEMON, "<a@x.example>: connection timed out, giving up\r\n", "permanent a@x.example"},
        {DAEMON, "<a@x.example>: 550 connection timed out\r\n", "permanent a@x.example"},
        {DAEMON, "<a@x.example>: 521 we take no mail; spam\r\n", "temporary a@x.example"},
        {DAEMON, "<a@x.example>: 521 we take no mail\r\n", "permanent a@x.example"},
        {DAEMON, "<a@x.example>: 554 account disabled\r\n451 4.4.1 read error\r\n", "permanent a@x.example"},
        /* names are no words, nor are parts of words */
        {DAEMON, "<spam@x.example>: sorry\r\n", "permanent spam@x.example"},
        {DAEMON, "<a@x.example>: host spam.x.example[192.0.2.1] said: gone\r\n", "permanent a@x.example"},
        {DAEMON, "<a@x.example>: blocked.x.example [192.0.2.1] says gone\r\n", "permanent a@x.example"},
        {DAEMON, "<a@x.example>: gone from hotspam\r\n", "permanent a@x.example"},
        {DAEMON, "<a@x.example>: blocked using bl.x.example\r\n", "temporary a@x.example"},
        {DAEMON, "<a@x.example>: this is spam. [550]\r\n", "temporary a@x.example"},
        {DAEMON, "<a@x.example>: spam.x.example. [2001:db8::1] says gone\r\n", "permanent a@x.example"},
    };

    (void)state;
    EXPECT(rows);
}

/* Other languages; and none that is known here, where codes and an address speak. */
static void test_languages(void **state)
{
    static const struct row rows[] = {
        {"From: Postmaster <postmaster@mx.example>\r\nSubject: Unzustellbar: x\r\n",
         "a@x.example am Montag\r\n    Das Konto ist nicht vorhanden.\r\n", "permanent a@x.example"},
        {"From: postmaster@mx.example\r\nSubject: Onbestelbaar: x\r\n", "a@x.example op maandag\r\n",
         "permanent a@x.example"},
        {"From: postmaster@mx.example\r\nSubject: Recapito non riuscito: x\r\n", "a@x.example\r\n",
         "permanent a@x.example"},
        {"From: postmaster@mx.example\r\nSubject: No se puede entregar: x\r\n", "a@x.example\r\n",
         "permanent a@x.example"},
        {"From: postmaster@mx.example\r\nSubject: =?utf-8?Q?N=C3=A3o_=C3=A9_poss=C3=ADvel_entregar:_x?=\r\n",
         "a@x.example\r\n", "permanent a@x.example"},
        {"From: postmaster@mx.example\r\nSubject: =?utf-8?B?0J3QtSDQtNC+0YHRgtCw0LLQu9C10L3Qvg==?=\r\n",
         "a@x.example\r\n", "permanent a@x.example"},
        {"From: postmaster@mx.example\r\nSubject: Non recapitabile: x\r\n",
         "Recapito non riuscito:\r\n\r\na@x.example\r\n", "permanent a@x.example"},
        {"From: postmaster@mx.example\r\nSubject: Toimitus ep\xc3\xa4onnistui: x\r\n", "a@x.example\r\n",
         "permanent a@x.example"},
        {"From: postmaster@mx.example\r\nSubject: Imposibil de livrat: x\r\n", "a@x.example\r\n",
         "permanent a@x.example"},
        {"From: postmaster@mx.example\r\nSubject: Xyzzy\r\n", "Plugh:\r\n\r\na@x.example 550 5.1.1 xyzzy\r\n",
         "permanent a@x.example"},
        {"From: postmaster@mx.example\r\nSubject: Xyzzy\r\n", "Plugh:\r\n\r\na@x.example\r\n#4.2.2\r\n",
         "full a@x.example"},
        {"From: postmaster@mx.example\r\nSubject: Xyzzy\r\n", "Plugh, a@x.example plugh.\r\n", "not-a-bounce"},
        {"From: MAILER-DAEMON@mx.example\r\nSubject: Welcome\r\n", "Plugh.\r\n", "not-a-bounce"},
        {"From: MAILER-DAEMON@mx.example\r\nSubject: Delivery Notification: it has been successful\r\n",
         "a@x.example has it.\r\n", "not-a-bounce"},
    };

    (void)state;
    EXPECT(rows);
}

/* Who reports of mail programs uses the words of their notices. */
static void test_persons(void **state)
{
    static const struct row rows[] = {
        {RITA "Subject: Undeliverable mail crashes the parser\r\n",
         "This could not be delivered:\r\n\r\n<a@x.example>: 550 user unknown\r\n", "not-a-bounce"},
        {RITA "Subject: Returned mail triggers a use after free\r\n", "<a@x.example>: 550 no such user\r\n",
         "not-a-bounce"},
        {RITA "Subject: Failure notice: parsing bug\r\n", "It ends there.\r\n", "not-a-bounce"},
        {RITA "Subject: Delivery status notification injection\r\n",
         "Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n", "not-a-bounce"},
        {RITA "Subject: The part that is attached ends it\r\nMIME-Version: 1.0\r\n"
              "Content-Type: multipart/mixed; boundary=b\r\n",
         "--b\r\n\r\nSee.\r\n--b\r\nContent-Type: message/delivery-status\r\nContent-Disposition: attachment\r\n\r\n"
         "Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: "
         "5.1.1\r\n--b--\r\n",
         "not-a-bounce"},
        /* the same of a server, which attaches it too */
        {OFFICE "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n",
         "--b\r\n\r\nSee.\r\n--b\r\nContent-Type: message/delivery-status\r\nContent-Disposition: attachment\r\n\r\n"
         "Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: "
         "5.1.1\r\n--b--\r\n",
         "permanent a@x.example"},
        /* a gateway under a name of its own */
        {"From: gate@mx.example\r\nSubject: Returned Mail - Error During Delivery\r\n",
         "--- Failed ---\r\n\r\n<a@x.example>: mailbox unavailable. [550]\r\n", "permanent a@x.example"},
        {"From: Gateway <gate@mx.example>\r\nReturn-Path: <gate@mx.example>\r\nSubject: Undeliverable message\r\n",
         "--- Failure ---\r\n\r\nnot listed in the directory\r\na@x.example\r\n", "permanent a@x.example"},
    };

    (void)state;
    EXPECT(rows);
}

/* Fields that say it in ways of their own. */
static void test_odd_fields(void **state)
{
    static const struct row rows[] = {
        {DAEMON "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n",
         "--b\r\n\r\nx\r\n--b\r\nContent-Type: message/xdelivery-status\r\n\r\nFinal-Recipient: "
         "rfc822;rfc822;a@x.example"
         "\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n",
         "permanent a@x.example"},
        {DAEMON "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
         "--b\r\n\r\nx\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; "
         "\"a@x.example\"\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\nFinal-Recipient: rfc822; \"b c\"@x.example\r\n"
         "Action: failed\r\nStatus: 5.1.1\r\n\r\nFinal-Recipient: rfc822; mailto:d@x.example\r\nAction: failed\r\n"
         "Status: 5.1.1\r\n--b--\r\n",
         "permanent a@x.example,\"b c\"@x.example,d@x.example"},
        {DAEMON "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
         "--b\r\n\r\nx\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: local; \\name\r\n"
         "X-Actual-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n",
         "permanent a@x.example"},
        {DAEMON "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
         "--b\r\n\r\n<a@x.example>: it failed\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
         "Final-Recipient: local; \\name\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n",
         "permanent a@x.example"},
    };

    (void)state;
    EXPECT(rows);
}

/* What must not take the square of its length: many addresses, brackets and @ in one line. */
static void test_long_lines(void **state)
{
    static const char *const pieces[] = {"a@x.example ", "@", "host a.b", "a[1", "no user not ", "<", "a.a.", "5.1."};

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct buf b = BUF_EMPTY;
        struct mime_message m;
        struct diag why;
        struct dsn d;

        buf_add_str(&b, DAEMON "To: list@example.org\r\n\r\n");
        while (b.len < 60000)
            buf_add_str(&b, pieces[i]);
        assert_int_equal(mime_parse(buf_span(&b), &MIME_LIMITS_DEFAULT, &m, &why), ERR_OK);
        dsn_read(buf_span(&b), &m, &d);
        dsn_free(&d);
        mime_message_free(&m);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),  cmocka_unit_test(test_reasons),    cmocka_unit_test(test_languages),
        cmocka_unit_test(test_persons), cmocka_unit_test(test_odd_fields), cmocka_unit_test(test_long_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
