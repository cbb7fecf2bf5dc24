/* policy list, show, check, explain: on presets and files alone, with or without an instance. */
#include "main/ctl.h"

#include "base/clock.h"
#include "base/mem.h"
#include "flow/cmd.h"
#include "flow/explain_json.h"
#include "flow/policies.h"
#include "main/ctl_client.h"
#include "main/ctl_policy.h"

#include <stdlib.h>
#include <string.h>

/* With a configuration, the instance's files go before the presets. */
enum err ctl_policies(struct ctl *ctl, struct policies **out, struct diag *why)
{
    enum err err = ctl->config ? ctl_load(ctl, why) : ERR_OK;
    char *folder = !err && ctl->settings ? settings_path(ctl->settings, "policy") : NULL;

    *out = err ? NULL : policies_new(folder);
    free(folder);
    return err;
}

static bool is_file(const char *name)
{
    size_t len = strlen(name);

    return strchr(name, '/') || (len > 5 && strcmp(name + len - 5, ".conf") == 0);
}

enum err ctl_policy_load(struct policies *policies, const char *name, struct policy **out, struct diag *why)
{
    const char *slash = strrchr(name, '/');
    struct buf text = {.max = CONF_BYTES_MAX};
    struct conf_faults faults = {0};
    enum err err;

    *out = NULL;
    if (!is_file(name))
        return policies_load(policies, name, out, NULL, why);
    err = client_read_file(name, &text, why);
    if (!err && policies_check_text(policies, slash ? slash + 1 : name, buf_text(&text), text.len, &faults, out))
        err = conf_faults_diag(&faults, ERR_REJECT, why);
    conf_faults_free(&faults);
    buf_free(&text);
    return err;
}

json_t *ctl_policy_word(const struct policy_value *value)
{
    return value->has == POLICY_STATED ? json_string(policy_value_text(value)) : json_null();
}

static json_t *head_of(const struct policy *policy)
{
    json_t *o = json_object();

    json_object_set_new(o, "id", ctl_policy_word(&policy->id));
    json_object_set_new(o, "edition", ctl_policy_word(&policy->edition));
    json_object_set_new(o, "title", ctl_policy_word(&policy->title));
    json_object_set_new(o, "basis", ctl_policy_word(&policy->basis));
    json_object_set_new(o, "source", ctl_policy_word(&policy->source));
    return o;
}

enum err ctl_policy_list(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why)
{
    struct policies *policies;
    char **names = NULL;
    size_t n = 0;
    enum err err = ctl_policies(ctl, &policies, why);

    (void)c;
    if (err)
        return err;
    err = policies_names(policies, &names, &n, why);
    r->data = json_array();
    for (size_t i = 0; i < n; i++) {
        struct policy *policy = NULL;
        struct diag fault = {0};
        json_t *row = policies_load(policies, names[i], &policy, NULL, &fault) ? json_object() : head_of(policy);

        json_object_set_new(row, "name", json_string(names[i]));
        json_object_set_new(row, "fault", policy ? json_null() : json_string(fault.text));
        json_array_append_new(r->data, row);
        policy_free(&policy);
        free(names[i]);
    }
    free(names);
    policies_free(&policies);
    return err;
}

struct collect {
    json_t *values;
    json_t *unstated;
};

static void collect_value(void *context, const char *key, const struct policy_value *value)
{
    struct collect *to = context;

    if (value->has == POLICY_UNSTATED && value->line)
        json_array_append_new(to->unstated, json_string(key));
    if (value->has != POLICY_UNSTATED || value->line)
        json_object_set_new(to->values, key, json_string(policy_value_text(value)));
}

static json_t *answers_of(const struct policy *policy)
{
    json_t *out = json_array();

    for (int i = 1; i <= EXPLAIN_QUESTIONS; i++) {
        struct buf answer = BUF_EMPTY;

        explain_answer(policy, i, &answer);
        json_array_append_new(out, json_pack("{s:i, s:s, s:s}", "number", i, "question", explain_question_text(i),
                                             "answer", buf_text(&answer)));
        buf_free(&answer);
    }
    return out;
}

enum err ctl_policy_show(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why)
{
    struct collect to = {json_object(), json_array()};
    struct policies *policies = NULL;
    struct policy *policy = NULL;
    struct buf text = BUF_EMPTY;
    enum err err = ctl_policies(ctl, &policies, why);

    if (!err)
        err = ctl_policy_load(policies, command_word(c, "ID"), &policy, why);
    if (!err) {
        policy_each(policy, collect_value, &to);
        explain_show(policy, &text);
        r->data = head_of(policy);
        json_object_set_new(r->data, "file", json_string(policy->file));
        json_object_set_new(r->data, "answers", answers_of(policy));
        json_object_set(r->data, "values", to.values);
        json_object_set(r->data, "unstated", to.unstated);
        json_object_set_new(r->data, "text", json_string(buf_text(&text)));
    }
    json_decref(to.values);
    json_decref(to.unstated);
    buf_free(&text);
    policy_free(&policy);
    policies_free(&policies);
    return err;
}

