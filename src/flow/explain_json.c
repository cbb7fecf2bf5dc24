#include "flow/explain_json.h"

#include "base/instant.h"
#include "flow/view.h"

static json_t *tiers_json(const struct explain *e)
{
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

json_t *explain_json(const struct policy *policy, const struct explain *e)
{
    json_t *o = json_object(), *unstated = json_array();
    struct buf text = BUF_EMPTY;

    json_object_set_new(o, "policy", json_string(policy->file));
    json_object_set_new(o, "verdict", view_text(e->verdict));
    json_object_set_new(o, "rule", view_text(e->rule));
    json_object_set_new(o, "reason", view_text(e->reason));
    json_object_set_new(o, "file", e->file && *e->file ? json_string(e->file) : json_null());
    json_object_set_new(o, "line", e->line ? json_integer(e->line) : json_null());
    json_object_set_new(o, "track",
                        e->track.track ? view_text(policy_words(&e->track.track->name, NULL)) : json_null());
    json_object_set_new(o, "uses", uses_json(e));
    for (size_t i = 0; i < e->unstated.n; i++)
        json_array_append_new(unstated, json_string(e->unstated.items[i]));
    json_object_set_new(o, "unstated", unstated);
    json_object_set_new(o, "tiers", tiers_json(e));
    json_object_set_new(o, "deadlines", deadlines_json(e));
    explain_write(policy, e, &text);
    json_object_set_new(o, "text", json_string(buf_text(&text)));
    buf_free(&text);
    return o;
}
