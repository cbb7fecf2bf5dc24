/* Commands on what waits for further admins. */
#include "flow/approvals.h"
#include "flow/cmd.h"
#include "flow/view.h"

#include <stdlib.h>
#include <string.h>

/* Of the lists that the admin serves, or of the one that is named. */
static bool is_shown(struct flow *f, const struct command *c, const struct approval_row *a)
{
    struct diag none;
    const struct settings_list *list = flow_list_of_row(f, a->list_id, &none);

    return list && (!c->list || strcmp(c->list, list->name) == 0) &&
           (c->actor.kind != ACTOR_ADMIN || settings_admin_serves(c->actor.admin, list));
}

enum err cmd_approval_list(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct approval_row *rows;
    size_t n;
    enum err err = approval_open(f->db, 0, &rows, &n, why);

    r->data = json_array();
    for (size_t i = 0; i < n; i++) {
        if (is_shown(f, c, &rows[i]))
            json_array_append_new(r->data, view_approval(f, &rows[i], false));
        approval_row_free(&rows[i]);
    }
    free(rows);
    return err;
}

enum err cmd_approval_approve(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return approval_approve(f, command_word(c, "ID"), &c->actor, r, why);
}

enum err cmd_approval_veto(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    if (!command_word(c, "reason"))
        return diag_set(why, ERR_USAGE, "command.option", "approval veto needs --reason T");
    return approval_veto(f, command_word(c, "ID"), command_word(c, "reason"), &c->actor, r, why);
}
