/* The pages of a list, and of the whole site: advisories, policy, how to report and how to apply. */
#include "flow/site_model.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/markup.h"
#include "policy/explain.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- advisories ---- */

static int year_of(int64_t at_utc_s)
{
    char text[INSTANT_TEXT_SIZE];

    return (int)strtol(instant_text(at_utc_s, text), NULL, 10);
}

static void write_item(const struct site_advisory *a, const char *from, bool with_list, struct buf *out)
{
    const struct advisory_doc *doc = &site_newest(a)->view.doc;
    char day[64], at[INSTANT_TEXT_SIZE];
    char *link = mem_printf("%s%s/%s.html", site_root_of(from), a->list->list->name, a->slug);

    markup_add(out, "<li><a href=\"%a\"><span class=\"id\">%t</span> %t</a>\n<p class=\"facts\">", link, a->id,
               doc->title);
    if (doc->severity)
        markup_add(out, "<span class=\"severity %t\">%t</span> ", doc->severity, doc->severity);
    markup_add(out, "<time datetime=\"%t\">%t</time>", instant_text(a->public_at, at), site_day(a->public_at, day));
    for (size_t i = 0; doc->cves[i]; i++)
        markup_add(out, " <span>%t</span>", doc->cves[i]);
    if (a->n_versions > 1)
        markup_add(out, " <span>version %l</span>", site_newest(a)->row.version);
    if (with_list)
        markup_add(out, " <span>%t</span>", a->list->list->name);
    buf_add_str(out, "</p></li>\n");
    free(link);
}

/* The lists' advisories come sorted; of several lists the newest is taken each time. */
static const struct site_advisory *take_newest(const struct site *s, const struct site_list *only, size_t *next)
{
    const struct site_advisory *best = NULL;
    size_t from = 0;

    for (size_t i = 0; i < s->n_lists; i++) {
        const struct site_list *l = &s->lists[i];

        if ((only && only != l) || next[i] >= l->n_advisories)
            continue;
        if (!best || l->advisories[next[i]].public_at > best->public_at) {
            best = &l->advisories[next[i]];
            from = i;
        }
    }
    if (best)
        next[from]++;
    return best;
}

void site_write_table(const struct site *s, const struct site_list *l, const char *from, size_t max, struct buf *out)
{
    size_t *next = mem_zero(s->n_lists, sizeof *next), n = 0;
    const struct site_advisory *a;
    int year = -1;

    while (n < max && (a = take_newest(s, l, next))) {
        if (year_of(a->public_at) != year) {
            year = year_of(a->public_at);
            markup_add(out, "%h<h2>%l</h2>\n<ul class=\"advisories\">\n", n ? "</ul>\n" : "", (int64_t)year);
        }
        write_item(a, from, !l && s->n_lists > 1, out);
        n++;
    }
    buf_add_str(out, n ? "</ul>\n" : "<p>No advisory has been published yet.</p>\n");
    free(next);
}

static enum err put_index(struct site *s, const struct site_list *l, const char *path, site_put *put, void *ctx,
                          struct diag *why)
{
    const struct site_list *one = l ? l : s->n_lists == 1 ? &s->lists[0] : NULL;
    struct buf list = BUF_EMPTY, body = BUF_EMPTY;
    char *report = one ? mem_printf("%s%s/report.html", site_root_of(path), one->list->name) : NULL;
    char *json = mem_printf("%sadvisories.json", l ? "" : site_root_of(path));
    enum err err;

    site_write_table(s, l, path, SIZE_MAX, &list);
    err = site_fill("index",
                    (const struct tmpl_value[]){{"address", one ? one->list->address : NULL},
                                                {"report", report},
                                                {"json", json},
                                                {"&advisories", buf_text(&list)}},
                    4, &body, why);
    if (!err)
        err =
            site_put_page(s, &(struct site_frame){path, "Security advisories", "Security advisories, newest first", l},
                          &body, put, ctx, why);
    buf_free(&list);
    buf_free(&body);
    free(report);
    free(json);
    return err;
}

