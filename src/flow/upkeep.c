#include "flow/upkeep.h"

#include "flow/daily.h"
#include "flow/key_refresh.h"
#include "flow/list_key.h"
#include "flow/list_rotation.h"
#include "flow/offboard.h"
#include "flow/policy_watch.h"
#include "flow/reattest.h"

static enum err begin_list(struct flow *f, const struct settings_list *list, struct diag *why)
{
    struct list_row row = {0};
    enum err err = list_by_name(f->db, list->name, &row, why);

    if (!err)
        err = list_rotation_adopt(f, list, &row, why);
    if (!err)
        err = key_round_begin(f, row.id, why);
    if (!err)
        err = reattest_begin(f, row.id, why);
    if (!err)
        err = daily_begin(f, row.id, why);
    if (!err)
        err = list_key_begin(f, row.id, why);
    if (!err)
        err = offboard_compare(f, list, row.id, why);
    if (!err)
        err = policy_watch(f, list, row.id, why);
    list_row_free(&row);
    return err;
}

enum err upkeep_begin(struct flow *f, struct diag *why)
{
    enum err err = db_begin(f->db, why);

    if (err)
        return err;
    err = participant_seal_old(f->db, why);
    for (size_t i = 0; !err && i < f->settings->n_lists; i++)
        err = begin_list(f, &f->settings->lists[i], why);
    return db_end(f->db, err, why);
}
