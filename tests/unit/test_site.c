/*
 * The site from the database: in no state of a case does anything of it come out but what was released. With SITE_BENCH
 * set to a number, so many advisories are made, and the time of each step is shown.
 */
#include "tests/unit/store_fixture.h"

#include "base/clock.h"
#include "flow/advisory_doc.h"
#include "flow/advisory_product.h"
#include "flow/policies.h"
#include "flow/site.h"
#include "store/publish.h"

#include <time.h>

static struct settings_list list = {.name = "security",
                                    .address = "security@example.org",
                                    .policy = "xen@2026",
                                    .fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567",
                                    .next_id = 1};
static struct settings settings = {.home = "/nowhere", .lists = &list, .n_lists = 1};

struct world {
    struct clock clock;
    struct flow flow;
};

static void world_make(struct store *s, struct world *w)
{
    char name[POLICY_NAME_MAX], digest[65];

    memset(w, 0, sizeof *w);
    w->clock.last_utc_s = NOW;
    OK(clock_open(&w->clock, NULL, &s->why));
    w->flow = (struct flow){.settings = &settings, .db = s->db, .clock = &w->clock, .policies = policies_new(NULL)};
    /* The policy that store_case pins, under the digest that it gives. */
    OK(policies_keep(&w->flow, "cloud-model@2026", name, digest, &s->why));
    OK(db_run(s->db, &s->why, "UPDATE policy SET digest = ?", "t", "00"));
}

static void world_end(struct world *w)
{
    policies_free(&w->flow.policies);
    clock_close(&w->clock);
}

/* A version with its text and a patch; its row. */
static int64_t add_version(struct store *s, int64_t case_id, int64_t version, const char *title)
{
    struct advisory_row row = {.case_id = case_id, .version = version, .at = NOW};
    char *text = mem_printf("Title: %s\nCVE: CVE-2026-1%04d\nAffected: p >=1 <2\n\n## IMPACT\n\n%s in the text.\n",
                            title, (int)case_id, title);
    struct advisory_doc doc;
    char *dump;

    OK(advisory_doc_parse(span_of(text), &doc, &s->why));
    dump = advisory_doc_dump(&doc);
    OK(advisory_insert(s->db, &row, span_of(dump), &s->why));
    OK(patch_put(s->db, row.id, "fix.patch", span_of(title), &s->why));
    advisory_doc_free(&doc);
    advisory_row_free(&row);
    free(dump);
    free(text);
    return db_value(s->db, 0, "SELECT id FROM advisory WHERE case_id = ? AND version = ?", "ii", case_id, version);
}

static void set_state(struct store *s, int64_t id, const char *state, int64_t public_at)
{
    struct case_row c;

    OK(case_by_id(s->db, id, &c, &s->why));
    free(c.state);
    c.state = mem_strdup(state);
    c.public_at = public_at;
    OK(case_update(s->db, &c, &s->why));
    case_row_free(&c);
}

static enum err gather(void *ctx, const char *path, struct span bytes, struct diag *why)
{
    struct buf *all = ctx;

    (void)why;
    buf_printf(all, "\n== %s ==\n", path);
    buf_add(all, bytes.data, bytes.len);
    return ERR_OK;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The whole site as one text; what is to be signed is "signed" by words around it. */
static void render(struct store *s, struct world *w, struct buf *all, bool show)
{
    struct site *site;
    bool done = false;
    double t0 = seconds(), t1, t2;

    OK(site_new(&w->flow, &site, &s->why));
    while (!done)
        OK(site_load(site, &done, &s->why));
    t1 = seconds();
    for (size_t i = 0; i < site_texts(site); i++) {
        struct site_text text;

        OK(site_text(site, i, &text, &s->why));
        if (!text.is_signed)
            OK(site_set_signed(site, i, text.text, &s->why));
    }
    t2 = seconds();
    for (size_t i = 0; i < site_pages(site); i++)
        OK(site_page(site, i, gather, all, &s->why));
    if (show)
        print_message("load %.3f s, texts %.3f s, pages %.3f s, %zu bytes\n", t1 - t0, t2 - t1, seconds() - t2,
                      all->len);
    site_free(&site);
}

static bool shows(struct store *s, struct world *w, const char *words)
{
    struct buf all = BUF_EMPTY;
    bool found;

    render(s, w, &all, false);
    found = strstr(buf_text(&all), words) != NULL;
    buf_free(&all);
    return found;
}

static void test_states(void **state)
{
    static const struct {
        const char *state;
        bool is_public;
    } rows[] = {{"new", false},   {"accepted", false}, {"fix-ready", false}, {"predisclosed", false},
                {"public", true}, {"closed", true},    {"rejected", false},  {"duplicate", false}};
    struct store *s = *state;
    int64_t id = store_case(s, "abcdefgh"), version = add_version(s, id, 1, "Canary");
    struct world w;

    world_make(s, &w);
    OK(advisory_set_sent(s->db, version, NOW - 100, &s->why));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        set_state(s, id, rows[i].state, rows[i].is_public ? NOW : INSTANT_NONE);
        if (shows(s, &w, "Canary") != rows[i].is_public || shows(s, &w, "abcdefgh") != rows[i].is_public)
            fail_msg("state %s", rows[i].state);
    }
    /* Closed without ever having been public. */
    set_state(s, id, "closed", INSTANT_NONE);
    assert_false(shows(s, &w, "Canary"));
    world_end(&w);
}

