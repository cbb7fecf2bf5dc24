/* Commands that show how things stand. */
#include "flow/cmd.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/view.h"
#include "policy/states.h"
#include "store/audit.h"
#include "store/deadlines.h"
#include "store/outbox.h"

#include <stdlib.h>
#include <string.h>

static json_t *counts(struct flow *f, const char *sql)
{
    struct db_rows *rows = db_query(f->db, sql, "");
    json_t *o = json_object();

    while (db_next(rows))
        json_object_set_new(o, db_text(rows, 0), json_integer(db_int(rows, 1)));
    db_rows_end(&rows, NULL);
    return o;
}

enum err cmd_status(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    int64_t now = clock_now(f->clock);

    (void)c;
    (void)why;
    r->data = json_object();
    json_object_set_new(r->data, "now", view_instant(now));
    json_object_set_new(r->data, "rehearsal", json_boolean(clock_is_rehearsal(f->clock)));
    json_object_set_new(r->data, "settled", json_boolean(f->settled(f->settled_ctx)));
    json_object_set_new(r->data, "cases", counts(f, "SELECT state, COUNT(*) FROM cases GROUP BY state ORDER BY state"));
    json_object_set_new(r->data, "members",
                        counts(f, "SELECT state, COUNT(*) FROM member GROUP BY state ORDER BY state"));
    json_object_set_new(r->data, "queue",
                        counts(f, "SELECT CASE state WHEN 'sealing' THEN 'queued' ELSE state END AS s, COUNT(*)"
                                  " FROM copy GROUP BY s ORDER BY s"));
    json_object_set_new(r->data, "held",
                        json_integer(db_value(f->db, 0, "SELECT COUNT(*) FROM held WHERE state = 'held'", "")));
    json_object_set_new(r->data, "next_deadline", view_instant(deadline_next_at(f->db)));
    return ERR_OK;
}

/* Open cases with their next deadline, soonest first; cases without any date last. */
enum err cmd_next(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct db_rows *rows =
        db_query(f->db,
                 "SELECT c.code, c.state, d.clock, d.tier, d.at, d.rule, d.force, c.until_at FROM cases c"
                 " LEFT JOIN deadline d ON d.case_id = c.id AND d.fired_at IS NULL"
                 " WHERE c.state NOT IN ('closed', 'rejected', 'duplicate', 'public')"
                 " ORDER BY d.at IS NULL, d.at, c.id",
                 "");

    (void)c;
    r->data = json_array();
    while (db_next(rows)) {
        json_t *o = json_object();

        json_object_set_new(o, "case", json_string(db_text(rows, 0)));
        json_object_set_new(o, "state", json_string(db_text(rows, 1)));
        json_object_set_new(o, "clock", db_is_null(rows, 2) ? json_null() : view_clock(db_text(rows, 2)));
        json_object_set_new(o, "tier", db_is_null(rows, 3) ? json_null() : json_string(db_text(rows, 3)));
        json_object_set_new(o, "at", view_instant(db_is_null(rows, 4) ? INSTANT_NONE : db_int(rows, 4)));
        json_object_set_new(o, "rule", db_is_null(rows, 5) ? json_null() : json_string(db_text(rows, 5)));
        json_object_set_new(o, "force", db_is_null(rows, 6) ? json_null() : json_string(db_text(rows, 6)));
        json_object_set_new(o, "until", view_instant(db_is_null(rows, 7) ? INSTANT_NONE : db_int(rows, 7)));
        json_array_append_new(r->data, o);
    }
    return db_rows_end(&rows, why);
}

/* The client asks again until it is settled, or its own time is over. */
enum err cmd_wait(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    bool settled = f->settled(f->settled_ctx);

    (void)c;
    (void)why;
    r->data = json_pack("{s:b, s:o}", "settled", settled, "now", view_instant(clock_now(f->clock)));
    r->ok = settled;
    r->exit = settled ? EXIT_DONE : EXIT_NOT_SETTLED;
    return ERR_OK;
}

enum err cmd_admin_list(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct list_row row = {0};
    enum err err = flow_list(f, c->list, &list, &row, why);

    if (err)
        return err;
    r->data = json_array();
    for (size_t i = 0; i < f->settings->n_admins; i++) {
        const struct settings_admin *a = &f->settings->admins[i];
        json_t *o;

        if (!settings_admin_serves(a, list))
            continue;
        o = json_object();
        json_object_set_new(o, "address", json_string(a->address));
        json_object_set_new(o, "fingerprint", json_string(a->fingerprint));
        json_object_set_new(o, "uid", a->uid < 0 ? json_null() : json_integer(a->uid));
        json_object_set_new(o, "key_state", json_string(view_key_state(f, row.id, a->fingerprint, NULL, 0)));
        json_array_append_new(r->data, o);
    }
    list_row_free(&row);
    return ERR_OK;
}

enum err cmd_audit_show(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct audit_entry *entries;
    size_t n;
    enum err err = audit_entries(f->db, NULL, &entries, &n, why);

    (void)c;
    r->data = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(r->data,
                              json_pack("{s:I, s:o, s:s, s:s, s:s, s:s, s:s, s:s}", "seq", (json_int_t)entries[i].seq,
                                        "at", view_instant(entries[i].at), "actor", entries[i].actor, "event",
                                        entries[i].event, "object", entries[i].object, "rule", entries[i].rule, "prev",
                                        entries[i].prev, "hash", entries[i].hash));
        audit_entry_free(&entries[i]);
    }
    free(entries);
    return err;
}
