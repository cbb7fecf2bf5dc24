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

static void read_mail(const char *text, struct dsn *out)
{
    struct mime_message m;
    struct diag why;

    assert_int_equal(mime_parse(span_of(text), &MIME_LIMITS_DEFAULT, &m, &why), ERR_OK);
    dsn_read(span_of(text), &m, out);
    mime_message_free(&m);
}

/* "class address,address code", as a test states it. */
static char *told(const struct dsn *d)
{
    struct buf b = BUF_EMPTY;

    buf_add_str(&b, dsn_class_name(d->class));
    for (size_t i = 0; i < d->n; i++)
        buf_printf(&b, "%s%s", i ? "," : " ", d->recipients[i].address ? d->recipients[i].address : "-");
    return buf_take(&b);
}

static void expect(const char *name, const char *text, const char *wanted)
{
    struct dsn d;
    char *got;

    read_mail(text, &d);
    got = told(&d);
    if (strcmp(got, wanted) != 0)
        print_message("%s:\n", name);
    assert_string_equal(got, wanted);
    free(got);
    dsn_free(&d);
}

#define REPORT_HEAD                                                                                                    \
    "From: Mail system <mailer-daemon@mx.example.net>\r\nTo: list@example.org\r\nSubject: Report\r\n"                  \
    "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n"         \
    "--b\r\nContent-Type: text/plain\r\n\r\nWords.\r\n\r\n"

/* A report with these fields of recipients. */
static char *report(const char *type, const char *groups)
{
    return mem_printf(REPORT_HEAD "--b\r\nContent-Type: %s\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n%s\r\n"
                                  "--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <1@example.org>\r\n"
                                  "Subject: user unknown, mailbox full\r\n\r\nx\r\n--b--\r\n",
                      type, groups);
}

