#include "policy/policy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "policy/policy_keys.h"

static void *field(void *base, size_t offset)
{
    return (char *)base + offset;
}

/* Adds ".name" to the path; gives the length to return to. A NULL path is not kept. */
static size_t path_add(struct buf *path, const char *name)
{
    if (path == NULL)
        return 0;
    size_t len = path->len;
    buf_printf(path, "%s%s", len > 0 ? "." : "", name);
    return len;
}

static void path_back(struct buf *path, size_t len)
{
    if (path == NULL || path->data == NULL)
        return;
    path->len = len;
    path->data[len] = '\0';
}

static bool walk_value(const struct conf_key *key, void *base, struct buf *path, policy_step *step, void *context)
{
    size_t len = path_add(path, key->name);
    struct policy_value *value = field(base, key->offset);
    bool on = step(context, path != NULL ? buf_text(path) : "", key, value);
    if (on && key->kind == KIND_USE) {
        struct policy_use_value *use = field(base, key->offset);
        path_add(path, "if");
        on = step(context, path != NULL ? buf_text(path) : "", &key->keys[1], &use->condition);
    }
    path_back(path, len);
    return on;
}

static bool walk_list(const struct conf_key *key, void *base, struct buf *path, policy_step *step, void *context)
{
    const struct policy_list *list = policy_list_of(key);
    void **items = field(base, list->items);
    size_t n = *(size_t *)field(base, list->n);
    size_t len = path_add(path, key->name);
    bool on = true;
    for (size_t i = 0; on && i < n; i++) {
        void *element = field(*items, i * list->size);
        const struct policy_value *name = field(element, list->name);
        size_t inner = path_add(path, policy_value_text(name));
        on = policy_walk(key->keys, element, path, step, context);
        path_back(path, inner);
    }
    path_back(path, len);
    return on;
}

bool policy_walk(const struct conf_key *keys, void *base, struct buf *path, policy_step *step, void *context)
{
    bool on = true;
    for (; on && keys->name != NULL; keys++) {
        if (keys->kind == KIND_LIST) {
            on = walk_list(keys, base, path, step, context);
        } else if (keys->kind == KIND_GROUP) {
            size_t len = path_add(path, keys->name);
            on = policy_walk(keys->keys, field(base, keys->offset), path, step, context);
            path_back(path, len);
        } else {
            on = walk_value(keys, base, path, step, context);
        }
    }
    return on;
}

struct seek {
    const char *wanted;
    struct policy_value *value;
    const struct conf_key *key;
    policy_visit *visit;
    void *context;
    const char *names[4096]; /* of all keys, owned; for the nearest one */
    size_t n_names;
};

static bool step_find(void *context, const char *path, const struct conf_key *key, struct policy_value *value)
{
    struct seek *seek = context;
    if (strcmp(path, seek->wanted) != 0)
        return true;
    seek->value = value;
    seek->key = key;
    return false;
}

static bool step_name(void *context, const char *path, const struct conf_key *key, struct policy_value *value)
{
    struct seek *seek = context;
    (void)key, (void)value;
    if (seek->n_names < 4095)
        seek->names[seek->n_names++] = mem_strdup(path);
    return true;
}

static bool step_visit(void *context, const char *path, const struct conf_key *key, struct policy_value *value)
{
    struct seek *seek = context;
    (void)key;
    seek->visit(seek->context, path, value);
    return true;
}

static void walk_all(const struct policy *policy, policy_step *step, struct seek *seek)
{
    struct buf path = BUF_EMPTY;
    policy_walk(policy_keys, (void *)(uintptr_t)policy, &path, step, seek);
    buf_free(&path);
}

const struct policy_value *policy_get(const struct policy *policy, const char *key)
{
    struct seek seek = {.wanted = key};
    walk_all(policy, step_find, &seek);
    return seek.value;
}

void policy_each(const struct policy *policy, policy_visit *visit, void *context)
{
    struct seek seek = {.visit = visit, .context = context};
    walk_all(policy, step_visit, &seek);
}

