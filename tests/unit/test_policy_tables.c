/*
 * The tables of tests/policy: facts and expected verdicts, written from the processes' own texts and by plain date
 * arithmetic, not by the program. A track, tier, posting rule or bound of a clock that no row reaches fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/decide.h"
#include "policy/schedule.h"
#include "unit/policy_fixture.h"

static struct policy *policies[32];
static const char *names[32];
static size_t n_policies;
static char *reached[4096]; /* "xen@2026 tracks.public" */
static size_t n_reached;

static const struct policy *policy_named(const char *name)
{
    for (size_t i = 0; i < n_policies; i++) {
        if (strcmp(names[i], name) == 0)
            return policies[i];
    }
    fail_msg("no policy %s", name);
    return NULL;
}

static void reach(const char *policy, const char *rule)
{
    assert_true(n_reached < 4096);
    reached[n_reached++] = mem_printf("%s %s", policy, rule);
}

static bool was_reached(const char *policy, const char *rule)
{
    char *wanted = mem_printf("%s %s", policy, rule);
    bool found = false;
    for (size_t i = 0; i < n_reached && !found; i++)
        found = strcmp(reached[i], wanted) == 0;
    free(wanted);
    return found;
}

/* The value of "name=" in a list of words separated by blanks, in out; false where it is not there. */
static bool fact(const char *facts, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    for (const char *p = facts; *p != '\0'; p += strcspn(p, " "), p += *p == ' ') {
        if (strncmp(p, name, len) == 0 && (p[len] == '=' || p[len] == ' ' || p[len] == '\0')) {
            const char *value = p + len + (p[len] == '=');
            snprintf(out, size, "%.*s", (int)strcspn(value, " "), value);
            return true;
        }
    }
    *out = '\0';
    return false;
}

static int64_t instant_fact(const char *facts, const char *name)
{
    char text[64];
    return fact(facts, name, text, sizeof(text)) ? fixture_instant(text) : INSTANT_NONE;
}

/* Each fact that a preset was written from stands in it. */
static void fact_row(int line, char **f, void *context)
{
    (void)context;
    const struct policy *policy = policy_named(f[0]);
    struct buf wanted = BUF_EMPTY;
    if (strcmp(f[1], "tiers") == 0) {
        assert_int_equal(policy->tiers_stated.has, strcmp(f[2], "[]") == 0 ? POLICY_NONE : POLICY_UNSTATED);
    } else if (strcmp(f[1], "uses") == 0) {
        const struct policy_value *use = &policy->everyone.uses[0].value;
        assert_string_equal(policy_value_text(use), f[2]);
        assert_true(use->line > 0);
    } else if (strcmp(f[1], "publication.channels") == 0 && f[2][0] == '[') {
        size_t n = 0;
        for (const char *p = f[2]; (p = strstr(p, "\"kind\"")) != NULL; p++)
            n++;
        assert_int_equal(policy->publication.n_channels, n);
        for (size_t i = 0; i < n; i++)
            assert_non_null(strstr(f[2], policy_value_text(&policy->publication.channels[i].to)));
    } else if (strcmp(f[1], "publication.channels") == 0) {
        assert_string_equal(policy_value_text(&policy->publication.channels_stated), f[2]);
    } else if (strcmp(f[1], "membership.criteria") == 0 && f[2][0] != '[') {
        assert_string_equal(policy_value_text(&policy->membership.criteria_stated), f[2]);
    } else if (strcmp(f[1], "membership.criteria") == 0) {
        for (size_t i = 0; i < policy->membership.n_criteria; i++)
            buf_printf(&wanted, "%s\"%s\"", i > 0 ? ", " : "", policy_value_text(&policy->membership.criteria[i].id));
        assert_memory_equal(buf_text(&wanted), f[2] + 1, wanted.len);
    } else if (strstr(f[1], ".when") == NULL || strcmp(f[2], "{}") != 0) {
        char *key =
            mem_printf("%s%s", f[1], strncmp(f[1], "clocks.", 7) == 0 && strchr(f[1] + 7, '.') == NULL ? ".value" : "");
        const struct policy_value *value = policy_get(policy, key);
        bool list = f[2][0] == '[' && (f[2][1] == '"' || f[2][1] == ']');
        for (const char *p = f[2]; *p != '\0'; p++) {
            if (!list || strchr("[]\"", *p) == NULL)
                buf_add_byte(&wanted, (uint8_t)*p);
        }
        if (value == NULL || value->line == 0 || strcmp(policy_value_text(value), buf_text(&wanted)) != 0)
            fail_msg("line %d: %s %s is %s", line, f[0], key, value != NULL ? policy_value_text(value) : "not there");
        free(key);
    }
    buf_free(&wanted);
}

