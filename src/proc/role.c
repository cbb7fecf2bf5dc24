/* A role's start: the configuration from the parent, then its own main. */
#include "proc/parent.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/spool.h"
#include "codec/settings.h"
#include "io/courier.h"
#include "io/fetch.h"
#include "io/lmtp.h"
#include "io/maildir_in.h"
#include "proc/confine.h"
#include "proc/core.h"
#include "proc/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPARE_FDS 64 /* of intake, besides its connections and their mails */

static enum err read_config(const char *file, struct settings **out, struct diag *why)
{
    struct conf_faults faults = {0};
    struct buf text = BUF_EMPTY;
    struct stat st;
    uint8_t *room;
    enum err err = ERR_OK;

    if (fstat(ROLE_FD_CONFIG, &st) || st.st_size > (off_t)CONF_BYTES_MAX)
        return diag_set(why, ERR_INTERNAL, "role.config", "a role is started by embargod, not by hand");
    room = buf_room(&text, (size_t)st.st_size);
    if (!room || pread(ROLE_FD_CONFIG, room, (size_t)st.st_size, 0) != st.st_size)
        err = diag_set(why, ERR_AGAIN, "role.config", "the configuration cannot be read");
    else
        buf_grown(&text, (size_t)st.st_size);
    if (!err)
        err = settings_parse(buf_text(&text), text.len, file, &faults, out);
    if (err && faults.n)
        conf_faults_diag(&faults, err, why);
    conf_faults_free(&faults);
    buf_free(&text);
    close(ROLE_FD_CONFIG);
    return err;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* ---- intake ---- */

static bool on_stop(void *ctx)
{
    (void)ctx;
    return false;
}

static int watch_stop(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * The folder that mail is taken from, or NULL. A rehearsal takes mail out of a folder of its own home only: it is a
 * copy of an instance, whose real mail it must leave where it is.
 */
static char *maildir_in_of(const struct settings *s, bool rehearsal)
{
    char *dir = s->maildir_in ? realpath(s->maildir_in, NULL) : NULL, *home = realpath(s->home, NULL);
    size_t n = home ? strlen(home) : 0;
    bool own = dir && home && strncmp(dir, home, n) == 0 && dir[n] == '/';

    free(dir);
    free(home);
    if (!s->maildir_in || own || !rehearsal)
        return mem_strdup(s->maildir_in);
    log_event(NULL, "maildir-not-read", "rehearsal", "maildir_in is not below the home of this rehearsal");
    return NULL;
}

/* A connection in the midst of a mail has two descriptors; the service's usual 1,024 are too few for 1,000 of them. */
static size_t connections_of(const struct settings *s)
{
    rlim_t wanted = 2 * (rlim_t)s->limits.connections + SPARE_FDS;
    struct rlimit files;
    size_t n;

    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur >= wanted)
        return (size_t)s->limits.connections;
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    if (!setrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur == wanted)
        return (size_t)s->limits.connections;
    n = files.rlim_cur > SPARE_FDS + 1 ? (size_t)(files.rlim_cur - SPARE_FDS) / 2 : 1;
    log_event(NULL, "fewer-connections", "limits.connections",
              "%zu at a time: this process may have %llu files open (ulimit -Hn, LimitNOFILE=)", n,
              (unsigned long long)files.rlim_cur);
    return n;
}

static void sweep(struct spool *spool)
{
    struct diag why;
    size_t n;

    if (spool_sweep(spool, &n, &why))
        log_diag(NULL, "spool-sweep-failed", &why);
}

static enum err serve(const struct settings *s, struct clock *clock, struct diag *why)
{
    struct lmtp_settings l = LMTP_SETTINGS_DEFAULT;
    struct lmtp_watch watches[1 + MAILDIR_IN_WATCHES] = {{.fd = watch_stop(), .ready = on_stop}};
    struct maildir_in *maildir = NULL;
    char *maildir_dir = maildir_in_of(s, clock_is_rehearsal(clock));
    char *dir = settings_path(s, "state/spool"), host[256] = "localhost";
    const char **addresses = mem_zero(s->n_lists, sizeof *addresses);
    struct spool *spool = NULL;
    int fds[2];
    size_t n = 0;
    enum err err = spool_open(dir, &spool, why);

