#include "codec/conf_check.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

struct check {
    const struct conf_schema *schema;
    const char *file;
    struct conf_faults *faults;
    struct buf path; /* of the node being looked at, for messages */
};

static bool word_in(const char *word, const char *const *words)
{
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0)
            return true;
    }
    return false;
}

/* "a string or an integer" */
static const char *type_words(unsigned types, struct buf *out)
{
    static const struct {
        unsigned type;
        const char *words;
    } names[] = {
        {CONF_STRING, "a string in quotes"},
        {CONF_INT, "an integer"},
        {CONF_BOOL, "true or false"},
        {CONF_GROUP, "a group { … }"},
        {CONF_GROUPS, "a list of groups ( { … }, … )"},
        {CONF_STRINGS, "an array of strings [ \"…\" ]"},
        {CONF_INTS, "an array of integers"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (types & names[i].type) {
            buf_add_str(out, out->len > 0 ? " or " : "");
            buf_add_str(out, names[i].words);
        }
    }
    return buf_text(out);
}

static void fault_type(struct check *c, const struct conf_node *node, const struct conf_key *key)
{
    struct buf words = BUF_EMPTY;
    conf_fault_add(c->faults, c->file, conf_line(node), "conf.type", "`%s` must be %s", buf_text(&c->path),
                   type_words(key->types, &words));
    buf_free(&words);
}

static void check_text(struct check *c, const struct conf_node *node, const struct conf_key *key)
{
    const char *value = conf_string(node, "", "");
    for (const char *p = value; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            conf_fault_add(c->faults, c->file, conf_line(node), "conf.control",
                           "`%s` holds a control character; write it on one line", buf_text(&c->path));
            return;
        }
    }
    if (key->words == NULL || word_in(value, key->words))
        return;
    conf_fault_add(c->faults, c->file, conf_line(node), "conf.word", "`%s` cannot be \"%.64s\"; did you mean \"%s\"?",
                   buf_text(&c->path), value, conf_nearest(value, key->words));
}

static void check_range(struct check *c, const struct conf_node *node, const struct conf_key *key)
{
    int value = conf_int(node, "", 0);
    if ((key->min != 0 || key->max != 0) && (value < key->min || value > key->max))
        conf_fault_add(c->faults, c->file, conf_line(node), "conf.range", "`%s` is %d; it must be from %d to %d",
                       buf_text(&c->path), value, key->min, key->max);
}

static void check_group(struct check *c, const struct conf_node *group, const struct conf_key *keys);

static void check_elements(struct check *c, const struct conf_node *list, const struct conf_key *key, unsigned type)
{
    static const unsigned element_types[] = {CONF_GROUP, CONF_STRING, CONF_INT};
    unsigned wanted = element_types[type == CONF_GROUPS ? 0 : type == CONF_STRINGS ? 1 : 2];
    size_t path_len = c->path.len;
    for (size_t i = 0; i < conf_count(list); i++) {
        const struct conf_node *node = conf_at(list, i);
        buf_printf(&c->path, "[%zu]", i);
        if (conf_type(node) != wanted)
            fault_type(c, node, key);
        else if (wanted == CONF_GROUP)
            check_group(c, node, key->keys);
        else if (wanted == CONF_STRING)
            check_text(c, node, key);
        else
            check_range(c, node, key);
        c->path.len = path_len;
        c->path.data[path_len] = '\0';
    }
}

static void check_value(struct check *c, const struct conf_node *node, const struct conf_key *key)
{
    unsigned type = conf_type(node);
    bool empty = conf_count(node) == 0 && (type == CONF_GROUPS || type == CONF_STRINGS);
    if (type == CONF_STRING && word_in(conf_string(node, "", ""), c->schema->everywhere))
        return;
    if (empty && (key->types & (CONF_GROUPS | CONF_STRINGS | CONF_INTS)))
        return;
    if (type == 0 || !(key->types & type))
        fault_type(c, node, key);
    else if (type == CONF_STRING)
        check_text(c, node, key);
    else if (type == CONF_INT)
        check_range(c, node, key);
    else if (type == CONF_GROUP)
        check_group(c, node, key->keys);
    else if (type != CONF_BOOL)
        check_elements(c, node, key, type);
}

static const char *nearest_key(const struct conf_key *keys, const char *name)
{
    const char *names[CONF_KEYS_MAX + 1] = {0};
    for (size_t i = 0; keys[i].name != NULL && i < CONF_KEYS_MAX; i++)
        names[i] = keys[i].name;
    const char *nearest = conf_nearest(name, names);
    return nearest != NULL ? nearest : "nothing";
}

static void fault_unknown(struct check *c, const struct conf_node *node, const struct conf_key *keys)
{
    conf_fault_add(c->faults, c->file, conf_line(node), "conf.unknown-key",
                   "unknown key `%.64s`%s%s; did you mean `%s`?", conf_name(node), c->path.len > 0 ? " in " : "",
                   buf_text(&c->path), nearest_key(keys, conf_name(node)));
}

static const struct conf_key *key_of(const struct conf_key *keys, const char *name)
{
    for (; keys->name != NULL; keys++) {
        if (strcmp(keys->name, name) == 0 || strcmp(keys->name, "*") == 0)
            return keys;
    }
    return NULL;
}

/* A key that nobody knows and that comes nearest to this one was meant for it: one fault, not two. */
static bool is_misspelt(const struct conf_node *group, const struct conf_key *keys, const char *name)
{
    for (size_t i = 0; i < conf_count(group); i++) {
        const char *other = conf_name(conf_at(group, i));
        if (key_of(keys, other) == NULL && strcmp(nearest_key(keys, other), name) == 0)
            return true;
    }
    return false;
}

static void check_required(struct check *c, const struct conf_node *group, const struct conf_key *all)
{
    for (const struct conf_key *keys = all; keys->name != NULL; keys++) {
        if (keys->required && conf_get(group, keys->name) == NULL && !is_misspelt(group, all, keys->name))
            conf_fault_add(c->faults, c->file, conf_line(group), "conf.missing", "the key `%s`%s%s is missing; add it",
                           keys->name, c->path.len > 0 ? " of " : "", buf_text(&c->path));
    }
}

/* Recursion follows the schema, whose depth is fixed; the tree's was bounded by the scan. */
static void check_group(struct check *c, const struct conf_node *group, const struct conf_key *keys)
{
    size_t path_len = c->path.len;
    for (size_t i = 0; i < conf_count(group); i++) {
        const struct conf_node *node = conf_at(group, i);
        const struct conf_key *key = key_of(keys, conf_name(node));
        if (strstr(conf_name(node), CONF_DUPLICATE_MARK) != NULL)
            continue;
        if (key == NULL) {
            fault_unknown(c, node, keys);
            continue;
        }
        buf_printf(&c->path, "%s%.64s", path_len > 0 ? "." : "", conf_name(node));
        check_value(c, node, key);
        c->path.len = path_len;
        c->path.data[path_len] = '\0';
    }
    check_required(c, group, keys);
}

void conf_check(const struct conf_node *root, const struct conf_schema *schema, const char *file,
                struct conf_faults *faults)
{
    struct check c = {.schema = schema, .file = file, .faults = faults, .path = BUF_EMPTY};
    check_group(&c, root, schema->keys);
    buf_free(&c.path);
}
