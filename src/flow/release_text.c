/* The words of a publication: to the public in each style, to members, to the discoverer. */
#include "flow/release.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/texts.h"
#include "policy/decide.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void add_cves(const struct advisory_doc *doc, const char *before, const char *after, struct buf *out)
{
    for (size_t i = 0; doc->cves && doc->cves[i]; i++)
        buf_printf(out, "%s%s", i ? ", " : before, doc->cves[i]);
    if (doc->cves && doc->cves[0])
        buf_add_str(out, after);
}

/* OSSA style: "[OSSA-2026-001] title (CVE-2026-1)". */
char *release_plain_subject(const struct case_row *c, const struct advisory_doc *doc)
{
    struct buf s = BUF_EMPTY;

    if (c->public_id && strncmp(c->public_id, "CVE-", 4) != 0)
        buf_printf(&s, "[%s] ", c->public_id);
    buf_add_str(&s, doc->title);
    add_cves(doc, " (", ")", &s);
    return buf_take(&s);
}

/* A text that stands alone says first what it is about. */
static void add_preamble(const struct case_row *c, const struct advisory_doc *doc, struct buf *out)
{
    buf_printf(out, "%s\n\n", doc->title);
    if (c->public_id)
        buf_printf(out, "Advisory:  %s\n", c->public_id);
    add_cves(doc, "CVE:       ", "\n", out);
    for (size_t i = 0; doc->affected && doc->affected[i]; i++)
        buf_printf(out, "Affected:  %s\n", doc->affected[i]);
    for (size_t i = 0; doc->fixed && doc->fixed[i]; i++)
        buf_printf(out, "Fixed in:  %s\n", doc->fixed[i]);
    buf_add_str(out, "\n");
}

static bool has_section(const struct advisory_doc *doc, const char *name)
{
    for (size_t i = 0; i < doc->n_sections; i++)
        if (strcasecmp(doc->sections[i].name, name) == 0)
            return true;
    return false;
}

/* For oversight: what members of each tier could do while others did not know. */
static void add_deployment(const struct policy *policy, const struct case_row *c, const struct advisory_doc *doc,
                           struct buf *out)
{
    const struct policy_track *track = c->track ? policy_track_find(policy, c->track) : NULL;

    if (has_section(doc, "DEPLOYMENT DURING EMBARGO"))
        return;
    buf_add_str(out, "DEPLOYMENT DURING EMBARGO\n\n");
    for (size_t i = 0; i < policy->n_tiers; i++) {
        struct decide_use uses[POLICY_USES];

        if (!schedule_tier_on_track(&policy->tiers[i], track))
            continue;
        decide_uses(&policy->tiers[i], doc->allow, doc->deny, uses);
        buf_printf(out, "Members of the tier %s could:\n", policy_words(&policy->tiers[i].name, ""));
        advisory_uses_lines("  ", uses, POLICY_ALLOW, out);
        buf_add_str(out, "\n");
    }
}

void advisory_embargo_text(const struct policy *policy, const struct case_row *c, const struct advisory_doc *doc,
                           struct buf *out)
{
    if (c->predisclosed_at != INSTANT_NONE)
        add_deployment(policy, c, doc, out);
    else if (!has_section(doc, "NOTE REGARDING LACK OF EMBARGO"))
        buf_add_str(out, "NOTE REGARDING LACK OF EMBARGO\n\nNobody was told of this before its publication.\n\n");
}

enum err release_text(struct flow *f, const struct case_row *c, const struct policy *policy, int64_t version,
                      bool plain, struct buf *out, struct diag *why)
{
    struct advisory_view v = {0};
    enum err err = advisory_view_load(f, c->id, version, &v, why);

    if (!err && plain)
        add_preamble(c, &v.doc, out);
    if (!err)
        err = advisory_text_for(f, policy, c, &v, NULL, NULL, false, out, why);
    if (!err)
        advisory_view_free(&v);
    return err;
}

enum err release_over_text(const struct case_row *c, const char *status, struct buf *out, struct diag *why)
{
    char at[INSTANT_TEXT_SIZE];
    struct tmpl_value values[] = {{"id", case_label(c)},
                                  {"at", instant_text(c->public_at, at)},
                                  {"broken", strcmp(status, "broken") == 0 ? "yes" : NULL},
                                  {"over", strcmp(status, "broken") == 0 ? NULL : "yes"}};

    return text_fill("embargo-over", values, sizeof values / sizeof values[0], out, why);
}

enum err release_thanks_text(struct flow *f, const struct case_row *c, struct buf *out, struct diag *why)
{
    char at[INSTANT_TEXT_SIZE];
    struct advisory_view v = {0};
    struct diag none;
    bool known = !advisory_view_load(f, c->id, c->version, &v, &none);
    struct tmpl_value values[] = {
        {"id", case_label(c)}, {"at", instant_text(c->public_at, at)}, {"title", known ? v.doc.title : NULL}};
    enum err err = text_fill("thanks", values, sizeof values / sizeof values[0], out, why);

    if (known)
        advisory_view_free(&v);
    return err;
}
