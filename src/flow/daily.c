#include "flow/daily.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/policy_watch.h"
#include "store/audit.h"
#include "store/duties.h"

#include <stdlib.h>

#define DAY_S INT64_C(86400)

static int64_t next_midnight(int64_t now)
{
    return (now / DAY_S + 1) * DAY_S;
}

enum err daily_begin(struct flow *f, int64_t list_id, struct diag *why)
{
    return duty_want(f->db, list_id, "audit-head", list_id, "", next_midnight(clock_now(f->clock)), why);
}

enum err audit_head_run(struct flow *f, const struct duty_row *d, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, d->object, why);
    int64_t now = clock_now(f->clock), seq;
    char hash[65], at[INSTANT_TEXT_SIZE], *text;
    enum err err = list ? policy_watch(f, list, d->object, why) : ERR_NOT_FOUND;

    if (!err)
        err = audit_head(f->db, &seq, hash, why);
    if (err)
        return err;
    text = mem_printf("The audit trail of this instance ends at %s with entry\n\n%lld:%s\n\n"
                      "Keep this mail. Later, offline, this proves that nothing up to here was cut off or changed:\n\n"
                      "embargoctl audit verify --anchor %lld:%s\n",
                      instant_text(now, at), (long long)seq, hash, (long long)seq, hash);
    err = case_notify_team(f, list, d->object, NULL, "The head of the audit trail", text, why);
    free(text);
    return err ? err : duty_put(f->db, d->list_id, d->kind, d->object, d->detail, next_midnight(now), why);
}
