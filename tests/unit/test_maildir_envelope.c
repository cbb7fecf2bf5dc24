/* The envelope of a mail out of a Maildir, in its fields (io/maildir_in.h). */
#include "io/maildir_in.h"

#include "tests/unit/lmtp_fixture.h"

struct envelope_case {
    const char *head;
    const char *sender; /* NULL: none is told */
    const char *recipients;
};

static const struct envelope_case envelope_cases[] = {
    /* Postfix, local(8) */
    {"Return-Path: <a@example.net>\nX-Original-To: security@example.org\nDelivered-To: box@mail.example.org\n"
     "Received: by mx\n",
     "a@example.net", "security@example.org"},
    /* a suffix goes before the bare address, wherever it stands; one recipient for each list */
    {"Return-Path: <a@example.net>\nX-Original-To: security+c-abcd@example.org\nDelivered-To: security@example.org\n",
     "a@example.net", "security+c-abcd@example.org"},
    {"Return-Path: <a@example.net>\nDelivered-To: security@example.org\nX-Original-To: security+apply@example.org\n",
     "a@example.net", "security+apply@example.org"},
    /* Exim, with two lists in one delivery, and its own way to write the name */
    {"Return-path: <a@example.net>\nEnvelope-to: security@example.org, team@lists.example.org,\n x@else.example\n"
     "Delivery-date: Sun, 22 Nov 2026 12:00:00 +0000\nReceived: from x\n",
     "a@example.net", "security@example.org team@lists.example.org"},
    /* Dovecot's LMTP writes brackets, and the null sender */
    {"Return-Path: <>\r\nDelivered-To: <security@example.org>\r\nReceived: x\r\n", "", "security@example.org"},
    {"RETURN-PATH: a@example.net\ndelivered-to: SECURITY@EXAMPLE.ORG\n", "a@example.net", "SECURITY@EXAMPLE.ORG"},
    {"Return-Path:\n <a@example.net>\nDelivered-To:\n\tsecurity@example.org\n", "a@example.net",
     "security@example.org"},
    {"Return-Path: <\"a > b\"@example.net>\nDelivered-To: security@example.org\n", "\"a > b\"@example.net",
     "security@example.org"},
    /* the topmost of two senders counts */
    {"Return-Path: <a@example.net>\nReturn-Path: <b@example.net>\nDelivered-To: security@example.org\n",
     "a@example.net", "security@example.org"},
    /* what an outsider wrote stands below the first Received */
    {"Received: by mx\nReturn-Path: <a@example.net>\nDelivered-To: security@example.org\n", NULL, ""},
    {"Return-Path: <a@example.net>\nReceived: x\nDelivered-To: security+b-abcd@example.org\n", "a@example.net", ""},
    /* and in the body */
    {"Subject: x\n\nReturn-Path: <a@example.net>\nDelivered-To: security@example.org\n", NULL, ""},
    {"Delivered-To: security@example.org\n", NULL, "security@example.org"},
    {"Return-Path: <a@example.net>\nDelivered-To: box@mail.example.org\n", "a@example.net", ""},
    {"Return-Path: <a@example.net\nDelivered-To: security@example.org\n", NULL, "security@example.org"},
    {"Return-Path: <a@example.net> x\nDelivered-To: security@example.org\n", NULL, "security@example.org"},
    {"Return-Path:\nDelivered-To:\n", NULL, ""},
    {"Return-Path: <a\x01@example.net>\nDelivered-To: security@example.org\n", NULL, "security@example.org"},
    {"", NULL, ""},
    {"no header at all", NULL, ""},
};

static void test_envelope(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof envelope_cases / sizeof envelope_cases[0]; i++) {
        const struct envelope_case *c = &envelope_cases[i];
        struct maildir_envelope e;
        char all[1000] = "";

        maildir_envelope_read(span_of(c->head), &f->settings, &e);
        for (size_t k = 0; k < e.n_recipients; k++)
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", k ? " " : "", e.recipients[k]);
        if (e.has_sender != (c->sender != NULL) || (c->sender && strcmp(e.sender, c->sender) != 0) ||
            strcmp(all, c->recipients) != 0)
            fail_msg("case %zu: sender `%s`, recipients `%s`", i, e.has_sender ? e.sender : "(none)", all);
        maildir_envelope_free(&e);
    }
}

/* An address that is too long, a NUL in a field, and more recipients than the spool takes. */
static void test_envelope_bounds(void **state)
{
    struct fixture *f = *state;
    struct maildir_envelope e;
    struct buf head = BUF_EMPTY;
    static const char nul[] = "Return-Path: <a\0@example.net>\nDelivered-To: security@example.org\n";

    buf_add_str(&head, "Return-Path: <");
    for (int i = 0; i < SPOOL_ADDRESS_MAX; i++)
        buf_add_byte(&head, 'a');
    buf_add_str(&head, ">\n");
    maildir_envelope_read(buf_span(&head), &f->settings, &e);
    assert_true(e.has_sender);
    assert_int_equal(strlen(e.sender), SPOOL_ADDRESS_MAX);
    buf_clear(&head);
    buf_add_str(&head, "Return-Path: <");
    for (int i = 0; i < SPOOL_ADDRESS_MAX + 1; i++)
        buf_add_byte(&head, 'a');
    buf_add_str(&head, ">\nEnvelope-To: ");
    for (int i = 0; i < 20000; i++)
        buf_add_str(&head, "security@example.org,");
    buf_add_str(&head, "\n");
    maildir_envelope_read(buf_span(&head), &f->settings, &e);
    assert_false(e.has_sender);
    assert_int_equal(e.n_recipients, 1);
    maildir_envelope_free(&e);
    maildir_envelope_read((struct span){(const uint8_t *)nul, sizeof nul - 1}, &f->settings, &e);
    assert_false(e.has_sender);
    assert_int_equal(e.n_recipients, 1);
    maildir_envelope_free(&e);
    buf_free(&head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_envelope, setup, teardown),
        cmocka_unit_test_setup_teardown(test_envelope_bounds, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
