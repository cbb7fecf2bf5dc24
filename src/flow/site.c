/* The texts to be signed and the pages to be written, by number; what every page is framed with. */
#include "flow/site_model.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/assets.h"
#include "codec/markup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 32

/* ---- days ---- */

static int64_t floor_days(int64_t at_utc_s)
{
    return at_utc_s >= 0 ? at_utc_s / 86400 : -((-at_utc_s + 86399) / 86400);
}

const char *site_day(int64_t at_utc_s, char *out)
{
    static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                         "July",    "August",   "September", "October", "November", "December"};
    char text[INSTANT_TEXT_SIZE];

    /* "2026-11-22T…" */
    instant_text(floor_days(at_utc_s) * 86400, text);
    snprintf(out, 64, "%ld %s %.4s", strtol(text + 8, NULL, 10), months[(strtol(text + 5, NULL, 10) + 11) % 12], text);
    return out;
}

const char *site_moment(int64_t at_utc_s, char *out)
{
    int64_t second = at_utc_s - floor_days(at_utc_s) * 86400;
    char day[64];

    snprintf(out, 64, "%.40s, %02d:%02d UTC", site_day(at_utc_s, day), (int)(second / 3600), (int)(second / 60 % 60));
    return out;
}

/* The first instant of the month that is `ahead` months after this one. */
static int64_t month_start(int64_t at_utc_s, int ahead)
{
    char text[INSTANT_TEXT_SIZE];
    int64_t months;

    instant_text(at_utc_s, text);
    months = strtol(text, NULL, 10) * 12 + strtol(text + 5, NULL, 10) - 1 + ahead;
    return instant_from_civil(months / 12, (int)(months % 12) + 1, 1, 0, 0, 0);
}

int64_t site_fresh_until(int64_t now_utc_s)
{
    return month_start(now_utc_s, 1);
}

/* ---- security.txt ---- */

void site_write_security_txt(const struct site *s, struct buf *out)
{
    const struct settings *settings = s->f->settings;
    char at[INSTANT_TEXT_SIZE];

    for (size_t i = 0; i < settings->n_site_contact; i++)
        buf_printf(out, "Contact: %s\n", settings->site_contact[i]);
    for (size_t i = 0; i < s->n_lists; i++)
        buf_printf(out, "Contact: mailto:%s\n", s->lists[i].list->address);
    /* RFC 9116, 2.5.5: less than a year ahead. */
    buf_printf(out, "Expires: %s\n", instant_text(month_start(s->now, 6), at));
    for (size_t i = 0; i < s->n_lists; i++)
        buf_printf(out, "Encryption: openpgp4fpr:%s\n", s->lists[i].list->fingerprint);
    buf_add_str(out, "Preferred-Languages: en\n");
    if (!settings->site_url)
        return;
    buf_printf(out, "Canonical: %s.well-known/security.txt\n", settings->site_url);
    for (size_t i = 0; i < s->n_lists; i++)
        buf_printf(out, "Encryption: %s%s/key.asc\nPolicy: %s%s/policy.html\n", settings->site_url,
                   s->lists[i].list->name, settings->site_url, s->lists[i].list->name);
}

/* ---- texts that are signed ---- */

size_t site_texts(const struct site *s)
{
    size_t n = 1;

    for (size_t i = 0; i < s->n_lists; i++)
        for (size_t k = 0; k < s->lists[i].n_advisories; k++)
            n += s->lists[i].advisories[k].n_versions;
    return n;
}

/* The version of text i (from 1 on); NULL for 0, which is security.txt. */
static struct site_version *version_of_text(struct site *s, size_t i, const struct site_list **list)
{
    *list = &s->lists[0];
    for (size_t l = 0; i > 0 && l < s->n_lists; l++)
        for (size_t k = 0; k < s->lists[l].n_advisories; k++) {
            struct site_advisory *a = &s->lists[l].advisories[k];

            *list = &s->lists[l];
            if (i <= a->n_versions)
                return &a->versions[i - 1];
            i -= a->n_versions;
        }
    return NULL;
}

enum err site_text(struct site *s, size_t i, struct site_text *out, struct diag *why)
{
    const struct site_list *list;
    struct site_version *v = version_of_text(s, i, &list);
    struct buf *kept = v ? &v->signed_text : &s->security_signed;

    (void)why;
    if (v)
        snprintf(out->name, sizeof out->name, "advisory:%lld", (long long)v->row.advisory_id);
    else
        snprintf(out->name, sizeof out->name, "security.txt");
    out->list = list->list;
    out->text = buf_span(v ? &v->text : &s->security_txt);
    buf_clear(kept);
    out->is_signed = signed_text_find(s->f->db, out->name, list->list->fingerprint, out->text, kept);
    return ERR_OK;
}

enum err site_set_signed(struct site *s, size_t i, struct span signed_text, struct diag *why)
{
    struct site_text text;
    const struct site_list *list;
    struct site_version *v = version_of_text(s, i, &list);
    struct buf *kept = v ? &v->signed_text : &s->security_signed;
    enum err err = site_text(s, i, &text, why);

    buf_clear(kept);
    buf_add(kept, signed_text.data, signed_text.len);
    return err ? err
               : signed_text_put(s->f->db, text.name, list->list->fingerprint, text.text, signed_text,
                                 clock_now(s->f->clock), why);
}

