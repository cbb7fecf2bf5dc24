#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/instant.h"
#include "base/mem.h"
#include "flow/advisory_doc.h"

#include <stdlib.h>
#include <string.h>

#define WHOLE                                                                                                          \
    "Title: Heap overflow in the frobnicator\n"                                                                        \
    "CVE: CVE-2026-1234, CVE-2026-123456789\n"                                                                         \
    "TLP: TLP:amber+strict\n"                                                                                          \
    "Allow: build_test, deploy_hosted\n"                                                                               \
    "Deny: tell_id\n"                                                                                                  \
    "Severity: HIGH\n"                                                                                                 \
    "CVSS: CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H\n"                                                             \
    "CWE: CWE-787\n"                                                                                                   \
    "Affected: frob >=1.2 <1.4,\n"                                                                                     \
    "\tfrob 2.0 ,, other\n"                                                                                            \
    "Fixed: frob 1.4\n"                                                                                                \
    "Credits: A. Finder, B. Finder\n"                                                                                  \
    "References: https://example.org/1\n"                                                                              \
    "\n"                                                                                                               \
    "## ISSUE DESCRIPTION\n"                                                                                           \
    "\n"                                                                                                               \
    "Words.\n"                                                                                                         \
    "\n"                                                                                                               \
    "  More words.\n"                                                                                                  \
    "\n"                                                                                                               \
    "## MITIGATION\n"                                                                                                  \
    "Turn it off.\n"

static void parse(const char *text, struct advisory_doc *doc)
{
    struct diag why = {0};

    if (advisory_doc_parse(span_of(text), doc, &why))
        fail_msg("line %d: %s: %s", why.line, why.rule, why.text);
}

/* "a|b|c" */
static void expect_list(char **list, const char *words)
{
    struct buf text = BUF_EMPTY;

    assert_non_null(list);
    for (size_t i = 0; list[i]; i++)
        buf_printf(&text, "%s%s", i ? "|" : "", list[i]);
    assert_string_equal(buf_text(&text), words);
    buf_free(&text);
}

static void expect_whole(const struct advisory_doc *doc)
{
    assert_string_equal(doc->title, "Heap overflow in the frobnicator");
    assert_string_equal(doc->tlp, "AMBER+STRICT");
    assert_string_equal(doc->severity, "high");
    assert_string_equal(doc->cvss, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H");
    expect_list(doc->cves, "CVE-2026-1234|CVE-2026-123456789");
    expect_list(doc->cwes, "CWE-787");
    expect_list(doc->affected, "frob >=1.2 <1.4|frob 2.0|other");
    expect_list(doc->fixed, "frob 1.4");
    expect_list(doc->credits, "A. Finder|B. Finder");
    expect_list(doc->references, "https://example.org/1");
    assert_int_equal(doc->allow, 1u << POLICY_USE_BUILD_TEST | 1u << POLICY_USE_DEPLOY_HOSTED);
    assert_int_equal(doc->deny, 1u << POLICY_USE_TELL_ID);
    assert_int_equal(doc->n_sections, 2);
    assert_string_equal(doc->sections[0].name, "ISSUE DESCRIPTION");
    assert_string_equal(doc->sections[0].text, "Words.\n\n  More words.");
    assert_string_equal(doc->sections[1].name, "MITIGATION");
    assert_string_equal(doc->sections[1].text, "Turn it off.");
}

static void test_whole(void **state)
{
    struct advisory_doc doc;

    (void)state;
    parse(WHOLE, &doc);
    expect_whole(&doc);
    advisory_doc_free(&doc);
    assert_null(doc.title);
    advisory_doc_free(&doc);
}

static void test_crlf(void **state)
{
    struct buf text = BUF_EMPTY;
    struct advisory_doc doc;

    (void)state;
    for (const char *p = WHOLE; *p; p++) {
        if (*p == '\n')
            buf_add_byte(&text, '\r');
        buf_add_byte(&text, (uint8_t)*p);
    }
    parse(buf_text(&text), &doc);
    expect_whole(&doc);
    advisory_doc_free(&doc);
    buf_free(&text);
}

static void test_least(void **state)
{
    static const char *const rows[] = {"Title: T",         "Title: T\n",         "title:T\n\n",
                                       "Title: T\r\n\r\n", "TITLE :  T  \n\n\n", "Title:\n T\n"};
    struct advisory_doc doc;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        parse(rows[i], &doc);
        assert_string_equal(doc.title, "T");
        assert_null(doc.tlp);
        assert_null(doc.severity);
        assert_null(doc.cvss);
        expect_list(doc.cves, "");
        expect_list(doc.references, "");
        assert_int_equal(doc.n_sections, 0);
        assert_int_equal(doc.allow | doc.deny, 0);
        advisory_doc_free(&doc);
    }
}