static enum err answer_unknown(const struct policy *policy, const char *key, struct diag *why)
{
    struct seek *seek = mem_zero(1, sizeof(*seek));
    walk_all(policy, step_name, seek);
    const char *nearest = conf_nearest(key, seek->names);
    diag_set(why, ERR_USAGE, "policy.answer", "a policy has no key `%.64s`; did you mean `%s`?", key,
             nearest != NULL ? nearest : "policy.id");
    for (size_t i = 0; i < seek->n_names; i++)
        free((char *)(uintptr_t)seek->names[i]);
    free(seek);
    return ERR_USAGE;
}

/* An answer for a part of a clock that is wholly unstated makes it a clock. */
static void answer_clock(struct policy *policy, const char *key)
{
    for (size_t i = 0; i < policy->n_clocks; i++) {
        size_t len = strlen(policy_words(&policy->clocks[i].name, ""));
        if (strncmp(key, "clocks.", 7) == 0 && strncmp(key + 7, policy->clocks[i].name.text, len) == 0 &&
            key[7 + len] == '.')
            policy->clocks[i].whole = (struct policy_value){.has = POLICY_STATED, .origin = POLICY_FROM_ANSWER};
    }
}

enum err policy_answer(struct policy *policy, const char *key, const char *value, struct diag *why)
{
    struct seek seek = {.wanted = key};
    struct policy_value answer = {.origin = POLICY_FROM_ANSWER};
    walk_all(policy, step_find, &seek);
    if (seek.value == NULL)
        return answer_unknown(policy, key, why);
    if (seek.value->has != POLICY_UNSTATED && seek.value->origin != POLICY_FROM_ANSWER)
        return policy_diag(why, ERR_DENIED, policy, seek.value, key,
                           "the policy states %s = %s; an answer cannot change it", key, policy_value_text(seek.value));
    if (seek.key->kind == KIND_WHOLE || strncmp(key, "policy.", 7) == 0)
        return diag_set(why, ERR_USAGE, "policy.answer", "`%s` cannot be answered; answer its parts", key);
    if (strcmp(value, "none") == 0)
        answer.has = POLICY_NONE;
    else if (!policy_value_set(&answer, seek.key, value, why))
        return ERR_USAGE;
    policy_value_free(seek.value);
    *seek.value = answer;
    answer_clock(policy, key);
    return ERR_OK;
}

const char *policy_value_file(const struct policy *policy, const struct policy_value *value)
{
    if (value->origin == POLICY_FROM_ANSWER)
        return "case";
    return value->origin == POLICY_FROM_DEFAULTS ? policy->defaults_file : policy->file;
}

enum err policy_diag(struct diag *why, enum err err, const struct policy *policy, const struct policy_value *value,
                     const char *rule, const char *format, ...)
{
    char text[DIAG_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    diag_set(why, err, rule, "%s", text);
    if (why != NULL) {
        snprintf(why->file, sizeof(why->file), "%s", policy_value_file(policy, value));
        why->line = value->line;
    }
    return err;
}

enum err policy_unstated(struct diag *why, const struct policy *policy, const struct policy_value *value,
                         const char *key)
{
    /* A list as a whole has no form on a command line. */
    if (strchr(key, '.') == NULL)
        return policy_diag(why, ERR_DENIED, policy, value, key,
                           "the policy does not state %s; pin one that does: case set ID policy=NAME", key);
    return policy_diag(why, ERR_DENIED, policy, value, key,
                       "the policy does not state %s; answer it for this case: case set ID answer.%s=VALUE", key, key);
}

const struct policy_track *policy_track_find(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->n_tracks; i++) {
        if (strcmp(policy_words(&policy->tracks[i].name, ""), name) == 0)
            return &policy->tracks[i];
    }
    return NULL;
}

const struct policy_tier *policy_tier_find(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->n_tiers; i++) {
        if (strcmp(policy_words(&policy->tiers[i].name, ""), name) == 0)
            return &policy->tiers[i];
    }
    return NULL;
}

const struct policy_clock *policy_clock_find(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->n_clocks; i++) {
        if (strcmp(policy_words(&policy->clocks[i].name, ""), name) == 0)
            return &policy->clocks[i];
    }
    return NULL;
}
