/* What programs read: Atom (RFC 4287), JSON, and the plain list of ids that are public. */
#include "flow/site_model.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/markup.h"
#include "flow/advisory_changes.h"
#include "flow/advisory_product.h"
#include "flow/view.h"

#include <stdlib.h>
#include <string.h>

#define FEED_ENTRIES 50

/* ---- JSON: all paths are from the root of the site, in whichever file they stand ---- */

static json_t *strings(char **list)
{
    json_t *a = json_array();

    for (size_t i = 0; list[i]; i++)
        json_array_append_new(a, view_text(list[i]));
    return a;
}

static json_t *files_json(const struct site_advisory *a, const struct site_version *v)
{
    json_t *all = json_array();

    for (size_t i = 0; i < v->n_files; i++) {
        const struct site_file *f = &v->files[i];
        char *path = mem_printf("%s/%s/v%lld/%s", a->list->list->name, a->slug, (long long)v->row.version, f->name);

        json_array_append_new(all, json_pack("{s:o, s:I, s:s, s:o}", "name", view_text(f->name), "size_bytes",
                                             (json_int_t)f->size_bytes, "sha256", f->sha256, "path",
                                             f->offered ? view_text(path) : json_null()));
        free(path);
    }
    return all;
}

static json_t *versions_json(const struct site_advisory *a)
{
    json_t *all = json_array();

    for (size_t i = 0; i < a->n_versions; i++) {
        const struct site_version *v = &a->versions[i];
        char *path = mem_printf("%s/%s/v%lld.txt", a->list->list->name, a->slug, (long long)v->row.version);

        json_array_append_new(all,
                              json_pack("{s:I, s:o, s:s, s:o}", "version", (json_int_t)v->row.version, "at",
                                        view_instant(v->row.released_at), "text", path, "files", files_json(a, v)));
        free(path);
    }
    return all;
}

static json_t *timeline_json(const struct site_advisory *a)
{
    json_t *told = json_array();

    for (size_t i = 0; i < a->n_told; i++)
        json_array_append_new(
            told, json_pack("{s:o, s:o}", "tier", view_text(a->told[i].tier), "at", view_instant(a->told[i].at)));
    return json_pack("{s:o, s:o, s:o}", "reported_at", view_instant(a->reported_at), "told", told, "public_at",
                     view_instant(a->public_at));
}

static json_t *commits_json(const struct site_advisory *a)
{
    char *copy = mem_strdup(a->commits), *rest = copy, *line;
    json_t *all = json_array();

    while (rest && (line = strsep(&rest, "\n")))
        if (*line)
            json_array_append_new(all, view_text(line));
    free(copy);
    return all;
}

json_t *site_advisory_json(const struct site_advisory *a)
{
    const struct advisory_doc *doc = &site_newest(a)->view.doc;
    json_t *o = json_object(), *sections = json_array();

    json_object_set_new(o, "id", view_text(a->id));
    json_object_set_new(o, "list", view_text(a->list->list->name));
    json_object_set_new(o, "page", json_sprintf("%s/%s.html", a->list->list->name, a->slug));
    json_object_set_new(o, "title", view_text(doc->title));
    json_object_set_new(o, "severity", view_text(doc->severity));
    json_object_set_new(o, "cvss", view_text(doc->cvss));
    json_object_set_new(o, "cves", strings(doc->cves));
    json_object_set_new(o, "cwes", strings(doc->cwes));
    json_object_set_new(o, "affected", products_json(doc->affected));
    json_object_set_new(o, "fixed", products_json(doc->fixed));
    json_object_set_new(o, "credits", strings(doc->credits));
    json_object_set_new(o, "references", strings(doc->references));
    json_object_set_new(o, "commits", commits_json(a));
    json_object_set_new(o, "version", json_integer(site_newest(a)->row.version));
    json_object_set_new(o, "published_at", view_instant(a->public_at));
    json_object_set_new(o, "updated_at", view_instant(a->updated_at));
    json_object_set_new(o, "timeline", timeline_json(a));
    json_object_set_new(o, "versions", versions_json(a));
    for (size_t i = 0; i < doc->n_sections; i++)
        if (!advisory_is_updates(doc->sections[i].name))
            json_array_append_new(sections, json_pack("{s:o, s:o}", "name", view_text(doc->sections[i].name), "text",
                                                      view_text(doc->sections[i].text)));
    json_object_set_new(o, "sections", sections);
    return o;
}

