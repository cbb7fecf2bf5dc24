/* For the tests of codec/mime: a text is parsed, and has to be well. To be included after cmocka. */
#ifndef TESTS_MIME_FIXTURE_H
#define TESTS_MIME_FIXTURE_H

#include "codec/mime.h"

#include <string.h>

#define HEAD  "From: a@example.org\r\nMIME-Version: 1.0\r\n"
#define MIXED HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n"

static const struct mime_limits limits = MIME_LIMITS_DEFAULT;

static void parse(const char *text, struct mime_message *m)
{
    struct diag why = {0};
    enum err err = mime_parse(span_of(text), &limits, m, &why);

    if (err != ERR_OK)
        print_message("%s: %s\n", why.rule, why.text);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(mime_message_check(m, strlen(text), NULL), ERR_OK);
}

#endif
