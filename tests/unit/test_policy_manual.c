/*
 * The manual embargod-policy(5) against the program: every key with an example, every word that a key allows, every
 * row of the tables of states; and the policy in its EXAMPLES loads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/policy_keys.h"
#include "policy/states.h"
#include "unit/policy_fixture.h"

static char *manual;
static size_t n_missing;

/* The entry of a key, from its .It to the next; owned. NULL where there is none. */
static char *entry_of(const char *path)
{
    char *head = mem_printf("\n.It Ic %s\n", path);
    const char *at = strstr(manual, head), *end;
    char *entry = NULL;
    if (at != NULL) {
        at += strlen(head) - 1;
        end = strstr(at, "\n.It ");
        entry = mem_strndup(at, end != NULL ? (size_t)(end - at) : strlen(at));
    }
    free(head);
    return entry;
}

static void missing(const char *path, const char *what)
{
    print_error("embargod-policy(5): %s: no %s\n", path, what);
    n_missing++;
}

static void check_entry(const char *path, const struct conf_key *key, const char *entry)
{
    const char *example = strstr(entry, "\n.Bd -literal");
    if (entry[1] != '(')
        missing(path, "type");
    if (example == NULL || strstr(example, key->name) == NULL)
        missing(path, "example");
    for (size_t i = 0; key->words != NULL && key->kind != KIND_USE && key->words[i] != NULL; i++) {
        if (strstr(entry, key->words[i]) == NULL)
            missing(path, key->words[i]);
    }
}

static const char *element_of(const struct conf_key *list)
{
    if (strcmp(list->name, "criteria") == 0)
        return "ID";
    return strcmp(list->name, "channels") == 0 ? "KIND" : "NAME";
}

static void check_keys(const struct conf_key *keys, const char *parent, size_t *n_keys)
{
    for (; keys->name != NULL; keys++) {
        char *path = mem_printf("%s%s%s", parent, *parent != '\0' ? "." : "", keys->name);
        char *entry = entry_of(path);
        (*n_keys)++;
        /* The head has no entry of its own; the words of a tier are those of everybody. */
        if (entry == NULL && strcmp(path, "policy") != 0)
            missing(path, "entry");
        else if (entry != NULL)
            check_entry(path, keys, entry);
        if (keys->kind == KIND_LIST) {
            char *inner = mem_printf("%s.%s", path, element_of(keys));
            check_keys(keys->keys, inner, n_keys);
            free(inner);
        } else if (keys->kind == KIND_GROUP && strcmp(path, "tiers.NAME.uses") != 0) {
            check_keys(keys->keys, path, n_keys);
        }
        free(entry);
        free(path);
    }
}

static void test_every_key(void **state)
{
    (void)state;
    size_t n_keys = 0;
    n_missing = 0;
    check_keys(policy_keys, "", &n_keys);
    assert_true(n_keys > 100);
    assert_int_equal(n_missing, 0);
}

/* And no key that the program does not know. */
static bool is_key(const struct conf_key *keys, const char *path)
{
    size_t len = strcspn(path, ".");
    for (; keys->name != NULL; keys++) {
        if (strlen(keys->name) != len || strncmp(keys->name, path, len) != 0)
            continue;
        if (path[len] == '\0')
            return true;
        const char *rest = path + len + 1;
        if (keys->kind == KIND_LIST)
            rest += strcspn(rest, ".") + 1;
        return keys->keys != NULL && is_key(keys->keys, rest);
    }
    return false;
}

static void test_no_other_key(void **state)
{
    (void)state;
    for (const char *p = manual; (p = strstr(p, "\n.It Ic ")) != NULL;) {
        p += strlen("\n.It Ic ");
        char *path = mem_strndup(p, strcspn(p, "\n"));
        if (!is_key(policy_keys, path))
            fail_msg("embargod-policy(5) has a key %s, which there is not", path);
        free(path);
    }
}

static void check_row(const char *from, const char *on, const char *to, const char *effect)
{
    char *row = mem_printf("\n.It %s Ta %s Ta %s Ta %s\n", from, on, to, effect);
    if (strstr(manual, row) == NULL)
        missing("states", row);
    free(row);
}

static void test_every_state(void **state)
{
    (void)state;
    size_t n_cases, n_applications, n_members, n_rows = 0;
    const struct case_step *c = case_steps_all(&n_cases);
    const struct application_step *a = application_steps_all(&n_applications);
    const struct member_step *m = member_steps_all(&n_members);
    n_missing = 0;
    for (size_t i = 0; i < n_cases; i++)
        check_row(case_state_name(c[i].from), case_event_name(c[i].on), case_state_name(c[i].to),
                  effect_name(c[i].effect));
    for (size_t i = 0; i < n_applications; i++)
        check_row(application_state_name(a[i].from), application_event_name(a[i].on), application_state_name(a[i].to),
                  effect_name(a[i].effect));
    for (size_t i = 0; i < n_members; i++)
        check_row(member_state_name(m[i].from), member_event_name(m[i].on), member_state_name(m[i].to),
                  effect_name(m[i].effect));
    assert_int_equal(n_missing, 0);
    for (const char *p = strstr(manual, "\n.Sh STATES"); (p = strstr(p, " Ta ")) != NULL; p += 4)
        n_rows++;
    assert_int_equal(n_rows, 3 * (n_cases + n_applications + n_members + 3)); /* three headings; none too many */
}

static void test_example_loads(void **state)
{
    (void)state;
    const char *section = strstr(manual, "\n.Sh EXAMPLES");
    assert_non_null(section);
    const char *begin = strstr(section, "\npolicy = {"), *end = begin != NULL ? strstr(begin, "\n.Ed") : NULL;
    assert_non_null(end);
    char *text = mem_strndup(begin, (size_t)(end - begin));
    struct policy *policy = fixture_load_text(text, true);
    assert_int_equal(policy->n_tracks, 2);
    assert_int_equal(policy->clocks[0].max.number, 14);
    policy_free(&policy);
    free(text);
}

static int setup(void **state)
{
    (void)state;
    struct buf text = fixture_read("man/embargod-policy.5");
    manual = buf_take(&text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(manual);
    return 0;
}

int main(int argc, char **argv)
{
    fixture_root(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_no_other_key),
        cmocka_unit_test(test_every_state),
        cmocka_unit_test(test_example_loads),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
