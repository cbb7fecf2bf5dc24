#include "proc/parent.h"

#include "base/clock.h"
#include "base/fsx.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "base/sandbox.h"
#include "codec/settings.h"
#include "io/lmtp.h"
#include "proc/activation.h"
#include "proc/users.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESTART_FIRST_MS 500
#define RESTART_MAX_MS   30000
#define STEADY_MS        60000 /* after this long without an end, the next restart is quick again */
#define STOP_DEADLINE_MS 15000

enum role_index { ROLE_CORE, ROLE_INTAKE, ROLE_COURIER, ROLE_FETCH, ROLES };
static const char *const role_names[ROLES] = {"core", "intake", "courier", "fetch"};

struct parent {
    const char *config_file;
    const char *clock_file;
    struct settings *settings;
    int config_fd; /* a memory file with the checked text */
    int lmtp_unix, lmtp_tcp, control;
    int signal_fd;
    int alive_fd; /* what core says of itself */
    bool ready;   /* core has said so since the last start */
    pid_t pids[ROLES];
    int64_t started_ms;
    int restart_ms;
    bool keeps_control, keeps_lmtp; /* sockets of the service manager */
    bool stopping;
    int exit_code;
};

/* ---- configuration ---- */

/* For the person who starts it: every fault at once. */
static void print_faults(const struct conf_faults *faults)
{
    for (size_t i = 0; i < faults->n; i++)
        fprintf(stderr, "embargod: %s:%d: %s\n", faults->items[i].file, faults->items[i].line, faults->items[i].text);
}

/* A list's key changes while nothing runs (key rotate-list): core would not start with it, and the daemon would end. */
static enum err check_list_keys(const struct parent *p, const struct settings *fresh, struct conf_faults *faults)
{
    for (size_t i = 0; p->settings && i < fresh->n_lists; i++) {
        const struct settings_list *now = &fresh->lists[i], *was = settings_list_named(p->settings, now->name);

        if (was && strcmp(was->fingerprint, now->fingerprint) != 0)
            conf_fault_add(faults, p->config_file, 0, "list.other-key",
                           "the list %s has another key: stop embargod, put the old one back, and change it by "
                           "embargoctl key rotate-list",
                           now->name);
    }
    return faults->n ? ERR_REJECT : ERR_OK;
}

static enum err load_config(struct parent *p, struct diag *why)
{
    struct conf_faults faults = {0};
    struct settings *fresh = NULL;
    struct buf text = BUF_EMPTY;
    enum err err = fsx_read_path(p->config_file, CONF_BYTES_MAX, &text, why);
    int fd = -1;

    if (!err) {
        err = settings_parse(buf_text(&text), text.len, p->config_file, &faults, &fresh);
        if (!err)
            err = check_list_keys(p, fresh, &faults);
        if (err)
            conf_faults_diag(&faults, err, why);
        if (err && !p->settings)
            print_faults(&faults);
    }
    if (!err) {
        fd = memfd_create("embargod.conf", MFD_CLOEXEC);
        if (fd < 0)
            err = diag_errno(why, ERR_INTERNAL, "parent.config", "keeping the configuration");
        else
            err = fsx_write_all(fd, text.data, text.len, "the configuration", why);
    }
    if (!err) {
        fsx_close(&p->config_fd);
        settings_free(&p->settings);
        p->config_fd = fd;
        p->settings = fresh;
    } else {
        fsx_close(&fd);
        settings_free(&fresh);
    }
    conf_faults_free(&faults);
    buf_free(&text);
    return err;
}

/* ---- sockets ---- */

static enum err make_run_folder(const char *socket_path, struct diag *why)
{
    char *folder = mem_strdup(socket_path), *slash = strrchr(folder, '/');
    enum err err = ERR_OK;

    if (slash && slash != folder) {
        *slash = 0;
        if (mkdir(folder, 0750) && errno != EEXIST)
            err = diag_errno(why, ERR_INTERNAL, "parent.run", "making the folder of the sockets");
    }
    free(folder);
    return err;
}

static enum err listen_unix(const char *path, unsigned mode, int *fd, struct diag *why)
{
    enum err err = *fd >= 0 ? ERR_OK : make_run_folder(path, why);