static void test_sections(void **state)
{
    static const struct {
        const char *text, *sections; /* "NAME=text;" */
    } rows[] = {
        {"Title: T\n\nwords\n", "ISSUE DESCRIPTION=words;"},
        {"Title: T\n\n \n\t\n", ""},
        {"Title: T\n\nwords\n## NEXT\nmore\n", "ISSUE DESCRIPTION=words;NEXT=more;"},
        {"Title: T\n\n## EMPTY\n## NEXT\n\n\nmore\n\n\n", "EMPTY=;NEXT=more;"},
        {"Title: T\n\n##  SPACED  \nx", "SPACED=x;"},
        {"Title: T\n\n## A\n### no heading\n##none\n # none\n", "A=### no heading\n##none\n # none;"},
        {"Title: T\n\n## A\nTitle: no field here\n", "A=Title: no field here;"},
        {"Title: T\n\n## A\r\none\r\n\r\ntwo\r\n", "A=one\n\ntwo;"},
        {"Title: T\n\n## A\n\tindented\n", "A=\tindented;"},
        {"Title: T\n\n## A\nx\n## A\ny\n", "A=x;A=y;"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf text = BUF_EMPTY;
        struct advisory_doc doc;

        parse(rows[i].text, &doc);
        for (size_t k = 0; k < doc.n_sections; k++)
            buf_printf(&text, "%s=%s;", doc.sections[k].name, doc.sections[k].text);
        assert_string_equal(buf_text(&text), rows[i].sections);
        advisory_doc_free(&doc);
        buf_free(&text);
    }
}

static void test_words(void **state)
{
    static const char *const tlps[][2] = {{"red", "RED"},     {"TLP:RED", "RED"},     {"tlp:Amber", "AMBER"},
                                          {"GREEN", "GREEN"}, {"TLP:CLEAR", "CLEAR"}, {"amber+strict", "AMBER+STRICT"}};
    static const char *const severities[][2] = {
        {"low", "low"}, {"Medium", "medium"}, {"HIGH", "high"}, {"critical", "critical"}};
    struct advisory_doc doc;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        char *text = mem_printf("Title: T\nTLP: %s\n", tlps[i][0]);

        parse(text, &doc);
        assert_string_equal(doc.tlp, tlps[i][1]);
        advisory_doc_free(&doc);
        free(text);
    }
    for (size_t i = 0; i < 4; i++) {
        char *text = mem_printf("Title: T\nSeverity: %s\n", severities[i][0]);

        parse(text, &doc);
        assert_string_equal(doc.severity, severities[i][1]);
        advisory_doc_free(&doc);
        free(text);
    }
}

