#include "flow/list_key.h"

#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/outgoing.h"
#include "flow/policies.h"
#include "flow/texts.h"
#include "flow/view.h"
#include "store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S   ((int64_t)86400)
#define AGAIN_S ((int64_t)600)
#define SIGNS   "-" /* in place of a rule */

static enum err set_meta(struct flow *f, const char *what, const struct settings_list *list, const char *value,
                         struct diag *why)
{
    char *name = mem_printf("%s:%s", what, list->name);
    enum err err = db_meta_set(f->db, name, span_of(value), why);

    free(name);
    return err;
}

static bool get_meta(struct flow *f, const char *what, const struct settings_list *list, struct buf *out)
{
    char *name = mem_printf("%s:%s", what, list->name);
    bool found = db_meta_get(f->db, name, out);

    free(name);
    return found;
}

/* False where no try has ended yet. */
static bool last_try(struct flow *f, const struct settings_list *list, char rule[DIAG_RULE_MAX], int64_t *at)
{
    struct buf text = BUF_EMPTY;
    const char *space = NULL;

    if (get_meta(f, "key-test-result", list, &text))
        space = strchr(buf_text(&text), ' ');
    if (space) {
        snprintf(rule, DIAG_RULE_MAX, "%.*s", (int)(space - buf_text(&text)), buf_text(&text));
        *at = strtoll(space + 1, NULL, 10);
    }
    buf_free(&text);
    return space != NULL;
}

enum err list_key_begin(struct flow *f, int64_t list_id, struct diag *why)
{
    return duty_put(f->db, list_id, LIST_KEY_DUTY, list_id, "", clock_now(f->clock), why);
}

enum err list_key_run(struct flow *f, const struct duty_row *duty, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, duty->list_id, why);
    enum err err;

    if (!list)
        return ERR_OK; /* no longer in embargod.conf */
    err = set_meta(f, "key-test", list, "due", why);
    return err ? err
               : duty_put(f->db, duty->list_id, LIST_KEY_DUTY, duty->object, "", clock_now(f->clock) + DAY_S, why);
}

enum err list_key_doubt(struct flow *f, const struct settings_list *list, struct diag *why)
{
    return set_meta(f, "key-test", list, "due", why);
}

const struct settings_list *list_key_due(struct flow *f)
{
    for (size_t i = 0; i < f->settings->n_lists; i++) {
        struct buf text = BUF_EMPTY;
        bool due = get_meta(f, "key-test", &f->settings->lists[i], &text) && strcmp(buf_text(&text), "due") == 0;

        buf_free(&text);
        if (due)
            return &f->settings->lists[i];
    }
    return NULL;
}

/* Nothing can be signed now, so that this says nothing that would need it. */
static enum err alarm_admins(struct flow *f, const struct settings_list *list, int64_t list_id, struct diag *why)
{
    const struct tmpl_value values[] = {{"list", list->address}};
    struct policy *policy = NULL;
    struct content content;
    struct buf text = BUF_EMPTY;
    enum err err = policies_of_list(f, list, &policy, why);

    if (!err)
        err = text_fill("list-key-locked", values, 1, &text, why);
    if (!err)
        err = content_cleared(CLEARED_NOTICE, policy, NULL, &content, why);
    for (size_t i = 0; !err && i < f->settings->n_admins; i++) {
        const struct settings_admin *admin = &f->settings->admins[i];
        struct outgoing_to to = {.address = admin->address};
        struct outgoing mail = {.kind = "notice",
                                .list = list,
                                .list_id = list_id,
                                .subject = "The list's key does not sign",
                                .text = buf_text(&text),
                                .automatic = true,
                                .earliest_at = INSTANT_NONE};

        if (settings_admin_serves(admin, list))
            err = outgoing_queue(f, &mail, content, &to, 1, NULL, why);
    }
    buf_free(&text);
    policy_free(&policy);
    return err;
}

static enum err record(struct flow *f, const struct settings_list *list, int64_t list_id, const char *rule,
                       struct diag *why)
{
    int64_t now = clock_now(f->clock), before_at;
    char before[DIAG_RULE_MAX] = SIGNS;
    bool signs = strcmp(rule, SIGNS) == 0, signed_before;
    char *result = mem_printf("%s %" PRId64, rule, now);
    enum err err = ERR_OK;

    last_try(f, list, before, &before_at);
    signed_before = strcmp(before, SIGNS) == 0;
    if (signs != signed_before)
        err = audit_append(f->db, now, "embargod", signs ? "list-key.signs" : "list-key.silent", list->name,
                           signs ? "" : rule, NULL, why);
    if (!err && !signs)
        err = alarm_admins(f, list, list_id, why);
    if (!err && signs && !signed_before)
        err = case_notify_team(f, list, list_id, NULL, "The list's key signs again",
                               "The key of the list signs again: what waited for it goes out now.\n", why);
    if (!err)
        err = set_meta(f, "key-test-result", list, result, why);
    free(result);
    return err;
}

enum err list_key_tried(struct flow *f, const struct settings_list *list, enum err tried, const struct diag *reason,
                        struct diag *why)
{
    bool unknown = tried && strncmp(reason->rule, "worker.", 7) == 0;
    struct list_row row = {0};
    enum err err = db_begin(f->db, why);

    if (err)
        return err;
    err = list_by_name(f->db, list->name, &row, why);
    if (!err)
        err = set_meta(f, "key-test", list, "", why);
    if (!err && unknown)
        err = duty_put(f->db, row.id, LIST_KEY_DUTY, row.id, "", clock_now(f->clock) + AGAIN_S, why);
    else if (!err)
        err = record(f, list, row.id, tried ? reason->rule : SIGNS, why);
    err = db_end(f->db, err, why);
    list_row_free(&row);
    return err;
}

json_t *list_key_json(struct flow *f, const struct settings_list *list)
{
    char rule[DIAG_RULE_MAX] = "";
    int64_t at = INSTANT_NONE;
    bool known = last_try(f, list, rule, &at), signs = strcmp(rule, SIGNS) == 0;

    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "list", list->name, "fingerprint", list->fingerprint, "signs",
                     known ? json_boolean(signs) : json_null(), "rule",
                     known && !signs ? json_string(rule) : json_null(), "tried_at", view_instant(at));
}