static json_t *faults_of(const struct conf_faults *faults)
{
    json_t *out = json_array();

    for (size_t i = 0; i < faults->n; i++) {
        const struct conf_fault *f = &faults->items[i];

        json_array_append_new(out, json_pack("{s:s, s:o, s:s, s:s}", "file", f->file, "line",
                                             f->line ? json_integer(f->line) : json_null(), "rule", f->rule, "text",
                                             f->text));
    }
    return out;
}

/* Faults are no error of the command: all of them are shown, and the exit code says that there are some. */
enum err ctl_policy_check(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why)
{
    const char *name = command_word(c, "FILE"), *slash = strrchr(name, '/');
    struct buf text = {.max = CONF_BYTES_MAX};
    struct policies *policies = NULL;
    struct conf_faults faults = {0};
    struct policy *policy = NULL;
    struct diag first;
    enum err err = client_read_file(name, &text, why);

    if (strcmp(name, "-") == 0)
        name = "standard-input.conf";
    else if (slash)
        name = slash + 1;
    if (!err)
        err = ctl_policies(ctl, &policies, why);
    if (!err) {
        if (policies_check_text(policies, name, buf_text(&text), text.len, &faults, &policy))
            reply_from(r, conf_faults_diag(&faults, ERR_REJECT, &first), &first);
        r->data = policy ? head_of(policy) : json_object();
        json_object_set_new(r->data, "file", json_string(name));
        json_object_set_new(r->data, "faults", faults_of(&faults));
    }
    conf_faults_free(&faults);
    policy_free(&policy);
    policies_free(&policies);
    buf_free(&text);
    return err;
}

/* With the instance's members and admins, read from its database. */
static enum err explain_by_instance(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why)
{
    struct policies *policies = NULL;
    struct clock clock;
    struct db *db = NULL;
    char *state = NULL;
    enum err err = ctl_policies(ctl, &policies, why);

    if (!err)
        err = clock_open(&clock, NULL, why);
    if (!err) {
        state = settings_path(ctl->settings, "state");
        err = db_open(state, DB_READ_ONLY, &db, why);
    }
    if (!err) {
        struct flow flow = {.settings = ctl->settings, .db = db, .clock = &clock, .policies = policies};

        err = cmd_policy_explain(&flow, c, r, why);
        clock_close(&clock);
    }
    db_close(&db);
    free(state);
    policies_free(&policies);
    return err;
}

/* Without an instance there are no members: a sender is a stranger. */
static enum err explain_preset(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why)
{
    struct decide_sender stranger = {.kind = POLICY_STRANGER, .signature = DECIDE_UNSIGNED};
    struct explain_question q = {.to = POLICY_TO_REPORT};
    struct schedule_holidays holidays = {0};
    struct schedule_facts instants;
    struct policies *policies = NULL;
    struct policy *policy = NULL;
    struct explain explain;
    struct clock clock;
    enum err err = ctl_policies(ctl, &policies, why);

    if (!err)
        err = ctl_policy_load(policies, command_word(c, "policy"), &policy, why);
    if (!err)
        err = policies_holidays(policies, policy, &holidays, why);
    if (!err)
        err = clock_open(&clock, NULL, why);
    if (!err) {
        q.now_utc_s = clock_now(&clock);
        q.holidays = &holidays;
        q.sender = command_word(c, "sender") ? &stranger : NULL;
        explain_suppose(policy, &holidays, NULL, q.now_utc_s, &instants);
        q.instants = &instants;
        explain_make(policy, &q, &explain);
        r->data = explain_json(policy, &explain, q.now_utc_s);
        if (command_word(c, "svg"))
            explain_write_svg(&explain, q.now_utc_s, &r->out);
        explain_free(&explain);
        clock_close(&clock);
    }
    schedule_holidays_free(&holidays);
    policy_free(&policy);
    policies_free(&policies);
    return err;
}

enum err ctl_policy_explain(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why)
{
    if (command_word(c, "CASE") && !ctl->config)
        return diag_set(why, ERR_USAGE, "config.which", "a case needs -c FILE, and a daemon that runs");
    if (ctl->config)
        return explain_by_instance(ctl, c, r, why);
    if (command_word(c, "member"))
        return diag_set(why, ERR_USAGE, "config.which", "--member needs -c FILE: the members are an instance's");
    if (!command_word(c, "policy"))
        return diag_set(why, ERR_USAGE, "command.option", "without -c FILE, name the policy with --policy ID");
    return explain_preset(ctl, c, r, why);
}