static void test_presets_hold_their_facts(void **state)
{
    (void)state;
    fixture_table("tests/policy/facts.tsv", fact_row, NULL);
}

static void track_row(int line, char **f, void *context)
{
    (void)context;
    char severity[32], channel[64], scope[64], track[64], days[16], word[16];
    struct decide_case facts = {.channel = channel, .scope = scope, .track = track, .fix_needs_s = -1};
    struct decide_track out;
    facts.severity = POLICY_UNRATED;
    if (fact(f[1], "severity", severity, sizeof(severity)))
        assert_true(policy_severity_parse(severity, &facts.severity));
    facts.is_public = fact(f[1], "public", word, sizeof(word)) && strcmp(word, "true") == 0;
    if (fact(f[1], "origin", word, sizeof(word)))
        facts.origin = strcmp(word, "automated") == 0 ? POLICY_ORIGIN_AUTOMATED : POLICY_ORIGIN_HUMAN;
    fact(f[1], "channel", channel, sizeof(channel));
    fact(f[1], "scope", scope, sizeof(scope));
    fact(f[1], "track", track, sizeof(track));
    if (fact(f[1], "fix_longer_than", days, sizeof(days)))
        facts.fix_needs_s = strtol(days, NULL, 10) * 86400;
    decide_track(policy_named(f[0]), &facts, &out);
    char *rule = mem_printf("tracks.%s", f[2]);
    if (strcmp(out.rule, rule) != 0)
        fail_msg("line %d: %s, not %s", line, out.rule, rule);
    assert_true(out.track == NULL || (out.line > 0 && strstr(out.file, ".conf") != NULL));
    reach(f[0], out.rule);
    free(rule);
    decide_track_free(&out);
}

static void test_tracks(void **state)
{
    (void)state;
    fixture_table("tests/policy/tracks.tsv", track_row, NULL);
}

/* The names of uses, separated by commas, are those of a word; "-": none; "": not looked at. */
static void check_uses(int line, const char *list, const struct decide_verdict *verdict, bool stated, int word)
{
    for (int use = 0; *list != '\0' && use < POLICY_USES; use++) {
        const struct decide_use *found = &verdict->uses[use];
        const char *name = policy_use_name((enum policy_use)use), *at = strstr(list, name);
        bool listed = at != NULL && (at == list || at[-1] == ',') && strchr(",", at[strlen(name)]) != NULL;
        bool is = found->stated == stated && (int)found->word == word;
        if (listed != is)
            fail_msg("line %d: the use %s is %d, stated %d", line, name, (int)found->word, found->stated);
    }
}

static void member_row(int line, char **f, void *context)
{
    (void)context;
    char text[64], key[32];
    const struct policy *policy = policy_named(f[0]);
    int64_t events[POLICY_EVENTS];
    for (int i = 0; i < POLICY_EVENTS; i++)
        events[i] = INSTANT_NONE;
    if (fact(f[4], "fix-ready", text, sizeof(text)))
        events[POLICY_AT_FIX_READY] = fixture_instant("2026-11-23T10:00:00Z");
    struct decide_telling facts = {.track = policy_track_find(policy, f[1]),
                                   .now_utc_s = fixture_instant("2026-11-24T10:00:00Z"),
                                   .publish_planned_utc_s = instant_fact(f[4], "planned"),
                                   .event_utc_s = events,
                                   .commanded = true};
    struct decide_member member = {.class = f[3], .tier = strcmp(f[2], "-") == 0 ? NULL : f[2]};
    if (fact(f[4], "state", text, sizeof(text)))
        assert_true(member_state_parse(text, &member.state));
    member.key_state = fact(f[4], "key", key, sizeof(key)) ? key : NULL;
    member.already_told = fact(f[4], "told", text, sizeof(text));
    struct decide_verdict out;
    assert_non_null(facts.track);
    decide_member(policy, &member, &facts, &out);
    const char *verdict = out.send ? "send" : out.queue ? "queue" : "skip";
    if (strcmp(verdict, f[5]) != 0 || strcmp(out.rule, f[6]) != 0)
        fail_msg("line %d: %s by %s", line, verdict, out.rule);
    if (strcmp(f[5], "skip") != 0) {
        check_uses(line, f[7], &out, true, POLICY_ALLOW);
        check_uses(line, f[8], &out, true, POLICY_DENY);
        check_uses(line, f[9], &out, true, POLICY_ASK);
        check_uses(line, f[10], &out, true, POLICY_ADVISORY);
        check_uses(line, f[11], &out, false, POLICY_DENY); /* unstated counts as deny */
        char *rule = mem_printf("tiers.%s", policy_value_text(&out.tier.tier->name));
        reach(f[0], rule);
        free(rule);
    } else if (policy_tier_find(policy, f[2]) != NULL &&
               policy_tier_find(policy, f[2])->classes.has == POLICY_UNSTATED) {
        char *rule = mem_printf("tiers.%s", f[2]); /* its classes are unstated: nobody is told, and that is asked */
        bool asked = false;
        for (size_t i = 0; i < out.unstated.n; i++)
            asked = asked || strstr(out.unstated.items[i], ".classes") != NULL;
        if (asked)
            reach(f[0], rule);
        free(rule);
    }
    decide_verdict_free(&out);
}

