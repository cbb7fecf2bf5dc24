/*
 * backup: what is decided and recorded before the file is made (proc/backup.c).
 *
 * A backup holds all lists, so that only an admin of all lists may ask for one. With keys it needs the approvals of the
 * strictest policy among the lists' (approvals.backup_with_keys). The file goes to who asks, and not to who votes last:
 * the last vote leaves a grant, which the asker uses up by saying the same again within a day.
 */
#include "flow/cmd.h"

#include "base/instant.h"
#include "base/log.h"
#include "flow/approvals.h"
#include "flow/command_lists.h"
#include "flow/cases_flow.h"
#include "flow/policies.h"
#include "policy/decide.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRANT     "backup-grant" /* of meta: "INSTANT ACTOR" */
#define GRANTED_S 86400

/* *needs: of the strictest. A policy that cannot be read refuses. */
static enum err count_needed(struct flow *f, int *needs, struct diag *why)
{
    enum err err = ERR_OK;

    *needs = 1;
    for (size_t i = 0; !err && i < f->settings->n_lists; i++) {
        struct policy *policy = NULL;
        int n;

        err = policies_load(f->policies, f->settings->lists[i].policy, &policy, NULL, why);
        n = err ? 0 : decide_approvals(policy, DECIDE_BACKUP_WITH_KEYS);
        *needs = n > *needs ? n : *needs;
        policy_free(&policy);
    }
    return err;
}

/* A grant of the asker's that is young enough is used up. */
static bool take_grant(struct flow *f, const struct command *c)
{
    struct buf value = BUF_EMPTY;
    struct diag why;
    int64_t at = 0;
    char *end;
    bool good = false;

    if (db_meta_get(f->db, GRANT, &value)) {
        at = strtoll(buf_text(&value), &end, 10);
        good = *end == ' ' && strcmp(end + 1, c->actor.name) == 0 && clock_now(f->clock) - at < GRANTED_S &&
               !db_meta_set(f->db, GRANT, span_of("0 "), &why);
    }
    buf_free(&value);
    return good;
}

static enum err give_grant(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    char value[400];

    snprintf(value, sizeof value, "%lld %s", (long long)clock_now(f->clock), c->actor.name);
    snprintf(r->message, sizeof r->message, "approved: within 24 hours, %s says it again and gets the file",
             c->actor.name);
    return db_meta_set(f->db, GRANT, span_of(value), why);
}

static enum err gate(struct flow *f, const struct command *c, struct reply *r, bool *go_on, struct diag *why)
{
    struct approval_what what = {.action = "backup with keys", .object = "all lists"};
    struct list_row row = {0};
    enum err err = count_needed(f, &what.needs, why);

    if (!err && !c->replay && (*go_on = take_grant(f, c)))
        return ERR_OK;
    if (!err)
        err = flow_list(f, f->settings->lists[0].name, &what.list, &row, why);
    what.list_id = row.id;
    if (!err)
        err = approval_gate(f, c, &what, r, go_on, why);
    list_row_free(&row);
    if (!err && *go_on && c->replay) {
        *go_on = false;
        err = give_grant(f, c, r, why);
    }
    return err;
}

/* Secret keys that leave the machine are everybody's business. */
static enum err tell(struct flow *f, const struct command *c, const char *id, struct diag *why)
{
    char at[INSTANT_TEXT_SIZE], text[1024];
    enum err err = ERR_OK;

    snprintf(text, sizeof text,
             "A backup with the secret keys of the lists was made.\n\nBackup: %s\nBy:     %s\nAt:     %s\n\n"
             "It is encrypted to the admins of all lists. Whoever opens it can read all mail to the lists, and sign\n"
             "for them. If nobody of you wanted this, act now.\n",
             id, c->actor.name, instant_text(clock_now(f->clock), at));
    for (size_t i = 0; !err && i < f->settings->n_lists; i++) {
        const struct settings_list *list;
        struct list_row row = {0};

        err = flow_list(f, f->settings->lists[i].name, &list, &row, why);
        if (!err)
            err = case_notify_team(f, list, row.id, NULL, "A backup with secret keys was made", text, why);
        list_row_free(&row);
    }
    return err;
}

enum err cmd_backup(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    bool with_keys = command_flag(c, "with-keys"), go_on = true;
    char id[BOX_ID_SIZE];
    enum err err = ERR_OK;

    if (c->actor.kind != ACTOR_ADMIN || !command_serves_all(f, c))
        return diag_set(why, ERR_DENIED, "backup.admin",
                        "a backup holds all lists: an admin of all of them may make it (embargod.conf, admins)");
    if (with_keys)
        err = gate(f, c, r, &go_on, why);
    if (err || !go_on)
        return err;
    box_random_id(id);
    if (with_keys)
        err = tell(f, c, id, why);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), c->actor.name, "backup", id, with_keys ? "with-keys" : "", NULL,
                           why);
    if (err)
        return err;
    memcpy(r->backup.id, id, sizeof id);
    r->backup.with_keys = with_keys;
    snprintf(r->backup.name, sizeof r->backup.name, "%s", command_word(c, "FILE"));
    return ERR_OK;
}
