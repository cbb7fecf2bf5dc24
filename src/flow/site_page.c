/* The page of an advisory, with its files. */
#include "flow/site_model.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/markup.h"
#include "flow/advisory_changes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* "ISSUE DESCRIPTION" shouts on a page: "Issue description". What has a small letter is left as it is. */
static void write_heading(const char *name, struct buf *out)
{
    bool shouts = true;
    char *words = mem_strdup(name);

    for (char *p = words; *p; p++)
        shouts = shouts && !islower((unsigned char)*p) && !isdigit((unsigned char)*p);
    for (char *p = words; shouts && *p; p++)
        *p = (char)(p == words ? *p : tolower((unsigned char)*p));
    markup_add(out, "<h2>%t</h2>\n", words);
    free(words);
}

static void write_links(const char *name, const char *prefix, char **ids, size_t skip, struct buf *out)
{
    if (!ids[0])
        return;
    markup_add(out, "<dt>%t</dt>\n<dd>", name);
    for (size_t i = 0; ids[i]; i++) {
        bool fits = strlen(ids[i]) > skip && strspn(ids[i] + skip, "0123456789-") == strlen(ids[i] + skip);
        char *link = fits ? mem_printf("%s%s", prefix, ids[i] + (strncmp(ids[i], "CWE-", 4) ? 0 : 4)) : NULL;

        buf_add_str(out, i ? ", " : "");
        markup_add(out, link ? "<a href=\"%a\">%t</a>" : "%h%t", link ? link : "", ids[i]);
        free(link);
    }
    buf_add_str(out, "</dd>\n");
}

static void write_time(const char *name, int64_t at_utc_s, struct buf *out)
{
    char text[INSTANT_TEXT_SIZE], words[64];

    markup_add(out, "<dt>%t</dt>\n<dd><time datetime=\"%t\">%t</time></dd>\n", name, instant_text(at_utc_s, text),
               site_moment(at_utc_s, words));
}

static void write_facts(const struct site_advisory *a, struct buf *out)
{
    const struct site_version *v = site_newest(a);
    const struct advisory_doc *doc = &v->view.doc;

    buf_add_str(out, "<dl class=\"facts\">\n");
    if (doc->severity)
        markup_add(out, "<dt>Severity</dt>\n<dd><span class=\"severity %t\">%t</span></dd>\n", doc->severity,
                   doc->severity);
    write_links("CVE", "https://www.cve.org/CVERecord?id=", doc->cves, 4, out);
    write_time("Published", a->public_at, out);
    if (v->row.released_at != a->public_at)
        write_time("Last change", v->row.released_at, out);
    markup_add(out, "<dt>Version</dt>\n<dd>%l</dd>\n", v->row.version);
    if (doc->cvss)
        markup_add(out, "<dt>CVSS</dt>\n<dd><code>%t</code></dd>\n", doc->cvss);
    write_links("Weakness", "https://cwe.mitre.org/data/definitions/", doc->cwes, 4, out);
    buf_add_str(out, "</dl>\n");
}

static void write_items(const char *name, char **items, bool code, struct buf *out)
{
    if (!items[0])
        return;
    markup_add(out, "<section>\n<h2>%t</h2>\n<ul>\n", name);
    for (size_t i = 0; items[i]; i++) {
        bool link = markup_link_ok(items[i]) && strncmp(items[i], "http", 4) == 0;

        markup_add(out, "<li>");
        markup_add(out,
                   link   ? "<a href=\"%a\">%t</a>"
                   : code ? "%h<code>%t</code>"
                          : "%h%t",
                   link ? items[i] : "", items[i]);
        markup_add(out, "</li>\n");
    }
    buf_add_str(out, "</ul>\n</section>\n");
}

static void write_sections(const struct advisory_doc *doc, struct buf *out)
{
    for (size_t i = 0; i < doc->n_sections; i++) {
        if (advisory_is_updates(doc->sections[i].name))
            continue;
        buf_add_str(out, "<section>\n");
        write_heading(doc->sections[i].name, out);
        markup_prose(out, doc->sections[i].text);
        buf_add_str(out, "</section>\n");
    }
}

