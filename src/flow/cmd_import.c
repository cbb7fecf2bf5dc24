/* member import: members from a table. */
#include "flow/cmd.h"

#include "base/mem.h"
#include "codec/addr.h"
#include "flow/approvals.h"
#include "flow/import_table.h"
#include "flow/members_flow.h"
#include "flow/policies.h"
#include "policy/decide.h"
#include "policy/states.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHO_MAX ((size_t)16 << 20) /* bytes: IMPORT_ROWS_MAX lines */

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
    /* Of those who would come in: whose votes do not count, and a line for each that says who. */
    struct {
        char **names;
        size_t n;
        struct buf lines;
    } who;
};

static void import_reset(struct import *im)
{
    json_decref(im->rows); /* a reply may have them */
    im->rows = json_array();
    memset(im->n, 0, sizeof im->n);
    for (size_t i = 0; i < im->who.n; i++)
        free(im->who.names[i]);
    free(im->who.names);
    im->who.names = NULL;
    im->who.n = 0;
    buf_clear(&im->who.lines);
}

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
    if (has_contact(im->f, m->id, address, NULL))
        return diag_set(why, ERR_DENIED, "contact.exists",
                        "the member has this address already, with another key or none: see key replace, and member "
                        "contact");
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

/* A team's key often has none of its role addresses, so that this is no reason to refuse it, and one to look. */
static const char stranger[] = "no user id of the key is this address";

static bool is_stranger(const struct import *im, const struct import_reader *row)
{
    return im->has_key && !im->key->err && !pgp_key_names(&im->key->info, import_field(row, IMPORT_ADDRESS));
}

static void note_newcomer(struct import *im, const struct import_reader *row, enum verdict verdict)
{
    const char *fingerprint = im->has_key ? im->key->info.fingerprint : NULL;

    im->who.names = mem_resize(im->who.names, im->who.n + 2, sizeof *im->who.names);
    im->who.names[im->who.n++] = mem_strdup(import_field(row, IMPORT_ADDRESS));
    if (fingerprint)
        im->who.names[im->who.n++] = mem_strdup(fingerprint);
    buf_printf(&im->who.lines, "\n  line %d: %s %s (%s, %s), %s, %s%s%s%s", import_line(row), verdict_names[verdict],
               import_field(row, IMPORT_ORG), import_field(row, IMPORT_CLASS), import_field(row, IMPORT_TIER),
               import_field(row, IMPORT_ADDRESS), fingerprint ? "key " : "without a key",
               fingerprint ? fingerprint : "", is_stranger(im, row) ? "; " : "", is_stranger(im, row) ? stranger : "");
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
    json_object_set_new(o, "warning", is_stranger(im, row) ? json_string(stranger) : json_null());
    json_array_append_new(im->rows, o);
    im->n[verdict]++;
    if (verdict == VERDICT_ADD || verdict == VERDICT_CONTACT)
        note_newcomer(im, row, verdict);
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

/* Does it all, and undoes it. */
static enum err run_undone(struct import *im, const struct command_value *file, struct diag *why)
{
    enum err err = db_part_begin(im->f->db, why);

    if (!err)
        err = run_rows(im, file, why);
    return err ? err : db_part_undo(im->f->db, why);
}

/*
 * Where several admins must approve it, they are told who would come in; those, and no others, do. What brings nobody
 * in asks nobody.
 */
static enum err gate(struct import *im, const struct command_value *file, const struct settings_list *list,
                     struct reply *r, bool *go_on, struct diag *why)
{
    struct approval_what what = {.action = "member import",
                                 .object = list->name,
                                 .list = list,
                                 .list_id = im->list_id,
                                 .needs = decide_approvals(im->policy, DECIDE_MEMBER_ADD)};
    enum err err = ERR_OK;

    if (what.needs > 1 || im->c->replay) {
        err = run_undone(im, file, why);
        if (!err && im->who.lines.over)
            err = diag_set(why, ERR_LIMIT, "import.rows", "too many for an approval: import them in parts");
        what.owners = (const char *const *)im->who.names;
        what.n_owners = im->who.n;
        what.details = buf_text(&im->who.lines);
        what.basis = buf_span(&im->who.lines);
    }
    *go_on = what.needs <= 1 || im->c->replay || im->who.n;
    if (!err && *go_on)
        err = approval_gate(im->f, im->c, &what, r, go_on, why);
    else if (!err)
        fill_reply(im, false, r);
    if (*go_on)
        import_reset(im);
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

    buf_init(&im.who.lines, WHO_MAX);
    if (!err)
        err = policies_of_list(f, list, &policy, why);
    im.policy = policy;
    im.list_id = row.id;
    if (!err && !dry_run)
        err = gate(&im, file, list, r, &go_on, why);
    if (!err && go_on)
        err = dry_run ? run_undone(&im, file, why) : run_rows(&im, file, why);
    if (!err && go_on)
        fill_reply(&im, dry_run, r);
    import_reset(&im);
    buf_free(&im.who.lines);
    json_decref(im.rows);
    free(im.key);
    policy_free(&policy);
    list_row_free(&row);
    return err;
}
