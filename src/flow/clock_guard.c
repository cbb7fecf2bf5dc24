#include "flow/clock_guard.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define META "heartbeat"

void clock_guard_open(struct clock_guard *g, struct db *db, bool enforced)
{
    struct buf text = BUF_EMPTY;

    *g = (struct clock_guard){.enforced = enforced};
    if (db_meta_get(db, META, &text) && sscanf(buf_text(&text), "%39s %" SCNd64 " %" SCNd64 " %" SCNd64, g->boot_id,
                                               &g->anchor_utc_s, &g->anchor_boot_s, &g->beat_utc_s) == 4) {
        g->has_anchor = true;
        g->saved_utc_s = g->beat_utc_s;
    }
    buf_free(&text);
}

/* How far wall time is from what was expected; after a reboot only a step back can be told. */
static int64_t off_by(const struct clock_guard *g, const struct clock_facts *now)
{
    if (!g->has_anchor)
        return 0;
    if (*g->boot_id && strcmp(g->boot_id, now->boot_id) == 0)
        return now->wall_utc_s - (g->anchor_utc_s + now->boot_s - g->anchor_boot_s);
    return now->wall_utc_s < g->beat_utc_s ? now->wall_utc_s - g->beat_utc_s : 0;
}

void clock_guard_vouch(struct clock_guard *g, const struct clock_facts *now)
{
    g->has_anchor = true;
    g->anchor_utc_s = g->beat_utc_s = now->wall_utc_s;
    g->anchor_boot_s = now->boot_s;
    snprintf(g->boot_id, sizeof g->boot_id, "%s", now->boot_id);
    g->saved_utc_s = 0;
}

enum clock_trust clock_guard_judge(struct clock_guard *g, const struct clock_facts *now)
{
    g->off_by_s = off_by(g, now);
    if (g->off_by_s > CLOCK_GUARD_TOLERANCE_S || g->off_by_s < -CLOCK_GUARD_TOLERANCE_S)
        return g->trust = CLOCK_JUMPED;
    if (!now->synchronised)
        return g->trust = CLOCK_UNSYNCHRONISED;
    if (!g->has_anchor || strcmp(g->boot_id, now->boot_id) != 0 ||
        now->boot_s - g->anchor_boot_s >= CLOCK_GUARD_ANCHOR_S) {
        int64_t saved = g->saved_utc_s;

        clock_guard_vouch(g, now);
        g->saved_utc_s = saved;
    }
    if (now->wall_utc_s > g->beat_utc_s)
        g->beat_utc_s = now->wall_utc_s;
    g->alarmed = false;
    return g->trust = CLOCK_TRUSTED;
}

static void save(struct clock_guard *g, struct db *db)
{
    struct buf text = BUF_EMPTY;
    struct diag why;

    buf_printf(&text, "%s %" PRId64 " %" PRId64 " %" PRId64, *g->boot_id ? g->boot_id : "-", g->anchor_utc_s,
               g->anchor_boot_s, g->beat_utc_s);
    if (db_meta_set(db, META, buf_span(&text), &why))
        log_diag(NULL, "heartbeat-failed", &why);
    else
        g->saved_utc_s = g->beat_utc_s;
    buf_free(&text);
}

enum clock_trust clock_guard_tick(struct clock_guard *g, struct db *db)
{
    struct clock_facts now;

    if (!g->enforced)
        return CLOCK_TRUSTED;
    clock_facts_read(&now);
    clock_guard_judge(g, &now);
    if (g->trust == CLOCK_TRUSTED && g->beat_utc_s - g->saved_utc_s >= CLOCK_GUARD_BEAT_S)
        save(g, db);
    return g->trust;
}

const char *clock_guard_rule(const struct clock_guard *g)
{
    if (!g->enforced || g->trust == CLOCK_TRUSTED)
        return "";
    return g->trust == CLOCK_JUMPED ? "clock.jumped" : "clock.unsynchronised";
}

void clock_guard_words(const struct clock_guard *g, char *out, size_t size)
{
    if (g->trust == CLOCK_JUMPED)
        snprintf(out, size,
                 "the machine's clock has jumped by %lld seconds: set it right, or vouch for it with publish confirm",
                 (long long)g->off_by_s);
    else
        snprintf(out, size,
                 "the kernel does not hold its clock to be synchronised: start a time service (NTP), or say publish "
                 "confirm, or set limits.require_synchronised_clock = false");
}
