#include "policy/policy_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/zone.h"

struct load {
    const char *file;
    enum policy_origin origin;
    struct conf_faults *faults;
};

static void *field(void *base, size_t offset)
{
    return (char *)base + offset;
}

static bool is_left_out(const struct policy_value *value)
{
    return value->has == POLICY_UNSTATED && value->line == 0;
}

/* "unstated" and "none" stand in place of any value. */
static bool load_absent(const struct conf_node *node, struct policy_value *value)
{
    const char *word = conf_string(node, "", "");
    if (strcmp(word, "none") == 0)
        value->has = POLICY_NONE;
    else if (strcmp(word, "unstated") != 0)
        return false;
    return true;
}

static void load_items(const struct conf_node *node, const struct conf_key *key, struct policy_value *value)
{
    size_t n = conf_count(node);
    const char **words = mem_zero(n + 1, sizeof(*words));
    for (size_t i = 0; i < n; i++)
        words[i] = conf_string(conf_at(node, i), "", "");
    policy_value_set_items(value, key, words, n);
    free(words);
}

static void load_number(struct policy_value *value, int number, char *text)
{
    value->number = number;
    value->unit = POLICY_UNIT_CALENDAR_DAY;
    value->text = text;
    value->has = POLICY_STATED;
}

static void load_value(struct load *l, const struct conf_node *node, const struct conf_key *key,
                       struct policy_value *value)
{
    struct diag why = {0};
    unsigned type = conf_type(node);
    int number = conf_int(node, "", 0);
    if (!is_left_out(value))
        return;
    value->line = conf_line(node);
    value->origin = l->origin;
    if (!(type & (key->types | CONF_STRING)) || load_absent(node, value)) {
        if ((type & (CONF_GROUPS | CONF_STRINGS)) && conf_count(node) == 0)
            load_items(node, key, value); /* ( ) is empty as [ ] is */
        return;
    }
    if (type == CONF_BOOL)
        load_number(value, conf_bool(node, "", false), mem_strdup(conf_bool(node, "", false) ? "true" : "false"));
    else if (type == CONF_INT && key->kind == KIND_DURATION)
        load_number(value, number, mem_printf("%d calendar-days", number));
    else if (type == CONF_INT)
        load_number(value, number, mem_printf("%d", number));
    else if (type == CONF_STRING && (key->types & CONF_STRING) &&
             !policy_value_set(value, key, conf_string(node, "", ""), &why) && strncmp(why.rule, "conf.", 5) != 0)
        conf_fault_add(l->faults, l->file, conf_line(node), why.rule, "%s", why.text);
    else if (type == CONF_STRINGS && (key->types & CONF_STRINGS))
        load_items(node, key, value);
}

static void load_group(struct load *l, const struct conf_node *node, const struct conf_key *keys, void *base);

static void load_list(struct load *l, const struct conf_node *node, const struct conf_key *key, void *base)
{
    const struct policy_list *list = policy_list_of(key);
    struct policy_value *stated = field(base, list->stated);
    void **items = field(base, list->items);
    size_t *n = field(base, list->n);
    if (!is_left_out(stated))
        return;
    stated->line = conf_line(node);
    stated->origin = l->origin;
    if (load_absent(node, stated))
        return;
    *n = conf_type(node) == CONF_GROUPS ? conf_count(node) : 0;
    *items = mem_zero(*n + 1, list->size);
    stated->has = *n > 0 ? POLICY_STATED : POLICY_NONE;
    for (size_t i = 0; i < *n; i++) {
        void *element = field(*items, i * list->size);
        int *line = field(element, list->line);
        *line = conf_line(conf_at(node, i));
        load_group(l, conf_at(node, i), key->keys, element);
    }
}

static void load_use(struct load *l, const struct conf_node *node, const struct conf_key *key,
                     struct policy_use_value *use)
{
    if (conf_type(node) != CONF_GROUP) {
        load_value(l, node, key, &use->value);
        return;
    }
    load_value(l, conf_get(node, "value"), &key->keys[0], &use->value);
    use->value.line = conf_line(node);
    if (conf_get(node, "if") != NULL)
        load_value(l, conf_get(node, "if"), &key->keys[1], &use->condition);
}

/* A whole group as "unstated" or "none": so is each of its values. */
static void load_absent_group(struct load *l, const struct conf_node *node, const struct conf_key *keys, void *base)
{
    for (; keys->name != NULL; keys++) {
        void *at = field(base, keys->kind == KIND_LIST ? policy_list_of(keys)->stated : keys->offset);
        if (keys->kind == KIND_GROUP)
            load_absent_group(l, node, keys->keys, at);
        else if (keys->kind == KIND_USE)
            load_value(l, node, keys, &((struct policy_use_value *)at)->value);
        else
            load_value(l, node, keys, at);
    }
}