    gethostname(host, sizeof host - 1);
    for (size_t i = 0; i < s->n_lists; i++)
        addresses[i] = s->lists[i].address;
    l.host_name = host;
    l.addresses = addresses;
    l.n_addresses = s->n_lists;
    l.size_bytes = s->limits.message_bytes;
    l.hold_bytes = s->limits.hold_bytes;
    l.max_recipients =
        (size_t)s->limits.recipients < SPOOL_RECIPIENTS_MAX ? (size_t)s->limits.recipients : SPOOL_RECIPIENTS_MAX;
    l.max_connections = connections_of(s);
    l.idle_s = s->limits.idle_seconds;
    l.clock = clock;
    l.watches = watches;
    l.n_watches = 1;
    if (is_open(ROLE_FD_SECOND))
        fds[n++] = ROLE_FD_SECOND;
    if (is_open(ROLE_FD_THIRD))
        fds[n++] = ROLE_FD_THIRD;
    if (!err) {
        spool_set_reserve(spool, s->limits.reserve_bytes);
        sweep(spool);
        if (maildir_dir) {
            maildir = maildir_in_new(maildir_dir, &l, spool, ROLE_FD_CHANNEL);
            maildir_in_watches(maildir, watches + 1);
            l.n_watches += MAILDIR_IN_WATCHES;
        }
        log_event(NULL, "intake-ready", NULL, NULL);
        err = lmtp_serve(fds, n, spool, &l, ROLE_FD_CHANNEL, why);
    }
    maildir_in_free(&maildir);
    spool_close(&spool);
    free(addresses);
    free(maildir_dir);
    free(dir);
    close(watches[0].fd);
    return err;
}

static int intake_main(const struct settings *s, const char *clock_file)
{
    struct clock clock = {0};
    struct diag why = {0};
    enum err err;

    umask(077);
    err = clock_open(&clock, clock_file, &why);
    if (!err)
        err = serve(s, &clock, &why);
    if (err)
        log_diag(NULL, "intake-failed", &why);
    clock_close(&clock);
    return err ? 1 : 0;
}

static bool find_role(const char *word, enum confined *out)
{
    static const char *const words[] = {[CONFINED_CORE] = "core",
                                        [CONFINED_INTAKE] = "intake",
                                        [CONFINED_COURIER] = "courier",
                                        [CONFINED_FETCH] = "fetch"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i], word) == 0) {
            *out = (enum confined)i;
            return true;
        }
    return false;
}

int role_main(const char *role, const char *config_file, const char *clock_file, const struct worker_start *start)
{
    struct settings *settings = NULL;
    struct diag why = {0};
    enum confined confined;
    enum err err;
    int rc;

    signal(SIGPIPE, SIG_IGN);
    if (strcmp(role, "mime") == 0)
        return worker_main(WORKER_MIME, start);
    if (strcmp(role, "crypto") == 0)
        return worker_main(WORKER_CRYPTO, start);
    /* What a role starts must not inherit the role's own sockets. */
    for (int fd = ROLE_FD_CHANNEL; fd <= ROLE_FD_FIFTH; fd++)
        if (is_open(fd))
            fcntl(fd, F_SETFD, FD_CLOEXEC);
    log_set_role(role);
    err = find_role(role, &confined) ? sandbox_end_with_parent(&why) : ERR_USAGE;
    if (!err)
        err = read_config(config_file, &settings, &why);
    if (!err)
        err = confine_role(settings, confined, clock_file, &why);
    if (err) {
        log_diag(NULL, "role-failed", &why);
        settings_free(&settings);
        return parent_exit_of(err, &why);
    }
    if (confined == CONFINED_CORE)
        rc = core_main(settings, clock_file, ROLE_FD_CHANNEL, ROLE_FD_SECOND, ROLE_FD_THIRD, ROLE_FD_FOURTH,
                       ROLE_FD_FIFTH);
    else if (confined == CONFINED_INTAKE)
        rc = intake_main(settings, clock_file);
    else if (confined == CONFINED_COURIER)
        rc = courier_main(settings, clock_file != NULL, ROLE_FD_CHANNEL);
    else
        rc = fetch_main(settings, clock_file != NULL, ROLE_FD_CHANNEL);
    settings_free(&settings);
    return rc;
}
