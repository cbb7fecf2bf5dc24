/* Public lists that policies name as channels: their addresses, and how each wants its mail. */
#include "codec/settings_parts.h"

#include "base/mem.h"
#include "codec/addr.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The lists of distributions take only mail whose Subject begins so (oss-security wiki, mailing-lists/distros). */
#define DISTROS_DOMAIN "vs.openwall.org"
#define DISTROS_PREFIX "[vs] "

void settings_read_channels(const struct conf_node *root, const char *file, struct conf_faults *faults,
                            struct settings *s)
{
    const struct conf_node *channels = conf_get(root, "channels");

    s->n_channels = conf_count(channels);
    s->channels = mem_zero(s->n_channels, sizeof *s->channels);
    for (size_t i = 0; i < s->n_channels; i++) {
        const struct conf_node *node = conf_at(channels, i);
        struct settings_channel *c = &s->channels[i];
        char address[ADDR_MAX_BYTES + 1] = "";
        struct diag why;

        c->name = mem_strdup(conf_string(node, "name", ""));
        if (addr_check(span_of(conf_string(node, "address", "")), address, &why))
            conf_fault_add(faults, file, conf_line(conf_get(node, "address")), "conf.address", "`address`: %s",
                           why.text);
        c->address = mem_strdup(address);
        c->is_plain = strcmp(conf_string(node, "style", settings_style_of(c->name, c->address)), "plain") == 0;
        c->subject_prefix = mem_strdup(conf_string(node, "subject_prefix", NULL));
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(s->channels[k].name, c->name) == 0)
                conf_fault_add(faults, file, conf_line(node), "conf.twice",
                               "a channel with this `name` stands above: give each its own");
    }
}

void settings_free_channels(struct settings *s)
{
    for (size_t i = 0; i < s->n_channels; i++) {
        free(s->channels[i].name);
        free(s->channels[i].address);
        free(s->channels[i].subject_prefix);
    }
    free(s->channels);
}

const struct settings_channel *settings_channel_named(const struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->n_channels; i++)
        if (strcasecmp(s->channels[i].name, name) == 0)
            return &s->channels[i];
    return NULL;
}

const char *settings_style_of(const char *name, const char *address)
{
    return strcasecmp(name, "oss-security") == 0 || strncasecmp(address, "oss-security@", 13) == 0 ? "plain"
                                                                                                   : "announce";
}

const char *settings_subject_prefix(const struct settings *s, const char *address)
{
    const char *at = strrchr(address, '@');

    for (size_t i = 0; i < s->n_channels; i++)
        if (s->channels[i].subject_prefix && addr_equal(s->channels[i].address, address))
            return s->channels[i].subject_prefix;
    return at && strcasecmp(at + 1, DISTROS_DOMAIN) == 0 ? DISTROS_PREFIX : "";
}
