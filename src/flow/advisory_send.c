#include "flow/advisory_send.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/texts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The fields of the protected header; texts live in the buffers handed in. */
struct fields {
    struct outgoing_field items[12];
    size_t n;
    char version[24], until[INSTANT_TEXT_SIZE];
    struct buf allowed, denied;
};

static void add(struct fields *f, const char *name, const char *value)
{
    if (value && *value)
        f->items[f->n++] = (struct outgoing_field){name, value};
}

/* Once it is public nothing is denied any more, and no list bounds what may be done. */
static void fill_terms(struct fields *f, bool over, const struct decide_use *uses, const char *tlp)
{
    if (!over) {
        advisory_uses_text(uses, POLICY_ALLOW, &f->allowed);
        advisory_uses_text(uses, POLICY_DENY, &f->denied);
    }
    add(f, "Embargo-Allowed", buf_text(&f->allowed));
    add(f, "Embargo-Denied", buf_text(&f->denied));
    add(f, "Embargo-TLP", over ? "CLEAR" : tlp ? tlp : "AMBER+STRICT");
}

static void fill_fields(struct fields *f, const struct case_row *c, int64_t version, const char *status,
                        const struct policy_tier *tier, const struct decide_use *uses, const char *tlp)
{
    bool over = c->public_at != INSTANT_NONE;

    f->n = 0;
    f->allowed = f->denied = BUF_EMPTY;
    snprintf(f->version, sizeof f->version, "%lld", (long long)version);
    instant_text(over ? c->public_at : c->until_at, f->until);
    add(f, "Embargo-Case", case_label(c));
    add(f, "Embargo-Version", f->version);
    add(f, "Embargo-Status", status);
    add(f, "Embargo-Until", *f->until ? f->until : "unstated");
    add(f, "Embargo-Model", c->model);
    add(f, "Embargo-Tier", policy_words(&tier->name, ""));
    fill_terms(f, over, uses, tlp);
    add(f, "Embargo-Policy", c->policy);
}

static void fields_free(struct fields *f)
{
    buf_free(&f->allowed);
    buf_free(&f->denied);
}

/* One group: the rows of one tier and one instant, to addresses that want the same Subject. */
struct group {
    const struct policy_tier *tier;
    int64_t at;
    bool short_notice;
    const char *prefix; /* of the Subject, as the address wants it */
    const char *lead;   /* before the text, in the language of its members; "" */
    struct outgoing_to *to;
    size_t n, cap;
};

/* The leads of one tier, made once for each language that members have. */
struct leads {
    struct lead {
        const char *language;
        const struct policy_tier *tier;
        char *text;
    } * items;
    size_t n;
};

static const char *lead_for(const struct flow *f, const struct case_row *c, const struct settings_list *list,
                            const struct fanout_row *row, struct leads *leads)
{
    char until[INSTANT_TEXT_SIZE];
    const char *language = row->member.language;
    struct tmpl_value values[] = {{"list", list->address},
                                  {"id", case_label(c)},
                                  {"tier", policy_words(&row->tier->name, "")},
                                  {"until", instant_text(c->until_at, until)}};
    struct buf text = BUF_EMPTY;

    if (!language)
        return "";
    for (size_t i = 0; i < leads->n; i++)
        if (leads->items[i].tier == row->tier && strcmp(leads->items[i].language, language) == 0)
            return leads->items[i].text;
    if (text_fill_own(f, language, "advisory-lead", values, sizeof values / sizeof values[0], &text))
        buf_add_str(&text, "\n");
    leads->items = mem_resize(leads->items, leads->n + 1, sizeof *leads->items);
    leads->items[leads->n] = (struct lead){language, row->tier, mem_strdup(buf_text(&text))};
    buf_free(&text);
    return leads->items[leads->n++].text;
}

static void leads_free(struct leads *leads)
{
    for (size_t i = 0; i < leads->n; i++)
        free(leads->items[i].text);
    free(leads->items);
}