    return err || *fd >= 0 ? err : lmtp_listen_unix(path, mode, fd, why);
}

/* Those of the service manager stay open over a reload, and are its to remove. */
static enum err take_sockets(struct parent *p, struct diag *why)
{
    struct activation handed;
    enum err err = activation_take(p->settings, &handed, why);

    p->control = handed.control;
    p->lmtp_unix = handed.lmtp_unix;
    p->lmtp_tcp = handed.lmtp_tcp;
    p->keeps_control = handed.control >= 0;
    p->keeps_lmtp = handed.lmtp_unix >= 0;
    return err;
}

static enum err open_sockets(struct parent *p, struct diag *why)
{
    enum err err = listen_unix(p->settings->control, 0660, &p->control, why);

    if (!err && p->settings->lmtp_unix)
        err = listen_unix(p->settings->lmtp_unix, 0660, &p->lmtp_unix, why);
    if (!err && p->settings->lmtp_tcp && p->lmtp_tcp < 0)
        err = lmtp_listen_tcp(p->settings->lmtp_tcp, &p->lmtp_tcp, why);
    return err;
}

static void close_sockets(struct parent *p)
{
    fsx_close(&p->control);
    fsx_close(&p->lmtp_unix);
    fsx_close(&p->lmtp_tcp);
}

/* ---- roles ---- */

/* In the child: puts the descriptors in their places, then becomes the role. */
static _Noreturn void become(const struct parent *p, enum role_index role, const int fds[ROLE_FDS])
{
    int wanted[ROLE_FDS + 1] = {p->config_fd};
    char *arguments[8], *option = mem_printf("--role=%s", role_names[role]);
    int n = 0;
    sigset_t none;

    memcpy(wanted + 1, fds, ROLE_FDS * sizeof *fds);
    /* First out of the way of each other, then into place. */
    for (int i = 0; i <= ROLE_FDS; i++)
        if (wanted[i] >= 0)
            wanted[i] = fcntl(wanted[i], F_DUPFD_CLOEXEC, 20);
    for (int i = 0; i <= ROLE_FDS; i++) {
        if (wanted[i] >= 0)
            dup2(wanted[i], ROLE_FD_CONFIG + i);
        else
            close(ROLE_FD_CONFIG + i);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (!users_become(p->settings, role_names[role]))
        _exit(77); /* EX_NOPERM */
    arguments[n++] = (char *)"embargod";
    arguments[n++] = option;
    arguments[n++] = (char *)"-c";
    arguments[n++] = p->settings->file;
    if (p->clock_file) {
        arguments[n++] = (char *)"--rehearsal";
        arguments[n++] = (char *)p->clock_file;
    }
    arguments[n] = NULL;
    execv("/proc/self/exe", arguments);
    _exit(71);
}

static enum err start_role(struct parent *p, enum role_index role, const int fds[ROLE_FDS], struct diag *why)
{
    pid_t pid = fork();

    if (pid < 0)
        return diag_errno(why, ERR_AGAIN, "parent.fork", "starting a role");
    if (pid == 0)
        become(p, role, fds);
    p->pids[role] = pid;
    return ERR_OK;
}

static enum err start_roles(struct parent *p, struct diag *why)
{
    int courier[2] = {-1, -1}, hint[2] = {-1, -1}, fetch[2] = {-1, -1}, alive[2] = {-1, -1};
    enum err err = ERR_OK;

    p->started_ms = clock_monotonic_ms();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, courier) ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fetch) || pipe2(hint, O_CLOEXEC) ||
        pipe2(alive, O_CLOEXEC | O_NONBLOCK))
        err = diag_errno(why, ERR_AGAIN, "parent.sockets", "making the roles' sockets");
    if (!err)
        err = start_role(p, ROLE_CORE, (int[ROLE_FDS]){courier[0], hint[0], p->control, fetch[0], alive[1]}, why);
    if (!err)
        err = start_role(p, ROLE_COURIER, (int[ROLE_FDS]){courier[1], -1, -1, -1, -1}, why);
    if (!err)
        err = start_role(p, ROLE_FETCH, (int[ROLE_FDS]){fetch[1], -1, -1, -1, -1}, why);
    if (!err)
        err = start_role(p, ROLE_INTAKE, (int[ROLE_FDS]){hint[1], p->lmtp_unix, p->lmtp_tcp, -1, -1}, why);
    for (int i = 0; i < 2; i++) {
        fsx_close(&courier[i]);
        fsx_close(&hint[i]);
        fsx_close(&fetch[i]);
    }
    fsx_close(&alive[1]);
    fsx_close(&p->alive_fd);
    p->alive_fd = alive[0];
    p->ready = false;
    return err;
}

