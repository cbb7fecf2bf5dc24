#include "proc/core.h"

#include "base/fsx.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "flow/deadline_effects.h"
#include "flow/policies.h"
#include "flow/release.h"
#include "flow/restored.h"
#include "flow/timer.h"
#include "proc/backup.h"
#include "proc/parent.h"
#include "proc/store_watch.h"
#include "store/outbox.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MS          200 /* how often the clock of a rehearsal, and retries, are looked at */
#define STOP_DEADLINE_MS 10000

int64_t core_gpg_time(struct core *core)
{
    return clock_is_rehearsal(&core->clock) ? clock_now(&core->clock) : INSTANT_NONE;
}

bool core_is_settled(struct core *core)
{
    struct spool_names names;
    struct diag why;
    int64_t now = clock_now(&core->clock);
    bool empty;

    if (core->store_watch->since_ms || db_trouble(core->flow.db, NULL))
        return false;
    /* On hold nothing but a command is ever under way. */
    if (core->flow.on_hold)
        return !pool_busy(core->pool) && !importer_busy(core->importer);
    if (spool_list(core->spool, &names, &why))
        return false;
    empty = names.n == 0;
    spool_names_free(&names);
    return empty && !opening_busy(core->opening) && !sealer_busy(core->sealer) && !importer_busy(core->importer) &&
           !dispatch_busy(core->dispatch) && !publisher_busy(core->publisher) && !fetching_busy(core->fetching) &&
           !pool_busy(core->pool) && !backup_busy(core->backup) && !timer_count_due(&core->flow) &&
           !signer_busy(core->signer) && !release_count_due(core->flow.db, now) && !copy_count_open(core->flow.db, now);
}

/* ---- the loop ---- */

static void on_signal(void *ctx, int fd, short revents)
{
    struct core *core = ctx;
    struct signalfd_siginfo info;

    (void)revents;
    if (read(fd, &info, sizeof info) == (ssize_t)sizeof info && info.ssi_signo != SIGHUP)
        core->stopping = true;
}

static void on_intake(void *ctx, int fd, short revents)
{
    struct core *core = ctx;
    char bytes[256];
    ssize_t n = read(fd, bytes, sizeof bytes); /* only a hint: the spool is read anyway */

    (void)revents;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        loop_remove(core->loop, fd);
        core->stopping = true;
    }
}

/* Each part of a tick and each callback is a turn of its own: a fault of the database in one hinders no other. */
static struct core *turn(struct core *core)
{
    db_new_turn(core->flow.db);
    return core;
}

static void begin_turn(void *ctx)
{
    turn(ctx);
}

static enum err may_ask(void *ctx, struct diag *why)
{
    const struct core *core = ctx;

    return db_turn_fault(core->flow.db, why);
}

/* What a restored instance does too, before an admin has let it go on (flow/restored.h). */
static void tick_always(struct core *core)
{
    clock_guard_tick(&turn(core)->guard, core->flow.db);
    importer_tick(turn(core)->importer);
    backup_tick(turn(core)->backup);
}

static void tick(struct core *core)
{
    struct diag why;
    bool may;

    if (core->gone)
        return;
    if (ground_check(&core->ground, &why)) {
        log_diag(NULL, "core-cannot-go-on", &why);
        core->gone = core->stopping = true;
        return;
    }
    may = store_watch_tick(turn(core)) && !core->stopping;
    if (!core->stopping)
        control_tick(turn(core)->control);
    if (may)
        tick_always(core);
    if (may && !core->flow.on_hold) {
        opening_tick(turn(core)->opening);
        sealer_tick(turn(core)->sealer);
        dispatch_tick(turn(core)->dispatch);
        publisher_tick(turn(core)->publisher);
        fetching_tick(turn(core)->fetching);
        if (timer_fire(&turn(core)->flow, &why))
            log_diag(NULL, "timer-failed", &why);
        signer_tick(turn(core)->signer);
        if (release_tick(&turn(core)->flow, &why))
            log_diag(NULL, "publish-failed", &why);
        if (clock_watch(&turn(core)->flow, &why))
            log_diag(NULL, "clock-alarm-failed", &why);
    }
    pool_tick(turn(core)->pool);
}

static bool is_busy(const struct core *core)
{
    return pool_busy(core->pool) || dispatch_busy(core->dispatch) || control_busy(core->control) ||
           backup_busy(core->backup);
}

