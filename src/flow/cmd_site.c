/* The command that has the public site built. */
#include "flow/cmd.h"

#include "base/instant.h"
#include "flow/view.h"
#include "store/audit.h"
#include "store/publish.h"

/* Only the wish: the site is built by proc/publisher.c, and the control socket answers when it stands. */
enum err cmd_publish_build(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    int64_t wish = 0;
    enum err err = publish_want(f->db, &wish, why);

    if (!err)
        err = audit_append(f->db, clock_now(f->clock), c->actor.name, "publish.build", "site", "", NULL, why);
    if (!err)
        r->data = view_site(f);
    if (!err)
        r->site_wish = wish;
    return err;
}
