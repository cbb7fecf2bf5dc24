/* Commands on advisories. */
#include "flow/cmd.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/advisory_tell.h"
#include "flow/case_of.h"
#include "flow/cases_flow.h"
#include "flow/outgoing.h"
#include "flow/policies.h"
#include "flow/view.h"
#include "policy/schedule.h"
#include "store/audit.h"
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What every one of these commands begins with. */
struct work {
    struct flow *f;
    const struct command *c;
    const struct settings_list *list;
    struct case_row row;
    struct policy *policy;
};

static enum err work_begin(struct work *w, struct flow *f, const struct command *c, struct diag *why)
{
    enum err err;

    memset(w, 0, sizeof *w);
    w->f = f;
    w->c = c;
    err = case_of_command(f, c, &w->row, &w->list, why);
    if (!err)
        err = policies_of_case(f, &w->row, &w->policy, why);
    return err;
}

static void work_end(struct work *w)
{
    policy_free(&w->policy);
    case_row_free(&w->row);
}

static json_t *patches_json(struct flow *f, int64_t advisory_id)
{
    struct patch_row *rows;
    json_t *a = json_array();
    struct diag why;
    size_t n;

    patch_all(f->db, advisory_id, &rows, &n, &why);
    for (size_t i = 0; i < n; i++) {
        struct buf content = BUF_EMPTY;
        char hash[65];

        patch_content(f->db, rows[i].id, &content, &why);
        box_sha256_hex(buf_span(&content), hash);
        json_array_append_new(a, json_pack("{s:o, s:I, s:s}", "name", view_text(rows[i].name), "size_bytes",
                                           (json_int_t)rows[i].size_bytes, "sha256", hash));
        buf_free(&content);
        patch_row_free(&rows[i]);
    }
    free(rows);
    return a;
}

static json_t *advisory_json(const struct work *w, const struct advisory_view *v)
{
    json_t *o = advisory_doc_json(&v->doc);
    struct buf text = BUF_EMPTY;
    struct diag why;

    json_object_set_new(o, "case", json_string(w->row.code));
    json_object_set_new(o, "public_id", view_text(w->row.public_id));
    json_object_set_new(o, "version", json_integer(v->row.version));
    json_object_set_new(o, "state", view_text(v->row.state));
    json_object_set_new(o, "at", view_instant(v->row.at));
    json_object_set_new(o, "sent_at", view_instant(v->row.sent_at));
    json_object_set_new(o, "patches", patches_json(w->f, v->row.id));
    advisory_text_for(w->f, w->policy, &w->row, v, NULL, NULL, false, &text, &why);
    json_object_set_new(o, "text", json_string(buf_text(&text)));
    buf_free(&text);
    return o;
}

static enum err answer(struct work *w, int64_t version, struct reply *r, struct diag *why)
{
    struct advisory_view v;
    enum err err = advisory_view_load(w->f, w->row.id, version, &v, why);

    if (err)
        return err;
    r->data = advisory_json(w, &v);
    advisory_view_free(&v);
    return ERR_OK;
}

/* A public id is fixed at pre-disclosure; a new advisory knows the case's CVE ids. */
static enum err new_document(struct work *w, const char *title, struct buf *out, struct diag *why)
{
    char *cves = db_unseal_text(w->f->db, "cases", w->row.id, "sealed_cves"), *text, *dump;
    struct advisory_doc doc;
    enum err err;

    for (char *p = cves; p && *p; p++)
        if (*p == '\n')
            *p = ',';
    text = mem_printf("Title: %s\nCVE: %s\n\n", title, cves ? cves : "");
    err = advisory_doc_parse(span_of(text), &doc, why);
    if (!err) {
        dump = advisory_doc_dump(&doc);
        buf_add_str(out, dump);
        mem_free_secret(&dump);
        advisory_doc_free(&doc);
    }
    mem_free_secret(&cves);
    mem_free_secret(&text);
    return err;
}

/* A draft for the next version: empty, or a copy of the one that was sent. */
static enum err make_draft(struct work *w, struct span document, struct advisory_row *out, struct diag *why)
{
    struct advisory_row last;
    struct diag none;
    int64_t version = 1;

    if (!advisory_find(w->f->db, w->row.id, 0, &last, &none)) {
        version = last.version + 1;
        advisory_row_free(&last);
    }
    *out = (struct advisory_row){.case_id = w->row.id, .version = version, .at = clock_now(w->f->clock)};
    return advisory_insert(w->f->db, out, document, why);
}