static bool any_alive(const struct parent *p)
{
    for (int i = 0; i < ROLES; i++)
        if (p->pids[i] > 0)
            return true;
    return false;
}

static bool any_dead(const struct parent *p)
{
    for (int i = 0; i < ROLES; i++)
        if (p->pids[i] <= 0)
            return true;
    return false;
}

static void signal_roles(struct parent *p, int sig)
{
    /* Intake first: no new mail while the others finish. */
    static const enum role_index order[] = {ROLE_INTAKE, ROLE_CORE, ROLE_COURIER, ROLE_FETCH};

    for (int i = 0; i < ROLES; i++)
        /* Courier and fetch end when core closes their sockets: results of what they have in hand still count. */
        if (p->pids[order[i]] > 0 &&
            ((order[i] != ROLE_COURIER && order[i] != ROLE_FETCH) || sig == SIGKILL || p->pids[ROLE_CORE] <= 0))
            kill(p->pids[order[i]], sig);
}

/* Collects roles that have ended. True when one ended with a code that says "not again". */
static bool reap(struct parent *p)
{
    bool hopeless = false;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int i = 0; i < ROLES; i++)
            if (p->pids[i] == pid) {
                p->pids[i] = 0;
                if (WIFEXITED(status) && WEXITSTATUS(status) == PARENT_EXIT_NEVER)
                    hopeless = true;
                if (!p->stopping)
                    log_event(NULL, "role-ended", NULL, "role=%s status=%d", role_names[i], status);
            }
    return hopeless;
}

/* What core says goes on to the service manager. */
static void hear_core(struct parent *p)
{
    char bytes[64];
    ssize_t n = read(p->alive_fd, bytes, sizeof bytes);

    if (n > 0) {
        notify_send(p->ready ? "WATCHDOG=1" : "READY=1\nSTATUS=takes mail and commands");
        p->ready = true;
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        fsx_close(&p->alive_fd);
    }
}

/* Waits for a signal, at most timeout_ms. 0: none. */
static int wait_signal(struct parent *p, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = p->signal_fd, .events = POLLIN}, {.fd = p->alive_fd, .events = POLLIN}};
    struct signalfd_siginfo info;

    if (poll(fds, 2, timeout_ms) <= 0)
        return 0;
    if (fds[1].revents)
        hear_core(p);
    if (!fds[0].revents || read(p->signal_fd, &info, sizeof info) != (ssize_t)sizeof info)
        return 0;
    return (int)info.ssi_signo;
}

/* True where one of them, meanwhile, said "not again". */
static bool stop_roles(struct parent *p)
{
    int64_t give_up = clock_monotonic_ms() + STOP_DEADLINE_MS;
    bool was_stopping = p->stopping, hopeless = false;

    p->stopping = true;
    signal_roles(p, SIGTERM);
    while (hopeless = reap(p) || hopeless, any_alive(p)) {
        if (clock_monotonic_ms() > give_up)
            signal_roles(p, SIGKILL);
        wait_signal(p, 100);
    }
    p->stopping = was_stopping;
    return hopeless;
}

