#include "flow/command_lists.h"

#include <string.h>

static bool serves(const struct command *c, const struct settings_list *list)
{
    return c->actor.kind != ACTOR_ADMIN || settings_admin_serves(c->actor.admin, list);
}

bool command_serves_all(struct flow *f, const struct command *c)
{
    for (size_t i = 0; i < f->settings->n_lists; i++)
        if (!serves(c, &f->settings->lists[i]))
            return false;
    return true;
}

bool command_sees(struct flow *f, const struct command *c, const struct settings_list *list)
{
    if (!list)
        return !c->list && command_serves_all(f, c);
    return (!c->list || strcmp(c->list, list->name) == 0) && serves(c, list);
}

bool command_sees_row(struct flow *f, const struct command *c, int64_t list_id)
{
    struct diag none;

    return command_sees(f, c, list_id ? flow_list_of_row(f, list_id, &none) : NULL);
}

enum err command_scope(struct flow *f, const struct command *c, struct buf *out, struct diag *why)
{
    enum err err = ERR_OK;

    buf_clear(out);
    if (command_sees(f, c, NULL))
        return ERR_OK;
    buf_add_str(out, ",");
    for (size_t i = 0; !err && i < f->settings->n_lists; i++) {
        const struct settings_list *list = &f->settings->lists[i];
        struct list_row row = {0};

        if (!command_sees(f, c, list))
            continue;
        err = list_by_name(f->db, list->name, &row, why);
        if (!err)
            buf_printf(out, "%lld,", (long long)row.id);
        list_row_free(&row);
    }
    return err;
}
