#include "flow/policy_watch.h"

#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/policies.h"
#include "flow/texts.h"
#include "policy/decide.h"
#include "store/audit.h"

#include <stdlib.h>
#include <string.h>

/* "NAME DIGEST\nmember add 1, key change 1, …" */
static enum err describe(struct flow *f, const struct settings_list *list, struct buf *out, struct diag *why)
{
    char name[POLICY_NAME_MAX], digest[POLICY_DIGEST_LEN + 1];
    struct policy *policy = NULL;
    enum err err = policies_resolve(f->policies, list->policy, name, why);

    if (!err)
        err = policies_load(f->policies, name, &policy, digest, why);
    if (!err)
        buf_printf(out, "%s %s\nmember add %d, key change %d, lift %d, publish %d, backup with keys %d", name, digest,
                   decide_approvals(policy, DECIDE_MEMBER_ADD), decide_approvals(policy, DECIDE_KEY_CHANGE),
                   decide_approvals(policy, DECIDE_LIFT), decide_approvals(policy, DECIDE_PUBLISH),
                   decide_approvals(policy, DECIDE_BACKUP_WITH_KEYS));
    policy_free(&policy);
    return err;
}

/* Of two lines; *second begins behind the line break. */
static char *first_line(const char *text, const char **second)
{
    size_t n = strcspn(text, "\n");

    *second = text + n + (text[n] == '\n');
    return mem_strndup(text, n);
}

static enum err tell(struct flow *f, const struct settings_list *list, int64_t list_id, const char *before,
                     const char *now, struct diag *why)
{
    const char *was_numbers, *numbers;
    char *was = first_line(before, &was_numbers), *is = first_line(now, &numbers);
    const struct tmpl_value values[] = {
        {"list", list->address}, {"was", was}, {"now", is}, {"was_numbers", was_numbers}, {"numbers", numbers}};
    struct buf text = BUF_EMPTY;
    struct diag nobody;
    enum err err = text_fill("policy-changed", values, 5, &text, why);

    if (!err)
        err = audit_append(f->db, clock_now(f->clock), "embargod.conf", "policy.changed", list->name, is, NULL, why);
    if (!err) {
        err = case_notify_team(f, list, list_id, NULL, "The list's policy has changed", buf_text(&text), &nobody);
        /* Where no admin has a key yet, that must not keep the daemon from starting. */
        if (err == ERR_INTERNAL)
            err = ERR_OK;
        else if (err)
            *why = nobody;
    }
    buf_free(&text);
    free(was);
    free(is);
    return err;
}

enum err policy_watch(struct flow *f, const struct settings_list *list, int64_t list_id, struct diag *why)
{
    char *key = mem_printf("list-policy:%s", list->name);
    struct buf before = BUF_EMPTY, now = BUF_EMPTY;
    struct diag unread;
    bool known = db_meta_get(f->db, key, &before);
    enum err err = ERR_OK;

    if (!describe(f, list, &now, &unread) && (!known || strcmp(buf_text(&before), buf_text(&now)) != 0)) {
        if (known)
            err = tell(f, list, list_id, buf_text(&before), buf_text(&now), why);
        if (!err)
            err = db_meta_set(f->db, key, buf_span(&now), why);
    }
    buf_free(&before);
    buf_free(&now);
    free(key);
    return err;
}