/* ---- files ---- */

static void write_files(const struct site_advisory *a, const struct site_version *v, struct buf *out)
{
    if (!v->n_files)
        return;
    buf_add_str(out, "<section>\n<h2>Files</h2>\n<ul class=\"files\">\n");
    for (size_t i = 0; i < v->n_files; i++) {
        const struct site_file *f = &v->files[i];
        char *link = mem_printf("%s/v%lld/%s", a->slug, (long long)v->row.version, f->name);

        if (f->offered)
            markup_add(out, "<li><a href=\"%a\">%t</a>, %l bytes", link, f->name, f->size_bytes);
        else
            markup_add(out, "<li>%t, %l bytes (on request)", f->name, f->size_bytes);
        markup_add(out, "\n<code class=\"digest\"><span>SHA-256</span> %t</code></li>\n", f->sha256);
        free(link);
    }
    buf_add_str(out, "</ul>\n</section>\n");
}

/* The list's template, with the commit in place of {commit}; NULL where there is none or the commit is no hash. */
static char *commit_link(const struct settings_list *list, const char *commit)
{
    const char *mark = list->commit_url ? strstr(list->commit_url, "{commit}") : NULL;

    if (!mark || strspn(commit, "0123456789abcdefABCDEF") != strlen(commit))
        return NULL;
    return mem_printf("%.*s%s%s", (int)(mark - list->commit_url), list->commit_url, commit, mark + 8);
}

static void write_commits(const struct site_advisory *a, struct buf *out)
{
    char *copy = mem_strdup(a->commits), *rest = copy, *commit;

    if (!copy || !*copy) {
        free(copy);
        return;
    }
    buf_add_str(out, "<section>\n<h2>Commits</h2>\n<ul>\n");
    while ((commit = strsep(&rest, "\n"))) {
        char *link = *commit ? commit_link(a->list->list, commit) : NULL;

        if (*commit)
            markup_add(out, link ? "<li><a href=\"%a\"><code>%t</code></a></li>\n" : "<li>%h<code>%t</code></li>\n",
                       link ? link : "", commit);
        free(link);
    }
    buf_add_str(out, "</ul>\n</section>\n");
    free(copy);
}

/* ---- time ---- */

static void write_row(const char *name, int64_t at_utc_s, struct buf *out)
{
    char text[INSTANT_TEXT_SIZE], words[64];

    markup_add(out, "<tr><th scope=\"row\">%t</th><td><time datetime=\"%t\">%t</time></td></tr>\n", name,
               instant_text(at_utc_s, text), site_moment(at_utc_s, words));
}

static void write_times(const struct site_advisory *a, struct buf *out)
{
    buf_add_str(out, "<section>\n<h2>Time line</h2>\n<figure>\n");
    site_write_picture(a, out);
    buf_add_str(out, "</figure>\n<table>\n<tbody>\n");
    write_row("Reported", a->reported_at, out);
    for (size_t i = 0; i < a->n_told; i++) {
        char *words = mem_printf("Told: %s", a->told[i].tier);

        write_row(words, a->told[i].at, out);
        free(words);
    }
    write_row("Public", a->public_at, out);
    buf_add_str(out, "</tbody>\n</table>\n</section>\n");
}

static void write_versions(const struct site_advisory *a, struct buf *out)
{
    char text[INSTANT_TEXT_SIZE], words[64];

    buf_add_str(out, "<section>\n<h2>Signed text</h2>\n<ul>\n");
    for (size_t i = a->n_versions; i-- > 0;) {
        const struct site_version *v = &a->versions[i];
        char *link = mem_printf("%s/v%lld.txt", a->slug, (long long)v->row.version);

        markup_add(out, "<li><a href=\"%a\">Version %l</a>, <time datetime=\"%t\">%t</time></li>\n", link,
                   v->row.version, instant_text(v->row.released_at, text), site_moment(v->row.released_at, words));
        free(link);
    }
    markup_add(out,
               "</ul>\n<p>The text is signed by the list's <a href=\"key.asc\">key</a>, <code>%t</code>; the files are "
               "bound to it by their SHA-256.</p>\n</section>\n",
               a->list->list->fingerprint);
}