enum err site_put_list(struct site *s, const struct site_list *l, site_put *put, void *ctx, struct diag *why)
{
    char *path = mem_printf("%s/index.html", l->list->name);
    enum err err = put_index(s, l, path, put, ctx, why);

    free(path);
    return err ? err : site_put_feeds(s, l, put, ctx, why);
}

enum err site_put_root(struct site *s, site_put *put, void *ctx, struct diag *why)
{
    enum err err = put_index(s, NULL, "index.html", put, ctx, why);

    return err ? err : site_put_feeds(s, NULL, put, ctx, why);
}

/* ---- the policy ---- */

/* What is joined by "; " stands better in lines. */
static void write_answer(const struct policy *policy, int number, struct buf *out)
{
    struct buf words = BUF_EMPTY;
    const char *at;
    bool several;

    explain_answer(policy, number, &words);
    at = buf_text(&words);
    several = strstr(at, "; ") != NULL;
    buf_add_str(out, several ? "<ul>\n" : "");
    while (*at) {
        const char *end = strstr(at, "; ");
        size_t n = end ? (size_t)(end - at) : strlen(at);

        buf_add_str(out, several ? "<li>" : "<p>");
        markup_text_n(out, at, n);
        buf_add_str(out, several ? "</li>\n" : "</p>\n");
        at += n + (end ? 2 : 0);
    }
    buf_add_str(out, several ? "</ul>\n" : "");
    buf_free(&words);
}

/* Who may do what: a heading for each tier. */
static void write_uses(const struct policy *policy, struct buf *out)
{
    for (size_t i = 0; i < policy->n_tiers; i++) {
        struct buf words = BUF_EMPTY;

        explain_write_uses(&policy->tiers[i], &words);
        markup_add(out, "<h3>%t</h3>\n<p>%t</p>\n", policy_words(&policy->tiers[i].name, ""), buf_text(&words));
        buf_free(&words);
    }
}

static void write_members(const struct site_list *l, struct buf *out)
{
    if (!l->members_published || !l->n_members)
        return;
    buf_add_str(out, "<h3>Members</h3>\n<ul class=\"members\">\n");
    for (size_t i = 0; i < l->n_members; i++)
        markup_add(out, "<li>%t</li>\n", l->members[i]);
    buf_add_str(out, "</ul>\n");
}

enum err site_put_policy(struct site *s, const struct site_list *l, site_put *put, void *ctx, struct diag *why)
{
    char *path = mem_printf("%s/policy.html", l->list->name);
    struct buf answers = BUF_EMPTY, body = BUF_EMPTY;
    enum err err;

    for (int i = 1; i <= EXPLAIN_QUESTIONS; i++) {
        markup_add(&answers, "<section>\n<h2>%l. %t</h2>\n", (int64_t)i, explain_question_text(i));
        if (i == 6 && l->policy->n_tiers)
            write_uses(l->policy, &answers);
        else
            write_answer(l->policy, i, &answers);
        if (i == 5)
            write_members(l, &answers);
        buf_add_str(&answers, "</section>\n");
    }
    err = site_fill("policy",
                    (const struct tmpl_value[]){{"title", policy_words(&l->policy->title, "")},
                                                {"id", policy_words(&l->policy->id, "")},
                                                {"edition", policy_words(&l->policy->edition, "")},
                                                {"source", policy_words(&l->policy->source, "")},
                                                {"&answers", buf_text(&answers)}},
                    5, &body, why);
    if (!err)
        err = site_put_page(
            s, &(struct site_frame){path, "Policy", "How vulnerabilities are handled: the policy's twelve answers", l},
            &body, put, ctx, why);
    buf_free(&answers);
    buf_free(&body);
    free(path);
    return err;
}

/* ---- how to report and to apply ---- */