static void test_members(void **state)
{
    (void)state;
    fixture_table("tests/policy/members.tsv", member_row, NULL);
}

static int index_of(const char *const *words, const char *word)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    fail_msg("not a word of the table: %s", word);
    return 0;
}

static void post_row(int line, char **f, void *context)
{
    (void)context;
    static const char *const senders[] = {"team", "member", "participant", "reporter", "stranger", NULL};
    static const char *const addresses[] = {"report", "case", "members", "apply", "command", NULL};
    static const char *const signatures[] = {"none", "unbound", "bound", NULL};
    struct decide_sender sender = {.kind = (enum policy_sender)index_of(senders, f[1]),
                                   .tier = strcmp(f[2], "-") == 0 ? NULL : f[2],
                                   .signature = (enum decide_signature)index_of(signatures, f[3]),
                                   .encrypted = strcmp(f[4], "yes") == 0,
                                   .subject = f[5]};
    struct decide_post out;
    decide_post(policy_named(f[0]), &sender, (enum policy_address)index_of(addresses, f[6]), &out);
    if (strcmp(policy_action_name(out.action), f[7]) != 0 || strcmp(out.rule, f[8]) != 0)
        fail_msg("line %d: %s by %s", line, policy_action_name(out.action), out.rule);
    assert_true(*out.reason != '\0');
    assert_null(*f[5] == '-' ? NULL : strstr(out.reason, "overflow"));
    reach(f[0], out.rule);
    decide_post_free(&out);
}

static void test_posts(void **state)
{
    (void)state;
    fixture_table("tests/policy/posts.tsv", post_row, NULL);
}

static void facts_read(const struct policy *policy, const char *text, struct schedule_facts *out)
{
    char track[64];
    schedule_facts_init(out);
    if (fact(text, "track", track, sizeof(track))) {
        out->track = policy_track_find(policy, track);
        assert_non_null(out->track);
    }
    for (int i = 0; i < POLICY_EVENTS; i++)
        out->at_utc_s[i] = instant_fact(text, policy_event_name((enum policy_event)i));
    out->patch_defect_utc_s = instant_fact(text, "patch-defect");
    out->discoverer_utc_s = instant_fact(text, "discoverer");
    out->exploited_utc_s = instant_fact(text, "exploited");
    out->leaked_utc_s = instant_fact(text, "leaked");
}

/* "=business-day:5@Europe/Berlin": a policy of one clock. */
static struct policy *policy_of_clock(const char *form)
{
    char unit[32], zone[64] = "UTC";
    int amount;
    assert_true(sscanf(form, "=%31[a-z-]:%d@%63[A-Za-z/]", unit, &amount, zone) >= 2);
    char *text = mem_printf("policy = { id = \"c\"; edition = \"1\"; };\n"
                            "tracks = ( { name = \"all\"; mode = \"coordinated\"; when = { }; } );\n"
                            "clocks = ( { name = \"c\"; start = \"report\"; end = \"fix\"; unit = \"%s\"; max = %d;\n"
                            "force = \"limit\"; } );\nrelease = { zone = \"%s\"; };\n",
                            unit, amount, zone);
    struct policy *policy = fixture_load_text(text, false);
    free(text);
    return policy;
}