static struct group *group_for(struct group **groups, size_t *n, const struct fanout_row *row, const char *prefix,
                               const char *lead, bool watermark)
{
    for (size_t i = 0; !watermark && i < *n; i++)
        if ((*groups)[i].tier == row->tier && (*groups)[i].at == row->at && strcmp((*groups)[i].prefix, prefix) == 0 &&
            strcmp((*groups)[i].lead, lead) == 0)
            return &(*groups)[i];
    *groups = mem_resize(*groups, *n + 1, sizeof **groups);
    (*groups)[*n] = (struct group){
        .tier = row->tier, .at = row->at, .short_notice = row->short_notice, .prefix = prefix, .lead = lead};
    return &(*groups)[(*n)++];
}

/* list NULL: without leads. *leads must live as long as the groups. */
static struct group *make_groups(const struct flow *f, const struct policy *policy, const struct case_row *c,
                                 const struct settings_list *list, const struct fanout *fan, struct leads *leads,
                                 size_t *n)
{
    bool watermark = policy_is(&policy->watermark, 1);
    struct group *groups = NULL;

    *n = 0;
    for (size_t i = 0; i < fan->n; i++) {
        const struct fanout_row *row = &fan->rows[i];
        struct group *g;

        if (!row->send)
            continue;
        g = group_for(&groups, n, row, settings_subject_prefix(f->settings, row->address),
                      list ? lead_for(f, c, list, row, leads) : "", watermark);
        if (g->n == g->cap)
            g->to = mem_resize(g->to, g->cap = g->cap ? g->cap * 2 : 8, sizeof *g->to);
        g->to[g->n++] = (struct outgoing_to){.member_id = row->member.id,
                                             .key_row = row->key_row,
                                             .org = row->member.org,
                                             .address = row->address,
                                             .fingerprint = row->fingerprint};
    }
    return groups;
}

static void groups_free(struct group *groups, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(groups[i].to);
    free(groups);
}

static enum err queue_group(struct flow *f, const struct case_row *c, const struct settings_list *list,
                            const struct advisory_view *v, const struct group *g, const struct advisory_files *files,
                            const char *changes, struct diag *why)
{
    const char *status = c->embargo_status ? c->embargo_status : "active";
    struct decide_use uses[POLICY_USES];
    struct advisory_frame frame;
    struct fields fields;
    struct buf text = BUF_EMPTY;
    char *subject = advisory_subject(c, &v->doc, v->row.version);
    enum err err;

    decide_uses(g->tier, v->doc.allow, v->doc.deny, uses);
    advisory_frame_make(c, v, g->tier, status, g->short_notice, files, changes, uses, &frame);
    buf_add_str(&text, g->lead);
    advisory_doc_render(&v->doc, &frame, &text);
    fill_fields(&fields, c, v->row.version, status, g->tier, uses, v->doc.tlp);
    {
        struct outgoing mail = {.kind = "advisory",
                                .list = list,
                                .list_id = c->list_id,
                                .c = c,
                                .version = v->row.version,
                                .subject = subject,
                                .prefix = g->prefix,
                                .text = buf_text(&text),
                                .files = files->outgoing,
                                .n_files = files->n,
                                .fields = fields.items,
                                .n_fields = fields.n,
                                .to_members = true,
                                .earliest_at = g->at};
        err = outgoing_queue(f, &mail, content_sealed(), g->to, g->n, NULL, why);
    }
    fields_free(&fields);
    buf_free(&text);
    mem_free_secret(&subject);
    return err;
}

/* Who was told before and hears nothing now, by reason of the member or its key: the team has to know. */
static enum err tell_left_out(struct flow *f, const struct case_row *c, const struct settings_list *list,
                              const struct fanout *fan, struct diag *why)
{
    struct buf text = BUF_EMPTY;
    size_t n = 0;
    enum err err = ERR_OK;

    buf_printf(&text, "These were told of %s before, and the mail that goes out now does not go to them:\n\n",
               case_label(c));
    for (size_t i = 0; i < fan->n; i++) {
        const struct fanout_row *row = &fan->rows[i];
        bool concerns = strncmp(row->rule, "member.", 7) == 0 || strncmp(row->rule, "key.", 4) == 0;

        if (row->send || !concerns || !told_version_by(f->db, c->id, row->member.id, clock_now(f->clock)))
            continue;
        buf_printf(&text, "  %s  %s  (%s)\n", row->member.org, row->address, row->rule);
        n++;
    }
    if (n)
        err = case_notify_team(f, list, c->list_id, c, "Who is not told any more", buf_text(&text), why);
    buf_free(&text);
    return err;
}

