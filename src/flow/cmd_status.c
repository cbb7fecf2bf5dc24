/* Commands that show how things stand: who, the audit trail, whether all is settled. See cmd_outlook.c for the rest. */
#include "flow/cmd.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/command_lists.h"
#include "flow/view.h"
#include "policy/states.h"
#include "store/audit.h"
#include "store/deadlines.h"
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The client asks again until it is settled, or its own time is over. A clock file that is being written has no
 * instant. */
enum err cmd_wait(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    int64_t now = clock_now(f->clock);
    struct diag clock = {0};
    enum err err = clock_fault(f->clock, &clock);
    bool settled = !err && f->settled(f->settled_ctx);

    (void)c;
    if (err && err != ERR_AGAIN) {
        *why = clock;
        return err;
    }
    snprintf(r->rule, sizeof r->rule, "%s", clock.rule);
    snprintf(r->message, sizeof r->message, "%s", clock.text);
    r->data = json_pack("{s:b, s:o}", "settled", settled, "now", view_instant(now));
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
    enum err err;

    /* Entries tell whom another team lets in, and when it has a case; and a chain with gaps proves nothing. */
    if (!command_serves_all(f, c))
        return diag_set(
            why, ERR_DENIED, "audit.admin",
            "the trail is of all lists: an admin of all of them may read it; case log has a case's entries");
    err = audit_entries(f->db, NULL, &entries, &n, why);
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
