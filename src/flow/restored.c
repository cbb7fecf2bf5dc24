#include "flow/restored.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/timer.h"
#include "flow/view.h"
#include "store/audit.h"
#include "store/copies_restored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define META "restored"

static const char *const state_names[] = {"", "hold", "accepted", "firing", "done"};

void restored_read(struct db *db, struct restored *out)
{
    struct buf value = BUF_EMPTY;
    char state[16];
    long long taken, at, accepted, copy;
    int used = 0;

    *out = (struct restored){.accepted_at = INSTANT_NONE};
    if (db_meta_get(db, META, &value) && sscanf(buf_text(&value), "%15s %lld %lld %lld %lld %15s %n", state, &taken,
                                                &at, &accepted, &copy, out->id, &used) >= 6) {
        /* What is not understood stays on hold. */
        out->state = RESTORED_HOLD;
        for (size_t i = 1; i < sizeof state_names / sizeof state_names[0]; i++)
            if (strcmp(state_names[i], state) == 0)
                out->state = (enum restored_state)i;
        out->taken_at = taken;
        out->restored_at = at;
        out->accepted_at = accepted ? accepted : INSTANT_NONE;
        out->last_copy = copy;
        snprintf(out->name, sizeof out->name, "%s", used ? buf_text(&value) + used : "");
    }
    buf_free(&value);
}

enum err restored_write(struct db *db, const struct restored *r, struct diag *why)
{
    char *value = mem_printf(
        "%s %lld %lld %lld %lld %s %s", state_names[r->state], (long long)r->taken_at, (long long)r->restored_at,
        r->accepted_at == INSTANT_NONE ? 0LL : (long long)r->accepted_at, (long long)r->last_copy, r->id, r->name);
    enum err err = db_meta_set(db, META, span_of(value), why);

    free(value);
    return err;
}

bool restored_on_hold(struct db *db)
{
    struct restored r;

    restored_read(db, &r);
    return r.state == RESTORED_HOLD;
}

bool restored_doubts(struct db *db, int64_t due)
{
    struct restored r;

    restored_read(db, &r);
    return r.state != RESTORED_NEVER && (r.accepted_at == INSTANT_NONE || due <= r.accepted_at);
}

json_t *restored_json(struct flow *f)
{
    struct restored r;

    restored_read(f->db, &r);
    if (r.state != RESTORED_HOLD)
        return json_null();
    return json_pack("{s:s, s:o, s:s}", "backup", r.id, "taken_at", view_instant(r.taken_at), "file", r.name);
}

/* ---- acceptance ---- */

static enum err put_aside_old(struct flow *f, struct restored *r, struct diag *why)
{
    int64_t n;
    enum err err = db_begin(f->db, why);

    r->accepted_at = clock_now(f->clock);
    r->last_copy = copy_last_id(f->db);
    r->state = RESTORED_FIRING;
    if (!err)
        err = copy_put_aside(f->db, r->accepted_at, r->last_copy, &n, why);
    if (!err)
        err = restored_write(f->db, r, why);
    return db_end(f->db, err, why);
}

static char *report(const struct restored *r, int64_t aside)
{
    char taken[INSTANT_TEXT_SIZE], accepted[INSTANT_TEXT_SIZE];

    return mem_printf(
        "This instance was restored from a backup, and goes on since %s.\n\n"
        "Backup:  %s (%s), taken at %s\n"
        "Aside:   %lld copies\n\n"
        "It knows nothing of what happened between these two instants: mail that came in, commands, notices.\n"
        "- Copies that were due by now may have gone already, from the instance before. None of them is sent by\n"
        "  itself; they stand in the queue with the code restore.maybe-sent:\n\n"
        "    embargoctl queue list        then, of each: queue retry ID, or queue drop ID\n\n"
        "- A publication whose instant lies before the restoring waits for: embargoctl publish confirm ID\n"
        "- Nonces of before are void: ask for a new one.\n"
        "- Compare dates, members and open cases with what you have in your mailboxes:\n\n"
        "    embargoctl next              embargoctl member list\n\n"
        "- The anchors of the audit trail that were mailed after the backup are of the trail that was lost.\n",
        instant_text(r->accepted_at, accepted), r->name, r->id, instant_text(r->taken_at, taken), (long long)aside);
}

static enum err tell(struct flow *f, const char *text, struct diag *why)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < f->settings->n_lists; i++) {
        const struct settings_list *list = &f->settings->lists[i];
        struct list_row row = {0};

        err = list_by_name(f->db, list->name, &row, why);
        if (!err)
            err = case_notify_team(f, list, row.id, NULL, "Restored from a backup", text, why);
        list_row_free(&row);
    }
    return err;
}

static enum err finish(struct flow *f, struct restored *r, struct diag *why)
{
    char *text = NULL;
    int64_t n = 0;
    enum err err = db_begin(f->db, why);

    r->state = RESTORED_DONE;
    if (!err)
        err = copy_put_aside_others(f->db, r->accepted_at, r->last_copy, why);
    if (!err) {
        n = copy_count_aside(f->db);
        text = report(r, n);
        err = tell(f, text, why);
    }
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), "embargoctl", "restore", r->id, "restore.accepted", NULL, why);
    if (!err)
        err = restored_write(f->db, r, why);
    err = db_end(f->db, err, why);
    if (!err)
        log_event(r->id, "restore-accepted", NULL, "aside=%lld", (long long)n);
    free(text);
    return err;
}

enum err restored_go_on(struct flow *f, struct diag *why)
{
    struct restored r;
    struct diag late;
    enum err err = ERR_OK;

    restored_read(f->db, &r);
    if (r.state == RESTORED_ACCEPTED)
        err = put_aside_old(f, &r, why);
    if (err || r.state != RESTORED_FIRING)
        return err;
    /* One that fails is tried again by the loop, and is the only one that then goes as usual. */
    if (timer_fire(f, &late))
        log_diag(NULL, "timer-failed", &late);
    return finish(f, &r, why);
}
