/* policy compare: two policies side by side, and over a history of cases. */
#include "main/ctl.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "main/ctl_client.h"
#include "main/ctl_policy.h"
#include "policy/compare.h"
#include "policy/explain.h"

#include <stdlib.h>
#include <string.h>

#define HISTORY_MAX     ((size_t)16 << 20) /* bytes */
#define ROLLOUT_DEFAULT 7                  /* days */
#define ROLLOUT_MAX     3650

struct pair {
    struct policy *policies[2];
    struct compare_history history;
    struct compare_result results[2];
    int rollout_days;
    bool has_history;
};

static json_t *answers(const struct pair *p)
{
    json_t *out = json_array();

    for (int i = 1; i <= EXPLAIN_QUESTIONS; i++) {
        struct buf a = BUF_EMPTY, b = BUF_EMPTY;

        explain_answer(p->policies[0], i, &a);
        explain_answer(p->policies[1], i, &b);
        json_array_append_new(out, json_pack("{s:i, s:s, s:s, s:s, s:b}", "number", i, "question",
                                             explain_question_text(i), "a", buf_text(&a), "b", buf_text(&b), "same",
                                             strcmp(buf_text(&a), buf_text(&b)) == 0));
        buf_free(&a);
        buf_free(&b);
    }
    return out;
}

struct difference {
    const struct policy *other;
    json_t *out;
    bool only_missing; /* the second round: keys that the first policy lacks */
};

static void differ(void *context, const char *key, const struct policy_value *value)
{
    struct difference *d = context;
    const struct policy_value *other = policy_get(d->other, key);
    const char *mine = policy_value_text(value), *theirs = other ? policy_value_text(other) : NULL;

    if (d->only_missing && !other)
        json_array_append_new(d->out, json_pack("{s:s, s:n, s:s}", "key", key, "a", "b", mine));
    else if (!d->only_missing && (!theirs || strcmp(mine, theirs) != 0))
        json_array_append_new(d->out, json_pack("{s:s, s:s, s:s?}", "key", key, "a", mine, "b", theirs));
}

static json_t *differences(const struct pair *p)
{
    json_t *out = json_array();

    policy_each(p->policies[0], differ, &(struct difference){p->policies[1], out, false});
    policy_each(p->policies[1], differ, &(struct difference){p->policies[0], out, true});
    return out;
}

static json_t *days(double value, size_t n)
{
    return n ? json_real(value) : json_null();
}

static json_t *result(const struct compare_result *r)
{
    json_t *verdicts = json_object(), *classes = json_object(), *tiers = json_array();

    for (int v = 0; v < COMPARE_VERDICTS; v++)
        json_object_set_new(verdicts, compare_verdict_name((enum compare_verdict)v),
                            json_integer((json_int_t)r->n_verdicts[v]));
    for (int k = 0; k < COMPARE_CLASSES; k++) {
        const struct compare_exposure *e = &r->classes[k];

        json_object_set_new(classes, compare_class_name((enum compare_class)k),
                            json_pack("{s:I, s:I, s:o, s:o, s:o}", "told", (json_int_t)e->n_told, "unstated",
                                      (json_int_t)e->n_unstated, "notice_days", days(e->notice_days, e->n_told),
                                      "report_days", days(e->report_days, e->n_reported), "exposed_days",
                                      days(e->exposed_days, r->n)));
    }
    for (size_t i = 0; i < r->n_tiers; i++) {
        const struct compare_tier *t = &r->tiers[i];

        json_array_append_new(tiers, json_pack("{s:s, s:I, s:I, s:o}", "tier", t->name, "told", (json_int_t)t->n_told,
                                               "unstated", (json_int_t)t->n_unstated, "notice_days",
                                               days(t->notice_days, t->n_told)));
    }
    return json_pack("{s:I, s:I, s:o, s:o, s:o}", "cases", (json_int_t)r->n, "refused", (json_int_t)r->n_refused,
                     "verdicts", verdicts, "classes", classes, "tiers", tiers);
}

