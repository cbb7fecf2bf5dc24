#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/automatic.h"

#include <stdlib.h>
#include <string.h>

static const char *rule_of(const char *sender, const char *head, const char *body)
{
    char *text = mem_printf("%sTo: security@example.org\r\n%s\r\n%s",
                            strncmp(head, "From:", 5) ? "From: Rita <rita@x.example>\r\n" : "", head, body);
    struct automatic_facts facts = {.sender = sender, .list_address = "security@example.org"};
    struct mime_message m;
    struct diag why;
    const char *rule;

    if (mime_parse(span_of(text), &MIME_LIMITS_DEFAULT, &m, &why))
        fail_msg("%s: %s", why.rule, head);
    rule = automatic_rule(automatic_sort_of(span_of(text), &m, &facts));
    mime_message_free(&m);
    free(text);
    return rule ? rule : "-";
}

static void test_sorts(void **state)
{
    static const struct {
        const char *sender, *head, *wanted;
    } rows[] = {
        {"rita@x.example", "Subject: A hole\r\n", "-"},
        {"", "Subject: A hole\r\n", "bounce"},
        /* RFC 3834, 5 */
        {"rita@x.example", "Auto-Submitted: no\r\n", "-"},
        {"rita@x.example", "Auto-Submitted: (by hand) No\r\n", "-"},
        {"rita@x.example", "Auto-Submitted: no; but=so\r\n", "-"},
        {"rita@x.example", "Auto-Submitted: nobody\r\n", "auto-submitted"},
        {"rita@x.example", "Auto-Submitted: auto-generated\r\n", "auto-submitted"},
        {"rita@x.example", "Auto-Submitted: auto-replied (vacation)\r\n", "auto-submitted"},
        {"", "Auto-Submitted: auto-replied\r\n", "auto-submitted"},
        /* other ways to say it */
        {"rita@x.example", "X-Autoreply: yes\r\n", "auto-reply"},
        {"rita@x.example", "X-Autoreply: no\r\n", "-"},
        {"rita@x.example", "Precedence: auto_reply\r\n", "auto-reply"},
        {"rita@x.example", "Subject: Automatic reply: A hole\r\n", "auto-reply"},
        {"rita@x.example", "Subject: Re: Out of Office: A hole\r\n", "auto-reply"},
        {"rita@x.example", "Subject: =?utf-8?Q?R=C3=A9ponse_automatique_?= A hole\r\n", "auto-reply"},
        {"", "Subject: Abwesenheitsnotiz\r\n", "auto-reply"},
        {"rita@x.example", "X-MS-Exchange-Generated-Message-Source: Mailbox Rules Agent\r\n", "auto-reply"},
        {"rita@x.example", "X-Mailer: vacation 1.2\r\n", "auto-reply"},
        {"rita@x.example", "MIME-Version: 1.0\r\nContent-Type: text/calendar; method=REPLY\r\n", "auto-reply"},
        {"rita@x.example", "MIME-Version: 1.0\r\nContent-Type: text/calendar; method=REQUEST\r\n", "-"},
        {"rita@x.example",
         "MIME-Version: 1.0\r\nContent-Type: text/calendar; method=REPLY\r\nContent-Disposition: attachment\r\n", "-"},
        /* but not what only mentions it */
        {"rita@x.example", "Subject: A hole in the automatic reply: code\r\n", "-"},
        {"rita@x.example", "Subject: Vacation program executes its input\r\n", "-"},
        {"rita@x.example", "Subject: Automatic reply crashes on a long name\r\n", "-"},
        {"rita@x.example", "X-Auto-Response-Suppress: All\r\n", "-"},
        /* lists */
        {"l@lists.example", "List-Id: <l.lists.example>\r\n", "list-copy"},
        {"l@lists.example", "List-Post: <mailto:l@lists.example>\r\n", "list-copy"},
        {"l@lists.example", "Precedence: list\r\n", "list-copy"},
        {"rita@x.example", "List-Unsubscribe: <mailto:x@relay.example>\r\n", "-"},
        {"security@example.org", "List-Id: <security.example.org>\r\n", "list-echo"},
        {"rita@x.example", "X-Loop: security@example.org\r\n", "list-echo"},
        {"rita@x.example", "X-Loop: other@example.org\r\n", "-"},
        /* a hint alone is enough where nothing speaks for a person */
        {"rita@x.example", "Precedence: bulk\r\n", "precedence"},
        {"rita@x.example", "Precedence: Junk\r\n", "precedence"},
        {"rita@x.example", "Precedence: first-class\r\n", "-"},
        {"rita@x.example", "Precedence: bulk\r\nUser-Agent: Mutt/2.2\r\n", "-"},
        {"rita@x.example", "Precedence: bulk\r\nIn-Reply-To: <1@example.org>\r\n", "-"},
        {"rita@x.example", "Precedence: bulk\r\nX-Mailer: M\r\nList-Unsubscribe: <x>\r\n", "precedence"},
        {"rita@x.example", "Precedence: bulk\r\nX-Mailer: M\r\nFeedback-ID: 1\r\n", "precedence"},
        {"rita@x.example",
         "Precedence: bulk\r\nMIME-Version: 1.0\r\nContent-Type: multipart/encrypted; boundary=b;\r\n"
         " protocol=\"application/pgp-encrypted\"\r\n",
         "-"},
        {"rita@x.example",
         "Subject: Re: Automatic reply: A hole\r\nMIME-Version: 1.0\r\nContent-Type: multipart/encrypted; "
         "boundary=b;\r\n"
         " protocol=\"application/pgp-encrypted\"\r\n",
         "-"},
        /* challenges */
        {"rita@x.example", "X-Challenge: 1\r\n", "challenge"},
        {"", "Subject: Re: A hole (Action Required)\r\n", "challenge"},
        {"rita@x.example", "Subject: Action required: a hole in your parser\r\n", "-"},
        {"rita@x.example", "Subject: Challenge-response can be skipped\r\nAuto-Submitted: no\r\n", "-"},
        {"rita@x.example", "Subject: Please confirm your message\r\nAuto-Submitted: auto-replied\r\n", "challenge"},
        /* reports of other kinds */
        {"fbl@x.example",
         "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n",
         "feedback"},
        {"rita@x.example",
         "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n",
         "receipt"},
        {"rita@x.example",
         "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n", "bounce"},
        {"rita@x.example", "X-Failed-Recipients: a@x.example\r\n", "bounce"},
        {"x@x.example", "From: MAILER-DAEMON@x.example\r\nSubject: Welcome\r\n", "bounce"},
        /* of a domain's mail */
        {"x@x.example", "TLS-Report-Domain: example.org\r\n", "feedback"},
        {"x@x.example", "Subject: Report Domain: example.org Submitter: x.example Report-ID: 1\r\n", "feedback"},
        {"rita@x.example", "Subject: Report domain: a hole in it\r\n", "-"},
    };
    static const char body[] = "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--b\r\n"
                               "Content-Type: application/octet-stream\r\n\r\nx\r\n--b--\r\n";

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *got = rule_of(rows[i].sender, rows[i].head, body);

        if (strcmp(got, rows[i].wanted) != 0)
            print_message("%s", rows[i].head);
        assert_string_equal(got, rows[i].wanted);
    }
}

