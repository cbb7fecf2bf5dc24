/* member import, member export: the members as a table. */
#include "flow/cmd.h"

#include "base/mem.h"
#include "codec/addr.h"
#include "codec/pgp_armor.h"
#include "flow/approvals.h"
#include "flow/import_table.h"
#include "flow/members_flow.h"
#include "flow/policies.h"
#include "flow/view.h"
#include "policy/decide.h"
#include "policy/states.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum verdict { VERDICT_ADD, VERDICT_CONTACT, VERDICT_UNCHANGED, VERDICT_REFUSED, VERDICTS };
static const char *const verdict_names[VERDICTS] = {"add", "contact", "unchanged", "refuse"};

struct import {
    struct flow *f;
    const struct command *c;
    const struct policy *policy;
    int64_t list_id;
    struct import_key *key; /* of the row; room for one */
    bool has_key;
    json_t *rows;
    int64_t n[VERDICTS];
};

/* ---- one row ---- */

static bool has_contact(struct flow *f, int64_t member_id, const char *address, const char *fingerprint)
{
    struct contact_row *contacts = NULL;
    struct diag none;
    size_t n = 0;
    bool found = false;

    contact_all(f->db, member_id, &contacts, &n, &none);
    for (size_t i = 0; i < n && !found; i++) {
        const char *has = contacts[i].fingerprint;

        found = addr_equal(contacts[i].address, address) && (!fingerprint || (has && strcmp(has, fingerprint) == 0));
    }
    contact_rows_free(contacts, n);
    return found;
}

static enum err add_to_member(struct import *im, const struct import_reader *row, const struct member_row *m,
                              enum verdict *verdict, struct diag *why)
{
    const char *address = import_field(row, IMPORT_ADDRESS);
    const struct pgp_key_info *key = im->has_key ? &im->key->info : NULL;
    enum err err;

    if (strcmp(m->state, member_state_name(MEMBER_REMOVED)) == 0)
        return diag_set(why, ERR_DENIED, "member.removed", "the organisation was removed: see member reinstate");
    if (strcmp(m->class_name, import_field(row, IMPORT_CLASS)) != 0 ||
        strcmp(m->tier, import_field(row, IMPORT_TIER)) != 0)
        return diag_set(why, ERR_DENIED, "import.conflict",
                        "the organisation is a member of class `%s` in tier `%s` already", m->class_name, m->tier);
    *verdict = VERDICT_UNCHANGED;
    if (has_contact(im->f, m->id, address, key ? key->fingerprint : NULL))
        return ERR_OK;
    *verdict = VERDICT_CONTACT;
    err = member_add_contact(im->f, m, address, key, im->has_key ? im->key->certificate : (struct span){NULL, 0}, why);
    return err ? err
               : audit_append(im->f->db, clock_now(im->f->clock), im->c->actor.name, "member.contact", m->org, "",
                              address, why);
}

/* What stands in place of a key. */
static enum err check_note(const struct import *im, const char *note, struct diag *why)
{
    if (im->has_key || !*note)
        return ERR_OK;
    if (strcmp(note, IMPORT_NOTE_ADMIN) == 0)
        return diag_set(why, ERR_DENIED, "import.admin",
                        "an admin of the Schleuder list: admins are named in embargod.conf, members in a CSV");
    if (strcmp(note, IMPORT_NOTE_NO_DELIVERY) == 0)
        return diag_set(why, ERR_DENIED, "import.no-delivery", "Schleuder does not deliver to this subscription");
    return diag_set(why, ERR_REJECT, "import.key",
                    "the key is neither armor nor a file beside the table, nor in the keyring that came with it");
}

static enum err admit(struct import *im, const struct import_reader *row, struct member_row *m, struct diag *why)
{
    struct admission a = {.address = import_field(row, IMPORT_ADDRESS), .actor = im->c->actor.name, .rule = ""};

    *m = (struct member_row){.list_id = im->list_id,
                             .org = mem_strdup(import_field(row, IMPORT_ORG)),
                             .class_name = mem_strdup(import_field(row, IMPORT_CLASS)),
                             .tier = mem_strdup(import_field(row, IMPORT_TIER)),
                             .state = mem_strdup(member_state_name(MEMBER_ACTIVE)),
                             .added_at = clock_now(im->f->clock)};
    if (im->has_key) {
        a.key = &im->key->info;
        a.certificate = im->key->certificate;
    }
    return member_admit(im->f, im->policy, &a, m, why);
}

static enum err take_row(struct import *im, const struct import_reader *row, enum verdict *verdict, struct diag *why)
{
    const char *org = import_field(row, IMPORT_ORG), *class_name = import_field(row, IMPORT_CLASS);
    const char *tier = import_field(row, IMPORT_TIER);
    struct member_row m = {0};
    struct diag none;
    enum err err = *row->fault ? diag_set(why, ERR_REJECT, "import.row", "%s", row->fault) : ERR_OK;

    if (!err)
        err = member_check_name(org, why);
    if (!err)
        err = member_check_tier(im->policy, class_name, tier, why);
    if (!err)
        err = check_note(im, import_field(row, IMPORT_KEY), why);
    if (!err && im->has_key && im->key->err) {
        *why = im->key->why;
        err = im->key->err;
    }
    if (!err && !member_by_org(im->f->db, im->list_id, org, &m, &none)) {
        err = add_to_member(im, row, &m, verdict, why);
    } else if (!err) {
        *verdict = VERDICT_ADD;
        err = admit(im, row, &m, why);
    }
    member_row_free(&m);
    return err;
}