static void load_group(struct load *l, const struct conf_node *node, const struct conf_key *keys, void *base)
{
    for (; keys->name != NULL; keys++) {
        const struct conf_node *child = conf_get(node, keys->name);
        if (child == NULL)
            continue;
        if (keys->kind == KIND_LIST)
            load_list(l, child, keys, base);
        else if (keys->kind == KIND_USE)
            load_use(l, child, keys, field(base, keys->offset));
        else if (keys->kind == KIND_GROUP && conf_type(child) == CONF_GROUP)
            load_group(l, child, keys->keys, field(base, keys->offset));
        else if (keys->kind == KIND_GROUP)
            load_absent_group(l, child, keys->keys, field(base, keys->offset));
        else
            load_value(l, child, keys, field(base, keys->offset));
    }
}

static void load_text(struct policy *policy, const struct policy_text *text, const struct conf_schema *schema,
                      enum policy_origin origin, struct conf_faults *faults)
{
    struct load l = {text->file, origin, faults};
    struct conf *conf;
    conf_parse(text->text, text->len, text->file, schema, faults, &conf);
    if (conf != NULL)
        load_group(&l, conf_root(conf), schema->keys, policy);
    conf_free(&conf);
}

static void value_copy(struct policy_value *to, const struct policy_value *from)
{
    *to = *from;
    to->text = mem_strdup(from->text);
    to->items = NULL;
    to->n_items = 0;
}

/* A clock is stated unless `value` says that it is not; a tier without a word on a use has the one for everyone. */
static void complete(struct policy *policy)
{
    for (size_t i = 0; i < policy->n_clocks; i++) {
        struct policy_value *whole = &policy->clocks[i].whole;
        if (is_left_out(whole))
            *whole = (struct policy_value){.has = POLICY_STATED, .line = policy->clocks[i].line};
    }
    for (size_t i = 0; i < policy->n_tiers; i++) {
        for (int use = 0; use < POLICY_USES; use++) {
            struct policy_use_value *own = &policy->tiers[i].uses[use];
            if (is_left_out(&own->value)) {
                value_copy(&own->value, &policy->everyone.uses[use].value);
                value_copy(&own->condition, &policy->everyone.uses[use].condition);
            }
        }
    }
}

struct policy *policy_load(const struct policy_text *text, const struct policy_text *defaults,
                           struct conf_faults *faults)
{
    struct policy *policy = mem_zero(1, sizeof(*policy));
    size_t before = faults->n;

    policy->file = mem_strdup(text->file);
    policy->defaults_file = mem_strdup(defaults != NULL ? defaults->file : "");
    load_text(policy, text, &policy_schema, POLICY_FROM_POLICY, faults);
    if (defaults != NULL)
        load_text(policy, defaults, &policy_defaults_schema, POLICY_FROM_DEFAULTS, faults);
    complete(policy);
    if (policy->release.zone.has == POLICY_STATED)
        policy->zone = policy_zone_load(policy->release.zone.text);
    bool zone_known = policy->zone != NULL || policy->release.zone.has != POLICY_STATED;
    if (!zone_known)
        conf_fault_add(faults, policy->file, policy->release.zone.line, "policy.zone",
                       "the zone `%s` is not in the system's zone data; write an IANA name such as Europe/Berlin",
                       policy->release.zone.text);
    if (policy->zone == NULL)
        policy->zone = policy_zone_utc();
    policy_check(policy, faults);
    conf_faults_sort(faults);
    if (faults->n > before)
        policy_free(&policy);
    return policy;
}

static bool step_free(void *context, const char *path, const struct conf_key *key, struct policy_value *value)
{
    (void)context, (void)path, (void)key;
    policy_value_free(value);
    return true;
}

static void free_lists(const struct conf_key *keys, void *base)
{
    for (; keys->name != NULL; keys++) {
        if (keys->kind == KIND_GROUP)
            free_lists(keys->keys, field(base, keys->offset));
        if (keys->kind == KIND_LIST)
            free(*(void **)field(base, policy_list_of(keys)->items));
    }
}

void policy_free(struct policy **policy)
{
    if (*policy == NULL)
        return;
    policy_walk(policy_keys, *policy, NULL, step_free, NULL);
    free_lists(policy_keys, *policy);
    policy_zone_free(&(*policy)->zone);
    free((*policy)->file);
    free((*policy)->defaults_file);
    free(*policy);
    *policy = NULL;
}