/* ---- all of it ---- */

static void write_body(const struct site_advisory *a, struct buf *out)
{
    const struct site_version *v = site_newest(a);
    const struct advisory_doc *doc = &v->view.doc;

    markup_add(out, "<article>\n<header>\n<h1><span class=\"id\">%t</span> %t</h1>\n", a->id, doc->title);
    write_facts(a, out);
    buf_add_str(out, "</header>\n");
    write_sections(doc, out);
    write_items("Affected versions", doc->affected, true, out);
    write_items("Fixed in", doc->fixed, true, out);
    write_files(a, v, out);
    write_commits(a, out);
    write_times(a, out);
    write_versions(a, out);
    write_items("Credits", doc->credits, false, out);
    write_items("References", doc->references, false, out);
    markup_add(out, "<p class=\"machine\"><a href=\"%t.json\">This advisory as JSON</a></p>\n</article>\n", a->slug);
}

/* The bytes must be those whose digest the signed text names. */
static enum err put_file(struct site *s, const struct site_file *file, const char *path, site_put *put, void *ctx,
                         struct diag *why)
{
    struct buf content = BUF_EMPTY;
    char digest[65];
    enum err err = patch_content(s->f->db, file->patch_id, &content, why);

    if (!err) {
        box_sha256_hex(buf_span(&content), digest);
        if (strcmp(digest, file->sha256) != 0)
            err = diag_set(why, ERR_INTERNAL, "site.digest", "a patch is not the one that its advisory names");
    }
    if (!err)
        err = put(ctx, path, buf_span(&content), why);
    buf_free(&content);
    return err;
}

static enum err put_version(struct site *s, const struct site_advisory *a, const struct site_version *v, site_put *put,
                            void *ctx, struct diag *why)
{
    char *folder = mem_printf("%s/%s/v%lld", a->list->list->name, a->slug, (long long)v->row.version);
    char *path = mem_printf("%s.txt", folder);
    enum err err = v->signed_text.len ? put(ctx, path, buf_span(&v->signed_text), why)
                                      : diag_set(why, ERR_INTERNAL, "site.unsigned", "a text was not signed");

    free(path);
    for (size_t i = 0; !err && i < v->n_files; i++) {
        if (!v->files[i].offered)
            continue;
        path = mem_printf("%s/%s", folder, v->files[i].name);
        err = put_file(s, &v->files[i], path, put, ctx, why);
        free(path);
    }
    free(folder);
    return err;
}

static enum err put_json(const struct site_advisory *a, const char *path, site_put *put, void *ctx, struct diag *why)
{
    json_t *o = site_advisory_json(a);
    char *text = json_dumps(o, JSON_INDENT(2)), *whole = mem_printf("%s\n", text ? text : "{}");
    enum err err = put(ctx, path, span_of(whole), why);

    free(text);
    free(whole);
    json_decref(o);
    return err;
}

enum err site_put_advisory(struct site *s, const struct site_advisory *a, site_put *put, void *ctx, struct diag *why)
{
    const struct advisory_doc *doc = &site_newest(a)->view.doc;
    char *page = mem_printf("%s/%s.html", a->list->list->name, a->slug);
    char *json = mem_printf("%s/%s.json", a->list->list->name, a->slug);
    char *title = mem_printf("%s: %s", a->id, doc->title);
    struct buf body = BUF_EMPTY;
    enum err err;

    write_body(a, &body);
    err = site_put_page(s, &(struct site_frame){page, title, doc->title, a->list}, &body, put, ctx, why);
    if (!err)
        err = put_json(a, json, put, ctx, why);
    for (size_t i = 0; !err && i < a->n_versions; i++)
        err = put_version(s, a, &a->versions[i], put, ctx, why);
    free(page);
    free(json);
    free(title);
    return err;
}
