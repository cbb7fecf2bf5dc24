#include "store/db_copy.h"

#include "base/mem.h"
#include "store/db_inside.h"

#include <stdlib.h>
#include <sys/stat.h>

struct db_copy {
    sqlite3 *file;
    sqlite3_backup *backup;
    bool done;
};

static enum err failed(int code, struct diag *why)
{
    if (code == SQLITE_FULL)
        return diag_set(why, ERR_LIMIT, "disk.full", "the disk has no room for a copy of the database: make room");
    return diag_set(why, ERR_INTERNAL, "store.copy", "the database could not be copied (%s): check the disk's space",
                    sqlite3_errstr(code));
}

enum err db_copy_begin(struct db *db, const char *file, struct db_copy **out, struct diag *why)
{
    struct db_copy *copy = mem_zero(1, sizeof *copy);
    mode_t old = umask(077);
    int code = sqlite3_open(file, &copy->file);

    umask(old);
    if (code == SQLITE_OK)
        code = sqlite3_exec(copy->file, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        copy->backup = sqlite3_backup_init(copy->file, "main", db_handle(db), "main");
        code = copy->backup ? SQLITE_OK : sqlite3_errcode(copy->file);
    }
    *out = copy;
    if (code == SQLITE_OK)
        return ERR_OK;
    db_copy_end(out);
    return failed(code, why);
}

enum err db_copy_step(struct db_copy *copy, int pages, bool *done, struct diag *why)
{
    int code = sqlite3_backup_step(copy->backup, pages);

    *done = false;
    if (code == SQLITE_DONE) {
        /* finish alone would call a step that found the file busy a success */
        code = sqlite3_backup_finish(copy->backup);
        copy->backup = NULL;
        *done = code == SQLITE_OK;
        return *done ? ERR_OK : failed(code, why);
    }
    return code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED ? ERR_OK : failed(code, why);
}

void db_copy_end(struct db_copy **copy)
{
    if (!*copy)
        return;
    if ((*copy)->backup)
        sqlite3_backup_finish((*copy)->backup);
    sqlite3_close((*copy)->file);
    free(*copy);
    *copy = NULL;
}

enum err db_copy_to(struct db *db, const char *file, struct diag *why)
{
    struct db_copy *copy = NULL;
    bool done = false;
    enum err err = db_copy_begin(db, file, &copy, why);

    if (!err)
        err = db_copy_step(copy, -1, &done, why);
    db_copy_end(&copy);
    return err || done ? err : failed(SQLITE_BUSY, why);
}
