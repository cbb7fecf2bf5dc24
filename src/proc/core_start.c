/* What core needs before its loop: one core at a time, the stores, the agents, the key that opens sealed records. */
#include "proc/core.h"

#include "base/frame.h"
#include "base/fsx.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/pgp_home.h"
#include "flow/policies.h"
#include "flow/restored.h"
#include "flow/upkeep.h"
#include "store/outbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define UNWRAP_TRIES   3
#define UNWRAP_LOOK_MS 200

static bool is_settled(void *ctx)
{
    return core_is_settled(ctx);
}

struct unwrapped {
    bool done;
    enum err err;
    struct diag why;
    uint8_t key[BOX_KEY_BYTES];
};

static void on_unwrapped(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct unwrapped *u = ctx;
    struct frame_reader r;
    struct span key;

    u->done = true;
    u->err = err;
    if (err) {
        u->why = *why;
        return;
    }
    frame_reader_init(&r, reply);
    key = frame_get_bytes(&r);
    if (frame_done(&r) && key.len == sizeof u->key)
        memcpy(u->key, key.data, sizeof u->key);
    else
        u->err = diag_set(&u->why, ERR_INTERNAL, "store.data-key", "the data key has the wrong length");
}

static void ask_unwrap(struct core *core, const char *home, struct buf *wrapped, struct unwrapped *u)
{
    struct buf request = BUF_EMPTY;

    u->done = false;
    frame_put_i64(&request, core_gpg_time(core));
    frame_put_str(&request, home);
    frame_put_buf(&request, wrapped);
    pool_submit(core->pool, WORKER_CRYPTO, CRYPTO_UNWRAP, &request, on_unwrapped, u);
    while (!u->done) {
        pool_tick(core->pool);
        loop_once(core->loop, UNWRAP_LOOK_MS);
    }
}

/*
 * The data key is opened once, by a crypto worker in the storage home of the first list. A gpg or an agent that was
 * killed says the same as of a key that is not there, and would end the daemon: it is asked again.
 */
static enum err open_data_key(struct core *core, struct diag *why)
{
    struct unwrapped u = {0};
    struct buf wrapped = BUF_EMPTY;
    char *home = settings_gnupg(core->settings, core->settings->lists[0].name, "storage");

    if (!db_meta_get(core->flow.db, "wrapped-key", &wrapped))
        u.err = diag_set(&u.why, ERR_INTERNAL, "store.data-key", "the database has no data key: restore a backup");
    else
        for (int i = 0; i < UNWRAP_TRIES && (i == 0 || u.err); i++) {
            if (u.err)
                log_diag(NULL, "data-key-again", &u.why);
            ask_unwrap(core, home, &wrapped, &u);
        }
    if (u.err)
        *why = u.why;
    else
        db_set_box(core->flow.db, box_new(u.key));
    mem_wipe(u.key, sizeof u.key);
    buf_free(&wrapped);
    free(home);
    return u.err;
}

/* Bodies that a crash left between their file and their row; none that only could not be looked up. */
void core_sweep_bodies(struct core *core)
{
    char *path = settings_path(core->settings, "state/bodies");
    DIR *dir = opendir(path);
    struct dirent *e;

    while (dir && (e = readdir(dir)))
        if (e->d_name[0] != '.' && !body_is_known(core->flow.db, e->d_name) && unlinkat(dirfd(dir), e->d_name, 0) == 0)
            log_event(NULL, "body-swept", NULL, NULL);
    if (dir)
        closedir(dir);
    free(path);
}

/* The agents are started by core, so that they do not inherit the limits of a worker. */
static enum err start_agents(struct core *core, struct diag *why)
{
    static const char *const homes[] = {"list", "storage"};
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < core->settings->n_lists; i++)
        for (size_t k = 0; !err && k < 2; k++) {
            char *home = settings_gnupg(core->settings, core->settings->lists[i].name, homes[k]);

            err = pgp_home_set_time(home, core_gpg_time(core), why);
            if (!err)
                err = pgp_home_start_agent(home, why);
            free(home);
        }
    return err;
}

/* Those of all homes: gpg starts one for a shard, too, when it takes in keys. */
static void stop_agents_of(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char *home = *entry->d_name == '.' ? NULL : mem_printf("%s/%s", folder, entry->d_name);

        if (home)
            pgp_home_stop_agent(home);
        free(home);
    }
    if (dir)
        closedir(dir);
}

void core_stop_agents(struct core *core)
{
    for (size_t i = 0; i < core->settings->n_lists; i++) {
        char *folder = mem_printf("%s/gnupg/%s", core->settings->home, core->settings->lists[i].name);

        stop_agents_of(folder);
        free(folder);
    }
}