static void reload(struct parent *p)
{
    char *old_unix = mem_strdup(p->settings->lmtp_unix), *old_tcp = mem_strdup(p->settings->lmtp_tcp);
    struct diag why;

    if (load_config(p, &why)) {
        log_event(NULL, "reload-refused", why.rule, "%s line %d: %s; the old configuration stays", why.file, why.line,
                  why.text);
    } else {
        notify_reloading();
        stop_roles(p);
        if (users_prepare(p->settings, &why))
            log_diag(NULL, "users-failed", &why);
        if (strcmp(old_unix ? old_unix : "", p->settings->lmtp_unix ? p->settings->lmtp_unix : ""))
            fsx_close(&p->lmtp_unix);
        if (strcmp(old_tcp ? old_tcp : "", p->settings->lmtp_tcp ? p->settings->lmtp_tcp : ""))
            fsx_close(&p->lmtp_tcp);
        if (open_sockets(p, &why) || start_roles(p, &why))
            log_diag(NULL, "reload-failed", &why);
        else
            log_event(NULL, "reloaded", NULL, NULL);
    }
    free(old_unix);
    free(old_tcp);
}

/* A role ended unasked: all end, and after a growing pause all start again. */
static void restart(struct parent *p, bool hopeless)
{
    struct diag why;

    /* Core closes its sockets before it ends: others may have been seen to end before it. */
    hopeless = stop_roles(p) || hopeless;
    if (hopeless) {
        p->exit_code = PARENT_EXIT_NEVER;
        p->stopping = true;
        return;
    }
    p->restart_ms =
        clock_monotonic_ms() - p->started_ms > STEADY_MS || !p->restart_ms ? RESTART_FIRST_MS : p->restart_ms * 2;
    if (p->restart_ms > RESTART_MAX_MS)
        p->restart_ms = RESTART_MAX_MS;
    log_event(NULL, "restart", NULL, "in %d ms", p->restart_ms);
    for (int64_t until = clock_monotonic_ms() + p->restart_ms, left;
         !p->stopping && (left = until - clock_monotonic_ms()) > 0;) {
        int sig = wait_signal(p, (int)left);

        if (sig == SIGTERM || sig == SIGINT)
            p->stopping = true;
    }
    if (!p->stopping && start_roles(p, &why))
        log_diag(NULL, "restart-failed", &why);
}

static void watch(struct parent *p)
{
    while (!p->stopping) {
        int sig = wait_signal(p, 1000);
        bool hopeless = reap(p);

        if (sig == SIGTERM || sig == SIGINT)
            p->stopping = true;
        else if (sig == SIGHUP)
            reload(p);
        else if (hopeless || any_dead(p))
            restart(p, hopeless);
    }
    notify_send("STOPPING=1");
    stop_roles(p);
}

static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int parent_exit_of(enum err err, const struct diag *why)
{
    return err == ERR_AGAIN || err == ERR_LIMIT || diag_passes(why) ? PARENT_EXIT_LATER : PARENT_EXIT_NEVER;
}

int parent_main(const char *config_file, const char *clock_file)
{
    struct parent p = {.config_file = config_file,
                       .clock_file = clock_file,
                       .config_fd = -1,
                       .alive_fd = -1,
                       .lmtp_unix = -1,
                       .lmtp_tcp = -1,
                       .control = -1};
    struct diag why = {0};
    struct clock clock = {0};
    enum err err = load_config(&p, &why);

    signal(SIGPIPE, SIG_IGN);
    p.signal_fd = open_signals();
    if (!err)
        err = clock_open(&clock, clock_file, &why);
    clock_close(&clock);
    if (!err)
        err = users_prepare(p.settings, &why);
    if (!err)
        err = sandbox_common(&why);
    if (!err)
        err = take_sockets(&p, &why);
    if (!err)
        err = open_sockets(&p, &why);
    if (!err)
        err = start_roles(&p, &why);
    if (err) {
        /* Faults of the configuration, which name its file, were printed one by one. */
        if (!*why.file)
            fprintf(stderr, "embargod: %s\n", why.text);
        p.exit_code = parent_exit_of(err, &why);
        stop_roles(&p); /* those that were started already */
    } else {
        watch(&p);
        if (!p.keeps_control)
            unlink(p.settings->control);
        if (p.settings->lmtp_unix && !p.keeps_lmtp)
            unlink(p.settings->lmtp_unix);
    }
    close_sockets(&p);
    fsx_close(&p.config_fd);
    fsx_close(&p.alive_fd);
    fsx_close(&p.signal_fd);
    settings_free(&p.settings);
    return p.exit_code;
}
