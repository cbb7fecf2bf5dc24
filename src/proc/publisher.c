/*
 * The public site, built beside the one that stands and put in its place. One step after the other, each short, between
 * what else core does: load what is public, have the list sign what it has not signed before, write the pages, change
 * places, sweep the old ones away. Where something fails the old site stands, the team is told once, and it is tried
 * again.
 */
#include "proc/core.h"

#include "base/frame.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "flow/cases_flow.h"
#include "flow/site.h"
#include "store/publish.h"

#include <stdlib.h>

#define STEP_MS     15    /* how long one turn of core's loop is held up */
#define PAUSE_MS    60000 /* after a failure */
#define SWEEP       200   /* entries at a time */
#define RESTART_MAX 5     /* loads anew, when something was published meanwhile */

enum phase { PHASE_IDLE, PHASE_SWEEP_FIRST, PHASE_LOAD, PHASE_SIGN, PHASE_WRITE, PHASE_SWEEP };

struct publisher {
    struct core *core;
    struct tree *tree;
    struct site *site;
    enum phase phase;
    int64_t wish; /* that this build fulfils */
    int restarts;
    size_t at;          /* the next text, or page */
    size_t signing;     /* texts with the workers */
    int64_t not_before; /* monotonic: after a failure */
    int64_t stale_at;   /* of the site that stands; INSTANT_NONE: not known yet */
    int64_t failed;     /* the wish that failed last; 0: none */
    struct diag why;
    bool told; /* the team knows of the failure */
    bool more; /* the last turn ended for want of time */
};

struct signing {
    struct publisher *p;
    size_t text;
};

struct publisher *publisher_new(struct core *core)
{
    struct publisher *p = mem_zero(1, sizeof *p);

    p->core = core;
    p->phase = PHASE_SWEEP_FIRST; /* what a crash has left */
    p->stale_at = INSTANT_NONE;
    return p;
}

void publisher_free(struct publisher **p)
{
    if (!*p)
        return;
    site_free(&(*p)->site);
    tree_close(&(*p)->tree);
    free(*p);
    *p = NULL;
}

/* ---- failure ---- */

/* False where it could not be written down: it is said the next time. */
static bool tell_team(struct publisher *p, const char *subject, const char *text)
{
    struct flow *f = &p->core->flow;
    struct diag why;
    enum err err = db_begin(f->db, &why);

    for (size_t i = 0; !err && i < f->settings->n_lists; i++) {
        struct list_row row = {0};

        err = list_by_name(f->db, f->settings->lists[i].name, &row, &why);
        if (!err)
            err = case_notify_team(f, &f->settings->lists[i], row.id, NULL, subject, text, &why);
        list_row_free(&row);
    }
    err = db_end(f->db, err, &why);
    if (err) {
        log_diag(NULL, "site-alarm-failed", &why);
    }
    return !err;
}

static void fail(struct publisher *p, const struct diag *why)
{
    char *text;

    log_diag(NULL, "site-failed", why);
    p->why = *why;
    p->failed = p->wish;
    p->not_before = clock_monotonic_ms() + PAUSE_MS;
    site_free(&p->site);
    p->phase = PHASE_SWEEP;
    if (p->told)
        return;
    text =
        mem_printf("The public site could not be built. The one that stood before still stands.\n\n"
                   "Rule:    %s\nReason:  %s\n\nIt is tried again each minute. To try now:  embargoctl publish build\n",
                   why->rule, why->text);
    p->told = tell_team(p, "the public site could not be built", text);
    free(text);
}

/* ---- signatures ---- */

static void text_signed(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct signing *s = ctx;
    struct publisher *p = s->p;
    struct frame_reader r;
    struct span text;
    struct diag reason;

    p->signing--;
    if (p->phase == PHASE_SIGN) {
        frame_reader_init(&r, reply);
        text = frame_get_bytes(&r);
        if (err)
            reason = *why;
        else if (!frame_done(&r))
            err = diag_set(&reason, ERR_INTERNAL, "worker.frame", "a worker's answer is damaged");
        else
            err = site_set_signed(p->site, s->text, text, &reason);
        if (err)
            fail(p, &reason);
    }
    free(s);
}

static void submit(struct publisher *p, const struct site_text *text, size_t i)
{
    struct core *core = p->core;
    struct signing *s = mem_zero(1, sizeof *s);
    struct buf request = BUF_EMPTY;
    char *home = settings_gnupg(core->settings, text->list->name, "list");

    *s = (struct signing){p, i};
    frame_put_i64(&request, core_gpg_time(core));
    frame_put_str(&request, home);
    frame_put_str(&request, text->list->fingerprint);
    frame_put_u32(&request, SIGN_CLEAR);
    frame_put_bytes(&request, text->text.data, text->text.len);
    p->signing++;
    pool_submit(core->pool, WORKER_CRYPTO, CRYPTO_SIGN, &request, text_signed, s);
    free(home);
}

/* ---- steps; each true where the next may follow at once ---- */

static bool load_step(struct publisher *p)
{
    struct publish_state state;
    struct diag why;
    bool done = false;
    enum err err = ERR_OK;

    if (!p->site) {
        publish_state(p->core->flow.db, &state);
        p->wish = state.wanted;
        err = site_new(&p->core->flow, &p->site, &why);
    }
    if (!err)
        err = site_load(p->site, &done, &why);
    if (err) {
        fail(p, &why);
        return true;
    }
    if (!done)
        return true;
    publish_state(p->core->flow.db, &state);
    if (state.wanted != p->wish && p->restarts++ < RESTART_MAX) {
        site_free(&p->site);
        return true;
    }
    p->at = 0;
    p->phase = PHASE_SIGN;
    return true;
}