/* ---- pages ---- */

#define PAGES_OF_SITE 2
#define PAGES_OF_LIST 3

size_t site_pages(const struct site *s)
{
    size_t n = PAGES_OF_SITE;

    for (size_t i = 0; i < s->n_lists; i++)
        n += PAGES_OF_LIST + s->lists[i].n_advisories;
    return n;
}

enum err site_page(struct site *s, size_t i, site_put *put, void *ctx, struct diag *why)
{
    if (i < PAGES_OF_SITE)
        return i == 0 ? site_put_root(s, put, ctx, why) : site_put_keys(s, put, ctx, why);
    i -= PAGES_OF_SITE;
    for (size_t k = 0; k < s->n_lists; k++) {
        const struct site_list *l = &s->lists[k];

        if (i >= PAGES_OF_LIST + l->n_advisories) {
            i -= PAGES_OF_LIST + l->n_advisories;
            continue;
        }
        switch (i) {
        case 0:
            return site_put_list(s, l, put, ctx, why);
        case 1:
            return site_put_policy(s, l, put, ctx, why);
        case 2:
            return site_put_contact(s, l, put, ctx, why);
        default:
            return site_put_advisory(s, &l->advisories[i - PAGES_OF_LIST], put, ctx, why);
        }
    }
    return ERR_OK;
}

/* ---- the frame ---- */

const char *site_root_of(const char *path)
{
    static const char ups[] = "../../../../";
    size_t n = 0;

    for (const char *p = path; *p; p++)
        n += *p == '/';
    return ups + strlen(ups) - 3 * (n < 4 ? n : 4);
}

enum err site_fill(const char *name, const struct tmpl_value *values, size_t n, struct buf *out, struct diag *why)
{
    const char *names[VALUES_MAX];
    char *file = mem_printf("web/%s.html", name);
    const struct asset *a = assets_find(file);
    struct tmpl *t = NULL;
    enum err err = ERR_OK;

    for (size_t i = 0; i < n && i < VALUES_MAX; i++)
        names[i] = values[i].name;
    if (!a || n > VALUES_MAX)
        err = diag_set(why, ERR_INTERNAL, "template.missing", "no template %s is built in", file);
    if (!err)
        err = tmpl_load_html((struct span){a->data, a->len}, file, names, n, &t, why);
    if (!err)
        err = tmpl_fill(t, values, n, out, why);
    tmpl_free(&t);
    free(file);
    return err;
}

static void nav_item(const struct site_frame *frame, const char *folder, const char *file, const char *words,
                     struct buf *out)
{
    char *path = mem_printf("%s%s", folder, file), *link = mem_printf("%s%s", site_root_of(frame->path), path);

    markup_add(out, "<li><a href=\"%a\"%h>%t</a></li>\n", link,
               strcmp(path, frame->path) == 0 ? " aria-current=\"page\"" : "", words);
    free(path);
    free(link);
}

/* Of one list: its pages. Of the whole site with several lists: the lists. */
static void write_nav(const struct site *s, const struct site_frame *frame, struct buf *out)
{
    const struct site_list *l = frame->list ? frame->list : s->n_lists == 1 ? &s->lists[0] : NULL;
    char *folder;

    if (!l) {
        for (size_t i = 0; i < s->n_lists; i++) {
            folder = mem_printf("%s/", s->lists[i].list->name);
            nav_item(frame, folder, "index.html", s->lists[i].list->name, out);
            free(folder);
        }
        return;
    }
    folder = mem_printf("%s/", l->list->name);
    nav_item(frame, s->n_lists == 1 ? "" : folder, "index.html", "Advisories", out);
    nav_item(frame, folder, "report.html", "Report", out);
    nav_item(frame, folder, "policy.html", "Policy", out);
    free(folder);
}

enum err site_put_page(struct site *s, const struct site_frame *frame, struct buf *body, site_put *put, void *ctx,
                       struct diag *why)
{
    const char *root = site_root_of(frame->path), *url = s->f->settings->site_url;
    struct buf nav = BUF_EMPTY, page = BUF_EMPTY;
    char *style = mem_printf("%sstyle.css", root), *home = mem_printf("%sindex.html", root);
    char *feed = mem_printf("%satom.xml", root), *canonical = url ? mem_printf("%s%s", url, frame->path) : NULL;
    enum err err;

    write_nav(s, frame, &nav);
    err = tmpl_fill(s->page,
                    (const struct tmpl_value[]){{"title", frame->title},
                                                {"description", frame->description},
                                                {"root", home},
                                                {"style", style},
                                                {"feed", feed},
                                                {"site", s->title},
                                                {"&nav", buf_text(&nav)},
                                                {"&body", buf_text(body)},
                                                {"canonical", canonical},
                                                {"lang", "en"}},
                    10, &page, why);
    if (!err && page.over)
        err = diag_set(why, ERR_LIMIT, "site.page", "a page of the site would be larger than 256 MiB");
    if (!err)
        err = put(ctx, frame->path, buf_span(&page), why);
    buf_free(&nav);
    buf_free(&page);
    buf_free(body);
    free(style);
    free(home);
    free(feed);
    free(canonical);
    return err;
}
