#include "proc/confine.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATHS_MAX 64

struct paths {
    struct sandbox_path items[PATHS_MAX];
    char *owned[PATHS_MAX];
    size_t n;
};

/* Takes the path. */
static void add(struct paths *p, char *path, enum sandbox_access access)
{
    if (p->n == PATHS_MAX) {
        free(path);
        return;
    }
    p->owned[p->n] = path;
    p->items[p->n++] = (struct sandbox_path){path, access};
}

static void add_word(struct paths *p, const char *path, enum sandbox_access access)
{
    add(p, mem_strdup(path), access);
}

static void paths_free(struct paths *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->owned[i]);
}

/* The folder of a path; of "/x" it is "/". */
static char *folder_of(const char *path)
{
    char *folder = mem_strdup(path), *slash = strrchr(folder, '/');

    if (slash)
        slash[slash == folder] = 0;
    return folder;
}

/* Where the administrator has programs besides; gpg is one of them. */
static void add_search_path(struct paths *p)
{
    const char *at = getenv("PATH");

    while (at && *at) {
        size_t n = strcspn(at, ":");

        if (*at == '/')
            add(p, mem_strndup(at, n), SANDBOX_RUN);
        at += n + (at[n] == ':');
    }
}

/* Programs and libraries, ours among them, and what libc and gpg read of the system. */
static void add_system(struct paths *p)
{
    static const char *const run[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt"};
    static const char *const read[] = {"/etc",        "/proc",     "/dev/urandom",
                                       "/dev/random", "/dev/zero", "/sys/devices/system/cpu"};
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    for (size_t i = 0; i < sizeof run / sizeof run[0]; i++)
        add_word(p, run[i], SANDBOX_RUN);
    for (size_t i = 0; i < sizeof read / sizeof read[0]; i++)
        add_word(p, read[i], SANDBOX_READ);
    add_word(p, "/dev/null", SANDBOX_WRITE);
    add_search_path(p);
    if (n > 0) {
        self[n] = 0;
        add(p, folder_of(self), SANDBOX_RUN);
    }
}

/* GnuPG puts an agent's socket there where the folder of the user exists. */
static void add_agents(struct paths *p)
{
    add(p, mem_printf("/run/user/%u/gnupg", (unsigned)geteuid()), SANDBOX_WRITE);
}

/* What a backup is made of and written into, beside the homes. */
static void add_backup(struct paths *p, const char *homes)
{
    char *home = folder_of(homes);

    add(p, mem_printf("%s/state/backup", home), SANDBOX_WRITE);
    add(p, mem_printf("%s/state/bodies", home), SANDBOX_READ);
    free(home);
}

static void add_clock(struct paths *p, const char *clock_file)
{
    if (clock_file)
        add(p, folder_of(clock_file), SANDBOX_READ);
}

/* What the kernel lacks is a reason to stop, or a line of the log. What fails though the kernel has it, is always a
 * reason to stop: at the next start it may be there. */
static enum err weigh(enum err err, enum settings_sandbox how, struct diag *why)
{
    if (!err || err == ERR_AGAIN)
        return err;
    if (how == SANDBOX_REQUIRED)
        return diag_set(why, ERR_DENIED, "sandbox", "this kernel lacks what sandbox = \"required\" asks for (%s)",
                        why->rule);
    log_diag(NULL, "sandbox-missing", why);
    return ERR_OK;
}

static enum err apply(const struct paths *p, bool may_connect, unsigned denials, enum settings_sandbox how,
                      struct diag *why)
{
    enum err err = weigh(sandbox_paths(p->items, p->n, may_connect, why), how, why);

    return err ? err : weigh(sandbox_deny(denials, why), how, why);
}

static unsigned denials_of(enum confined role, bool sends_by_smtp)
{
    switch (role) {
    case CONFINED_CORE:
        return SANDBOX_NO_INTERNET;
    case CONFINED_INTAKE:
        return SANDBOX_NO_INTERNET | SANDBOX_NO_UNIX | SANDBOX_NO_EXEC | SANDBOX_NO_FORK;
    case CONFINED_FETCH:
        return SANDBOX_NO_UNIX | SANDBOX_NO_EXEC;
    default:
        return SANDBOX_NO_UNIX | SANDBOX_NO_EXEC | (sends_by_smtp ? 0 : SANDBOX_NO_INTERNET | SANDBOX_NO_FORK);
    }
}

static void add_of_role(struct paths *p, const struct settings *s, enum confined role, bool sends_by_smtp)
{
    if (role == CONFINED_CORE) {
        add_system(p);
        add_agents(p);
        add_word(p, s->home, SANDBOX_WRITE);
        add(p, mem_strdup(getenv("CREDENTIALS_DIRECTORY")), SANDBOX_READ);
        for (size_t i = 0; i < s->n_lists; i++)
            add(p, mem_strdup(s->lists[i].passphrase_file), SANDBOX_READ);
    } else if (role == CONFINED_INTAKE) {
        add(p, settings_path(s, "state"), SANDBOX_LIST); /* the spool's place in it is made durable */
        add(p, settings_path(s, "state/spool"), SANDBOX_WRITE);
        add(p, mem_strdup(s->maildir_in), SANDBOX_WRITE);
    } else if (role == CONFINED_FETCH) {
        add_system(p);
        add(p, mem_strdup(s->fetch_ca), SANDBOX_READ);
    } else {
        add(p, settings_path(s, "state/bodies"), SANDBOX_READ);
        if (sends_by_smtp)
            add_system(p);
        else
            add(p, settings_path(s, "mail"), SANDBOX_WRITE);
        add(p, mem_strdup(s->smtp_ca), SANDBOX_READ);
    }
}

enum err confine_role(const struct settings *s, enum confined role, const char *clock_file, struct diag *why)
{
    bool sends_by_smtp = role == CONFINED_COURIER && s->courier == COURIER_SMTP && !clock_file;
    struct paths p = {.n = 0};
    enum err err = sandbox_common(why);

    if (err || s->sandbox == SANDBOX_OFF)
        return err;
    add_of_role(&p, s, role, sends_by_smtp);
    add_clock(&p, clock_file);
    err = apply(&p, sends_by_smtp || role == CONFINED_FETCH, denials_of(role, sends_by_smtp), s->sandbox, why);
    paths_free(&p);
    if (!err)
        log_event(NULL, "confined", NULL, "landlock=%d", sandbox_landlock_abi());
    return err;
}

enum err confine_crypto(const char *homes, enum settings_sandbox how, struct diag *why)
{
    struct paths p = {.n = 0};
    enum err err;

    if (how == SANDBOX_OFF)
        return ERR_OK;
    add_system(&p);
    add_agents(&p);
    add_word(&p, homes, SANDBOX_WRITE);
    add_backup(&p, homes);
    /* The filter of system calls is core's, inherited; and core has said what the kernel lacks. */
    err = sandbox_paths(p.items, p.n, false, why);
    paths_free(&p);
    return how == SANDBOX_REQUIRED || err == ERR_AGAIN ? weigh(err, how, why) : ERR_OK;
}