static json_t *list_json(const struct site_list *l)
{
    json_t *all = json_array();

    for (size_t i = 0; i < l->n_advisories; i++) {
        json_t *o = site_advisory_json(&l->advisories[i]);

        json_object_del(o, "sections"); /* they stand in the advisory's own file */
        json_array_append_new(all, o);
    }
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o}", "name", view_text(l->list->name), "address", view_text(l->list->address),
        "fingerprint", view_text(l->list->fingerprint), "policy",
        json_sprintf("%s@%s", policy_words(&l->policy->id, ""), policy_words(&l->policy->edition, "")), "id_scheme",
        l->policy->publication.id.has == POLICY_STATED ? view_text(l->policy->publication.id.text) : json_null(),
        "advisories", all);
}

static enum err put_json(const struct site *s, const struct site_list *l, const char *path, site_put *put, void *ctx,
                         struct diag *why)
{
    json_t *lists = json_array(), *o;
    char *text, *whole;
    enum err err;

    for (size_t i = 0; i < s->n_lists; i++)
        if (!l || l == &s->lists[i])
            json_array_append_new(lists, list_json(&s->lists[i]));
    o = json_pack("{s:s, s:o, s:o}", "format", "embargod-advisories-1", "url", view_text(s->f->settings->site_url),
                  "lists", lists);
    text = json_dumps(o, JSON_INDENT(1));
    whole = mem_printf("%s\n", text ? text : "{}");
    err = put(ctx, path, span_of(whole), why);
    free(text);
    free(whole);
    json_decref(o);
    return err;
}

/* ---- Atom ---- */

/* RFC 4151: a name that stays the same wherever the site is. */
static void write_tag(const struct site *s, const struct site_list *l, const char *id, struct buf *out)
{
    const char *address = (l ? l : &s->lists[0])->list->address, *at = strrchr(address, '@');

    markup_add(out, "tag:%t,2026:%t%h%t", at ? at + 1 : address, l ? l->list->name : "all", id ? "/" : "", id);
}

static void write_entry(const struct site_advisory *a, const char *base, struct buf *out)
{
    const struct site_version *v = site_newest(a);
    char at[INSTANT_TEXT_SIZE];
    char *link = mem_printf("%s%s.html", base, a->slug);
    struct buf html = BUF_EMPTY;

    markup_add(out, "<entry>\n<title>%t: %t</title>\n<id>", a->id, v->view.doc.title);
    write_tag(a->list->site, a->list, a->slug, out);
    markup_add(out, "</id>\n<link rel=\"alternate\" type=\"text/html\" href=\"%a\"/>\n", link);
    markup_add(out, "<published>%t</published>\n", instant_text(a->public_at, at));
    markup_add(out, "<updated>%t</updated>\n", instant_text(a->updated_at, at));
    for (size_t i = 0; v->view.doc.cves[i]; i++)
        markup_add(out, "<category term=\"%t\"/>\n", v->view.doc.cves[i]);
    markup_add(&html, "<pre>%t</pre>", buf_text(&v->text));
    markup_add(out, "<content type=\"html\">%t</content>\n</entry>\n", buf_text(&html));
    buf_free(&html);
    free(link);
}

static int64_t newest_change(const struct site *s, const struct site_list *l)
{
    int64_t newest = 0;

    for (size_t i = 0; i < s->n_lists; i++)
        for (size_t k = 0; (!l || l == &s->lists[i]) && k < s->lists[i].n_advisories; k++)
            if (s->lists[i].advisories[k].updated_at > newest)
                newest = s->lists[i].advisories[k].updated_at;
    return newest;
}

static int by_change(const void *a, const void *b)
{
    int64_t x = (*(const struct site_advisory *const *)a)->updated_at;
    int64_t y = (*(const struct site_advisory *const *)b)->updated_at;

    return (x < y) - (x > y);
}