static const char *apply_words(const struct policy *policy)
{
    const struct policy_value *apply = &policy->membership.apply;

    if (apply->has == POLICY_NONE)
        return "This list has no members outside of the team.";
    if (apply->has != POLICY_STATED)
        return "The policy does not state how to apply for membership; ask at the address above.";
    switch ((enum policy_apply)apply->number) {
    case POLICY_APPLY_PUBLIC_LIST:
        return "Applications are made in public, on a mailing list: see the policy's source.";
    case POLICY_APPLY_PUBLIC_ISSUE:
        return "Applications are made in public, as an issue: see the policy's source.";
    case POLICY_APPLY_INVITE:
        return "Members are invited by the team.";
    case POLICY_APPLY_PRIVATE_MAIL:
    default:
        return "Apply by mail.";
    }
}

static void write_fields(const struct policy *policy, struct buf *out)
{
    const struct policy_value *fields = &policy->membership.application;

    if (fields->has != POLICY_STATED || policy->membership.apply.has != POLICY_STATED)
        return;
    buf_add_str(out, "<p>An application has these lines:</p>\n<pre tabindex=\"0\">");
    for (size_t i = 0; i < fields->n_items; i++)
        markup_add(out, "%t: …\n", fields->items[i]);
    buf_add_str(out, "</pre>\n");
}

static void write_criteria(const struct policy *policy, struct buf *out)
{
    const struct policy_membership *m = &policy->membership;

    if (!m->n_criteria)
        return;
    buf_add_str(out, "<h3>Who can be a member</h3>\n<ul>\n");
    for (size_t i = 0; i < m->n_criteria; i++)
        markup_add(out, "<li>%t</li>\n", policy_words(&m->criteria[i].text, ""));
    buf_add_str(out, "</ul>\n");
}

/* "0123 4567 …": groups of four, which people can compare. */
static void spaced(const char *fingerprint, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; fingerprint[i] && n + 3 < size; i++) {
        if (i && i % 4 == 0)
            out[n++] = ' ';
        out[n++] = fingerprint[i];
    }
    out[n] = 0;
}

enum err site_put_contact(struct site *s, const struct site_list *l, site_put *put, void *ctx, struct diag *why)
{
    const char *at = strrchr(l->list->address, '@');
    bool by_mail = l->policy->membership.apply.has == POLICY_STATED &&
                   l->policy->membership.apply.number == POLICY_APPLY_PRIVATE_MAIL;
    char *path = mem_printf("%s/report.html", l->list->name), *mailto = mem_printf("mailto:%s", l->list->address);
    char *apply = by_mail ? mem_printf("%.*s+apply%s", (int)(at - l->list->address), l->list->address, at) : NULL;
    char *apply_link = apply ? mem_printf("mailto:%s", apply) : NULL;
    char fingerprint[128];
    struct buf fields = BUF_EMPTY, body = BUF_EMPTY;
    enum err err;

    spaced(l->list->fingerprint, fingerprint, sizeof fingerprint);
    write_fields(l->policy, &fields);
    write_criteria(l->policy, &fields);
    err = site_fill("report",
                    (const struct tmpl_value[]){
                        {"address", l->list->address},
                        {"mailto", mailto},
                        {"fingerprint", fingerprint},
                        {"key", l->key.len ? "key.asc" : NULL},
                        {"key_before", l->key_before.len ? "key-previous.asc" : NULL},
                        {"transition", l->statement.len ? "key-transition.txt" : NULL},
                        {"credit", policy_is(&l->policy->reporting.credit, 1) ? "yes" : NULL},
                        {"clear", policy_is(&l->policy->reporting.plain_text, POLICY_PLAIN_ALLOW) ? "yes" : NULL},
                        {"how", apply_words(l->policy)},
                        {"apply", apply},
                        {"apply_link", apply_link},
                        {"source", policy_words(&l->policy->source, "")},
                        {"&fields", buf_text(&fields)}},
                    13, &body, why);
    if (!err)
        err = site_put_page(s,
                            &(struct site_frame){path, "Report a vulnerability",
                                                 "How to report a vulnerability, and how to become a member", l},
                            &body, put, ctx, why);
    buf_free(&fields);
    buf_free(&body);
    free(path);
    free(mailto);
    free(apply);
    free(apply_link);
    return err;
}