enum err cmd_advisory_new(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const char *title = command_word(c, "title");
    struct buf document = BUF_EMPTY;
    struct advisory_row row = {0}, old;
    struct diag none;
    struct work w;
    enum err err = work_begin(&w, f, c, why);

    if (!err && !title)
        err = diag_set(why, ERR_USAGE, "command.option", "advisory new needs --title T");
    if (!err && !advisory_find(f->db, w.row.id, 0, &old, &none)) {
        err =
            diag_set(why, ERR_DENIED, "advisory.exists",
                     "the case has an advisory: advisory edit changes it, and makes the next version once it is sent");
        advisory_row_free(&old);
    }
    if (!err)
        err = new_document(&w, title, &document, why);
    if (!err)
        err = make_draft(&w, buf_span(&document), &row, why);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), c->actor.name, "advisory.new", w.row.code, "", NULL, why);
    if (!err)
        err = answer(&w, 0, r, why);
    advisory_row_free(&row);
    buf_free(&document);
    work_end(&w);
    return err;
}

/* The draft to change; after a version was sent, the next one, with the patches of the last. */
static enum err open_draft(struct work *w, struct advisory_row *out, struct diag *why)
{
    struct buf document = BUF_EMPTY, content = BUF_EMPTY;
    struct advisory_row sent;
    struct patch_row *patches = NULL;
    size_t n = 0;
    enum err err = advisory_find(w->f->db, w->row.id, 0, out, why);

    if (err || strcmp(out->state, "draft") == 0)
        return err;
    sent = *out;
    err = advisory_document(w->f->db, sent.id, &document, why);
    if (!err)
        err = make_draft(w, buf_span(&document), out, why);
    if (!err)
        err = patch_all(w->f->db, sent.id, &patches, &n, why);
    for (size_t i = 0; i < n; i++) {
        if (!err)
            err = patch_content(w->f->db, patches[i].id, &content, why);
        if (!err)
            err = patch_put(w->f->db, out->id, patches[i].name, buf_span(&content), why);
        patch_row_free(&patches[i]);
    }
    free(patches);
    advisory_row_free(&sent);
    buf_free(&document);
    buf_free(&content);
    return err;
}

static enum err put_document(struct work *w, const struct advisory_row *draft, const struct command_value *file,
                             struct diag *why)
{
    struct advisory_doc doc;
    char *dump;
    enum err err = advisory_doc_parse(buf_span(&file->bytes), &doc, why);

    if (err) {
        snprintf(why->file, sizeof why->file, "%s", file->word);
        return err;
    }
    dump = advisory_doc_dump(&doc);
    err = dump ? advisory_set_document(w->f->db, draft->id, span_of(dump), why)
               : diag_set(why, ERR_REJECT, "advisory.not-text", "the file must be UTF-8 text");
    mem_free_secret(&dump);
    advisory_doc_free(&doc);
    return err;
}

static enum err put_patches(struct work *w, const struct advisory_row *draft, struct diag *why)
{
    const struct command_value *v;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && (v = command_value_nth(w->c, "attach", i)); i++) {
        const char *name = strrchr(v->word, '/') ? strrchr(v->word, '/') + 1 : v->word;

        if (!*name || strpbrk(name, "\r\n\t") || *name == '.')
            err = diag_set(why, ERR_REJECT, "advisory.attach", "an attachment needs a plain file name");
        else
            err = patch_put(w->f->db, draft->id, name, buf_span(&v->bytes), why);
    }
    return err;
}

enum err cmd_advisory_edit(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct advisory_row draft = {0};
    struct work w;
    enum err err = work_begin(&w, f, c, why);

    if (!err)
        err = open_draft(&w, &draft, why);
    if (!err)
        err = put_document(&w, &draft, command_value(c, "FILE"), why);
    if (!err)
        err = put_patches(&w, &draft, why);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), c->actor.name, "advisory.edit", w.row.code, "", NULL, why);
    if (!err)
        err = answer(&w, 0, r, why);
    advisory_row_free(&draft);
    work_end(&w);
    return err;
}

enum err cmd_advisory_show(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const char *version = command_word(c, "version");
    struct work w;
    enum err err = work_begin(&w, f, c, why);

    if (!err)
        err = answer(&w, version ? strtol(version, NULL, 10) : 0, r, why);
    work_end(&w);
    return err;
}

