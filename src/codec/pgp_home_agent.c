#include "codec/pgp_home.h"

#include "codec/pgp_gpg.h"
#include "codec/pgp_key_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Runs `gpgconf --homedir DIR VERB gpg-agent`, silent; true where it ends well. */
static bool run_gpgconf(const char *dir, const char *verb)
{
    const char *program;
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    bool started;

    gpgme_check_version(NULL);
    program = gpgme_get_dirinfo("gpgconf-name");
    if (!program)
        program = "gpgconf";
    if (posix_spawn_file_actions_init(&actions))
        return false;
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", fd ? O_WRONLY : O_RDONLY, 0);
    started =
        !posix_spawnp(&pid, program, &actions, NULL,
                      (char *const[]){"gpgconf", "--homedir", (char *)dir, (char *)verb, "gpg-agent", NULL}, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (!started)
        return false;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
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
