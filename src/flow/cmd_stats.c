/* The command that shows statistics. */
#include "flow/cmd.h"

#include "flow/command_lists.h"
#include "flow/stats.h"

enum err cmd_stats(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct list_row row = {0};
    enum err err = c->list || !command_serves_all(f, c) ? flow_list(f, c->list, &list, &row, why) : ERR_OK;

    if (!err && !command_flag(c, "openmetrics"))
        err = stats_json(f, row.id, &r->data, why);
    if (!err && command_flag(c, "openmetrics")) {
        buf_init(&r->out, BUF_MAX_DEFAULT);
        err = stats_openmetrics(f, &r->out, why);
        if (!err)
            r->data = json_pack("{s:s}", "openmetrics", buf_text(&r->out));
    }
    list_row_free(&row);
    return err;
}
