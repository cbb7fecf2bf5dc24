#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/lower.h"
#include "codec/vacation.h"

#include <string.h>

static void test_subjects(void **state)
{
    static const char *const are[] = {
        "Automatic reply: a hole",
        "Autoresponder: a hole",
        "Away message",
        "Out of office notification: a hole",
        "Ich bin im Urlaub",
        "Je suis absente",
        "Automatinis atsakymas: skyl\xc4\x97",
        "Balasan otomatis: lubang",
        "AUTOMATIC REPLY: a hole",
        "Auto: a hole",
        "[Auto-Reply] a hole",
        "Autoreply Re: a hole",
        "Re: Automatic response: a hole",
        "Aw: Abwesenheitsnotiz",
        "Out of office",
        "Out of Office Re: a hole",
        "Out of the office (was: a hole)",
        "Out of office until Monday",
        "OOO: a hole",
        "Away until May 5",
        "Vacation response: a hole",
        "I am out of the country and read no mail",
        "I'm out of office until Monday",
        "Abwesend: ein Loch",
        "Automatische R\xc3\xbc\x63kmeldung: ein Loch",
        "R\xc3\xa9ponse automatique\xc2\xa0: un trou",
        "Absence du bureau : un trou",
        "R\xc3\x89PONSE AUTOMATIQUE: un trou",
        "Risposta automatica: un buco",
        "Fuori ufficio: un buco",
        "Respuesta autom\xc3\xa1tica: un agujero",
        "Resposta de aus\xc3\xaancia: um buraco",
        "Afwezig: een gat",
        "Autosvar: ett h\xc3\xa5l",
        "Automaattinen vastaus: reik\xc3\xa4",
        "Odpowied\xc5\xba automatyczna: dziura",
        "Automatick\xc3\xa1 odpov\xc4\x9b\xc4\x8f: d\xc3\xadra",
        "\xd0\x90\xd0\xb2\xd1\x82\xd0\xbe\xd0\xbe\xd1\x82\xd0\xb2\xd0\xb5\xd1\x82: \xd0\xb4\xd1\x8b\xd1\x80\xd0\xb0",
        "\xe4\xb8\x8d\xe5\x9c\xa8",
        "\xe8\x87\xaa\xe5\x8b\x95\xe8\xbf\x94\xe4\xbf\xa1\xef\xbc\x9a\xe7\xa9\xb4",
    };
    static const char *const are_not[] = {
        "",
        "A hole in your parser",
        "Out of office access bypass",
        "Out of office replies show internal addresses",
        "Automatic reply crashes on a long name",
        "Away message runs a script",
        "Autoreply messages are not escaped",
        "Autoreply plugin: stored script",
        "Auto-reply loop between two daemons",
        "Automatic update without a signature",
        "AUTO_INCREMENT overflow",
        "OOO execution and its side channel",
        "Away mode can be left without a code",
        "Vacation program executes its input",
        "Absence of a limit on logins",
        "Absent token on a form",
        "Autoresponder executes its input",
        "R\xc3\xa9ponse automatique mal \xc3\xa9\x63happ\xc3\xa9\x65",
        "\xe4\xb8\x8d\xe5\x9c\xa8\xe3\x83\xa6\xe3\x83\xbc\xe3\x82\xb6\xe3\x83\xbc",
        "Re: A hole (automatic reply: ignored)",
    };

    (void)state;
    for (size_t i = 0; i < sizeof are / sizeof are[0]; i++) {
        if (!vacation_is_subject(are[i]))
            print_message("%s\n", are[i]);
        assert_true(vacation_is_subject(are[i]));
    }
    for (size_t i = 0; i < sizeof are_not / sizeof are_not[0]; i++) {
        if (vacation_is_subject(are_not[i]))
            print_message("%s\n", are_not[i]);
        assert_false(vacation_is_subject(are_not[i]));
    }
    assert_false(vacation_is_subject(NULL));
}

static void test_fields(void **state)
{
    static const struct {
        const char *header;
        bool is;
    } rows[] = {
        {"Subject: x\r\n\r\n", false},
        {"X-Autoreply: yes\r\n\r\n", true},
        {"X-Autoreply: no\r\n\r\n", false},
        {"X-Auto-Reply-From: a@x.example\r\n\r\n", true},
        {"X-Autoresponder: 1\r\n\r\n", true},
        {"X-Vacation: yes\r\n\r\n", true},
        {"Precedence: auto_reply\r\n\r\n", true},
        {"Precedence: bulk\r\n\r\n", false},
        {"X-Precedence: Auto-Reply\r\n\r\n", true},
        {"X-FC-MachineGenerated: true\r\n\r\n", true},
        {"X-FC-MachineGenerated: false\r\n\r\n", false},
        {"X-POST-MessageClass: 9; Autoresponder\r\n\r\n", true},
        {"X-Apple-Action: VACATION\r\n\r\n", true},
        {"X-Apple-Action: SOMETHING\r\n\r\n", false},
        {"Delivered-To: Autoresponder\r\n\r\n", true},
        {"Delivered-To: a@x.example\r\n\r\n", false},
        {"X-Auto-Response-Suppress: All\r\n\r\n", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (vacation_has_field(span_of(rows[i].header)) != rows[i].is)
            print_message("%s", rows[i].header);
        assert_int_equal(vacation_has_field(span_of(rows[i].header)), rows[i].is);
    }
}

/* The same length, whatever comes in. */
static void test_lower(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", ""},
        {"AZ az 09", "az az 09"},
        {"\xc3\x80\xc3\x96\xc3\x98\xc3\x9e", "\xc3\xa0\xc3\xb6\xc3\xb8\xc3\xbe"},
        {"\xc3\x97\xc3\x9f", "\xc3\x97\xc3\x9f"},
        {"\xc4\x8c\xc4\x8d\xc4\xb9\xc5\x81\xc5\xb9\xc5\xbd", "\xc4\x8d\xc4\x8d\xc4\xba\xc5\x82\xc5\xba\xc5\xbe"},
        {"\xc4\xb0\xc5\xb8", "\xc4\xb0\xc5\xb8"}, /* their lower case is of another length, or in another row */
        {"\xce\x91\xce\xa9", "\xce\xb1\xcf\x89"},
        {"\xd0\x80\xd0\x81\xd0\x90\xd0\x9f\xd0\xa0\xd0\xaf", "\xd1\x90\xd1\x91\xd0\xb0\xd0\xbf\xd1\x80\xd1\x8f"},
        {"\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xc3", "\xc3"}, /* cut off, and no UTF-8 */
        {"\xc3\x41\xd0", "\xc3\x61\xd0"},
        {"\xff\xfe\x80", "\xff\xfe\x80"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = BUF_EMPTY;

        lower_add(span_of(rows[i].in), &out);
        assert_string_equal(buf_text(&out), rows[i].out);
        assert_int_equal(out.len, strlen(rows[i].in));
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subjects),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_lower),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