static void schedule_row(int line, char **f, void *context)
{
    const struct schedule_holidays *holidays = strstr(f[0], "+h") != NULL ? context : NULL;
    struct policy *own = f[0][0] == '=' ? policy_of_clock(f[0]) : NULL;
    const struct policy *policy = own != NULL ? own : policy_named(f[0]);
    struct schedule_facts facts;
    struct schedule out;
    char at[INSTANT_TEXT_SIZE];
    bool found = false;
    facts_read(policy, f[1], &facts);
    schedule_make(policy, holidays, &facts, &out);
    for (size_t i = 0; i < out.n; i++) {
        const struct schedule_deadline *d = &out.items[i];
        assert_true(i == 0 || out.items[i - 1].at_utc_s <= d->at_utc_s);
        if (strcmp(d->rule, f[2]) != 0)
            continue;
        found = true;
        if (d->at_utc_s != fixture_instant(f[3]) || strcmp(d->force, f[4]) != 0)
            fail_msg("line %d: %s %s at %s, %s", line, f[0], d->rule, instant_text(d->at_utc_s, at), d->force);
        assert_true(d->line > 0 || strcmp(d->rule, "embargo.until") == 0);
    }
    if (!found)
        fail_msg("line %d: no deadline %s", line, f[2]);
    reach(f[0], f[2]);
    schedule_free(&out);
    policy_free(&own);
}

static void test_schedule(void **state)
{
    (void)state;
    static const char lines[] = "# days\n2026-12-24 eve\n2026-12-25\tfirst day\n2026-12-26\r\n\n2027-01-01 new year";
    struct policy_text text = {"holidays", lines, strlen(lines)};
    struct schedule_holidays holidays;
    struct conf_faults faults = {0};
    assert_int_equal(schedule_holidays_parse(&text, &faults, &holidays), ERR_OK);
    assert_int_equal(holidays.n, 4);
    fixture_table("tests/policy/schedule.tsv", schedule_row, &holidays);
    schedule_holidays_free(&holidays);
}

static void date_row(int line, char **f, void *context)
{
    (void)context;
    const struct policy *policy = policy_named(f[0]);
    struct schedule_facts facts;
    struct schedule_notes notes;
    struct diag why = {0};
    const char *until = f[3] + strspn(f[3], "+!~");
    struct schedule_change change = {.now_utc_s = fixture_instant(f[2]),
                                     .until_utc_s = fixture_instant(until),
                                     .by = memchr(f[3], '~', 2) != NULL ? POLICY_BY_DISCOVERER : POLICY_BY_TEAM,
                                     .has_reason = memchr(f[3], '!', 2) != NULL,
                                     .whole_day = f[3][0] == '+'};
    facts_read(policy, f[1], &facts);
    enum err err = schedule_check_until(policy, NULL, &facts, &change, &notes, &why);
    const char *verdict = err == ERR_DENIED ? "refused" : err == ERR_USAGE ? "reason" : notes.n > 0 ? "note" : "ok";
    bool named = strcmp(f[5], "-") == 0 || strcmp(why.rule, f[5]) == 0;
    for (size_t i = 0; err == ERR_OK && i < notes.n; i++)
        named = named || strcmp(notes.items[i].rule, f[5]) == 0;
    if (strcmp(verdict, f[4]) != 0 || !named)
        fail_msg("line %d: %s by %s: %s", line, verdict, notes.n > 0 ? notes.items[0].rule : why.rule, why.text);
    if (err != ERR_OK && strcmp(why.rule, "embargo.past") != 0)
        assert_true(why.line > 0 && strstr(why.file, ".conf") != NULL);
    reach(f[0], f[5]);
    schedule_notes_free(&notes);
}

static void test_dates(void **state)
{
    (void)state;
    fixture_table("tests/policy/dates.tsv", date_row, NULL);
}

static void must_reach(size_t i, const char *format, const char *name, size_t *missing)
{
    char *rule = mem_printf(format, name);
    if (!was_reached(names[i], rule)) {
        print_error("no row reaches %s of %s\n", rule, names[i]);
        (*missing)++;
    }
    free(rule);
}

