/* Each text of a mail, filled with all of its values and with as few as may be: what a person reads is whole. */
#include "codec/assets.h"
#include "base/mem.h"
#include "codec/tmpl.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAMES_MAX 24

/* What a template names; the names that stand in an {{#if}} may be without a value. */
struct names {
    char *items[NAMES_MAX];
    bool may_miss[NAMES_MAX];
    size_t n;
};

static void find_names(const char *text, struct names *out)
{
    out->n = 0;
    for (const char *at = strstr(text, "{{"); at; at = strstr(at + 2, "{{")) {
        const char *name = at + 2;
        bool is_if = strncmp(name, "#if ", 4) == 0;
        size_t i = 0;
        char *word;

        if (*name == '/')
            continue;
        name += is_if ? 4 : 0;
        word = mem_strndup(name, strcspn(name, "}"));
        while (i < out->n && strcmp(out->items[i], word) != 0)
            i++;
        if (i == out->n) {
            assert_true(out->n < NAMES_MAX);
            out->may_miss[out->n] = false;
            out->items[out->n++] = mem_strdup(word);
        }
        out->may_miss[i] = out->may_miss[i] || is_if;
        free(word);
    }
}

/* As long as what stands there in a mail. */
static const char *typical(const char *name)
{
    static const struct {
        const char *name, *value;
    } table[] = {
        {"list", "security@example.org"},
        {"address", "security+c-bhjh2ma6tqbmaqap4grag@example.org"},
        {"key", "01C308F4F2E4AA989E54DF7F64DFAA59D4DA5B04"},
        {"fingerprint", "01C308F4F2E4AA989E54DF7F64DFAA59D4DA5B04"},
        {"at", "2026-11-25T13:00:00Z"},
        {"until", "2026-11-25T13:00:00Z"},
        {"id", "EXAMPLE-SA-2026-0001"},
        {"missing", "  - Evidence\n"},
        {"form", "Organisation:\nDomains:\n"},
        {"criteria", "  - a page on the web\n"},
        {"checklist", "  [met    ] complete: every field has a value\n"},
        {"allowed", "  - build_test\n"},
        {"denied", "  - tell_cve\n"},
        {"asked", "  - tell_id\n"},
        {"challenge", "List: main\nChallenge: ymmiqno3daimik3774jrq5gi4ncfibsn\n"},
        {"kept", ""},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].value;
    return "Words";
}

static void check_text(const char *name, const char *text)
{
    const char *begin = text;

    if (strstr(text, "{{") || strstr(text, "}}") || strstr(text, "(null)") || strstr(text, "\n\n\n"))
        fail_msg("%s: a tag is left, or two empty lines:\n%s", name, text);
    if (isspace((unsigned char)*text) || !*text || text[strlen(text) - 1] != '\n' || strstr(text, "\n\n\n"))
        fail_msg("%s: begins with a blank, or does not end with a line:\n%s", name, text);
    while (*begin) {
        size_t len = strcspn(begin, "\n");

        if (len > 80 || (len && isspace((unsigned char)begin[len - 1])))
            fail_msg("%s: a line of %zu bytes, or with a blank at its end: %.*s", name, len, (int)len, begin);
        begin += len + (begin[len] == '\n');
    }
    if (strlen(text) > 1 && strcmp(text + strlen(text) - 2, "\n\n") == 0)
        fail_msg("%s: ends with an empty line:\n%s", name, text);
}

/* missing: which of the names that may miss do, as bits. */
static void fill(const struct asset *a, const char *source, const struct names *names, unsigned missing)
{
    struct tmpl_value values[NAMES_MAX];
    struct tmpl *t;
    struct buf out = BUF_EMPTY;
    struct diag why;

    for (size_t i = 0; i < names->n; i++)
        values[i] = (struct tmpl_value){names->items[i],
                                        names->may_miss[i] && missing & 1u << i ? "" : typical(names->items[i])};
    if (tmpl_load(span_of(source), a->name, (const char *const *)names->items, names->n, &t, &why))
        fail_msg("%s: %s", a->name, why.text);
    assert_int_equal(tmpl_fill(t, values, names->n, &out, &why), ERR_OK);
    check_text(a->name, buf_text(&out));
    tmpl_free(&t);
    buf_free(&out);
}

static void each_text_is_whole(void **state)
{
    size_t n = 0;

    (void)state;
    for (const struct asset *a = assets_table; a->name; a++) {
        struct names names;
        char *source;

        if (strncmp(a->name, "mail/", 5) != 0)
            continue;
        source = mem_strndup((const char *)a->data, a->len);
        find_names(source, &names);
        fill(a, source, &names, 0);
        /* A notice of the end says one of two things, never neither. */
        if (strcmp(a->name, "mail/embargo-over.txt") != 0)
            fill(a, source, &names, ~0u);
        for (size_t i = 0; i < names.n; i++)
            if (names.may_miss[i])
                fill(a, source, &names, 1u << i);
        for (size_t i = 0; i < names.n; i++)
            free(names.items[i]);
        free(source);
        n++;
    }
    assert_true(n >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_text_is_whole)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
