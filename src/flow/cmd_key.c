/* Commands on keys. */
#include "flow/cmd.h"

#include "base/mem.h"
#include "codec/pgp_armor.h"
#include "flow/approvals.h"
#include "flow/key_news.h"
#include "flow/key_refresh.h"
#include "flow/list_rotation.h"
#include "flow/key_warnings.h"
#include "flow/policies.h"
#include "flow/view.h"
#include "policy/decide.h"
#include "store/audit.h"
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REFRESH_SPREAD_S 3600

/* The key of an admin whom embargod.conf names: whose it is stands there, so that the command itself lets nobody in. */
static enum err import_admins(struct flow *f, const struct settings_list *list, int64_t list_id,
                              const struct command_value *file, int64_t *id, struct diag *why)
{
    char reason[256] = "";
    enum pgp_key_state state = pgp_key_state_at(file->key, clock_now(f->clock), reason, sizeof reason);
    char rule[DIAG_RULE_MAX];
    enum err err;

    snprintf(rule, sizeof rule, "key.%s", pgp_key_state_name(state));
    if (!pgp_key_state_sends(state))
        return diag_set(why, ERR_DENIED, rule, "%s", reason);
    if (!settings_admin_with_key(f->settings, list, file->key->fingerprint))
        return diag_set(why, ERR_DENIED, "key.unknown",
                        "no member has this key, nor is it an admin's in embargod.conf: give it with member add --key");
    err = key_insert(f->db, list_id, true, file->key, buf_span(&file->certificate), clock_now(f->clock), id, why);
    return err ? err : key_warnings_put(f, list_id, *id, file->key, why);
}

/*
 * What changes a member's key needs the approvals of the policy; a revocation is taken at once. It was made against
 * the certificate that was known then: it must be the same when it is carried out.
 */
static enum err gate_key(struct flow *f, const struct command *c, const struct settings_list *list,
                         const struct key_row *old, struct reply *r, bool *go_on, struct diag *why)
{
    const struct command_value *file = command_value(c, "FILE");
    struct approval_what what = {.action = "key import",
                                 .object = file->key->fingerprint,
                                 .list = list,
                                 .list_id = old->list_id,
                                 .owners = (const char *const[]){file->key->fingerprint},
                                 .n_owners = 1};
    struct policy *policy = NULL;
    struct buf known = BUF_EMPTY;
    enum err err = policies_of_list(f, list, &policy, why);

    if (!err)
        err = key_certificate(f->db, old->id, &known, why);
    *go_on = true;
    if (!err && !file->key->revoked &&
        (known.len != file->certificate.len || memcmp(known.data, file->certificate.data, known.len) != 0)) {
        what.needs = decide_approvals(policy, DECIDE_KEY_CHANGE);
        what.basis = buf_span(&known);
        err = approval_gate(f, c, &what, r, go_on, why);
    }
    buf_free(&known);
    policy_free(&policy);
    return err;
}

enum err cmd_key_import(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct command_value *file = command_value(c, "FILE");
    const struct settings_list *list;
    struct list_row row = {0};
    struct key_row *key = mem_zero(1, sizeof *key);
    int64_t id = 0, dropped = 0;
    bool go_on = true;
    enum err err = flow_list(f, c->list, &list, &row, why);

    if (!err && !key_by_fingerprint(f->db, row.id, file->key->fingerprint, key, why)) {
        id = key->id;
        if (key->shard != MEMBER_SHARD_TEAM)
            err = gate_key(f, c, list, key, r, &go_on, why);
        if (!err && go_on)
            err = key_news_take(f, row.id, key, file->key, buf_span(&file->certificate), c->actor.name, "file", NULL,
                                &dropped, why);
    } else if (!err) {
        err = import_admins(f, list, row.id, file, &id, why);
    }
    if (!err && go_on)
        err = audit_append(f->db, clock_now(f->clock), c->actor.name, "key.import", file->key->fingerprint, "", NULL,
                           why);
    if (!err && go_on)
        err = key_by_id(f->db, id, key, why);
    if (!err && go_on)
        r->data = view_key(key, clock_now(f->clock));
    if (!err && dropped)
        snprintf(r->message, sizeof r->message, "%lld sealed copies dropped: the key is revoked", (long long)dropped);
    free(key);
    list_row_free(&row);
    return err;
}

/* The whole round, never one member, so that nobody outside learns whom a case concerns. */
enum err cmd_key_refresh(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct list_row row = {0};
    int64_t n = 0;
    enum err err = flow_list(f, c->list, &list, &row, why);

    if (!err)
        err = key_round_put(f, row.id, REFRESH_SPREAD_S, &n, why);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), c->actor.name, "key.refresh", list->name, "", NULL, why);
    if (!err) {
        r->data = json_pack("{s:I}", "addresses", (json_int_t)n);
        snprintf(r->message, sizeof r->message, "%lld addresses will be looked up within the hour%s", (long long)n,
                 f->settings->fetch_wkd ? "" : ", but fetch.wkd is off in embargod.conf");
    }
    list_row_free(&row);
    return err;
}

enum err cmd_key_list(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct list_row row = {0};
    struct key_row *key = mem_zero(1, sizeof *key);
    char **fingerprints = NULL;
    size_t n = 0;
    enum err err = flow_list(f, c->list, &list, &row, why);

    if (!err)
        err = key_all(f->db, row.id, &fingerprints, &n, why);
    r->data = json_array();
    for (size_t i = 0; i < n; i++) {
        if (!err && !key_by_fingerprint(f->db, row.id, fingerprints[i], key, why))
            json_array_append_new(r->data, view_key(key, clock_now(f->clock)));
        free(fingerprints[i]);
    }
    free(fingerprints);
    free(key);
    list_row_free(&row);
    return err;
}

enum err cmd_key_show(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct list_row row = {0};
    struct key_row *key = mem_zero(1, sizeof *key);
    enum err err = flow_list(f, c->list, &list, &row, why);

    if (!err)
        err = key_by_fingerprint(f->db, row.id, command_word(c, "FPR"), key, why);
    if (!err)
        r->data = view_key(key, clock_now(f->clock));
    else if (err == ERR_NOT_FOUND && strcasecmp(command_word(c, "FPR"), row.fingerprint) == 0)
        err = diag_set(why, err, "key.unknown", "this is the list's own key: key export has it, status says how it is");
    free(key);
    list_row_free(&row);
    return err;
}

/* The list's own public key, for whoever wants to write to it. */
enum err cmd_key_export(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct list_row row = {0};
    struct buf key = BUF_EMPTY, text = BUF_EMPTY, statement = BUF_EMPTY;
    struct pgp_armor armor;
    enum err err = flow_list(f, c->list, &list, &row, why);

    if (!err && !list_rotation_meta(f->db, "list-key", list->name, &key))
        err = diag_set(why, ERR_NOT_FOUND, "key.missing", "the list's public key was not recorded: run init again");
    if (!err) {
        pgp_armor_begin(&armor, PGP_ARMOR_PUBLIC_KEY, "\n", &text);
        pgp_armor_update(&armor, buf_span(&key), &text);
        pgp_armor_end(&armor, &text);
        list_rotation_meta(f->db, "list-key-statement", list->name, &statement);
        r->data = json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "list", list->name, "fingerprint", row.fingerprint, "key",
                            buf_text(&text), "previous_key", list->previous_key, "statement",
                            statement.len ? buf_text(&statement) : NULL);
    }
    buf_free(&statement);
    buf_free(&key);
    buf_free(&text);
    list_row_free(&row);
    return err;
}
