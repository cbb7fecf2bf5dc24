/* What a member's view says besides its contacts: deliveries, acknowledgements, attestation, breaches. */
#include "flow/view.h"

#include "store/breaches.h"

#include <stdlib.h>

static json_t *breaches(struct flow *f, int64_t member_id)
{
    struct breach_row *rows = NULL;
    json_t *a = json_array();
    struct diag none;
    size_t n = 0;

    breach_all(f->db, member_id, &rows, &n, &none);
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        json_object_set_new(o, "at", view_instant(rows[i].at));
        json_object_set_new(o, "by", view_text(rows[i].actor));
        json_object_set_new(o, "reason", view_text(rows[i].reason));
        json_object_set_new(o, "consequence", view_text(rows[i].consequence));
        json_array_append_new(a, o);
        breach_row_free(&rows[i]);
    }
    free(rows);
    return a;
}

void view_member_life(struct flow *f, const struct member_row *m, json_t *o)
{
    int64_t told, given;

    member_count_acks(f->db, m->id, &told, &given);
    json_object_set_new(o, "last_delivery", view_instant(member_last_delivery(f->db, m->id)));
    json_object_set_new(o, "acknowledged",
                        json_pack("{s:I, s:I}", "cases", (json_int_t)told, "given", (json_int_t)given));
    json_object_set_new(o, "attested_at", view_instant(member_attested_at(f->db, m->id)));
    json_object_set_new(o, "breaches", breaches(f, m->id));
}
