#include "codec/conf.h"

#include <libconfig.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "codec/conf_check.h"

struct conf {
    config_t tree;
    char *file;
};

/* The public node is libconfig's setting, so that no second tree is built. */
static const struct conf_node *node_of(const config_setting_t *setting)
{
    return (const struct conf_node *)setting;
}

static config_setting_t *setting_of(const struct conf_node *node)
{
    return (config_setting_t *)(uintptr_t)node;
}

static enum err syntax_fault(const config_t *tree, const char *file, struct conf_faults *faults)
{
    const char *words = config_error_text(tree);
    conf_fault_add(faults, file, config_error_line(tree), "conf.syntax",
                   "%s; look for a missing ; or quote before here", words != NULL ? words : "not libconfig's syntax");
    return ERR_REJECT;
}

/* libconfig 1.5 looks at no strdup's result: without memory a key has no name and a string no text, and what a key says
 * would be passed over. Nested at most CONF_DEPTH_MAX deep, as the scan has seen to. */
static void demand_whole(const config_setting_t *setting)
{
    bool names = config_setting_is_group(setting) != CONFIG_FALSE;
    int n = config_setting_is_aggregate(setting) ? config_setting_length(setting) : 0;

    if (config_setting_type(setting) == CONFIG_TYPE_STRING && config_setting_get_string(setting) == NULL)
        mem_exhausted();
    for (int i = 0; i < n; i++) {
        const config_setting_t *inner = config_setting_get_elem(setting, (unsigned)i);
        if (names && config_setting_name(inner) == NULL)
            mem_exhausted();
        demand_whole(inner);
    }
}

enum err conf_parse(const char *text, size_t len, const char *file, const struct conf_schema *schema,
                    struct conf_faults *faults, struct conf **out)
{
    struct buf copy = BUF_EMPTY;
    size_t before = faults->n;

    *out = NULL;
    if (conf_scan(text, len, file, faults, &copy)) {
        struct conf *conf = mem_zero(1, sizeof(*conf));
        config_init(&conf->tree);
        conf->file = mem_strdup(file);
        if (config_read_string(&conf->tree, buf_text(&copy)) == CONFIG_TRUE) {
            demand_whole(config_root_setting(&conf->tree));
            conf_check(conf_root(conf), schema, file, faults);
            *out = conf;
        } else {
            syntax_fault(&conf->tree, file, faults);
            conf_free(&conf);
        }
    }
    buf_free(&copy);
    conf_faults_sort(faults);
    return faults->n > before ? ERR_REJECT : ERR_OK;
}

void conf_free(struct conf **conf)
{
    if (*conf == NULL)
        return;
    config_destroy(&(*conf)->tree);
    free((*conf)->file);
    free(*conf);
    *conf = NULL;
}

const struct conf_node *conf_root(const struct conf *conf)
{
    return node_of(config_root_setting(&conf->tree));
}

const char *conf_file(const struct conf *conf)
{
    return conf->file;
}

const struct conf_node *conf_get(const struct conf_node *node, const char *path)
{
    char name[64];

    while (node != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");
        if (len >= sizeof(name) || config_setting_is_group(setting_of(node)) == CONFIG_FALSE)
            return NULL;
        memcpy(name, path, len);
        name[len] = '\0';
        node = node_of(config_setting_get_member(setting_of(node), name));
        path += len + (path[len] == '.');
    }
    return node;
}

size_t conf_count(const struct conf_node *node)
{
    if (node == NULL || !config_setting_is_aggregate(setting_of(node)))
        return 0;
    int n = config_setting_length(setting_of(node));
    return n > 0 ? (size_t)n : 0;
}

const struct conf_node *conf_at(const struct conf_node *node, size_t i)
{
    return i < conf_count(node) ? node_of(config_setting_get_elem(setting_of(node), (unsigned)i)) : NULL;
}

static unsigned element_type(const struct conf_node *first, unsigned when_empty)
{
    switch (conf_type(first)) {
    case CONF_STRING:
        return CONF_STRINGS;
    case CONF_INT:
        return CONF_INTS;
    case CONF_GROUP:
        return CONF_GROUPS;
    default:
        return first == NULL ? when_empty : 0;
    }
}

unsigned conf_type(const struct conf_node *node)
{
    if (node == NULL)
        return 0;
    switch (config_setting_type(setting_of(node))) {
    case CONFIG_TYPE_STRING:
        return CONF_STRING;
    case CONFIG_TYPE_INT:
        return CONF_INT;
    case CONFIG_TYPE_BOOL:
        return CONF_BOOL;
    case CONFIG_TYPE_GROUP:
        return CONF_GROUP;
    case CONFIG_TYPE_ARRAY:
        return element_type(conf_at(node, 0), CONF_STRINGS);
    case CONFIG_TYPE_LIST:
        return element_type(conf_at(node, 0), CONF_GROUPS);
    default:
        return 0;
    }
}

const char *conf_name(const struct conf_node *node)
{
    const char *name = node != NULL ? config_setting_name(setting_of(node)) : NULL;
    return name != NULL ? name : "";
}

int conf_line(const struct conf_node *node)
{
    return node != NULL ? (int)config_setting_source_line(setting_of(node)) : 0;
}

const char *conf_string(const struct conf_node *node, const char *path, const char *fallback)
{
    const struct conf_node *at = conf_get(node, path);
    return conf_type(at) == CONF_STRING ? config_setting_get_string(setting_of(at)) : fallback;
}

int conf_int(const struct conf_node *node, const char *path, int fallback)
{
    const struct conf_node *at = conf_get(node, path);
    return conf_type(at) == CONF_INT ? config_setting_get_int(setting_of(at)) : fallback;
}

bool conf_bool(const struct conf_node *node, const char *path, bool fallback)
{
    const struct conf_node *at = conf_get(node, path);
    return conf_type(at) == CONF_BOOL ? config_setting_get_bool(setting_of(at)) == CONFIG_TRUE : fallback;
}
