/* The model of the site: lists with what their policies publish, and the released versions of advisories. */
#include "flow/site_model.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/assets.h"
#include "flow/cases_flow.h"
#include "flow/list_rotation.h"
#include "flow/members_flow.h"
#include "flow/policies.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const frame_names[] = {"title", "description", "root",  "style",     "feed",
                                          "site",  "&nav",        "&body", "canonical", "lang"};

bool site_name_ok(const char *name)
{
    static const char *const endings[] = {".patch", ".diff", ".txt", ".json", ".asc"};
    const char *dot = strrchr(name, '.');

    if (!dot || *name == '.' || *name == '-' || strlen(name) > 200)
        return false;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("._+-", *p))
            return false;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (strcmp(dot, endings[i]) == 0)
            return true;
    return false;
}

const struct site_version *site_newest(const struct site_advisory *a)
{
    return &a->versions[a->n_versions - 1];
}

/* ---- lists ---- */

static enum err load_members(struct flow *f, struct site_list *l, struct diag *why)
{
    const struct policy_value *published = &l->policy->membership.publish_members;
    struct member_row *rows;
    size_t n;
    enum err err;

    l->members_published = published->has == POLICY_STATED && strcmp(published->text, "organisations") == 0;
    if (!l->members_published)
        return ERR_OK;
    err = member_all(f->db, l->row_id, &rows, &n, why);
    l->members = mem_zero(n, sizeof *l->members);
    for (size_t i = 0; i < n; i++) {
        if (member_is_published(&rows[i]))
            l->members[l->n_members++] = mem_strdup(rows[i].org);
        member_row_free(&rows[i]);
    }
    free(rows);
    return err;
}

static enum err load_list(struct site *s, const struct settings_list *list, struct site_list *l, struct diag *why)
{
    struct list_row row = {0};
    struct buf before = BUF_EMPTY;
    enum err err = list_by_name(s->f->db, list->name, &row, why);

    l->site = s;
    l->list = list;
    l->row_id = row.id;
    buf_init(&l->key, BUF_MAX_DEFAULT);
    buf_init(&l->key_before, BUF_MAX_DEFAULT);
    buf_init(&l->statement, BUF_MAX_DEFAULT);
    list_rotation_meta(s->f->db, "list-key", list->name, &l->key);
    list_rotation_meta(s->f->db, "list-key-statement", list->name, &l->statement);
    list_rotation_last(s->f->db, list->name, &before);
    if (list->previous_key && strcmp(buf_text(&before), list->previous_key) == 0)
        list_rotation_meta(s->f->db, "list-key-before", list->name, &l->key_before);
    buf_free(&before);
    if (!err)
        err = policies_of_list(s->f, list, &l->policy, why);
    if (!err)
        err = load_members(s->f, l, why);
    if (!err)
        err = public_case_ids(s->f->db, l->row_id, &l->case_ids, &l->n_cases, why);
    l->advisories = mem_zero(l->n_cases, sizeof *l->advisories);
    list_row_free(&row);
    return err;
}

static enum err load_frame(struct site *s, struct diag *why)
{
    const struct asset *a = assets_find("web/page.html");

    if (!a)
        return diag_set(why, ERR_INTERNAL, "template.missing", "no template web/page.html is built in");
    return tmpl_load_html((struct span){a->data, a->len}, a->name, frame_names,
                          sizeof frame_names / sizeof frame_names[0], &s->page, why);
}

static char *make_title(const struct site *s)
{
    const struct settings *settings = s->f->settings;
    const char *at = strrchr(settings->lists[0].address, '@');

    return settings->site_title ? mem_strdup(settings->site_title)
                                : mem_printf("%s security", at ? at + 1 : settings->lists[0].name);
}

enum err site_new(struct flow *f, struct site **out, struct diag *why)
{
    struct site *s = mem_zero(1, sizeof *s);
    enum err err;

    s->f = f;
    s->now = clock_now(f->clock);
    buf_init(&s->security_txt, BUF_MAX_DEFAULT);
    buf_init(&s->security_signed, BUF_MAX_DEFAULT);
    s->title = make_title(s);
    s->lists = mem_zero(f->settings->n_lists, sizeof *s->lists);
    err = load_frame(s, why);
    for (; !err && s->n_lists < f->settings->n_lists; s->n_lists++)
        err = load_list(s, &f->settings->lists[s->n_lists], &s->lists[s->n_lists], why);
    if (err)
        s->n_lists += s->n_lists < f->settings->n_lists; /* the one that failed holds something too */
    *out = s;
    if (err)
        site_free(out);
    return err;
}

static void version_free(struct site_version *v)
{
    for (size_t i = 0; i < v->n_files; i++)
        free(v->files[i].name);
    free(v->files);
    advisory_view_free(&v->view);
    buf_free(&v->text);
    buf_free(&v->signed_text);
}

static void advisory_free(struct site_advisory *a)
{
    for (size_t i = 0; i < a->n_versions; i++)
        version_free(&a->versions[i]);
    free(a->versions);
    public_told_free(a->told, a->n_told);
    free(a->id);
    free(a->slug);
    mem_free_secret(&a->commits);
}