static void test_fields(void **state)
{
    static const struct {
        const char *groups, *wanted;
    } rows[] = {
        {"Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n", "permanent a@x.example"},
        {"Final-Recipient: rfc822;<a@x.example>\r\nAction: FAILED (bad luck)\r\nStatus: 5.1.2 (no host)\r\n",
         "permanent a@x.example"},
        {"Final-Recipient: rfc822; a@x.example\r\nAction: delayed\r\nStatus: 4.4.1\r\n", "delay a@x.example"},
        {"Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 4.4.7\r\n", "temporary a@x.example"},
        {"Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.2.2\r\n", "full a@x.example"},
        {"Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.0.0\r\n"
         "Diagnostic-Code: smtp; 552 mailbox\r\n full\r\n",
         "full a@x.example"},
        {"Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.7.1\r\n"
         "Diagnostic-Code: smtp; 554 5.7.1 looks like spam\r\n",
         "temporary a@x.example"},
        {"Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.7.1\r\n"
         "Diagnostic-Code: smtp; 550 5.7.1 no such user\r\n",
         "permanent a@x.example"},
        {"Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.3.4\r\n", "temporary a@x.example"},
        /* success, alone and beside a failure */
        {"Final-Recipient: rfc822; a@x.example\r\nAction: delivered\r\nStatus: 2.0.0\r\n", "not-a-bounce"},
        {"Final-Recipient: rfc822; a@x.example\r\nAction: relayed\r\nStatus: 2.1.9\r\n", "not-a-bounce"},
        {"Final-Recipient: rfc822; a@x.example\r\nAction: expanded\r\nStatus: 2.0.0\r\n\r\n"
         "Final-Recipient: rfc822; b@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n",
         "permanent b@x.example"},
        /* several, an empty line too few, one within a group, the same one twice */
        {"Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 4.2.2\r\n"
         "Final-Recipient: rfc822; b@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n",
         "permanent a@x.example,b@x.example"},
        {"Final-Recipient: rfc822; a@x.example\r\n\r\nAction: failed\r\n\r\nStatus: 5.1.1\r\n",
         "permanent a@x.example"},
        {"Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
         "Final-Recipient: rfc822; A@X.example\r\nAction: failed\r\nStatus: 5.1.1\r\n",
         "permanent a@x.example"},
        /* the final one is no address of the network: the original one */
        {"Original-Recipient: rfc822; a@x.example\r\nFinal-Recipient: x400; /S=a/OU=x/\r\nAction: failed\r\n"
         "Status: 5.1.1\r\n",
         "permanent a@x.example"},
        {"Final-Recipient: rfc822; \"a b\"@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n",
         "permanent \"a b\"@x.example"},
        {"Status: 5.1.1\r\nAction: failed\r\n", "not-a-bounce"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = report("message/delivery-status", rows[i].groups);

        expect(rows[i].groups, text, rows[i].wanted);
        free(text);
    }
}

/* RFC 3461, 4: xtext. RFC 6533, 3: utf-8, and its two forms in ASCII. */
static void test_original_recipient(void **state)
{
    static const struct {
        const char *value, *wanted;
    } rows[] = {
        {"rfc822; a+2Bb@x.example", "a+b@x.example"},
        {"rfc822; a+b@x.example", "a+b@x.example"},
        {"rfc822; a+2@x.example", "a+2@x.example"},
        {"utf-8; \xc3\xa9t\xc3\xa9@x.example", "\xc3\xa9t\xc3\xa9@x.example"},
        {"utf-8; \\x{E9}t\\x{e9}@x.example", "\xc3\xa9t\xc3\xa9@x.example"},
        {"utf-8; \\x{1F600}@x.example", "\xf0\x9f\x98\x80@x.example"},
        {"utf-8; \\x{D800}@x.example", "?@x.example"},
        {"utf-8; \\x{0A}@x.example", "?@x.example"},
        {"utf-8; \\x{}@x.example", "\\x{}@x.example"},
        {"rfc822; a+0Ab@x.example", "a?b@x.example"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *groups = mem_printf("Original-Recipient: %s\r\nFinal-Recipient: rfc822; z@x.example\r\n"
                                  "Action: failed\r\nStatus: 5.1.1\r\n",
                                  rows[i].value);
        char *text = report("message/global-delivery-status", groups);
        struct dsn d;

        read_mail(text, &d);
        assert_int_equal(d.n, 1);
        assert_string_equal(d.recipients[0].address, "z@x.example");
        assert_string_equal(d.recipients[0].original, rows[i].wanted);
        dsn_free(&d);
        free(groups);
        free(text);
    }
}

static void test_codes(void **state)
{
    char *text = report("message/delivery-status",
                        "Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.0.0\r\n"
                        "Diagnostic-Code: smtp; 550-5.1.1 10.5.1.1 says\r\n 550 5.1.1 no such user\r\n");
    struct dsn d;

    (void)state;
    read_mail(text, &d);
    assert_string_equal(d.recipients[0].status, "5.1.1");
    assert_int_equal(d.recipients[0].reply, 550);
    assert_true(d.recipients[0].given_up);
    assert_true(d.by_fields);
    assert_string_equal(d.original_message_id, "<1@example.org>");
    dsn_free(&d);
    free(text);
}

/* The families of prose, each in words of our own. */
static void test_prose(void **state)
{
    static const struct {
        const char *name, *head, *body, *wanted;
    } rows[] = {
        {"leading address, qmail", "From: MAILER-DAEMON@mx.example\r\nSubject: failure notice\r\n",
         "Hi, the mailer at mx.example gave up on this one.\r\n\r\n<a@x.example>:\r\nno mailbox here by that name. "
         "(#5.1.1)\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nTo: <b@x.example>\r\n",
         "permanent a@x.example"},
        {"the field, Exim", "From: Mailer-Daemon@mx.example\r\nX-Failed-Recipients: a@x.example,\r\n b@x.example\r\n",
         "A message sent by\r\n\r\n  <list@example.org>\r\n\r\nhas these bad addresses:\r\n\r\n  c@x.example\r\n",
         "permanent a@x.example,b@x.example"},
        {"reply beside it, Postfix of old", "From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered mail\r\n",
         "It came back. Ask <postmaster@mx.example>.\r\n\r\n<a@x.example>: host mx.x.example[192.0.2.1] said: 452 "
         "4.2.2 over\r\n    quota\r\n",
         "full a@x.example"},
        {"session, sendmail", "From: Mail Delivery Subsystem <daemon@mx.example>\r\nSubject: Returned mail: see it\r\n",
         "The original message was received at noon\r\n\r\n   ----- The following addresses had fatal errors "
         "-----\r\n<a@x.example>\r\n\r\n   ----- Session -----\r\n550 5.1.1 <a@x.example>... User unknown\r\n",
         "permanent a@x.example"},
        {"named in a phrase, IMail", "From: \"Postmaster\" <postmaster@mx.example>\r\nSubject: Undeliverable Mail\r\n",
         "User mailbox exceeds allowed size: a@x.example\r\n\r\nOriginal message follows.\r\n\r\nTo: b@x.example\r\n",
         "full a@x.example"},
        {"on a date, Exchange", "From: System Administrator <postmaster@mx.example>\r\nSubject: Undeliverable: x\r\n",
         "Your message\r\n\r\n  To:      list@example.org\r\n\r\ndid not reach:\r\n\r\na@x.example on Mon, 1 Jan\r\n"
         "    The recipient name is not recognized\r\n",
         "permanent a@x.example"},
        {"within a sentence, Notes", "From: Postmaster@mx.example\r\nSubject: DELIVERY FAILURE: no\r\n",
         "Your message could not be delivered because User a (a@x.example) is not listed in the directory\r\n",
         "permanent a@x.example"},
        {"a name alone, AOL", "From: MAILER-DAEMON@x.example\r\nSubject: Mail Delivery Problem\r\n",
         "Your mail to these recipients could not be delivered:\r\n\r\n\tscreenname\r\n",
         "permanent screenname@x.example"},
        {"a delay", "From: MAILER-DAEMON@mx.example\r\nSubject: Warning: message delayed 4 hours\r\n",
         "It has not yet been delivered to:\r\n\r\n  a@x.example\r\n\r\nDelivery attempts will continue.\r\n",
         "delay a@x.example"},
        {"several, each with its reason", "From: MAILER-DAEMON@mx.example\r\nSubject: failure notice\r\n",
         "Sorry.\r\n\r\n<a@x.example>:\r\n552 5.2.2 mailbox full\r\n\r\n<b@x.example>:\r\n550 5.1.1 unknown user\r\n",
         "permanent a@x.example,b@x.example"},
        {"words of no language known here", "From: MAILER-DAEMON@mx.example\r\nSubject: xyzzy\r\n",
         "Xyzzy plugh:\r\n\r\n<a@x.example>:\r\n", "permanent a@x.example"},
        {"only in the returned mail", "From: MAILER-DAEMON@mx.example\r\nSubject: Returned mail\r\n",
         "It is here again.\r\n\r\n----- Original message -----\r\nTo: a@x.example\r\nSubject: x\r\n",
         "permanent a@x.example"},
        {"nobody named", "From: MAILER-DAEMON@mx.example\r\nSubject: Returned mail\r\n", "It is here again.\r\n",
         "permanent -"},
        {"JSON, SES", "From: no-reply@sns.amazonaws.example\r\nSubject: Notification\r\n",
         "{\"Message\" : "
         "\"{\\\"notificationType\\\":\\\"Bounce\\\",\\\"bounce\\\":{\\\"bounceType\\\":\\\"Permanent\\\","
         "\\\"bouncedRecipients\\\":[{\\\"emailAddress\\\":\\\"a@x.example\\\",\\\"diagnosticCode\\\":\\\"smtp; 550 "
         "5.1.1 no such user\\\"}]}}\"}\r\n",
         "permanent a@x.example"},
        /* what is none */
        {"a person", "From: Rita <rita@x.example>\r\nSubject: The parser\r\n",
         "The mailer answers <a@x.example>:\r\n550 5.1.1 user unknown\r\n", "not-a-bounce"},
        {"a person who writes of bounces",
         "From: Rita <rita@x.example>\r\nUser-Agent: M\r\nSubject: Undeliverable mail crashes the parser\r\n",
         "A message could not be delivered:\r\n\r\n<a@x.example>:\r\n550 user unknown\r\n", "not-a-bounce"},
        {"the same by an unknown program", "From: Rita <rita@x.example>\r\nSubject: Crash on undeliverable mail\r\n",
         "A message could not be delivered:\r\n\r\n<a@x.example>:\r\n550 user unknown\r\n", "not-a-bounce"},
        {"a person who quotes a report",
         "From: Rita <rita@x.example>\r\nSubject: delivery status notification parser\r\n",
         "It overflows on:\r\n\r\nFinal-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n",
         "not-a-bounce"},
        {"a person in an office", "From: Postmaster <postmaster@x.example>\r\nSubject: A hole in your parser\r\n",
         "It ends with a fatal error and my input was rejected.\r\n", "not-a-bounce"},
        {"a vacation notice", "From: Rita <rita@x.example>\r\nReturn-Path: <>\r\nSubject: Out of office\r\n",
         "I am away; my old mailbox rita@x.example is no longer valid.\r\n", "not-a-bounce"},
        {"success in JSON", "From: no-reply@sns.amazonaws.example\r\nSubject: Notification\r\n",
         "{\"notificationType\":\"Delivery\",\"emailAddress\":\"a@x.example\"}\r\n", "not-a-bounce"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = mem_printf("%sTo: list@example.org\r\n\r\n%s", rows[i].head, rows[i].body);

        expect(rows[i].name, text, rows[i].wanted);
        free(text);
    }
}

static void test_other_reports(void **state)
{
    static const struct {
        const char *head, *type, *part, *wanted;
    } rows[] = {
        {"Subject: Read\r\n", "disposition-notification",
         "Final-Recipient: rfc822; a@x.example\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n",
         "not-a-bounce"},
        {"Subject: Automatically rejected mail\r\nAuto-Submitted: auto-replied (rejected)\r\n",
         "disposition-notification",
         "Final-Recipient: rfc822; a@x.example\r\nDisposition: automatic-action/MDN-sent-automatically; deleted\r\n",
         "full w@x.example"},
        {"Subject: FW: x\r\n", "feedback-report", "Feedback-Type: abuse\r\n", "not-a-bounce"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = mem_printf("From: MAILER-DAEMON@mx.example\r\n%sMIME-Version: 1.0\r\n"
                                "Content-Type: multipart/report; report-type=%s; boundary=b\r\n\r\n--b\r\n\r\n"
                                "Your mail to <w@x.example> was rejected: quota exceeded\r\n--b\r\n"
                                "Content-Type: message/%s\r\n\r\n%s\r\n--b--\r\n",
                                rows[i].head, rows[i].type, rows[i].type, rows[i].part);

        expect(rows[i].type, text, rows[i].wanted);
        free(text);
    }
}

/* A service dresses its question as a report of delivery. */
static void test_challenge(void **state)
{
    char *text = report("message/delivery-status",
                        "Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 4.7.0\r\n");
    char *subject = strstr(text, "Subject: Report"), *asked;

    (void)state;
    asked = mem_printf("%.*sSubject: Re: x (Action Required)%s", (int)(subject - text), text,
                       subject + strlen("Subject: Report"));
    expect("challenge", asked, "not-a-bounce");
    free(asked);
    free(text);
}

/* What other programs call it. */
static void test_verdict(void **state)
{
    static const struct {
        const char *status, *action, *wanted;
    } rows[] = {{"5.1.1", "failed", "permanent"},  {"5.2.2", "failed", "temporary"},
                {"4.4.7", "failed", "temporary"},  {"4.2.2", "delayed", "temporary"},
                {"4.4.1", "delayed", "temporary"}, {"2.0.0", "delivered", "not-a-bounce"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *groups = mem_printf("Final-Recipient: rfc822; a@x.example\r\nAction: %s\r\nStatus: %s\r\n",
                                  rows[i].action, rows[i].status);
        char *text = report("message/delivery-status", groups);
        struct dsn d;

        read_mail(text, &d);
        assert_string_equal(dsn_verdict(&d), rows[i].wanted);
        dsn_free(&d);
        free(groups);
        free(text);
    }
}

/* Thousands of recipients are cut off, and the time does not grow with their square beyond that. */
static void test_many(void **state)
{
    struct buf b = BUF_EMPTY;
    char *text;
    struct dsn d;

    (void)state;
    for (int i = 0; i < 3 * DSN_RECIPIENTS_MAX; i++)
        buf_printf(&b, "Final-Recipient: rfc822; u%d@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n", i);
    text = report("message/delivery-status", buf_text(&b));
    read_mail(text, &d);
    assert_int_equal(d.n, DSN_RECIPIENTS_MAX);
    dsn_free(&d);
    free(text);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),        cmocka_unit_test(test_original_recipient),
        cmocka_unit_test(test_codes),         cmocka_unit_test(test_prose),
        cmocka_unit_test(test_other_reports), cmocka_unit_test(test_challenge),
        cmocka_unit_test(test_verdict),       cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