static void must_reach_bounds(size_t i, const struct policy_clock *clock, size_t *missing)
{
    const char *name = policy_value_text(&clock->name);
    if (clock->start.has != POLICY_STATED || clock->unit.has != POLICY_STATED)
        return;
    if (clock->min.has == POLICY_STATED && strcmp(names[i], "whole") != 0)
        must_reach(i, "clocks.%s.min", name, missing);
    if (clock->target.has == POLICY_STATED)
        must_reach(i, "clocks.%s.target", name, missing);
    if (clock->max.has == POLICY_STATED)
        must_reach(i, "clocks.%s.max", name, missing);
    if (clock->extend.max.has == POLICY_STATED)
        must_reach(i, "clocks.%s.extend.max", name, missing);
    if (clock->grace.max.has == POLICY_STATED)
        must_reach(i, "clocks.%s.grace.max", name, missing);
}

/* What is said of the day of release and by whom, where it can decide something. */
static void must_reach_release(size_t i, const struct policy *policy, size_t *missing)
{
    const struct policy_authority *authority = &policy->authority;
    if (policy->release.forbid_weekdays.has == POLICY_STATED && policy->release.forbid_weekdays.number != 0)
        must_reach(i, "release.%s", "forbid_weekdays", missing);
    if (policy->release.time.has == POLICY_STATED)
        must_reach(i, "release.%s", "time", missing);
    if (authority->discoverer.has == POLICY_STATED)
        must_reach(i, "authority.%s", "discoverer", missing);
    if (policy_is(&authority->exploited, POLICY_PUBLISH_NOW))
        must_reach(i, "authority.%s", "exploited", missing);
    if (policy_is(&authority->leak, POLICY_PUBLISH_NOW))
        must_reach(i, "authority.%s", "leak", missing);
}

static void test_every_rule_was_reached(void **state)
{
    (void)state;
    size_t missing = 0;
    for (size_t i = 0; i < n_policies; i++) {
        const struct policy *policy = policies[i];
        for (size_t k = 0; k < policy->n_tracks && strcmp(names[i], "defaults") != 0; k++)
            must_reach(i, "tracks.%s", policy_value_text(&policy->tracks[k].name), &missing);
        for (size_t k = 0; k < policy->n_tiers; k++)
            must_reach(i, "tiers.%s", policy_value_text(&policy->tiers[k].name), &missing);
        must_reach_release(i, policy, &missing);
        for (size_t k = 0; k < policy->n_clocks; k++)
            must_reach_bounds(i, &policy->clocks[k], &missing);
        bool own_rules = policy->posting_stated.origin == POLICY_FROM_POLICY || strcmp(names[i], "defaults") == 0;
        for (size_t k = 0; own_rules && k < policy->n_posting; k++)
            must_reach(i, "posting.%s", policy_value_text(&policy->posting[k].name), &missing);
        for (size_t k = 0; k < policy->n_tiers; k++) {
            if (policy->tiers[k].before_publish.has == POLICY_STATED)
                must_reach(i, "tiers.%s.notice.before_publish", policy_value_text(&policy->tiers[k].name), &missing);
            if (policy->tiers[k].max.has == POLICY_STATED)
                must_reach(i, "tiers.%s.max", policy_value_text(&policy->tiers[k].name), &missing);
            if (policy->tiers[k].final.has == POLICY_STATED)
                must_reach(i, "tiers.%s.notice.final", policy_value_text(&policy->tiers[k].name), &missing);
        }
    }
    assert_int_equal(missing, 0);
}

static int setup(void **state)
{
    (void)state;
    size_t n;
    const char *const *presets = fixture_presets(&n);
    for (size_t i = 0; i < n; i++) {
        char *path = mem_printf("templates/policy/%s.conf", presets[i]);
        policies[n_policies] = fixture_load_file(path, true);
        names[n_policies++] = presets[i];
        free(path);
    }
    policies[n_policies] = fixture_load_file("tests/policy/whole.conf", false);
    names[n_policies++] = "whole";
    policies[n_policies] = fixture_load_text("policy = { id = \"d\"; edition = \"1\"; };\n"
                                             "tracks = ( { name = \"all\"; mode = \"coordinated\"; when = { }; } );\n",
                                             true);
    names[n_policies++] = "defaults";
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_policies; i++)
        policy_free(&policies[i]);
    for (size_t i = 0; i < n_reached; i++)
        free(reached[i]);
    return 0;
}

int main(int argc, char **argv)
{
    fixture_root(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presets_hold_their_facts),
        cmocka_unit_test(test_tracks),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_posts),
        cmocka_unit_test(test_schedule),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_every_rule_was_reached),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
