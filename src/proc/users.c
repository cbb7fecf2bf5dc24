#include "proc/users.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct who {
    uid_t uid;
    gid_t gid;
};

struct users {
    struct who core, intake, courier;
};

bool users_are_switched(const struct settings *s)
{
    return geteuid() == 0 && (s->user_core || s->user_intake || s->user_courier);
}

static enum err find(const char *name, struct who *out, struct diag *why)
{
    const struct passwd *entry = name ? getpwnam(name) : NULL;

    if (!name)
        return diag_set(why, ERR_REJECT, "users.unknown", "`users` must name all of core, intake and courier");
    if (!entry)
        return diag_set(why, ERR_REJECT, "users.unknown",
                        "there is no user %s: make it with adduser --system --group %s", name, name);
    *out = (struct who){entry->pw_uid, entry->pw_gid};
    return ERR_OK;
}

static enum err find_all(const struct settings *s, struct users *u, struct diag *why)
{
    enum err err = find(s->user_core, &u->core, why);

    if (!err)
        err = find(s->user_intake, &u->intake, why);
    return err ? err : find(s->user_courier, &u->courier, why);
}

/* One folder of the instance and what it is to be. */
static enum err give(const char *path, uid_t uid, gid_t gid, mode_t mode, struct diag *why)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool ok = fd >= 0 && fchown(fd, uid, gid) == 0 && fchmod(fd, mode) == 0;
    enum err err = ok || (fd < 0 && errno == ENOENT) ? ERR_OK : diag_errno(why, ERR_INTERNAL, "users.folder", path);

    if (fd >= 0)
        close(fd);
    return err;
}

/* All below a folder, links as links; modes stay. */
static enum err give_all(const char *path, uid_t uid, gid_t gid, struct diag *why)
{
    char *paths[] = {(char *)path, NULL};
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    enum err err = ERR_OK;
    FTSENT *e;

    while (walk && !err && (e = fts_read(walk)))
        if (e->fts_info != FTS_DP && e->fts_info != FTS_NS &&
            (e->fts_statp->st_uid != uid || e->fts_statp->st_gid != gid) && lchown(e->fts_path, uid, gid) &&
            errno != ENOENT)
            err = diag_errno(why, ERR_INTERNAL, "users.folder", e->fts_path);
    if (walk)
        fts_close(walk);
    return err;
}

/* What is given whole, then the folders that are shared. */
static enum err give_instance(const struct settings *s, const struct users *u, struct diag *why)
{
    const struct {
        const char *name;
        struct who who;
        mode_t mode; /* of the folder itself */
    } whole[] = {{"policy", u->core, 0700},
                 {"gnupg", u->core, 0700},
                 {"public", u->core, 0755},
                 {"mail", u->courier, 0700},
                 {"state", u->core, 0755}},
      shared[] = {{"state/spool", {u->core.uid, u->intake.gid}, 02770},
                  {"state/spool/tmp", {u->core.uid, u->intake.gid}, 02770},
                  {"state/spool/new", {u->core.uid, u->intake.gid}, 02770},
                  {"state/spool/bad", {u->core.uid, u->intake.gid}, 02770},
                  {"state/bodies", {u->core.uid, u->courier.gid}, 02750}};
    enum err err = give(s->home, u->core.uid, u->core.gid, 0711, why);

    for (size_t i = 0; !err && i < sizeof whole / sizeof whole[0]; i++) {
        char *path = settings_path(s, whole[i].name);

        err = give_all(path, whole[i].who.uid, whole[i].who.gid, why);
        if (!err)
            err = give(path, whole[i].who.uid, whole[i].who.gid, whole[i].mode, why);
        free(path);
    }
    for (size_t i = 0; !err && i < sizeof shared / sizeof shared[0]; i++) {
        char *path = settings_path(s, shared[i].name);

        err = give_all(path, shared[i].who.uid, shared[i].who.gid, why);
        if (!err)
            err = give(path, shared[i].who.uid, shared[i].who.gid, shared[i].mode, why);
        free(path);
    }
    return err;
}

enum err users_check(const struct settings *s, struct diag *why)
{
    struct users u;

    return find_all(s, &u, why);
}

enum err users_prepare(const struct settings *s, struct diag *why)
{
    struct users u;
    enum err err;

    if (!users_are_switched(s))
        return ERR_OK;
    err = find_all(s, &u, why);
    return err ? err : give_instance(s, &u, why);
}

bool users_become(const struct settings *s, const char *role)
{
    struct users u;
    struct diag why;
    const struct who *who;
    gid_t groups[2];
    size_t n = 0;

    if (!users_are_switched(s))
        return true;
    if (find_all(s, &u, &why))
        return false;
    who = strcmp(role, "core") == 0 ? &u.core : strcmp(role, "intake") == 0 ? &u.intake : &u.courier;
    if (who == &u.core) {
        groups[n++] = u.intake.gid;
        groups[n++] = u.courier.gid;
    }
    return setgroups(n, groups) == 0 && setresgid(who->gid, who->gid, who->gid) == 0 &&
           setresuid(who->uid, who->uid, who->uid) == 0 && setuid(0) != 0;
}