static json_t *key_state(const struct import *im)
{
    if (!im->has_key)
        return json_string(pgp_key_state_name(PGP_KEY_MISSING));
    return im->key->err
               ? json_null()
               : json_string(pgp_key_state_name(pgp_key_state_at(&im->key->info, clock_now(im->f->clock), NULL, 0)));
}

static void report(struct import *im, const struct import_reader *row, enum verdict verdict, const struct diag *why)
{
    json_t *o = json_object();

    json_object_set_new(o, "line", json_integer(import_line(row)));
    json_object_set_new(o, "org", json_string(import_field(row, IMPORT_ORG)));
    json_object_set_new(o, "address", json_string(import_field(row, IMPORT_ADDRESS)));
    json_object_set_new(o, "verdict", json_string(verdict_names[verdict]));
    json_object_set_new(o, "rule", verdict == VERDICT_REFUSED ? json_string(why->rule) : json_null());
    json_object_set_new(o, "reason", verdict == VERDICT_REFUSED ? json_string(why->text) : json_null());
    json_object_set_new(o, "key_state", key_state(im));
    json_array_append_new(im->rows, o);
    im->n[verdict]++;
}

/* All of a row, or nothing of it. */
static enum err run_row(struct import *im, const struct import_reader *row, struct diag *why)
{
    enum verdict verdict = VERDICT_REFUSED;
    struct diag reason = {0};
    enum err refused, err = db_part_begin(im->f->db, why);

    if (err)
        return err;
    refused = take_row(im, row, &verdict, &reason);
    if (refused == ERR_AGAIN || refused == ERR_INTERNAL) {
        *why = reason;
        return refused;
    }
    report(im, row, refused ? VERDICT_REFUSED : verdict, &reason);
    return refused ? db_part_undo(im->f->db, why) : db_part_keep(im->f->db, why);
}

/* ---- the table ---- */

static enum err run_rows(struct import *im, const struct command_value *file, struct diag *why)
{
    struct import_reader row;
    struct frame_reader keys;
    enum err err = import_begin(&row, buf_span(&file->bytes), why);

    frame_reader_init(&keys, buf_span(&file->certificate));
    while (!err && import_next(&row, &err, why)) {
        im->has_key = import_has_armor(&row);
        if (im->has_key)
            err = import_key_get(&keys, im->key, why);
        if (!err)
            err = run_row(im, &row, why);
    }
    import_end(&row);
    return err;
}

static void fill_reply(struct import *im, bool dry_run, struct reply *r)
{
    r->data =
        json_pack("{s:b, s:I, s:I, s:I, s:I, s:O}", "dry_run", dry_run, "added", (json_int_t)im->n[VERDICT_ADD],
                  "contacts", (json_int_t)im->n[VERDICT_CONTACT], "unchanged", (json_int_t)im->n[VERDICT_UNCHANGED],
                  "refused", (json_int_t)im->n[VERDICT_REFUSED], "rows", im->rows);
    snprintf(r->message, sizeof r->message, "%s%lld added, %lld further contacts, %lld unchanged, %lld refused",
             dry_run ? "nothing was changed; it would be: " : "", (long long)im->n[VERDICT_ADD],
             (long long)im->n[VERDICT_CONTACT], (long long)im->n[VERDICT_UNCHANGED], (long long)im->n[VERDICT_REFUSED]);
}

static enum err gate(struct flow *f, const struct command *c, const struct settings_list *list, int64_t list_id,
                     const struct policy *policy, struct reply *r, bool *go_on, struct diag *why)
{
    struct approval_what what = {.action = "member import",
                                 .object = list->name,
                                 .list = list,
                                 .list_id = list_id,
                                 .needs = decide_approvals(policy, DECIDE_MEMBER_ADD)};

    return approval_gate(f, c, &what, r, go_on, why);
}

/* A dry run does it all, and undoes it. */
static enum err run_import(struct import *im, const struct command_value *file, bool dry_run, struct diag *why)
{
    enum err err = dry_run ? db_part_begin(im->f->db, why) : ERR_OK;

    if (!err)
        err = run_rows(im, file, why);
    if (!err && dry_run)
        err = db_part_undo(im->f->db, why);
    return err;
}

enum err cmd_member_import(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct command_value *file = command_value(c, "FILE");
    const struct settings_list *list;
    struct import im = {.f = f, .c = c, .rows = json_array(), .key = mem_zero(1, sizeof *im.key)};
    struct policy *policy = NULL;
    struct list_row row = {0};
    bool dry_run = command_flag(c, "dry-run"), go_on = true;
    enum err err = flow_list(f, c->list, &list, &row, why);

    if (!err)
        err = policies_of_list(f, list, &policy, why);
    if (!err && !dry_run)
        err = gate(f, c, list, row.id, policy, r, &go_on, why);
    im.policy = policy;
    im.list_id = row.id;
    if (!err && go_on)
        err = run_import(&im, file, dry_run, why);
    if (!err && go_on)
        fill_reply(&im, dry_run, r);
    json_decref(im.rows);
    free(im.key);
    policy_free(&policy);
    list_row_free(&row);
    return err;
}

/* ---- export ---- */

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