void site_free(struct site **out)
{
    struct site *s = *out;

    if (!s)
        return;
    for (size_t i = 0; i < s->n_lists; i++) {
        struct site_list *l = &s->lists[i];

        for (size_t k = 0; k < l->n_advisories; k++)
            advisory_free(&l->advisories[k]);
        free(l->advisories);
        for (size_t k = 0; k < l->n_members; k++)
            free(l->members[k]);
        free(l->members);
        free(l->case_ids);
        buf_free(&l->key);
        buf_free(&l->key_before);
        buf_free(&l->statement);
        policy_free(&l->policy);
    }
    free(s->lists);
    tmpl_free(&s->page);
    free(s->title);
    buf_free(&s->security_txt);
    buf_free(&s->security_signed);
    free(s);
    *out = NULL;
}

/* ---- advisories ---- */

static enum err load_files(struct flow *f, struct site_version *v, struct diag *why)
{
    struct patch_row *rows;
    enum err err = patch_all(f->db, v->row.advisory_id, &rows, &v->n_files, why);

    v->files = mem_zero(v->n_files, sizeof *v->files);
    for (size_t i = 0; i < v->n_files; i++) {
        struct buf content = BUF_EMPTY;
        struct site_file *file = &v->files[i];

        if (!err)
            err = patch_content(f->db, rows[i].id, &content, why);
        file->patch_id = rows[i].id;
        file->name = mem_strdup(rows[i].name ? rows[i].name : "patch");
        file->size_bytes = rows[i].size_bytes;
        file->offered = site_name_ok(file->name);
        box_sha256_hex(buf_span(&content), file->sha256);
        buf_free(&content);
        patch_row_free(&rows[i]);
    }
    free(rows);
    return err;
}

static enum err load_version(struct flow *f, const struct case_row *c, struct site_version *v, struct diag *why)
{
    struct policy *policy = NULL;
    enum err err = advisory_view_load(f, c->id, v->row.version, &v->view, why);

    buf_init(&v->text, BUF_MAX_DEFAULT);
    buf_init(&v->signed_text, BUF_MAX_DEFAULT);
    if (!err)
        err = load_files(f, v, why);
    if (!err)
        err = policies_of_case(f, c, &policy, why);
    if (!err)
        err = advisory_text_for(f, policy, c, &v->view, NULL, NULL, false, &v->text, why);
    policy_free(&policy);
    return err;
}

/* A name of files: what people call it, with harmless characters alone; a second one of that name gets the case's. */
static char *make_slug(const struct site_list *l, const char *id, const char *code)
{
    char *slug = mem_strdup(id);

    for (char *p = slug; *p; p++)
        if (!isalnum((unsigned char)*p) && !(p > slug && strchr("._-", *p)))
            *p = '-';
    for (size_t i = 0; i < l->n_advisories; i++)
        if (strcasecmp(l->advisories[i].slug, slug) == 0) {
            char *longer = mem_printf("%s-%s", slug, code);

            free(slug);
            return longer;
        }
    return slug;
}

static bool is_reserved(const char *slug)
{
    static const char *const names[] = {"index", "policy", "report", "key", "atom", "advisories"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcasecmp(slug, names[i]) == 0)
            return true;
    return false;
}

static enum err load_versions(struct flow *f, const struct case_row *c, struct site_advisory *a, struct diag *why)
{
    struct public_version *rows;
    size_t n;
    enum err err = public_versions(f->db, c->id, &rows, &n, why);

    a->versions = mem_zero(n, sizeof *a->versions);
    for (size_t i = 0; !err && i < n; i++) {
        a->versions[a->n_versions].row = rows[i];
        err = load_version(f, c, &a->versions[a->n_versions++], why);
    }
    free(rows);
    return err;
}

static enum err load_advisory(struct flow *f, struct site_list *l, int64_t case_id, struct diag *why)
{
    struct site_advisory *a = &l->advisories[l->n_advisories];
    struct case_row c = {0};
    enum err err = case_by_id(f->db, case_id, &c, why);

    if (err)
        return err;
    memset(a, 0, sizeof *a);
    a->list = l;
    a->id = mem_strdup(case_label(&c));
    a->slug = make_slug(l, a->id, is_reserved(a->id) ? "advisory" : c.code);
    a->reported_at = c.opened_at;
    a->commits = public_commits(f->db, &c);
    err = load_versions(f, &c, a, why);
    if (!err && a->n_versions) {
        a->public_at = c.public_at != INSTANT_NONE ? c.public_at : a->versions[0].row.released_at;
        a->updated_at = site_newest(a)->row.released_at;
        err = public_told(f->db, c.id, a->public_at, &a->told, &a->n_told, why);
    }
    if (!err && a->n_versions)
        l->n_advisories++;
    else
        advisory_free(a);
    case_row_free(&c);
    return err;
}

enum err site_load(struct site *s, bool *done, struct diag *why)
{
    *done = false;
    for (size_t i = 0; i < s->n_lists; i++) {
        struct site_list *l = &s->lists[i];

        if (l->next_case < l->n_cases)
            return load_advisory(s->f, l, l->case_ids[l->next_case++], why);
    }
    if (!s->security_txt.len)
        site_write_security_txt(s, &s->security_txt);
    *done = true;
    return ERR_OK;
}
