#include "flow/approval_parts.h"

#include "base/frame.h"
#include "base/mem.h"
#include "codec/addr.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what is kept sealed: owners, words, payload ---- */

void approval_sealed_free(struct approval_sealed *s)
{
    for (size_t i = 0; i < s->n_owners; i++)
        free(s->owners[i]);
    free(s->owners);
    mem_free_secret(&s->text);
    buf_free(&s->bytes);
    *s = (struct approval_sealed){.bytes = BUF_EMPTY};
}

void approval_sealed_put(const struct approval_what *what, const char *text, struct span payload, struct buf *out)
{
    frame_put_u32(out, (uint32_t)what->n_owners);
    for (size_t i = 0; i < what->n_owners; i++)
        frame_put_str(out, what->owners[i]);
    frame_put_str(out, text);
    frame_put_span(out, payload);
}

enum err approval_sealed_get(struct flow *f, int64_t id, struct approval_sealed *out, struct diag *why)
{
    struct frame_reader r;
    enum err err;

    *out = (struct approval_sealed){.bytes = BUF_EMPTY};
    err = approval_payload(f->db, id, &out->bytes, why);
    if (err)
        return err;
    frame_reader_init(&r, buf_span(&out->bytes));
    out->n_owners = frame_get_count(&r, 4);
    out->owners = mem_zero(out->n_owners, sizeof *out->owners);
    for (size_t i = 0; i < out->n_owners; i++)
        out->owners[i] = frame_get_str(&r);
    out->text = frame_get_str(&r);
    out->payload = frame_get_bytes(&r);
    if (frame_done(&r) && out->text)
        return ERR_OK;
    approval_sealed_free(out);
    return diag_set(why, ERR_INTERNAL, "approval.damaged", "what was asked cannot be read");
}

/* ---- whose votes count ---- */

static bool same_span(struct span a, struct span b)
{
    return a.len == b.len && strncasecmp((const char *)a.data, (const char *)b.data, a.len) == 0;
}

/* "sub.acorn.example" is below "acorn.example", and itself. */
static bool is_below(struct span domain, struct span above)
{
    return same_span(domain, above) ||
           (above.len && domain.len > above.len + 1 && domain.data[domain.len - above.len - 1] == '.' &&
            same_span((struct span){domain.data + domain.len - above.len, above.len}, above));
}

static struct span domain_of(const char *address)
{
    struct addr_parts parts;

    return addr_split(address, &parts) ? parts.domain : (struct span){NULL, 0};
}

/* The team's own domain is everybody's of the team, and ties nobody to an organisation. */
static bool is_own(const struct settings_admin *admin, const struct settings_list *list, const char *owner)
{
    struct span mine = domain_of(admin->address), theirs = strchr(owner, '@') ? domain_of(owner) : span_of(owner);

    if (strcasecmp(owner, admin->address) == 0 || strcasecmp(owner, admin->fingerprint) == 0)
        return true;
    return mine.len && theirs.len && !same_span(mine, domain_of(list->address)) &&
           (is_below(mine, theirs) || is_below(theirs, mine));
}

bool approval_owns(const struct settings_admin *admin, const struct settings_list *list, const char *const *owners,
                   size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (owners[i] && is_own(admin, list, owners[i]))
            return true;
    return false;
}

static bool shares_uid(const struct flow *f, const struct settings_admin *admin)
{
    for (size_t i = 0; admin->uid >= 0 && i < f->settings->n_admins; i++)
        if (&f->settings->admins[i] != admin && f->settings->admins[i].uid == admin->uid)
            return true;
    return false;
}

enum err approval_check_uid(struct flow *f, const struct actor *by, struct diag *why)
{
    if (by->by_mail || clock_is_rehearsal(f->clock) || !shares_uid(f, by->admin))
        return ERR_OK;
    return diag_set(why, ERR_DENIED, "approval.shared-uid",
                    "several admins share this uid, so that nobody can tell who approves: send it by signed mail, or "
                    "give each admin a uid of his own in embargod.conf");
}

enum err approval_may_vote(struct flow *f, const struct settings_list *list, const char *const *owners, size_t n_owners,
                           const struct actor *by, struct diag *why)
{
    if (by->kind != ACTOR_ADMIN || !settings_admin_serves(by->admin, list))
        return diag_set(why, ERR_DENIED, "approval.admins", "only the list's admins approve");
    if (approval_owns(by->admin, list, owners, n_owners))
        return diag_set(why, ERR_DENIED, "approval.own-organisation",
                        "this is about your own organisation: others must approve it");
    return approval_check_uid(f, by, why);
}

int64_t approval_possible_votes(struct flow *f, const struct approval_what *what)
{
    int64_t n = 0;

    for (size_t i = 0; i < f->settings->n_admins; i++)
        n += settings_admin_serves(&f->settings->admins[i], what->list) &&
             !approval_owns(&f->settings->admins[i], what->list, what->owners, what->n_owners);
    return n;
}

enum err approval_count_votes(struct flow *f, const struct approval_row *a, const struct approval_sealed *s,
                              int64_t *out, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, a->list_id, why);
    struct vote_row *votes = NULL;
    size_t n = 0;
    enum err err = list ? vote_all(f->db, a->id, &votes, &n, why) : ERR_NOT_FOUND;

    *out = 0;
    for (size_t i = 0; i < n; i++) {
        const struct settings_admin *admin = settings_admin_at(f->settings, votes[i].admin);

        *out += admin && strcmp(votes[i].vote, "approve") == 0 && settings_admin_serves(admin, list) &&
                !approval_owns(admin, list, (const char *const *)s->owners, s->n_owners);
    }
    vote_rows_free(votes, n);
    return err;
}
