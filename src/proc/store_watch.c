#include "proc/store_watch.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "store/last_backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRY_EVERY_MS 1000
#define SAY_EVERY_MS 60000

static void end(struct core *core, struct diag *why)
{
    char *state = settings_path(core->settings, "state");
    struct db *fresh = NULL;
    struct diag again;

    /* A disk that failed for once looks like damage: another look at all of it tells, and then a new start mends it. */
    if (strcmp(why->rule, "store.damaged") == 0) {
        core->starts_anew = !db_open(state, DB_READ_ONLY, &fresh, &again) || strcmp(again.rule, why->rule) != 0;
        db_close(&fresh);
        last_backup_name_in(state, why);
    }
    log_diag(NULL, "core-cannot-go-on", why);
    core->gone = core->stopping = true;
    free(state);
}

static void rest(struct core *core, struct store_watch *w, const struct diag *why)
{
    int64_t now_ms = clock_monotonic_ms();

    if (!w->since_ms) {
        w->since_ms = now_ms;
        w->since = clock_now(&core->clock);
        w->said_ms = 0;
    }
    if (!w->said_ms || now_ms - w->said_ms >= SAY_EVERY_MS || strcmp(w->rule, why->rule) != 0) {
        log_diag(NULL, "core-rests", why);
        w->said_ms = now_ms;
    }
    snprintf(w->rule, sizeof w->rule, "%s", why->rule);
    w->next_try_ms = now_ms + TRY_EVERY_MS;
}

static void go_on(struct core *core, struct store_watch *w)
{
    int64_t took_ms = clock_monotonic_ms() - w->since_ms;

    log_event(NULL, "core-goes-on", w->rule, "after %lld s", (long long)(took_ms + 500) / 1000);
    if (took_ms >= STORE_WATCH_TELL_MS) {
        snprintf(w->untold, sizeof w->untold, "%s", w->rule);
        w->untold_since = w->since;
        w->untold_until = clock_now(&core->clock);
    }
    w->since_ms = 0;
}

static enum err tell_list(struct core *core, const struct settings_list *list, const char *text, struct diag *why)
{
    struct list_row row = {0};
    enum err err = list_by_name(core->flow.db, list->name, &row, why);

    if (!err)
        err = case_notify_team(&core->flow, list, row.id, NULL, "The database could not be used", text, why);
    list_row_free(&row);
    return err;
}

/* Once it can be told. */
static void tell(struct core *core, struct store_watch *w)
{
    char since[INSTANT_TEXT_SIZE], until[INSTANT_TEXT_SIZE];
    char *text =
        mem_printf("From %s to %s the database could not be used (%s).\n\nMail was taken all the same, and "
                   "has waited in the spool; what fell due in that time is\nbeing done now. Nothing is lost. "
                   "That it does not come again: see %s in\nembargod(8), DIAGNOSTICS, and the daemon's log.\n",
                   instant_text(w->untold_since, since), instant_text(w->untold_until, until), w->untold, w->untold);
    struct diag why;
    enum err err = db_begin(core->flow.db, &why);

    for (size_t i = 0; !err && i < core->settings->n_lists; i++)
        err = tell_list(core, &core->settings->lists[i], text, &why);
    err = db_end(core->flow.db, err, &why);
    if (err) {
        log_diag(NULL, "notice-failed", &why);
    }
    if (err != ERR_AGAIN)
        w->untold[0] = 0;
    free(text);
}

bool store_watch_tick(struct core *core)
{
    struct store_watch *w = core->store_watch;
    struct diag why;
    enum err err = db_trouble(core->flow.db, &why);

    if (err == ERR_REJECT) {
        end(core, &why);
        return false;
    }
    if (err && clock_monotonic_ms() < w->next_try_ms)
        return false;
    err = db_trouble_end(core->flow.db, &why);
    if (err) {
        rest(core, w, &why);
        return false;
    }
    if (w->since_ms)
        go_on(core, w);
    if (w->untold[0] && !core->flow.on_hold)
        tell(core, w);
    return true;
}
