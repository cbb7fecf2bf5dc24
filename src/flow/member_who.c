/* `nonce` and `whoami`, by mail. */
#include "flow/member_verbs.h"
#include "flow/view.h"

#include <stdio.h>

/* Each answer brings one. */
enum err verb_nonce(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    (void)f;
    (void)c;
    (void)why;
    snprintf(r->message, sizeof r->message, "a fresh nonce stands at the end of this mail");
    return ERR_OK;
}

static json_t *admin_json(struct flow *f, const struct settings_admin *a, int64_t list_id)
{
    return json_pack("{s:s, s:s, s:s}", "address", a->address, "fingerprint", a->fingerprint, "key_state",
                     view_key_state(f, list_id, a->fingerprint, NULL, 0));
}

enum err verb_whoami(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct list_row row = {0};
    enum err err = flow_list(f, c->list, &list, &row, why);

    if (!err)
        r->data =
            json_pack("{s:s, s:s, s:o, s:o, s:s}", "list", list->name, "role", c->actor.admin ? "admin" : "member",
                      "admin", c->actor.admin ? admin_json(f, c->actor.admin, row.id) : json_null(), "member",
                      c->actor.member ? view_member(f, c->actor.member) : json_null(), "signed_by",
                      c->actor.fingerprint ? c->actor.fingerprint : "");
    list_row_free(&row);
    return err;
}
