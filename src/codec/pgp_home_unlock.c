/* A passphrase for the keys of a home, handed to its agent, which keeps it in its memory until it ends. */
#include "codec/pgp_home.h"

#include "base/mem.h"
#include "codec/pgp_gpg.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define ANSWER_MAX 4096

/* PRESET_PASSPHRASE GRIP -1 HEX for each secret key of the certificate; *n counts them. */
static enum err write_orders(const char *dir, const char *fingerprint, struct span passphrase, struct buf *out,
                             size_t *n, struct diag *why)
{
    gpgme_key_t key = NULL;
    struct pgp_gpg gpg;
    enum err err = pgp_gpg_open(&gpg, dir, why);

    *n = 0;
    if (err)
        return err;
    gpgme_set_keylist_mode(gpg.ctx, GPGME_KEYLIST_MODE_LOCAL | GPGME_KEYLIST_MODE_WITH_KEYGRIP);
    err = pgp_gpg_key(&gpg, fingerprint, true, &key, why);
    for (gpgme_subkey_t sub = err ? NULL : key->subkeys; sub; sub = sub->next) {
        if (!sub->keygrip)
            continue;
        buf_printf(out, "PRESET_PASSPHRASE %s -1 ", sub->keygrip);
        for (size_t i = 0; i < passphrase.len; i++)
            buf_printf(out, "%02X", passphrase.data[i]);
        buf_add_str(out, "\n");
        ++*n;
    }
    buf_add_str(out, "/bye\n");
    if (key)
        gpgme_key_unref(key);
    pgp_gpg_close(&gpg);
    return err;
}

/* By a pipe, so that it stands on no command line. How many orders the agent has carried out. */
static size_t say_to_agent(const char *dir, const struct buf *orders)
{
    char *argv[] = {(char *)"gpg-connect-agent", (char *)"--homedir", (char *)dir, NULL};
    posix_spawn_file_actions_t actions;
    char answer[ANSWER_MAX];
    int in[2] = {-1, -1}, out[2] = {-1, -1}, status;
    size_t done = 0, len = 0;
    ssize_t n;
    pid_t pid;

    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
        return 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ))
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    /* A few hundred bytes, which a pipe takes at once. */
    if (pid > 0 && write(in[1], orders->data, orders->len) != (ssize_t)orders->len)
        done = 0;
    close(in[1]);
    while (pid > 0 && len < sizeof answer && (n = read(out[0], answer + len, sizeof answer - len)) > 0)
        len += (size_t)n;
    close(out[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    for (size_t i = 0; i + 2 <= len; i++)
        done += (i == 0 || answer[i - 1] == '\n') && memcmp(answer + i, "OK", 2) == 0;
    return done;
}

enum err pgp_home_unlock(const char *dir, const char *fingerprint, struct span passphrase, struct diag *why)
{
    struct buf orders = {.max = ANSWER_MAX};
    size_t n = 0;
    enum err err = pgp_gpg_check_home(dir, why);

    if (!err)
        err = write_orders(dir, fingerprint, passphrase, &orders, &n, why);
    if (!err && (orders.over || say_to_agent(dir, &orders) < n))
        err = diag_set(why, ERR_AGAIN, "agent",
                       "the key agent does not take the passphrase: is gpg-connect-agent there, "
                       "and allow-preset-passphrase in the home's gpg-agent.conf?");
    buf_free(&orders);
    return err;
}
