#include "flow/receiving.h"

#include "base/mem.h"
#include "codec/addr.h"
#include "flow/discussion.h"
#include "flow/policies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct span receiving_suffix(const struct receiving *r)
{
    struct span suffix = {NULL, 0};

    addr_is_for(r->in->recipient, r->list->address, &suffix);
    return suffix;
}

/* The protected To of what was signed: does it name this list? */
static enum decide_signature binding(const struct receiving *r)
{
    const struct mime_message *m = incoming_message(r->in);
    struct span header = mime_part_header(incoming_content(r->in), &m->parts[r->in->root]);
    struct buf to = BUF_EMPTY;
    struct addr_list list = {0};
    enum decide_signature bound = DECIDE_UNBOUND;

    /* A multipart/signed part's own header, or, where one signature covers the decrypted mail, that mail's header. */
    if ((r->in->encrypted || r->in->root > 0) && mime_field(header, "To", &to)) {
        addr_list_parse(buf_span(&to), &list);
        bound = DECIDE_UNSIGNED;
        for (size_t i = 0; i < list.n; i++)
            if (addr_is_for(list.items[i].spec, r->list->address, NULL))
                bound = DECIDE_BOUND;
    }
    buf_free(&to);
    addr_list_free(&list);
    return bound;
}

void receiving_find_signer(struct receiving *r)
{
    const char *fingerprint = r->in->signature.fingerprint;
    struct diag none;

    if (!incoming_is_signed(r->in))
        return;
    r->bound = binding(r);
    if (r->in->by_loose_key)
        return;
    r->admin = settings_admin_with_key(r->f->settings, r->list, fingerprint);
    if (r->admin) {
        r->proved = true;
        return;
    }
    if (!member_by_fingerprint(r->f->db, r->list_row.id, fingerprint, &r->member, &none))
        r->proved = true;
}

/* A token leads to a case; who sent it is told by the signature alone. */
static enum err find_by_token(struct receiving *r, struct span suffix, struct diag *why)
{
    char *token = mem_strndup(suffix.data + 2, suffix.len - 2);
    enum err err = participant_by_token(r->f->db, token, &r->participant, why);

    free(token);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (!err)
        err = case_by_id(r->f->db, r->participant.case_id, &r->c, why);
    r->by_token = !err;
    if (!err && incoming_is_signed(r->in) && r->participant.fingerprint &&
        strcmp(r->participant.fingerprint, r->in->signature.fingerprint) == 0)
        r->proved = true;
    return err;
}

static int64_t case_of_references(struct receiving *r)
{
    const struct mime_message *m = &r->in->outer;
    int64_t found = m->in_reply_to ? reference_find(r->f->db, m->in_reply_to) : 0;

    for (size_t i = m->n_references; !found && i > 0; i--)
        found = reference_find(r->f->db, m->references[i - 1]);
    return found;
}

/*
 * References lead to a case only for those who take part in it: the team by its signature, members who were told by
 * theirs, others by their address.
 */
static enum err find_by_references(struct receiving *r, struct diag *why)
{
    const struct mime_message *m = &r->in->outer;
    int64_t id = case_of_references(r);
    struct diag none;
    enum err err = ERR_OK;

    if (!id)
        return ERR_OK;
    if (!r->admin && !discussion_is_insider(r, id) &&
        (m->from.n != 1 || participant_by_address(r->f->db, id, m->from.items[0].spec, &r->participant, &none)))
        return ERR_OK;
    err = case_by_id(r->f->db, id, &r->c, why);
    if (!err && r->c.list_id != r->list_row.id) {
        case_row_free(&r->c);
        return ERR_OK;
    }
    if (!err && r->participant.id && incoming_is_signed(r->in) && r->participant.fingerprint)
        r->proved = strcmp(r->participant.fingerprint, r->in->signature.fingerprint) == 0;
    return err;
}

static void name_author(struct receiving *r)
{
    if (r->admin)
        snprintf(r->author, sizeof r->author, "team:%s", r->admin->address);
    else if (r->member.id)
        snprintf(r->author, sizeof r->author, "member:%s", r->member.org);
    else if (r->participant.id)
        snprintf(r->author, sizeof r->author, "%s", r->participant.role);
    else
        snprintf(r->author, sizeof r->author, "reporter");
}

enum err receiving_identify(struct receiving *r, struct diag *why)
{
    struct span suffix = receiving_suffix(r);
    enum err err = ERR_OK;

    receiving_find_signer(r);
    if (suffix.len > 2 && strncasecmp((const char *)suffix.data, "c-", 2) == 0)
        err = find_by_token(r, suffix, why);
    else
        err = find_by_references(r, why);
    name_author(r);
    if (!err && r->c.id) {
        /* A mail to a case is judged by the policy that the case has pinned. */
        policy_free(&r->policy);
        err = policies_of_case(r->f, &r->c, &r->policy, why);
    }
    return err;
}