/* A report that carries a bounce, a receipt or a vacation notice as evidence is a person's. */
static void test_forwarded(void **state)
{
    (void)state;
    assert_string_equal(rule_of("rita@x.example",
                                "Subject: Your mailer loops\r\nMIME-Version: 1.0\r\n"
                                "Content-Type: multipart/mixed; boundary=b\r\n",
                                "--b\r\n\r\nSee what it sends.\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
                                "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
                                "Content-Type: multipart/report; boundary=c\r\n\r\n--c\r\n"
                                "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
                                "Final-Recipient: rfc822; a@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
                                "--c--\r\n--b--\r\n"),
                        "-");
}

/* So is one to which it is attached. */
static void test_attached(void **state)
{
    static const char *const types[] = {"message/delivery-status", "message/disposition-notification",
                                        "message/feedback-report"};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char *body = mem_printf("--b\r\n\r\nThis part ends your program.\r\n--b\r\nContent-Type: %s\r\n"
                                "Content-Disposition: attachment; filename=x\r\n\r\nFinal-Recipient: rfc822; "
                                "a@x.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n",
                                types[i]);

        assert_string_equal(rule_of("rita@x.example",
                                    "Subject: Your mailer ends\r\nMIME-Version: 1.0\r\n"
                                    "Content-Type: multipart/mixed; boundary=b\r\n",
                                    body),
                            "-");
        assert_string_not_equal(rule_of("rita@x.example",
                                        "Subject: Your mailer ends\r\nMIME-Version: 1.0\r\n"
                                        "Content-Type: multipart/report; boundary=b\r\n",
                                        body),
                                "-");
        free(body);
    }
}

/* A person's mail may ask for silence, or have come by what must not be answered. */
static void test_no_answer(void **state)
{
    static const struct {
        const char *head;
        bool silent;
    } rows[] = {
        {"Subject: x\r\n", false},
        {"X-Auto-Response-Suppress: All\r\n", true},
        {"X-Auto-Response-Suppress: DR, OOF, AutoReply\r\n", true},
        {"X-Auto-Response-Suppress: DR, RN\r\n", false},
        {"Precedence: bulk\r\nUser-Agent: Mutt\r\n", true},
        {"List-Id: <l.lists.example>\r\n", true},
        {"Auto-Submitted: auto-generated\r\n", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = mem_printf("From: Rita <rita@x.example>\r\n%s\r\nx\r\n", rows[i].head);
        struct automatic_facts facts = {.sender = "rita@x.example", .list_address = "security@example.org"};
        struct mime_message m;
        struct diag why;

        assert_int_equal(mime_parse(span_of(text), &MIME_LIMITS_DEFAULT, &m, &why), ERR_OK);
        assert_int_equal(automatic_wants_no_answer(span_of(text), &m, &facts), rows[i].silent);
        mime_message_free(&m);
        free(text);
    }
}

/* Where the envelope is not known, Return-Path is. */
static void test_return_path(void **state)
{
    (void)state;
    assert_string_equal(rule_of(NULL, "Return-Path: <>\r\n", "x\r\n"), "bounce");
    assert_string_equal(rule_of(NULL, "Return-Path: <rita@x.example>\r\n", "x\r\n"), "-");
    assert_string_equal(rule_of(NULL, "", "x\r\n"), "-");
    assert_true(automatic_may_be_a_report(AUTOMATIC_BULK));
    assert_false(automatic_may_be_a_report(AUTOMATIC_BOUNCE));
    assert_null(automatic_rule(AUTOMATIC_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorts),     cmocka_unit_test(test_forwarded),   cmocka_unit_test(test_attached),
        cmocka_unit_test(test_no_answer), cmocka_unit_test(test_return_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
