#include "flow/advisory_changes.h"

#include <string.h>
#include <strings.h>

bool advisory_is_updates(const char *section_name)
{
    return strcasecmp(section_name, "UPDATES") == 0;
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_list(char **a, char **b)
{
    size_t i = 0;

    for (; a[i] && b[i]; i++)
        if (strcmp(a[i], b[i]) != 0)
            return false;
    return !a[i] && !b[i];
}

static void say_list(const char *what, char **old, char **now, struct buf *out)
{
    if (same_list(old, now))
        return;
    buf_printf(out, "%s: now ", what);
    for (size_t i = 0; now[i]; i++)
        buf_printf(out, "%s%s", i ? ", " : "", now[i]);
    buf_printf(out, "%s.\n", now[0] ? "" : "none");
}

static void say_text(const char *what, const char *old, const char *now, struct buf *out)
{
    if (!same_text(old, now))
        buf_printf(out, "%s: now %s.\n", what, now && *now ? now : "not said");
}

static const struct advisory_section *find_section(const struct advisory_doc *doc, const char *name)
{
    for (size_t i = 0; i < doc->n_sections; i++)
        if (strcmp(doc->sections[i].name, name) == 0)
            return &doc->sections[i];
    return NULL;
}

static void say_sections(const struct advisory_doc *old, const struct advisory_doc *now, struct buf *out)
{
    for (size_t i = 0; i < now->n_sections; i++) {
        const struct advisory_section *s = &now->sections[i], *before = find_section(old, s->name);

        if (advisory_is_updates(s->name))
            continue;
        if (!before)
            buf_printf(out, "Section %s: new.\n", s->name);
        else if (strcmp(before->text, s->text) != 0)
            buf_printf(out, "Section %s: changed.\n", s->name);
    }
    for (size_t i = 0; i < old->n_sections; i++)
        if (!advisory_is_updates(old->sections[i].name) && !find_section(now, old->sections[i].name))
            buf_printf(out, "Section %s: removed.\n", old->sections[i].name);
}

static const struct advisory_patch *find_patch(const struct advisory_patch *patches, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(patches[i].name, name) == 0)
            return &patches[i];
    return NULL;
}

static void say_patches(const struct advisory_patch *old, size_t n_old, const struct advisory_patch *now, size_t n,
                        struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        const struct advisory_patch *before = find_patch(old, n_old, now[i].name);

        if (!before)
            buf_printf(out, "File %s: new.\n", now[i].name);
        else if (strcmp(before->sha256, now[i].sha256) != 0)
            buf_printf(out, "File %s: changed; do not use the earlier one.\n", now[i].name);
    }
    for (size_t i = 0; i < n_old; i++)
        if (!find_patch(now, n, old[i].name))
            buf_printf(out, "File %s: withdrawn; do not use it.\n", old[i].name);
}

void advisory_changes(const struct advisory_doc *old, const struct advisory_patch *old_patches, size_t n_old,
                      const struct advisory_doc *now, const struct advisory_patch *patches, size_t n, struct buf *out)
{
    for (size_t i = 0; i < now->n_sections; i++)
        if (advisory_is_updates(now->sections[i].name))
            buf_printf(out, "%s\n\n", now->sections[i].text);
    say_text("Title", old->title, now->title, out);
    say_list("CVE", old->cves, now->cves, out);
    say_text("TLP", old->tlp, now->tlp, out);
    say_text("Severity", old->severity, now->severity, out);
    say_text("CVSS", old->cvss, now->cvss, out);
    say_list("Affected versions", old->affected, now->affected, out);
    say_list("Fixed in", old->fixed, now->fixed, out);
    if (old->allow != now->allow || old->deny != now->deny)
        buf_add_str(out, "What is allowed during the embargo: changed; see above.\n");
    say_sections(old, now, out);
    say_patches(old_patches, n_old, patches, n, out);
}
