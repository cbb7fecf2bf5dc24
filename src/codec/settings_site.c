#include "codec/settings_parts.h"

#include "base/mem.h"

#include <string.h>

static bool is_web(const char *url)
{
    return strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
}

/* The address of the site ends with a slash, so that what stands below it can be put behind. */
void settings_read_site(const struct conf_node *root, const char *file, struct conf_faults *faults, struct settings *s)
{
    const char *url = conf_string(root, "site.url", NULL);
    const struct conf_node *contact = conf_get(root, "site.contact");

    s->site_title = mem_strdup(conf_string(root, "site.title", NULL));
    if (url && (strncmp(url, "https://", 8) != 0 || strpbrk(url, " \"<>?#")))
        conf_fault_add(faults, file, conf_line(conf_get(root, "site.url")), "conf.site-url",
                       "`site.url` must begin with https:// and have neither `?` nor `#` (RFC 9116 asks for https)");
    else if (url)
        s->site_url = mem_printf("%s%s", url, url[strlen(url) - 1] == '/' ? "" : "/");
    s->n_site_contact = conf_count(contact);
    s->site_contact = mem_zero(s->n_site_contact, sizeof *s->site_contact);
    for (size_t i = 0; i < s->n_site_contact; i++) {
        s->site_contact[i] = mem_strdup(conf_string(conf_at(contact, i), "", ""));
        if (strncmp(s->site_contact[i], "https://", 8) != 0 && strncmp(s->site_contact[i], "mailto:", 7) != 0 &&
            strncmp(s->site_contact[i], "tel:", 4) != 0)
            conf_fault_add(faults, file, conf_line(contact), "conf.site-contact",
                           "a `site.contact` must begin with https://, mailto: or tel: (RFC 9116, 2.5.3)");
    }
}

char *settings_read_commit_url(const struct conf_node *list, const char *file, struct conf_faults *faults)
{
    const char *url = conf_string(list, "commit_url", NULL);

    if (url && (!is_web(url) || !strstr(url, "{commit}")))
        conf_fault_add(faults, file, conf_line(conf_get(list, "commit_url")), "conf.commit-url",
                       "`commit_url` must begin with https:// or http:// and hold {commit}");
    return mem_strdup(url);
}