static void write_entries(const struct site *s, const struct site_list *l, struct buf *out)
{
    const struct site_advisory **all = NULL;
    size_t n = 0;

    for (size_t i = 0; i < s->n_lists; i++)
        for (size_t k = 0; (!l || l == &s->lists[i]) && k < s->lists[i].n_advisories; k++) {
            all = mem_resize(all, n + 1, sizeof *all);
            all[n++] = &s->lists[i].advisories[k];
        }
    if (n)
        qsort(all, n, sizeof *all, by_change);
    for (size_t i = 0; i < n && i < FEED_ENTRIES; i++) {
        const char *url = s->f->settings->site_url;
        char *base = url ? mem_printf("%s%s/", url, all[i]->list->list->name)
                     : l ? mem_strdup("")
                         : mem_printf("%s/", all[i]->list->list->name);

        write_entry(all[i], base, out);
        free(base);
    }
    free(all);
}

static enum err put_atom(const struct site *s, const struct site_list *l, const char *path, site_put *put, void *ctx,
                         struct diag *why)
{
    const char *url = s->f->settings->site_url;
    char at[INSTANT_TEXT_SIZE];
    char *self = mem_printf("%s%s", url ? url : "", url ? path : "atom.xml");
    char *home =
        url && l ? mem_printf("%s%s/index.html", url, l->list->name) : mem_printf("%sindex.html", url ? url : "");
    struct buf out = BUF_EMPTY;
    enum err err;

    markup_add(&out,
               "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" "
               "xml:lang=\"en\">\n<title>%t: security advisories</title>\n<id>",
               l && s->n_lists > 1 ? l->list->name : s->title);
    write_tag(s, l, NULL, &out);
    markup_add(&out, "</id>\n<link rel=\"self\" type=\"application/atom+xml\" href=\"%a\"/>\n", self);
    markup_add(&out, "<link rel=\"alternate\" type=\"text/html\" href=\"%a\"/>\n", home);
    markup_add(&out, "<author><name>%t</name><email>%t</email></author>\n", (l ? l : &s->lists[0])->list->address,
               (l ? l : &s->lists[0])->list->address);
    markup_add(&out, "<updated>%t</updated>\n", instant_text(newest_change(s, l), at));
    write_entries(s, l, &out);
    buf_add_str(&out, "</feed>\n");
    err = out.over ? diag_set(why, ERR_LIMIT, "site.page", "the feed would be larger than 256 MiB")
                   : put(ctx, path, buf_span(&out), why);
    buf_free(&out);
    free(self);
    free(home);
    return err;
}

/* ---- ids, for the hooks of repositories (contrib/git) ---- */

static void add_line(struct buf *out, const char *word, const char *text)
{
    if (strpbrk(text, " \t\r\n"))
        return;
    buf_printf(out, "%s %s\n", word, text);
}

static enum err put_ids(const struct site *s, site_put *put, void *ctx, struct diag *why)
{
    struct buf out = BUF_EMPTY;
    enum err err;

    buf_add_str(&out, "# Ids that are public, one a line; scheme: how this site's ids look. Read by contrib/git.\n");
    for (size_t i = 0; i < s->n_lists; i++)
        if (s->lists[i].policy->publication.id.has == POLICY_STATED)
            add_line(&out, "scheme", s->lists[i].policy->publication.id.text);
    for (size_t i = 0; i < s->n_lists; i++)
        for (size_t k = 0; k < s->lists[i].n_advisories; k++) {
            const struct site_advisory *a = &s->lists[i].advisories[k];

            add_line(&out, "id", a->id);
            for (size_t c = 0; site_newest(a)->view.doc.cves[c]; c++)
                add_line(&out, "cve", site_newest(a)->view.doc.cves[c]);
        }
    err = put(ctx, "published.txt", buf_span(&out), why);
    buf_free(&out);
    return err;
}

enum err site_put_feeds(struct site *s, const struct site_list *l, site_put *put, void *ctx, struct diag *why)
{
    const char *folder = l ? l->list->name : "", *slash = l ? "/" : "";
    char *json = mem_printf("%s%sadvisories.json", folder, slash), *atom = mem_printf("%s%satom.xml", folder, slash);
    enum err err = put_json(s, l, json, put, ctx, why);

    if (!err)
        err = put_atom(s, l, atom, put, ctx, why);
    if (!err && !l)
        err = put_ids(s, put, ctx, why);
    free(json);
    free(atom);
    return err;
}