enum err cmd_advisory_preview(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const char *name = command_word(c, "tier");
    const struct policy_tier *tier = NULL;
    struct buf text = BUF_EMPTY;
    struct advisory_view v = {0};
    struct work w;
    enum err err = work_begin(&w, f, c, why);

    if (!err && name && !(tier = policy_tier_find(w.policy, name)))
        err = diag_set(why, ERR_NOT_FOUND, "tier.unknown", "the policy %s has no tier `%.40s`", w.row.policy, name);
    if (!err && !tier && w.policy->n_tiers)
        tier = &w.policy->tiers[0];
    if (!err)
        err = advisory_view_load(f, w.row.id, 0, &v, why);
    if (!err)
        err = advisory_text_for(f, w.policy, &w.row, &v, tier, "active", false, &text, why);
    if (!err)
        r->data = json_pack("{s:s, s:I, s:o, s:s}", "case", w.row.code, "version", (json_int_t)v.row.version, "tier",
                            tier ? view_text(policy_words(&tier->name, NULL)) : json_null(), "text", buf_text(&text));
    advisory_view_free(&v);
    buf_free(&text);
    work_end(&w);
    return err;
}

/* ---- send ---- */

static json_t *send_json(const struct work *w, int64_t version, const struct fanout *fan)
{
    json_t *o = json_object(), *asked = json_array();

    json_object_set_new(o, "case", json_string(w->row.code));
    json_object_set_new(o, "version", json_integer(version));
    json_object_set_new(o, "recipients", fanout_json(fan));
    for (size_t i = 0; i < fan->unstated.n; i++)
        json_array_append_new(asked, json_string(fan->unstated.items[i]));
    json_object_set_new(o, "unstated", asked);
    return o;
}

/* The states table decides whether an advisory may go at all, a rehearsed call too. */
static enum err may_send(struct work *w, struct diag *why)
{
    const struct case_step *step;
    enum case_state state;

    if (!case_state_parse(w->row.state, &state))
        return diag_set(why, ERR_INTERNAL, "state.case", "the case has an unknown state");
    return state == CASE_PREDISCLOSED ? ERR_OK : case_step_find(state, CASE_PREDISCLOSE, &step, why);
}

static size_t count_send(const struct fanout *fan)
{
    size_t n = 0;

    for (size_t i = 0; i < fan->n; i++)
        n += fan->rows[i].send;
    return n;
}

/* With the names of those whom no key lets be served: the sender must not have to look for them. */
static void say_how_many(const struct fanout *fan, bool dry_run, struct reply *r)
{
    size_t used, n = 0;

    snprintf(r->message, sizeof r->message, "%s%zu of %zu", dry_run ? "would go to " : "goes to ", count_send(fan),
             fan->n);
    for (size_t i = 0; i < fan->n; i++) {
        if (strncmp(fan->rows[i].rule, "key.", 4) != 0)
            continue;
        used = strlen(r->message);
        snprintf(r->message + used, sizeof r->message - used, "%s%s (%s)",
                 n++ ? ", " : "; cannot be served: ", fan->rows[i].member.org, fan->rows[i].rule);
    }
}

enum err cmd_advisory_send(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct fanout_wish wish = {.tier = command_word(c, "tier"), .org = command_word(c, "to")};
    struct advisory_view v = {0};
    struct fanout fan = {0};
    struct work w;
    enum err err = work_begin(&w, f, c, why);

    if (!err)
        err = may_send(&w, why);
    if (!err)
        err = advisory_view_load(f, w.row.id, 0, &v, why);
    wish.version = v.row.version;
    if (!err)
        err = fanout_make(f, w.policy, &w.row, &wish, &fan, why);
    if (!err && !command_flag(c, "dry-run") && count_send(&fan))
        err = advisory_tell(f, w.policy, &w.row, w.list, &v, &fan, &c->actor, why);
    if (!err) {
        r->data = send_json(&w, v.row.version, &fan);
        say_how_many(&fan, command_flag(c, "dry-run"), r);
    }
    fanout_free(&fan);
    advisory_view_free(&v);
    work_end(&w);
    return err;
}

enum err cmd_advisory_recall(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    char words[256];
    int64_t dropped = 0;
    size_t told = 0;
    struct work w;
    enum err err = work_begin(&w, f, c, why);

    if (!err && !w.row.version)
        err = diag_set(why, ERR_DENIED, "advisory.not-sent", "no advisory of this case has been sent");
    if (!err)
        err = copy_drop_case(f->db, w.row.id, "recalled", clock_now(f->clock), &dropped, why);
    if (!err)
        snprintf(words, sizeof words,
                 "Version %lld of the advisory %s is recalled: do not act on it, and do not\npass it on. The embargo "
                 "holds. A corrected version will follow.\n",
                 (long long)w.row.version, case_label(&w.row));
    if (!err)
        err = advisory_notify(f, w.policy, &w.row, w.list, "recalled: do not act on it", words, &told, why);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), c->actor.name, "advisory.recall", w.row.code, "", NULL, why);
    if (!err) {
        snprintf(r->message, sizeof r->message, "%lld queued copies dropped, %zu notices queued", (long long)dropped,
                 told);
        err = answer(&w, w.row.version, r, why);
    }
    work_end(&w);
    return err;
}
