#include "flow/advisory_view.h"

#include "base/mem.h"
#include "flow/advisory_changes.h"
#include "flow/cases_flow.h"
#include "store/publish.h"

#include <stdlib.h>
#include <string.h>

void advisory_view_free(struct advisory_view *v)
{
    advisory_row_free(&v->row);
    advisory_doc_free(&v->doc);
}

enum err advisory_view_load(struct flow *f, int64_t case_id, int64_t version, struct advisory_view *out,
                            struct diag *why)
{
    struct buf json = BUF_EMPTY;
    enum err err = advisory_find(f->db, case_id, version, &out->row, why);

    memset(&out->doc, 0, sizeof out->doc);
    if (!err)
        err = advisory_document(f->db, out->row.id, &json, why);
    if (!err)
        err = advisory_doc_load(buf_span(&json), &out->doc, why);
    buf_free(&json);
    if (err)
        advisory_view_free(out);
    return err;
}

void advisory_files_free(struct advisory_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        patch_row_free(&files->rows[i]);
        buf_free(&files->contents[i]);
    }
    free(files->rows);
    free(files->contents);
    free(files->outgoing);
    free(files->hashes);
}

static const char *type_of(const char *name)
{
    const char *dot = strrchr(name, '.');

    if (dot && (strcmp(dot, ".patch") == 0 || strcmp(dot, ".diff") == 0))
        return "text/x-diff";
    if (dot && strcmp(dot, ".txt") == 0)
        return "text/plain";
    return "application/octet-stream";
}

enum err advisory_files_load(struct flow *f, int64_t advisory_id, struct advisory_files *out, struct diag *why)
{
    enum err err;

    memset(out, 0, sizeof *out);
    err = patch_all(f->db, advisory_id, &out->rows, &out->n, why);
    out->contents = mem_zero(out->n, sizeof *out->contents);
    out->outgoing = mem_zero(out->n, sizeof *out->outgoing);
    out->hashes = mem_zero(out->n, sizeof *out->hashes);
    for (size_t i = 0; i < out->n; i++) {
        const char *name = out->rows[i].name ? out->rows[i].name : "patch";

        buf_init(&out->contents[i], BUF_MAX_DEFAULT);
        if (!err)
            err = patch_content(f->db, out->rows[i].id, &out->contents[i], why);
        out->outgoing[i] = (struct outgoing_file){name, type_of(name), buf_span(&out->contents[i])};
        out->hashes[i].name = name;
        box_sha256_hex(buf_span(&out->contents[i]), out->hashes[i].sha256);
    }
    return err;
}

/*
 * The version that readers have seen before this one. The public has seen the released ones alone, and the others are
 * none of its business: where there is none, the version itself stands in, so that only its author's account is told.
 */
static enum err version_before(struct flow *f, const struct advisory_view *v, bool is_public, int64_t *out,
                               struct diag *why)
{
    struct public_version *released = NULL;
    size_t n = 0;
    enum err err = is_public ? public_versions(f->db, v->row.case_id, &released, &n, why) : ERR_OK;

    *out = is_public ? v->row.version : v->row.version - 1;
    for (size_t i = 0; i < n; i++)
        if (released[i].version < v->row.version)
            *out = released[i].version;
    free(released);
    return err;
}

enum err advisory_changes_since_last(struct flow *f, const struct advisory_view *v, bool is_public,
                                     const struct advisory_files *files, struct buf *out, struct diag *why)
{
    struct advisory_view last;
    struct advisory_files old;
    int64_t before;
    enum err err;

    if (v->row.version <= 1)
        return ERR_OK;
    err = version_before(f, v, is_public, &before, why);
    if (!err)
        err = advisory_view_load(f, v->row.case_id, before, &last, why);
    if (err)
        return err;
    err = advisory_files_load(f, last.row.id, &old, why);
    if (!err)
        advisory_changes(&last.doc, old.hashes, old.n, &v->doc, files->hashes, files->n, out);
    advisory_files_free(&old);
    advisory_view_free(&last);
    return err;
}

static const char *const short_words = "less time is left before the planned publication than this policy promises; "
                                       "you are told at once";

void advisory_frame_make(const struct case_row *c, const struct advisory_view *v, const struct policy_tier *tier,
                         const char *status, bool short_notice, const struct advisory_files *files, const char *changes,
                         const struct decide_use *uses, struct advisory_frame *out)
{
    *out = (struct advisory_frame){.label = case_label(c),
                                   .version = v->row.version,
                                   .status = tier ? status : NULL,
                                   .until_utc_s = c->until_at,
                                   .model = c->model ? c->model : "none",
                                   .tier = tier ? policy_words(&tier->name, "") : "public",
                                   .policy = c->policy,
                                   .uses = tier ? uses : NULL,
                                   .changes = changes,
                                   .patches = files->hashes,
                                   .n_patches = files->n,
                                   .short_notice = short_notice ? short_words : NULL};
}

enum err advisory_text_for(struct flow *f, const struct policy *policy, const struct case_row *c,
                           const struct advisory_view *v, const struct policy_tier *tier, const char *status,
                           bool short_notice, struct buf *out, struct diag *why)
{
    struct decide_use uses[POLICY_USES];
    struct advisory_frame frame;
    struct buf changes = BUF_EMPTY;
    struct advisory_files files;
    enum err err = advisory_files_load(f, v->row.id, &files, why);

    if (!err)
        err = advisory_changes_since_last(f, v, !tier, &files, &changes, why);
    if (!err) {
        if (tier)
            decide_uses(tier, v->doc.allow, v->doc.deny, uses);
        advisory_frame_make(c, v, tier, status, short_notice, &files, buf_text(&changes), uses, &frame);
        advisory_doc_render(&v->doc, &frame, out);
        if (!tier)
            advisory_embargo_text(policy, c, &v->doc, out);
    }
    buf_free(&changes);
    advisory_files_free(&files);
    return err;
}

char *advisory_subject(const struct case_row *c, const struct advisory_doc *doc, int64_t version)
{
    struct buf s = BUF_EMPTY;

    buf_printf(&s, "%s v%lld", case_label(c), (long long)version);
    for (size_t i = 0; doc->cves[i]; i++)
        buf_printf(&s, "%s%s", i ? "," : " (", doc->cves[i]);
    buf_printf(&s, "%s - %s", doc->cves[0] ? ")" : "", doc->title);
    return buf_take(&s);
}
