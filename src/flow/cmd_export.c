/* member export: the members as a table, as member import reads it, or their organisations for everybody. */
#include "flow/cmd.h"

#include "base/mem.h"
#include "codec/pgp_armor.h"
#include "flow/import_table.h"
#include "flow/members_flow.h"
#include "flow/policies.h"
#include "flow/view.h"
#include "policy/states.h"

#include <stdlib.h>
#include <string.h>

static void armor_key(struct flow *f, int64_t list_id, const char *fingerprint, struct buf *out)
{
    struct key_row *key = mem_zero(1, sizeof *key);
    struct buf certificate = BUF_EMPTY;
    struct pgp_armor armor;
    struct diag none;

    if (fingerprint && !key_by_fingerprint(f->db, list_id, fingerprint, key, &none) &&
        !key_certificate(f->db, key->id, &certificate, &none)) {
        pgp_armor_begin(&armor, PGP_ARMOR_PUBLIC_KEY, "\n", out);
        pgp_armor_update(&armor, buf_span(&certificate), out);
        pgp_armor_end(&armor, out);
    }
    buf_free(&certificate);
    free(key);
}

static void export_rows(struct flow *f, const struct member_row *m, json_t *contacts, struct buf *csv)
{
    size_t i;
    json_t *contact;
    bool active = strcmp(m->state, member_state_name(MEMBER_SUSPENDED)) != 0 &&
                  strcmp(m->state, member_state_name(MEMBER_REMOVED)) != 0;

    json_array_foreach(contacts, i, contact)
    {
        const char *address = json_string_value(json_object_get(contact, "address"));
        struct buf key = BUF_EMPTY;

        armor_key(f, m->list_id, json_string_value(json_object_get(contact, "fingerprint")), &key);
        json_object_set_new(contact, "key", key.len ? json_string(buf_text(&key)) : json_null());
        if (active) {
            import_put(csv, true, m->org);
            import_put(csv, false, m->class_name);
            import_put(csv, false, m->tier);
            import_put(csv, false, address ? address : "");
            csv_put(csv, false, buf_text(&key));
            csv_put_end(csv);
        }
        buf_free(&key);
    }
}

/* Organisations alone, as far as the policy has them published. */
static enum err export_public(const struct policy *policy, const struct member_row *members, size_t n, struct reply *r,
                              struct diag *why)
{
    const struct policy_value *shown = &policy->membership.publish_members;
    json_t *orgs;

    if (shown->has == POLICY_UNSTATED)
        return policy_unstated(why, policy, shown, "membership.publish_members");
    if (shown->has != POLICY_STATED || strcmp(shown->text, "organisations") != 0)
        return policy_diag(why, ERR_DENIED, policy, &policy->membership.publish_members, "membership.publish_members",
                           "the policy does not have the members published");
    orgs = json_array();
    for (size_t i = 0; i < n; i++)
        if (member_is_published(&members[i]))
            json_array_append_new(orgs, json_pack("{s:s, s:s}", "org", members[i].org, "class", members[i].class_name));
    r->data = orgs;
    return ERR_OK;
}

static void export_all(struct flow *f, const struct member_row *members, size_t n, struct reply *r)
{
    for (int i = 0; i < IMPORT_COLUMNS; i++)
        csv_put(&r->out, i == 0, import_columns[i]);
    csv_put_end(&r->out);
    r->data = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = view_member(f, &members[i]);

        export_rows(f, &members[i], json_object_get(o, "contacts"), &r->out);
        json_array_append_new(r->data, o);
    }
}

enum err cmd_member_export(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct member_row *members = NULL;
    struct policy *policy = NULL;
    struct list_row row = {0};
    size_t n = 0;
    enum err err = flow_list(f, c->list, &list, &row, why);

    if (!err)
        err = policies_of_list(f, list, &policy, why);
    if (!err)
        err = member_all(f->db, row.id, &members, &n, why);
    if (!err && command_flag(c, "public"))
        err = export_public(policy, members, n, r, why);
    else if (!err)
        export_all(f, members, n, r);
    if (!err && !command_value(c, "csv"))
        buf_clear(&r->out);
    for (size_t i = 0; i < n; i++)
        member_row_free(&members[i]);
    free(members);
    policy_free(&policy);
    list_row_free(&row);
    return err;
}
