/* Lists and admins found in the settings, the paths of an instance, and the end of it all. */
#include "codec/settings_parts.h"

#include "base/mem.h"
#include "codec/addr.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct settings_list *settings_list_named(const struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->n_lists; i++)
        if (strcmp(s->lists[i].name, name) == 0)
            return &s->lists[i];
    return NULL;
}

const struct settings_list *settings_list_for(const struct settings *s, const char *address)
{
    struct addr_parts parts, list;
    struct span suffix;

    for (size_t i = 0; i < s->n_lists; i++) {
        if (addr_is_for(address, s->lists[i].address, &suffix))
            return &s->lists[i];
        /* security-owner@: people, not the list; it still belongs to it. */
        if (addr_split(address, &parts) && addr_split(s->lists[i].address, &list) &&
            parts.local.len == list.local.len + 6 && parts.domain.len == list.domain.len &&
            strncasecmp((const char *)parts.local.data, (const char *)list.local.data, list.local.len) == 0 &&
            strncasecmp((const char *)parts.local.data + list.local.len, "-owner", 6) == 0 &&
            strncasecmp((const char *)parts.domain.data, (const char *)list.domain.data, list.domain.len) == 0)
            return &s->lists[i];
    }
    return NULL;
}

const struct settings_admin *settings_admin_at(const struct settings *s, const char *address)
{
    for (size_t i = 0; i < s->n_admins; i++)
        if (addr_equal(s->admins[i].address, address))
            return &s->admins[i];
    return NULL;
}

bool settings_admin_serves(const struct settings_admin *a, const struct settings_list *list)
{
    for (size_t i = 0; i < a->n_lists; i++)
        if (strcmp(a->lists[i], list->name) == 0)
            return true;
    return a->n_lists == 0;
}

const struct settings_admin *settings_admin_with_key(const struct settings *s, const struct settings_list *list,
                                                     const char *fingerprint)
{
    for (size_t i = 0; i < s->n_admins; i++)
        if (strcmp(s->admins[i].fingerprint, fingerprint) == 0 && settings_admin_serves(&s->admins[i], list))
            return &s->admins[i];
    return NULL;
}

char *settings_path(const struct settings *s, const char *relative)
{
    return mem_printf("%s/%s", s->home, relative);
}

char *settings_gnupg(const struct settings *s, const char *list, const char *name)
{
    return mem_printf("%s/gnupg/%s/%s", s->home, list, name);
}

char *settings_shard(const struct settings *s, const char *list, int64_t shard)
{
    return mem_printf("%s/gnupg/%s/member-%03lld", s->home, list, (long long)shard);
}

static void free_lists(struct settings *s)
{
    for (size_t i = 0; i < s->n_lists; i++) {
        free(s->lists[i].name);
        free(s->lists[i].address);
        free(s->lists[i].policy);
        free(s->lists[i].fingerprint);
        free(s->lists[i].previous_key);
        free(s->lists[i].passphrase_file);
        free(s->lists[i].authserv_id);
        free(s->lists[i].commit_url);
    }
    free(s->lists);
    for (size_t i = 0; i < s->n_admins; i++) {
        free(s->admins[i].address);
        free(s->admins[i].fingerprint);
        for (size_t k = 0; k < s->admins[i].n_lists; k++)
            free(s->admins[i].lists[k]);
        free(s->admins[i].lists);
    }
    free(s->admins);
    settings_free_channels(s);
}

void settings_free(struct settings **out)
{
    struct settings *s = *out;

    if (!s)
        return;
    free_lists(s);
    free(s->home);
    free(s->file);
    free(s->lmtp_unix);
    free(s->lmtp_tcp);
    free(s->maildir_in);
    free(s->control);
    free(s->smtp_host);
    free(s->smtp_ca);
    free(s->fetch_ca);
    for (size_t i = 0; i < s->n_fetch_connect_to; i++)
        free(s->fetch_connect_to[i]);
    free(s->fetch_connect_to);
    free(s->reminders_s);
    free(s->site_url);
    free(s->site_title);
    for (size_t i = 0; i < s->n_site_contact; i++)
        free(s->site_contact[i]);
    free(s->site_contact);
    free(s->user_core);
    free(s->user_intake);
    free(s->user_courier);
    free(s);
    *out = NULL;
}

bool settings_is_loopback(const char *address)
{
    const char *colon = strrchr(address, ':');
    char *end;
    long port;

    if (!colon || colon[1] < '0' || colon[1] > '9')
        return false;
    port = strtol(colon + 1, &end, 10);
    return !*end && port >= 1 && port <= 65535 &&
           (strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]:", 6) == 0 ||
            strncmp(address, "localhost:", 10) == 0);
}

const struct settings_admin *settings_admin_of_uid(const struct settings *s, int64_t uid,
                                                   const struct settings_list *list)
{
    const struct settings_admin *first = NULL;

    for (size_t i = 0; i < s->n_admins; i++) {
        const struct settings_admin *a = &s->admins[i];

        if (a->uid != uid)
            continue;
        if (!list || settings_admin_serves(a, list))
            return a;
        if (!first)
            first = a;
    }
    return first;
}

const struct settings_list *settings_only_list(const struct settings *s, const struct settings_admin *admin)
{
    const struct settings_list *only = NULL;

    for (size_t i = 0; s->n_lists > 1 && i < s->n_lists; i++) {
        if (!settings_admin_serves(admin, &s->lists[i]))
            continue;
        if (only)
            return NULL;
        only = &s->lists[i];
    }
    return only;
}
