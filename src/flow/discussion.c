#include "flow/discussion.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/fanout.h"
#include "flow/outgoing.h"
#include "store/advisories.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECT_WORDS_MAX 32

bool discussion_is_insider(const struct receiving *r, int64_t case_id)
{
    return !r->admin && r->proved && r->member.id &&
           (strcmp(r->member.state, "active") == 0 || strcmp(r->member.state, "key-trouble") == 0) &&
           told_version_by(r->f->db, case_id, r->member.id, clock_now(r->f->clock)) > 0;
}

static const char *subject_of(const struct receiving *r)
{
    const struct mime_message *m = incoming_message(r->in);

    return m->subject ? m->subject : r->in->outer.subject ? r->in->outer.subject : "";
}

bool discussion_is_misled(const struct receiving *r)
{
    const char *at = subject_of(r);
    bool misled = false;

    for (int i = 0; !misled && *at && i < SUBJECT_WORDS_MAX; i++) {
        size_t skip = strcspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), len;
        struct case_row other = {0};
        struct diag none;
        char *word;

        at += skip;
        len = strcspn(at, " \t[](),:;");
        word = mem_strndup(at, len);
        if (len && !case_by_code(r->f->db, word, &other, &none))
            misled = other.id != r->c.id;
        case_row_free(&other);
        mem_free_secret(&word);
        at += len;
    }
    return misled;
}

static size_t recipients(const struct receiving *r, const struct fanout *fan, struct outgoing_to *out)
{
    size_t n = 0;

    for (size_t i = 0; i < fan->n; i++) {
        const struct fanout_row *row = &fan->rows[i];

        if (row->send && row->member.id != r->member.id)
            out[n++] = (struct outgoing_to){.member_id = row->member.id,
                                            .key_row = row->key_row,
                                            .org = row->member.org,
                                            .address = row->address,
                                            .fingerprint = row->fingerprint};
    }
    return n;
}

/* One encryption for all, or one for each where copies must tell apart. */
static enum err queue(const struct receiving *r, const struct outgoing *mail, const struct outgoing_to *to, size_t n,
                      struct diag *why)
{
    size_t step = policy_is(&r->policy->watermark, 1) ? 1 : n;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < n; i += step)
        err = outgoing_queue(r->f, mail, content_sealed(), to + i, step, NULL, why);
    return err;
}

static enum err write_mail(const struct receiving *r, const struct outgoing_to *to, size_t n, struct diag *why)
{
    const struct case_row *c = &r->c;
    struct incoming_file *files;
    size_t n_files = incoming_files(r->in, &files);
    struct outgoing_file *parts = mem_zero(n_files, sizeof *parts);
    char until[INSTANT_TEXT_SIZE], *subject = mem_printf("[%s] %s", case_label(c), subject_of(r));
    char *shown = incoming_shown_text(r->in);
    char *text = mem_printf("%s writes, signed, to those who were told of %s:\n"
                            "------------------------------------------------------------------------\n\n%s\n",
                            r->member.org, case_label(c), shown);
    struct outgoing_field fields[] = {{"Embargo-Case", case_label(c)},
                                      {"Embargo-Status", c->embargo_status ? c->embargo_status : "active"},
                                      {"Embargo-Until", "unstated"},
                                      {"Embargo-Policy", c->policy},
                                      {"Embargo-Author", r->member.org}};
    struct outgoing mail = {.kind = "discussion",
                            .list = r->list,
                            .list_id = c->list_id,
                            .c = c,
                            .version = c->version,
                            .subject = subject,
                            .text = text,
                            .files = parts,
                            .n_files = n_files,
                            .fields = fields,
                            .n_fields = sizeof fields / sizeof fields[0],
                            .to_members = true,
                            .earliest_at = INSTANT_NONE};
    enum err err;

    if (c->until_at != INSTANT_NONE)
        fields[2].value = instant_text(c->until_at, until);
    for (size_t i = 0; i < n_files; i++)
        parts[i] = (struct outgoing_file){files[i].name, files[i].type, buf_span(&files[i].bytes)};
    err = queue(r, &mail, to, n, why);
    incoming_files_free(files, n_files);
    free(parts);
    mem_free_secret(&subject);
    mem_free_secret(&text);
    mem_free_secret(&shown);
    return err;
}

enum err discussion_relay(struct receiving *r, struct diag *why)
{
    struct fanout_wish wish = {.version = r->c.version, .only_told = true};
    struct outgoing_to *to;
    struct fanout fan;
    size_t n;
    enum err err = fanout_make(r->f, r->policy, &r->c, &wish, &fan, why);

    if (err)
        return err;
    to = mem_zero(fan.n, sizeof *to);
    n = recipients(r, &fan, to);
    if (n)
        err = write_mail(r, to, n, why);
    if (!err)
        err =
            audit_append(r->f->db, clock_now(r->f->clock), r->author, "case.discussion", r->c.code, r->rule, NULL, why);
    free(to);
    fanout_free(&fan);
    return err;
}