static bool sign_step(struct publisher *p)
{
    struct site_text text;
    struct diag why;
    enum err err;

    if (p->at == site_texts(p->site)) {
        if (p->signing)
            return false;
        p->at = 0;
        p->phase = PHASE_WRITE;
        err = tree_begin(p->tree, &why);
        if (err)
            fail(p, &why);
        return true;
    }
    if (p->signing >= (size_t)p->core->settings->limits.workers)
        return false;
    err = site_text(p->site, p->at, &text, &why);
    if (err)
        fail(p, &why);
    else if (!text.is_signed)
        submit(p, &text, p->at);
    p->at++;
    return true;
}

static enum err put(void *ctx, const char *path, struct span bytes, struct diag *why)
{
    return tree_put(ctx, path, bytes, why);
}

static enum err set_built(struct publisher *p, struct diag *why)
{
    struct db *db = p->core->flow.db;
    enum err err = db_begin(db, why);

    if (!err)
        err = publish_set_built(db, p->wish, clock_now(&p->core->clock), why);
    return db_end(db, err, why);
}

static bool write_step(struct publisher *p)
{
    struct diag why;
    bool last = p->at == site_pages(p->site);
    enum err err = last ? tree_publish(p->tree, &why) : site_page(p->site, p->at++, put, p->tree, &why);

    if (!err && last)
        err = set_built(p, &why);
    if (err) {
        fail(p, &why);
    } else if (last) {
        site_free(&p->site);
        p->phase = PHASE_SWEEP;
        p->stale_at = site_fresh_until(clock_now(&p->core->clock));
        p->failed = 0;
        log_event(NULL, "site-built", NULL, "wish=%lld", (long long)p->wish);
        if (p->told &&
            tell_team(p, "the public site is built again", "The public site was built, after a failure before.\n"))
            p->told = false;
    }
    return true;
}

static bool sweep_step(struct publisher *p)
{
    if (tree_sweep(p->tree, SWEEP))
        return true;
    p->phase = PHASE_IDLE;
    return true;
}

/* ---- when ---- */

static bool is_due(struct publisher *p)
{
    struct publish_state state;
    int64_t now = clock_now(&p->core->clock);

    publish_state(p->core->flow.db, &state);
    if (!state.wanted)
        return false;
    if (p->stale_at == INSTANT_NONE && state.built_at != INSTANT_NONE)
        p->stale_at = site_fresh_until(state.built_at);
    return state.wanted > state.built || (p->stale_at != INSTANT_NONE && now >= p->stale_at);
}

/* A wish that is newer than the failure does not wait. */
static bool may_begin(struct publisher *p)
{
    struct publish_state state;

    if (!p->failed || clock_monotonic_ms() >= p->not_before)
        return true;
    publish_state(p->core->flow.db, &state);
    return state.wanted > p->failed;
}

static bool open_tree(struct publisher *p)
{
    char *path = settings_path(p->core->settings, "public");
    struct diag why;
    enum err err = p->tree ? ERR_OK : tree_open(path, &p->tree, &why);

    free(path);
    if (err)
        log_diag(NULL, "site-failed", &why);
    return !err;
}

/* True while there is more to do at once. */
static bool step(struct publisher *p)
{
    switch (p->phase) {
    case PHASE_SWEEP_FIRST:
    case PHASE_SWEEP:
        return sweep_step(p);
    case PHASE_LOAD:
        return load_step(p);
    case PHASE_SIGN:
        return sign_step(p);
    case PHASE_WRITE:
        return write_step(p);
    case PHASE_IDLE:
    default:
        if (p->signing || !is_due(p) || !may_begin(p))
            return false;
        p->restarts = 0;
        p->phase = PHASE_LOAD;
        return true;
    }
}

/* No page without what could not be read. */
static bool whole_step(struct publisher *p)
{
    bool more = step(p);
    struct diag why;

    if (db_turn_fault(p->core->flow.db, &why) == ERR_OK)
        return more;
    if (p->phase != PHASE_IDLE && p->phase != PHASE_SWEEP)
        fail(p, &why);
    return false;
}

void publisher_tick(struct publisher *p)
{
    int64_t end = clock_monotonic_ms() + STEP_MS;

    p->more = false;
    if (!open_tree(p))
        return;
    do
        p->more = whole_step(p);
    while (p->more && clock_monotonic_ms() < end);
}

bool publisher_has_more(const struct publisher *p)
{
    return p->more;
}

size_t publisher_busy(struct publisher *p)
{
    return p->phase != PHASE_IDLE || p->signing || (is_due(p) && may_begin(p));
}

enum err publisher_result(struct publisher *p, int64_t wish, bool *done, struct diag *why)
{
    struct publish_state state;

    publish_state(p->core->flow.db, &state);
    *done = state.built >= wish || p->failed >= wish;
    if (state.built >= wish || !*done)
        return ERR_OK;
    *why = p->why;
    return p->why.rule[0] ? ERR_AGAIN : ERR_INTERNAL;
}