/* A rehearsal can never go live, and a live instance is rehearsed as a copy only. */
static enum err check_kind(struct core *core, struct diag *why)
{
    struct buf kind = BUF_EMPTY;
    const char *now = clock_is_rehearsal(&core->clock) ? "rehearsal" : "live";
    enum err err = ERR_OK;

    if (!db_meta_get(core->flow.db, "kind", &kind)) {
        /* Only where it is known to be absent: a read that failed must not make a live instance a rehearsal. */
        if (db_value(core->flow.db, -1, "SELECT COUNT(*) FROM meta WHERE key = 'kind'", "") == 0)
            err = db_meta_set(core->flow.db, "kind", span_of(now), why);
        else
            err = diag_set(why, ERR_AGAIN, "store.fault", "whether this instance is a rehearsal cannot be read");
    } else if (strcmp(buf_text(&kind), now) != 0)
        err = diag_set(why, ERR_DENIED, "rehearsal.kind",
                       "this instance is %s for good and cannot be started as %s: make another with embargoctl init",
                       strcmp(now, "live") ? "live" : "a rehearsal", strcmp(now, "live") ? "a rehearsal" : "live");
    buf_free(&kind);
    return err;
}

static enum err check_clock(struct core *core, struct diag *why)
{
    int64_t made = db_value(core->flow.db, 0, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'made-at'", "");

    if (!clock_is_rehearsal(&core->clock))
        return ERR_OK;
    clock_bound(&core->clock, made, UINT32_MAX);
    clock_now(&core->clock);
    return clock_fault(&core->clock, why);
}

static enum err lock_state(struct core *core, const char *state, struct diag *why)
{
    enum err err = fsx_open_dir(AT_FDCWD, state, &core->lock_fd, why);

    if (!err && flock(core->lock_fd, LOCK_EX | LOCK_NB)) {
        err = errno == EWOULDBLOCK
                  ? diag_set(why, ERR_DENIED, "core.locked", "another daemon has this instance: stop it first")
                  : diag_errno(why, ERR_AGAIN, "core.lock", "locking the state folder");
        fsx_close(&core->lock_fd);
    }
    return err;
}

static enum err open_stores(struct core *core, struct diag *why)
{
    char *state = settings_path(core->settings, "state"), *spool = settings_path(core->settings, "state/spool");
    enum err err = lock_state(core, state, why);

    if (!err)
        err = db_open(state, DB_OPEN, &core->flow.db, why);

    if (!err)
        err = spool_open(spool, &core->spool, why);
    if (!err)
        ground_take(&core->ground, core->settings);
    if (!err)
        /* Most of the reserve is for opening what has come; a part of it is for commands and what goes out. */
        spool_set_reserve(core->spool, core->settings->limits.reserve_bytes / 4);
    if (!err)
        err = check_kind(core, why);
    if (!err)
        err = check_clock(core, why);
    for (size_t i = 0; !err && i < core->settings->n_lists; i++)
        err = list_raise_public_number(core->flow.db, core->settings->lists[i].name, core->settings->lists[i].next_id,
                                       why);
    free(state);
    free(spool);
    return err;
}

enum err core_start(struct core *core, const char *clock_file, struct diag *why)
{
    char *folder = settings_path(core->settings, "policy");
    enum err err = clock_open(&core->clock, clock_file, why);

    core->loop = loop_new();
    core->pool =
        pool_new(core->loop, "/proc/self/exe", core->settings->limits.workers, core->settings->limits.worker_seconds);
    core->flow = (struct flow){.settings = core->settings,
                               .clock = &core->clock,
                               .guard = &core->guard,
                               .policies = policies_new(folder),
                               .settled = is_settled,
                               .settled_ctx = core,
                               .release = core_release_held,
                               .release_ctx = core};
    free(folder);
    core->homes = settings_path(core->settings, "gnupg");
    if (core->settings->sandbox != SANDBOX_OFF)
        pool_confine(core->pool, core->homes, settings_sandbox_name(core->settings->sandbox));
    opening_warm(core);
    if (!err)
        err = box_start(why);
    if (!err)
        err = open_stores(core, why);
    if (!err)
        err = start_agents(core, why);
    if (!err)
        core_unlock_keys(core);
    if (!err)
        err = open_data_key(core, why);
    if (!err)
        core->flow.on_hold = restored_on_hold(core->flow.db);
    return err || core->flow.on_hold ? err : upkeep_begin(&core->flow, why);
}