/* To the parent; a pipe that is full says as much. */
static void say_alive(const struct core *core)
{
    if (write(core->alive_fd, "a", 1) < 0 && errno != EAGAIN && errno != EPIPE)
        log_event(NULL, "alive-unheard", NULL, NULL);
}

static bool has_more(const struct core *core)
{
    return !core->stopping &&
           ((!core->flow.on_hold && publisher_has_more(core->publisher)) || backup_has_more(core->backup));
}

static void run(struct core *core)
{
    int64_t give_up = 0, watchdog = notify_watchdog_ms(), alive = 0;

    while (!core->stopping || (is_busy(core) && clock_monotonic_ms() < give_up)) {
        tick(core);
        if (core->gone)
            return;
        loop_once(core->loop, has_more(core) ? 0 : TICK_MS);
        if (watchdog && clock_monotonic_ms() - alive >= watchdog) {
            alive = clock_monotonic_ms();
            say_alive(core);
        }
        if (core->stopping && !give_up) {
            give_up = clock_monotonic_ms() + STOP_DEADLINE_MS;
            control_stop(core->control);
        }
    }
}

static int watch_signals(struct core *core)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    loop_add(core->loop, fd, POLLIN, on_signal, core);
    return fd;
}

static void release(struct core *core)
{
    control_free(&core->control);
    backup_free(&core->backup);
    fetching_free(&core->fetching);
    dispatch_free(&core->dispatch);
    pool_free(&core->pool);
    /* When no worker is left that would start one again. */
    if (core->lock_fd >= 0)
        core_stop_agents(core);
    publisher_free(&core->publisher);
    sealer_free(&core->sealer);
    signer_free(&core->signer);
    importer_free(&core->importer);
    opening_free(&core->opening);
    timer_free(&core->flow.timer);
    policies_free(&core->flow.policies);
    ground_free(&core->ground);
    spool_close(&core->spool);
    db_close(&core->flow.db);
    loop_free(&core->loop);
    clock_close(&core->clock);
    free(core->homes);
}

/* The parts of the loop, and what goes on from before. Nothing starts from what could not be read. */
static enum err begin(struct core *core, int courier_fd, int intake_fd, int control_fd, int fetch_fd, struct diag *why)
{
    const struct settings *settings = core->settings;

    loop_before_each(core->loop, begin_turn, core);
    pool_guard(core->pool, may_ask, core);
    core_sweep_bodies(core);
    clock_guard_open(&core->guard, core->flow.db,
                     settings->limits.require_synchronised_clock && !clock_is_rehearsal(&core->clock));
    core->flow.timer = timer_new(clock_now(&core->clock));
    core->opening = opening_new(core);
    core->sealer = sealer_new(core);
    core->signer = signer_new(core);
    core->importer = importer_new(core);
    core->dispatch = dispatch_new(core, courier_fd);
    core->fetching = fetching_new(core, fetch_fd);
    core->publisher = publisher_new(core);
    core->backup = backup_new(core);
    core->control = control_new(core, control_fd);
    loop_prepare_fd(intake_fd);
    loop_add(core->loop, intake_fd, POLLIN, on_intake, core);
    return db_turn_fault(core->flow.db, why);
}

int core_main(struct settings *settings, const char *clock_file, int courier_fd, int intake_fd, int control_fd,
              int fetch_fd, int alive_fd)
{
    struct store_watch watch = {0};
    struct core core = {.settings = settings, .store_watch = &watch, .lock_fd = -1, .alive_fd = alive_fd};
    struct diag why = {0};
    int signal_fd = -1;
    enum err err;

    umask(077);
    err = core_start(&core, clock_file, &why);
    if (!err) {
        signal_fd = watch_signals(&core);
        err = begin(&core, courier_fd, intake_fd, control_fd, fetch_fd, &why);
    }
    if (err) {
        log_diag(NULL, "core-start-failed", &why);
    } else {
        log_event(NULL, "core-ready", NULL, NULL);
        say_alive(&core);
        if (restored_go_on(&core.flow, &why)) {
            log_diag(NULL, "restore-accept-failed", &why);
            core.flow.on_hold = true;
        }
        run(&core);
        log_event(NULL, "core-stopped", NULL, NULL);
    }
    release(&core);
    fsx_close(&core.lock_fd);
    if (signal_fd >= 0)
        close(signal_fd);
    if (core.gone)
        return core.starts_anew ? PARENT_EXIT_LATER : PARENT_EXIT_NEVER;
    return err ? parent_exit_of(err, &why) : 0;
}