static void test_faults(void **state)
{
    static const struct {
        const char *text, *rule;
        int line;
        const char *says;
    } rows[] = {
        {"", "advisory.no-title", 1, "Title"},
        {"\nTitle: T\n", "advisory.no-title", 1, NULL},
        {"Title:\n\nwords", "advisory.no-title", 1, NULL},
        {"Title:   \n", "advisory.no-title", 1, NULL},
        {"CVE: CVE-2026-1234\n", "advisory.no-title", 1, NULL},
        {"Title: T\nTitel: U\n", "advisory.unknown-field", 2, "Title"},
        {"Title: T\nSeverty: low\n", "advisory.unknown-field", 2, "Severity"},
        {"Title: T\nwords without a field\n", "advisory.unknown-field", 2, NULL},
        {"Title: T\n: x\n", "advisory.unknown-field", 2, NULL},
        {"## SECTION\nx", "advisory.unknown-field", 1, NULL},
        {"Title: T\nCVE: CVE-2026-1234\ncve: CVE-2026-1235\n", "advisory.twice", 3, "CVE"},
        {"Title: T\nTitle: U\n", "advisory.twice", 2, "Title"},
        {"Title: T\nAllow: tell_id\nDeny: tell_cve\nAllow: build_test\n", "advisory.twice", 4, "Allow"},
        {"Title: T\nCVE: CVE-2026-123\n", "advisory.cve", 2, "CVE-2026-12345"},
        {"Title: T\nCVE: CVE-26-1234\n", "advisory.cve", 2, NULL},
        {"Title: T\nCVE: cve-2026-1234\n", "advisory.cve", 2, NULL},
        {"Title: T\nCVE: CVE-2026-1234x\n", "advisory.cve", 2, NULL},
        {"Title: T\nCVE: CVE-2026-12345678901234567890\n", "advisory.cve", 2, NULL},
        {"Title: T\nCVE: CVE-2026-1234 CVE-2026-1235\n", "advisory.cve", 2, NULL},
        {"Title: T\nCVE: CVE-2026-1234,\n CVE-2026\n", "advisory.cve", 2, NULL},
        {"Title: T\nTLP: WHITE\n", "advisory.tlp", 2, NULL},
        {"Title: T\nTLP:\n", "advisory.tlp", 2, NULL},
        {"Title: T\nTLP: AMBER STRICT\n", "advisory.tlp", 2, "AMBER"},
        {"Title: T\nSeverity: hihg\n", "advisory.severity", 2, "high"},
        {"Title: T\nSeverity: moderate\n", "advisory.severity", 2, NULL},
        {"Title: T\nAllow: built_test\n", "advisory.use", 2, "build_test"},
        {"Title: T\nDeny: tell_id, everything\n", "advisory.use", 2, NULL},
        {"Title: T\x01\n", "advisory.not-text", 0, NULL},
        {"Title: caf\xe9\n", "advisory.not-text", 0, "UTF-8"},
        {"Title: T\n\n## A\nM\xfcller\n", "advisory.not-text", 0, "UTF-8"},
        {"Title: a\tb\n", "advisory.title", 1, NULL},
        {"Title: a\rBcc: x\n", "advisory.title", 1, NULL},
        {"Title: T\n\n## A\n\x1b[2J\n", "advisory.not-text", 0, NULL},
        {"Title: T\n\n## A\nx\x7f\n", "advisory.not-text", 0, NULL},
        {"Title: T\n\n## A\n\f\n", "advisory.not-text", 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct diag why = {0};
        struct advisory_doc doc;

        if (advisory_doc_parse(span_of(rows[i].text), &doc, &why) != ERR_REJECT ||
            strcmp(why.rule, rows[i].rule) != 0 || why.line != rows[i].line ||
            (rows[i].says && !strstr(why.text, rows[i].says)))
            fail_msg("%s: %s, line %d: %s", rows[i].text, why.rule, why.line, why.text);
        assert_null(doc.title);
        assert_null(doc.sections);
    }
}

static void test_nul_and_size(void **state)
{
    struct buf text = BUF_EMPTY;
    struct advisory_doc doc;
    struct diag why;

    (void)state;
    assert_int_equal(advisory_doc_parse((struct span){(const uint8_t *)"Title: T\0", 9}, &doc, &why), ERR_REJECT);
    assert_string_equal(why.rule, "advisory.not-text");
    buf_add_str(&text, "Title: T\n\n## A\n");
    while (text.len < ADVISORY_FILE_MAX)
        buf_add_byte(&text, 'x');
    assert_int_equal(advisory_doc_parse(buf_span(&text), &doc, &why), ERR_OK);
    assert_int_equal(strlen(doc.sections[0].text), ADVISORY_FILE_MAX - 15);
    advisory_doc_free(&doc);
    buf_add_byte(&text, 'x');
    assert_int_equal(advisory_doc_parse(buf_span(&text), &doc, &why), ERR_LIMIT);
    assert_string_equal(why.rule, "advisory.too-large");
    buf_free(&text);
}

/* What the database keeps is what was read. */
static void test_dump_and_load(void **state)
{
    struct advisory_doc doc, again;
    struct diag why;
    char *first, *second;

    (void)state;
    parse(WHOLE, &doc);
    first = advisory_doc_dump(&doc);
    assert_int_equal(advisory_doc_load(span_of(first), &again, &why), ERR_OK);
    expect_whole(&again);
    second = advisory_doc_dump(&again);
    assert_string_equal(first, second);
    free(first);
    free(second);
    advisory_doc_free(&doc);
    advisory_doc_free(&again);
    parse("Title: \"quoted\" \\ \xe2\x82\xac\n", &doc);
    first = advisory_doc_dump(&doc);
    assert_int_equal(advisory_doc_load(span_of(first), &again, &why), ERR_OK);
    assert_string_equal(again.title, "\"quoted\" \\ \xe2\x82\xac");
    assert_null(again.tlp);
    expect_list(again.cves, "");
    free(first);
    advisory_doc_free(&doc);
    advisory_doc_free(&again);
    assert_int_equal(advisory_doc_load(span_of("{\"title\":"), &again, &why), ERR_INTERNAL);
    assert_string_equal(why.rule, "advisory.damaged");
    assert_int_equal(advisory_doc_load(span_of(""), &again, &why), ERR_INTERNAL);
    advisory_doc_free(&again);
}

/* ---- the text that people read ---- */

static struct decide_use uses[POLICY_USES];

static struct advisory_frame frame_of(void)
{
    static struct advisory_patch patches[] = {
        {"one.patch", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"two.patch", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}};

    for (int i = 0; i < POLICY_USES; i++)
        uses[i] = (struct decide_use){.word = POLICY_DENY, .condition = ""};
    uses[POLICY_USE_BUILD_TEST].word = POLICY_ALLOW;
    uses[POLICY_USE_DEPLOY_HOSTED] = (struct decide_use){.word = POLICY_ALLOW, .condition = "nobody can see it"};
    uses[POLICY_USE_TELL_CVE].word = POLICY_ASK;
    return (struct advisory_frame){.label = "XSA-470",
                                   .version = 2,
                                   .status = "active",
                                   .until_utc_s = 1795359600,
                                   .model = "cloud",
                                   .tier = "providers",
                                   .policy = "xen@2026",
                                   .uses = uses,
                                   .patches = patches,
                                   .n_patches = 2};
}

static char *render(const char *text, const struct advisory_frame *frame)
{
    struct buf out = BUF_EMPTY;
    struct advisory_doc doc;

    parse(text, &doc);
    advisory_doc_render(&doc, frame, &out);
    advisory_doc_free(&doc);
    return buf_take(&out);
}

static void expect_in(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("missing: %s\nin: %s", part, text);
}

static void expect_not_in(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("there is: %s\nin: %s", part, text);
}

static void test_render_embargoed(void **state)
{
    static const char *const parts[] = {
        "UNDER EMBARGO",
        "\nStatus:   active\n",
        "\nUntil:    2026-11-22T15:00:00Z\n",
        "\nTLP:      AMBER+STRICT\n",
        "\nTold as:  providers, model cloud, policy xen@2026\n",
        "\nAllowed:  build_test, deploy_hosted (if nobody can see it)\n",
        "\nAsk us:   tell_cve\n",
        "\nNotice:   short, and why\n",
        "Security Advisory XSA-470 / CVE-2026-1234 / CVE-2026-123456789\n",
        " version 2\n",
        " Heap overflow in the frobnicator\n",
        "Severity: high, CVSS:3.1/AV:N",
        "\nUPDATES IN VERSION 2\n\nA better patch.\n",
        "\nISSUE DESCRIPTION\n\nWords.\n\n  More words.\n",
        "\nMITIGATION\n\nTurn it off.\n",
        "\nAFFECTED VERSIONS\n\n  frob >=1.2 <1.4\n  frob 2.0\n",
        "\nba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  one.patch\n",
        "\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  two.patch\n",
        "\nDEPLOYMENT DURING EMBARGO\n",
    };
    struct advisory_frame frame = frame_of();
    char *text;

    (void)state;
    frame.short_notice = "short, and why";
    frame.changes = "A better patch.";
    text = render(WHOLE, &frame);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        expect_in(text, parts[i]);
    assert_ptr_equal(strstr(text, "==="), text); /* the warning comes first */
    expect_not_in(strstr(text, "Denied:"), "tell_cve,");
    free(text);
}

static void test_render_without_a_date(void **state)
{
    struct advisory_frame frame = frame_of();
    char *text;

    (void)state;
    frame.until_utc_s = INSTANT_NONE;
    text = render("Title: T\nTLP: red\n", &frame);
    expect_in(text, "\nUntil:    no date is set yet\n");
    expect_in(text, "\nTLP:      RED\n");
    expect_not_in(text, "Notice:");
    expect_not_in(text, "Severity:");
    expect_not_in(text, "UPDATES");
    expect_not_in(text, "AFFECTED");
    free(text);
}

/* In public nothing speaks of an embargo. */
static void test_render_public(void **state)
{
    struct advisory_frame frame = {.label = "XSA-470", .version = 3, .until_utc_s = INSTANT_NONE};
    char *text;

    (void)state;
    text = render(WHOLE, &frame);
    expect_in(text, "Security Advisory XSA-470");
    expect_in(text, "Turn it off.");
    expect_not_in(text, "EMBARGO");
    expect_not_in(text, "Until:");
    expect_not_in(text, "TLP");
    expect_not_in(text, "RESOLUTION");
    expect_not_in(text, "Told as");
    free(text);
}

static void test_uses_text(void **state)
{
    struct buf out = BUF_EMPTY;

    (void)state;
    frame_of();
    advisory_uses_text(uses, POLICY_ASK, &out);
    assert_string_equal(buf_text(&out), "tell_cve");
    uses[POLICY_USE_TELL_CVE].word = POLICY_DENY;
    buf_add_str(&out, ": ");
    advisory_uses_text(uses, POLICY_ASK, &out);
    assert_string_equal(buf_text(&out), "tell_cve: nothing");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_crlf),
        cmocka_unit_test(test_least),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_nul_and_size),
        cmocka_unit_test(test_dump_and_load),
        cmocka_unit_test(test_render_embargoed),
        cmocka_unit_test(test_render_without_a_date),
        cmocka_unit_test(test_render_public),
        cmocka_unit_test(test_uses_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
