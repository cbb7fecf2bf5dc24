#include "codec/pgp_home.h"

#include "codec/pgp_gpg.h"
#include "codec/pgp_key_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* A gpg-agent that cannot read its configuration may go round for ever, and gpgconf waits for it. */
#define GPGCONF_MS 20000
#define LOOK_MS    5

/* True: it ended well. What has not ended by then is killed, and all that it waits for with it. */
static bool ends_well(pid_t pid)
{
    const struct timespec pause = {0, LOOK_MS * 1000000};
    pid_t ended = 0;
    int status;

    for (int ms = 0; ms < GPGCONF_MS && !ended; ms += LOOK_MS) {
        ended = waitpid(pid, &status, WNOHANG);
        if (!ended)
            nanosleep(&pause, NULL);
        else if (ended < 0 && errno == EINTR)
            ended = 0;
    }
    if (ended)
        return ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return false;
}

/* Runs `gpgconf --homedir DIR VERB gpg-agent`, silent; true where it ends well. */
static bool run_gpgconf(const char *dir, const char *verb)
{
    const char *program;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    pid_t pid;
    bool started;

    gpgme_check_version(NULL);
    program = gpgme_get_dirinfo("gpgconf-name");
    if (!program)
        program = "gpgconf";
    if (posix_spawn_file_actions_init(&actions))
        return false;
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", fd ? O_WRONLY : O_RDONLY, 0);
    started = !posix_spawnattr_init(&attributes);
    if (started) {
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        started = !posix_spawnp(&pid, program, &actions, &attributes,
                                (char *const[]){"gpgconf", "--homedir", (char *)dir, (char *)verb, "gpg-agent", NULL},
                                environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return started && ends_well(pid);
}

void pgp_home_warm(const char *const *homes, size_t n)
{
    struct pgp_gpg warm[PGP_IDLE_MAX];
    gpgme_ctx_t ctx;

    /* To look for gpg in PATH takes gpgme three processes less than to ask gpgconf where it is. */
    gpgme_set_global_flag("disable-gpgconf", "1");
    gpgme_check_version(NULL);
    if (!gpgme_new(&ctx))
        gpgme_release(ctx);
    n = n < PGP_IDLE_MAX ? n : PGP_IDLE_MAX;
    for (size_t i = 0; i < n; i++)
        if (pgp_gpg_open(&warm[i], homes[i], NULL))
            warm[i].ctx = NULL;
    for (size_t i = 0; i < n; i++)
        pgp_gpg_close(&warm[i]);
}

enum err pgp_home_start_agent(const char *dir, struct diag *why)
{
    enum err err = pgp_gpg_check_home(dir, why);

    if (!err && !run_gpgconf(dir, "--launch"))
        err = diag_set(why, ERR_AGAIN, "agent", "the key agent does not start; see gpg-agent and the home's owner");
    return err;
}

void pgp_home_stop_agent(const char *dir)
{
    if (pgp_gpg_check_home(dir, NULL) == ERR_OK)
        run_gpgconf(dir, "--kill");
}

enum err pgp_home_make_temporary(const char *workdir, char *out, struct diag *why)
{
    enum err err = pgp_gpg_check_home(workdir, why);

    out[0] = 0;
    if (err)
        return err;
    if (snprintf(out, PGP_HOME_MAX, "%s/gpg-XXXXXX", workdir) >= PGP_HOME_MAX) {
        out[0] = 0;
        return diag_set(why, ERR_USAGE, "pgp.home", "the path of the working directory is too long");
    }
    if (!mkdtemp(out)) {
        out[0] = 0;
        return diag_errno(why, ERR_INTERNAL, "pgp.home", "a throw-away GnuPG home cannot be made");
    }
    err = pgp_home_make(out, PGP_HOME_TEMPORARY, why);
    if (err)
        pgp_home_remove(out);
    return err;
}

/* Deletes the files of one directory, and of the directories in it, which GnuPG nests once. */
static void empty_directory(int parent, const char *name, int depth)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(dir))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (unlinkat(fd, entry->d_name, 0) && depth > 0) {
            empty_directory(fd, entry->d_name, depth - 1);
            unlinkat(fd, entry->d_name, AT_REMOVEDIR);
        }
    }
    closedir(dir);
}

void pgp_home_remove(const char *dir)
{
    char conf[PGP_HOME_MAX + 16];

    if (pgp_gpg_check_home(dir, NULL))
        return;
    snprintf(conf, sizeof conf, "%s/gpg.conf", dir);
    if (access(conf, F_OK))
        return;
    if (pgp_home_has_agent(dir))
        pgp_home_stop_agent(dir);
    empty_directory(AT_FDCWD, dir, 1);
    rmdir(dir);
}