static void test_versions(void **state)
{
    struct store *s = *state;
    int64_t id = store_case(s, "abcdefgh"), first = add_version(s, id, 1, "First"), second, third;
    struct world w;

    world_make(s, &w);
    OK(advisory_set_sent(s->db, first, NOW - 1000, &s->why));
    second = add_version(s, id, 2, "Second");
    set_state(s, id, "public", NOW);
    assert_true(shows(s, &w, "First")); /* what people were told, as nothing was released */
    assert_false(shows(s, &w, "Second"));
    OK(advisory_set_released(s->db, second, NOW, &s->why));
    assert_true(shows(s, &w, "Second"));
    assert_false(shows(s, &w, "First"));
    /* Reopened, under embargo again: what was released stays, and nothing comes to it. */
    set_state(s, id, "predisclosed", INSTANT_NONE);
    OK(db_seal_text(s->db, "cases", id, "sealed_commits", "deadbeef", &s->why));
    third = add_version(s, id, 3, "Third");
    OK(advisory_set_sent(s->db, third, NOW + 1000, &s->why));
    assert_true(shows(s, &w, "Second"));
    assert_false(shows(s, &w, "Third"));
    assert_false(shows(s, &w, "deadbeef"));
    set_state(s, id, "public", NOW + 2000);
    assert_true(shows(s, &w, "Third"));
    assert_true(shows(s, &w, "deadbeef"));
    world_end(&w);
}

/* Case after case under embargo: not a byte changes. */
static void test_nothing_by_having_happened(void **state)
{
    struct store *s = *state;
    int64_t id = store_case(s, "aaaaaaaa");
    struct buf before = BUF_EMPTY, after = BUF_EMPTY;
    struct world w;

    world_make(s, &w);
    OK(advisory_set_released(s->db, add_version(s, id, 1, "Public"), NOW, &s->why));
    set_state(s, id, "public", NOW);
    store_member(s, "Acorn");
    render(s, &w, &before, false);
    id = store_case(s, "bbbbbbbb");
    OK(advisory_set_sent(s->db, add_version(s, id, 1, "Canary"), NOW, &s->why));
    set_state(s, id, "predisclosed", INSTANT_NONE);
    OK(told_add(s->db, id, 1, 1, "predisclosure", NOW, &s->why));
    render(s, &w, &after, false);
    assert_string_equal(buf_text(&before), buf_text(&after));
    assert_non_null(strstr(buf_text(&before), "Acorn")); /* the policy publishes organisations */
    buf_free(&before);
    buf_free(&after);
    world_end(&w);
}

static void test_names(void **state)
{
    static const struct {
        const char *name;
        bool ok;
    } rows[] = {{"a.patch", true},      {"xsa470-4.17.patch", true},
                {"a.diff", true},       {"a.txt", true},
                {"a.json", true},       {"a.asc", true},
                {"a.html", false},      {"a.svg", false},
                {".patch", false},      {"-a.patch", false},
                {"a.patch.exe", false}, {"patch", false},
                {"a b.patch", false},   {"a/b.patch", false},
                {"a.PATCH", false},     {"", false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (site_name_ok(rows[i].name) != rows[i].ok)
            fail_msg("name `%s`", rows[i].name);
}

static void test_products(void **state)
{
    static const struct {
        const char *text, *name, *bounds;
    } rows[] = {{"ringd >=1.2 <1.4", "ringd", ">=1.2 <1.4 "},
                {"ringd 1.4", "ringd", "=1.4 "},
                {"Big Product ==v2.0", "Big Product", "=v2.0 "},
                {"all versions", "all versions", ""},
                {"ringd", "ringd", ""},
                {"1.4", "1.4", ""},
                {"", "", ""},
                {"a <", "a <", ""},
                {"a >=1 b", "a >=1 b", ""},
                {"  a <=3  ", "  a", "<=3 "}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf bounds = BUF_EMPTY;
        struct product p;

        product_parse(rows[i].text, &p);
        for (size_t k = 0; k < p.n_bounds; k++)
            buf_printf(&bounds, "%s%s ", p.bounds[k].op, p.bounds[k].version);
        assert_string_equal(p.name, rows[i].name);
        assert_string_equal(buf_text(&bounds), rows[i].bounds);
        buf_free(&bounds);
        product_free(&p);
    }
}

static void test_many(void **state)
{
    struct store *s = *state;
    const char *wish = getenv("SITE_BENCH");
    long n = wish ? strtol(wish, NULL, 10) : 30;
    struct buf all = BUF_EMPTY;
    struct world w;
    size_t entries = 0;

    world_make(s, &w);
    OK(db_begin(s->db, &s->why));
    for (long i = 0; i < n; i++) {
        char code[9];
        int64_t id;

        snprintf(code, sizeof code, "c%07u", (unsigned)i % 10000000);
        id = store_case(s, code);
        OK(advisory_set_released(s->db, add_version(s, id, 1, "One of many"), NOW + i, &s->why));
        set_state(s, id, "public", NOW + i);
    }
    OK(db_commit(s->db, &s->why));
    render(s, &w, &all, wish != NULL);
    buf_clear(&all);
    render(s, &w, &all, wish != NULL);
    for (const char *at = buf_text(&all); (at = strstr(at, "<entry>")); at++)
        entries++;
    assert_int_equal(entries, n < 50 ? 2 * n : 100); /* two feeds, of 50 at most */
    buf_free(&all);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_states),      WITH_STORE(test_versions),       WITH_STORE(test_nothing_by_having_happened),
        cmocka_unit_test(test_names), cmocka_unit_test(test_products), WITH_STORE(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