enum err advisory_queue(struct flow *f, const struct policy *policy, const struct case_row *c,
                        const struct settings_list *list, const struct advisory_view *v, const struct fanout *fan,
                        struct diag *why)
{
    size_t n_groups;
    struct leads leads = {0};
    struct group *groups = make_groups(f, policy, c, list, fan, &leads, &n_groups);
    int64_t now = clock_now(f->clock);
    struct buf changes = BUF_EMPTY;
    struct advisory_files files;
    enum err err = advisory_files_load(f, v->row.id, &files, why);

    if (!err)
        err = advisory_changes_since_last(f, v, false, &files, &changes, why);
    for (size_t i = 0; !err && i < n_groups; i++)
        err = queue_group(f, c, list, v, &groups[i], &files, buf_text(&changes), why);
    if (!err)
        err = tell_left_out(f, c, list, fan, why);
    for (size_t i = 0; !err && i < fan->n; i++)
        if (fan->rows[i].send)
            err = told_add(f->db, c->id, fan->rows[i].member.id, v->row.version,
                           policy_words(&fan->rows[i].tier->name, ""),
                           fan->rows[i].at == INSTANT_NONE ? now : fan->rows[i].at, why);
    buf_free(&changes);
    advisory_files_free(&files);
    groups_free(groups, n_groups);
    leads_free(&leads);
    return err;
}

/* The terms are those of the advisory that they were told by. */
static enum err notify_group(struct flow *f, const struct case_row *c, const struct settings_list *list,
                             const struct advisory_doc *doc, const struct group *g, const char *news, const char *words,
                             struct diag *why)
{
    const char *status = c->embargo_status ? c->embargo_status : c->public_at != INSTANT_NONE ? "lifted" : "active";
    struct decide_use uses[POLICY_USES];
    struct fields fields;
    char *subject = mem_printf("%s - %s", case_label(c), news);
    enum err err;

    decide_uses(g->tier, doc->allow, doc->deny, uses);
    fill_fields(&fields, c, c->version, status, g->tier, uses, doc->tlp);
    {
        struct outgoing mail = {.kind = "notice",
                                .list = list,
                                .list_id = c->list_id,
                                .c = c,
                                .version = c->version,
                                .subject = subject,
                                .prefix = g->prefix,
                                .text = words,
                                .fields = fields.items,
                                .n_fields = fields.n,
                                .to_members = true,
                                .earliest_at = INSTANT_NONE};
        err = outgoing_queue(f, &mail, content_sealed(), g->to, g->n, NULL, why);
    }
    fields_free(&fields);
    mem_free_secret(&subject);
    return err;
}

enum err advisory_notify(struct flow *f, const struct policy *policy, const struct case_row *c,
                         const struct settings_list *list, const char *news, const char *words, size_t *n_told,
                         struct diag *why)
{
    struct fanout_wish wish = {.version = c->version, .only_told = true};
    struct advisory_view v = {0};
    struct fanout fan;
    struct group *groups;
    size_t n_groups;
    enum err err;

    *n_told = 0;
    if (!c->version)
        return ERR_OK;
    err = advisory_view_load(f, c->id, c->version, &v, why);
    if (err)
        return err;
    err = fanout_make(f, policy, c, &wish, &fan, why);
    if (err) {
        advisory_view_free(&v);
        return err;
    }
    for (size_t i = 0; i < fan.n; i++)
        fan.rows[i].at = INSTANT_NONE; /* a date concerns those who know of it at once */
    groups = make_groups(f, policy, c, NULL, &fan, NULL, &n_groups);
    for (size_t i = 0; !err && i < n_groups; i++) {
        err = notify_group(f, c, list, &v.doc, &groups[i], news, words, why);
        *n_told += groups[i].n;
    }
    if (!err)
        err = tell_left_out(f, c, list, &fan, why);
    groups_free(groups, n_groups);
    fanout_free(&fan);
    advisory_view_free(&v);
    return err;
}