static json_t *outcome(const struct compare_outcome *o)
{
    return json_pack("{s:s, s:b, s:o, s:s, s:s, s:o}", "verdict", compare_verdict_name(o->verdict), "refused",
                     o->refused, "days", o->days < 0 ? json_null() : json_integer(o->days), "rule", o->rule, "file",
                     o->file, "line", o->line > 0 ? json_integer(o->line) : json_null());
}

static json_t *history(const struct pair *p)
{
    json_t *cases = json_array(), *left_out = json_array();

    for (size_t i = 0; i < p->history.n; i++)
        json_array_append_new(cases, json_pack("{s:s, s:i, s:o, s:o}", "id", p->history.cases[i].id, "line",
                                               p->history.cases[i].line, "a", outcome(&p->results[0].outcomes[i]), "b",
                                               outcome(&p->results[1].outcomes[i])));
    for (size_t i = 0; i < p->history.left_out.n; i++)
        json_array_append_new(left_out, json_pack("{s:i, s:s}", "line", p->history.left_out.items[i].line, "reason",
                                                  p->history.left_out.items[i].text));
    return json_pack("{s:i, s:o, s:o, s:o, s:o}", "rollout_days", p->rollout_days, "a", result(&p->results[0]), "b",
                     result(&p->results[1]), "cases", cases, "left_out", left_out);
}

static enum err read_history(struct pair *p, const struct command *c, struct diag *why)
{
    const char *name = command_word(c, "history"), *slash, *word = command_word(c, "rollout");
    struct buf csv = {.max = HISTORY_MAX};
    enum err err;
    char *end;

    p->rollout_days = ROLLOUT_DEFAULT;
    if (word) {
        long n = strtol(word, &end, 10);

        if (end == word || *end || *word < '0' || *word > '9' || n > ROLLOUT_MAX || !name)
            return diag_set(why, ERR_USAGE, "command.option", "--rollout must be days, at most %d, with --history",
                            ROLLOUT_MAX);
        p->rollout_days = (int)n;
    }
    if (!name)
        return ERR_OK;
    slash = strrchr(name, '/');
    err = client_read_file(name, &csv, why);
    if (!err) {
        struct policy_text text = {slash ? slash + 1 : name, buf_text(&csv), csv.len};

        err = compare_history_parse(&text, &p->history, why);
        p->has_history = !err;
    }
    buf_free(&csv);
    return err;
}

static json_t *describe(const struct pair *p)
{
    json_t *o = json_object();
    struct buf text = BUF_EMPTY;
    const struct policy *const both[2] = {p->policies[0], p->policies[1]};

    compare_write_answers(both[0], both[1], &text);
    if (p->has_history)
        compare_write_history(both, p->results, &p->history, p->rollout_days, &text);
    json_object_set_new(o, "a", json_string(both[0]->file));
    json_object_set_new(o, "b", json_string(both[1]->file));
    json_object_set_new(o, "answers", answers(p));
    json_object_set_new(o, "differences", differences(p));
    json_object_set_new(o, "history", p->has_history ? history(p) : json_null());
    json_object_set_new(o, "text", json_string(buf_text(&text)));
    buf_free(&text);
    return o;
}

enum err ctl_policy_compare(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why)
{
    struct policies *policies = NULL;
    struct pair p = {0};
    enum err err = ctl_policies(ctl, &policies, why);

    if (!err)
        err = ctl_policy_load(policies, command_word(c, "A"), &p.policies[0], why);
    if (!err)
        err = ctl_policy_load(policies, command_word(c, "B"), &p.policies[1], why);
    if (!err)
        err = read_history(&p, c, why);
    if (!err) {
        for (int i = 0; i < 2 && p.has_history; i++)
            compare_run(p.policies[i], &p.history, p.rollout_days, &p.results[i]);
        r->data = describe(&p);
    }
    for (int i = 0; i < 2; i++) {
        compare_result_free(&p.results[i]);
        policy_free(&p.policies[i]);
    }
    compare_history_free(&p.history);
    policies_free(&policies);
    return err;
}
