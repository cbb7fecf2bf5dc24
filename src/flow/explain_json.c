#include "flow/explain_json.h"

#include "base/instant.h"
#include "flow/view.h"

/* As the file has them: allow, deny, ask, advisory, unstated. */
static json_t *words_json(const struct policy_tier *tier)
{
    json_t *o = json_object();

    for (int i = 0; i < POLICY_USES; i++)
        json_object_set_new(o, policy_use_name((enum policy_use)i),
                            json_string(policy_value_text(&tier->uses[i].value)));
    return o;
}

static json_t *conditions_json(const struct decide_use *uses)
{
    json_t *o = json_object();

    for (int i = 0; i < POLICY_USES; i++)
        if (uses[i].condition && *uses[i].condition)
            json_object_set_new(o, policy_use_name((enum policy_use)i), json_string(uses[i].condition));
    return o;
}

static json_t *tiers_json(const struct explain *e)
{
    struct decide_use uses[POLICY_USES];
    json_t *a = json_array();

    for (size_t i = 0; i < e->n_tiers; i++) {
        const struct decide_tier *t = &e->tiers[i];
        json_t *o = json_object();

        json_object_set_new(o, "tier", view_text(policy_words(&t->tier->name, NULL)));
        json_object_set_new(o, "told", json_boolean(t->told));
        json_object_set_new(o, "earliest_at", view_instant(t->earliest_at_utc_s));
        json_object_set_new(o, "notice_at", view_instant(t->notice_at_utc_s));
        json_object_set_new(o, "rule", view_text(t->rule));
        json_object_set_new(o, "force", view_text(t->force));
        json_object_set_new(o, "final_at", view_instant(t->final_at_utc_s));
        json_object_set_new(o, "file", t->file && *t->file ? json_string(t->file) : json_null());
        json_object_set_new(o, "line", t->line ? json_integer(t->line) : json_null());
        decide_uses(t->tier, 0, 0, uses);
        json_object_set_new(o, "uses", words_json(t->tier));
        json_object_set_new(o, "conditions", conditions_json(uses));
        json_array_append_new(a, o);
    }
    return a;
}

static json_t *uses_json(const struct explain *e)
{
    json_t *o = json_object();

    for (int i = 0; e->uses_of && i < POLICY_USES; i++)
        json_object_set_new(o, policy_use_name((enum policy_use)i), json_string(policy_use_word_name(e->uses[i].word)));
    return o;
}

/* Of the tier that the uses belong to: which words bound inform_customers. */
static json_t *covers_json(const struct explain *e)
{
    json_t *a = json_array();

    for (int i = 0; e->uses_of && i < POLICY_USES; i++)
        if (e->uses[POLICY_USE_INFORM_CUSTOMERS].tells >> i & 1)
            json_array_append_new(a, json_string(policy_use_name((enum policy_use)i)));
    return a;
}

static json_t *deadlines_json(const struct explain *e)
{
    json_t *a = json_array();

    for (size_t i = 0; i < e->schedule.n; i++) {
        const struct schedule_deadline *d = &e->schedule.items[i];
        json_t *o = json_object();

        json_object_set_new(o, "clock", view_text(d->clock));
        json_object_set_new(o, "tier", view_text(d->tier));
        json_object_set_new(o, "at", view_instant(d->at_utc_s));
        json_object_set_new(o, "rule", view_text(d->rule));
        json_object_set_new(o, "force", view_text(d->force));
        json_array_append_new(a, o);
    }
    return a;
}

json_t *explain_json(const struct policy *policy, const struct explain *e, int64_t now_utc_s)
{
    json_t *o = json_object(), *unstated = json_array();
    struct buf text = BUF_EMPTY, line = BUF_EMPTY;

    json_object_set_new(o, "policy", json_string(policy->file));
    json_object_set_new(o, "verdict", view_text(e->verdict));
    json_object_set_new(o, "rule", view_text(e->rule));
    json_object_set_new(o, "reason", view_text(e->reason));
    json_object_set_new(o, "file", e->file && *e->file ? json_string(e->file) : json_null());
    json_object_set_new(o, "line", e->line ? json_integer(e->line) : json_null());
    json_object_set_new(o, "track",
                        e->track.track ? view_text(policy_words(&e->track.track->name, NULL)) : json_null());
    json_object_set_new(o, "uses", uses_json(e));
    json_object_set_new(o, "conditions", e->uses_of ? conditions_json(e->uses) : json_object());
    json_object_set_new(o, "inform_customers_covers", covers_json(e));
    for (size_t i = 0; i < e->unstated.n; i++)
        json_array_append_new(unstated, json_string(e->unstated.items[i]));
    json_object_set_new(o, "unstated", unstated);
    json_object_set_new(o, "tiers", tiers_json(e));
    json_object_set_new(o, "deadlines", deadlines_json(e));
    explain_write(policy, e, &text);
    if (explain_has_embargo(e)) {
        explain_write_timeline(e, now_utc_s, &line);
        buf_add_str(&text, "Time line:\n");
        buf_add_buf(&text, &line);
    }
    json_object_set_new(o, "timeline", line.len ? json_string(buf_text(&line)) : json_null());
    json_object_set_new(o, "text", json_string(buf_text(&text)));
    buf_free(&line);
    buf_free(&text);
    return o;
}
