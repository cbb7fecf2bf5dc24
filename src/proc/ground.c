#include "proc/ground.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void ground_take(struct ground *ground, const struct settings *settings)
{
    static const char *const names[GROUND_PLACES] = {"state", "state/db.sqlite", "state/spool", "state/bodies"};

    memset(ground, 0, sizeof *ground);
    for (size_t i = 0; i < GROUND_PLACES; i++) {
        char *path = settings_path(settings, names[i]);
        struct stat st;

        if (stat(path, &st) == 0)
            ground->places[ground->n++] = (struct ground_place){path, st.st_dev, st.st_ino};
        else
            free(path);
    }
}

void ground_free(struct ground *ground)
{
    for (size_t i = 0; i < ground->n; i++)
        free(ground->places[i].path);
    ground->n = 0;
}

enum err ground_check(const struct ground *ground, struct diag *why)
{
    for (size_t i = 0; i < ground->n; i++) {
        const struct ground_place *p = &ground->places[i];
        struct stat st;
        bool there = stat(p->path, &st) == 0;

        if (there ? st.st_dev == p->device && st.st_ino == p->inode : errno != ENOENT && errno != ENOTDIR)
            continue;
        return diag_set(why, ERR_NOT_FOUND, "state.gone",
                        "%s %s under the running daemon: mount it or move it back, or restore a backup, then start "
                        "embargod again",
                        p->path, there ? "became another one" : "was deleted, moved or unmounted");
    }
    return ERR_OK;
}
