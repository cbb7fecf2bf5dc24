/* What SQLite's errors mean: to the turn in which they come up, and to the time after it. */
#include "base/clock.h"
#include "store/db_inside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long a statement waits for another program while that is known to hold the database. */
#define KNOWN_BUSY_MS 50

/*
 * The file system's no, which may come long after the files were opened (it was mounted read-only after an error).
 * SQLite's own note of errno is of its last call, which may have been another one. 0: it is not that.
 */
static int refusal(struct db *db, int code)
{
    const char *path = sqlite3_db_filename(db->handle, "main");
    bool of_file = code == SQLITE_IOERR || code == SQLITE_CANTOPEN || code == SQLITE_PERM;

    if (code == SQLITE_READONLY)
        return EROFS;
    if (!of_file || !path || !*path)
        return 0;
    errno = 0;
    if (access(path, W_OK) && (errno == EROFS || errno == EACCES || errno == EPERM))
        return errno;
    errno = 0;
    if (access(sqlite3_filename_wal(path), W_OK) && (errno == EROFS || errno == EACCES || errno == EPERM))
        return errno;
    return 0;
}

static enum err fault_words(struct db *db, const char *what, struct diag *why)
{
    int code = sqlite3_errcode(db->handle), number = sqlite3_system_errno(db->handle), refused = refusal(db, code);
    /* Too many open files, and the like, look like a file that is not there. */
    bool no_file = code == SQLITE_CANTOPEN && number != ELOOP;
    bool passes =
        code == SQLITE_BUSY || code == SQLITE_LOCKED || code == SQLITE_IOERR || code == SQLITE_NOMEM || no_file;

    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        return diag_set(why, ERR_REJECT, "store.damaged", "the database is damaged (%s): restore the last backup",
                        sqlite3_errmsg(db->handle));
    if (refused)
        return diag_set(why, ERR_AGAIN, "store.read-only",
                        "the database cannot be written (%s): check owner and mode of the state folder, and how its "
                        "disk is mounted",
                        strerror(refused));
    /* The shared memory of the log is a file too, which gives other codes. */
    if (code == SQLITE_FULL ||
        ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && (number == ENOSPC || number == EDQUOT)))
        return diag_set(why, ERR_AGAIN, "disk.full",
                        "the disk of the state folder is full, and nothing was changed: make room");
    if (code == SQLITE_BUSY)
        return diag_set(why, ERR_AGAIN, "store.busy",
                        "another program has held the database for %d seconds: end it (fuser names it), and try again",
                        DB_BUSY_MS / 1000);
    return diag_set(why, passes ? ERR_AGAIN : ERR_INTERNAL, "store.fault", "%s: %s", what, sqlite3_errmsg(db->handle));
}

/* A full disk hinders what is large, and is for those who write it; a fault of the program's own lasts. */
static bool is_trouble(enum err err, const struct diag *why)
{
    return err == ERR_REJECT || (err == ERR_AGAIN && strcmp(why->rule, "disk.full") != 0);
}

static void note_trouble(struct db *db, enum err err, const struct diag *why)
{
    if (db->trouble == ERR_REJECT || !is_trouble(err, why))
        return;
    db->trouble = err;
    db->trouble_why = *why;
    if (strcmp(why->rule, "store.busy") == 0)
        sqlite3_busy_timeout(db->handle, KNOWN_BUSY_MS);
}

enum err db_fault(struct db *db, const char *what, struct diag *why)
{
    bool counts = sqlite3_errcode(db->handle) != SQLITE_CONSTRAINT;
    struct diag words;
    enum err err = fault_words(db, what, &words);

    note_trouble(db, err, &words);
    if (counts && !db->fault) {
        db->fault = err;
        db->fault_why = words;
    }
    if (why)
        *why = words;
    return err;
}

/* The file that is open has another name now, or none: what is written into it, nobody would find again. */
static bool has_moved(struct db *db)
{
    int moved = 0;

    return sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}

void db_new_turn(struct db *db)
{
    struct diag why;

    if (db_in_transaction(db))
        return;
    db->fault = ERR_OK;
    if (!db->trouble && has_moved(db))
        note_trouble(db,
                     diag_set(&why, ERR_REJECT, "state.gone",
                              "state/db.sqlite was removed or replaced under the running daemon: put that file back "
                              "with the -wal beside it, or restore a backup, then start embargod again"),
                     &why);
    if (db->trouble == ERR_REJECT)
        db->fault = db_trouble(db, &db->fault_why);
}

enum err db_turn_fault(const struct db *db, struct diag *why)
{
    if (db->fault && why)
        *why = db->fault_why;
    return db->fault;
}

enum err db_trouble(const struct db *db, struct diag *why)
{
    if (db->trouble && why)
        *why = db->trouble_why;
    return db->trouble;
}

enum err db_trouble_end(struct db *db, struct diag *why)
{
    char when[32]; /* the same again would not be written */
    enum err err;

    if (!db->trouble)
        return ERR_OK;
    db_new_turn(db);
    snprintf(when, sizeof when, "%" PRId64, clock_monotonic_ms());
    err = db_begin(db, why);
    if (!err)
        err = db_meta_set(db, "written", span_of(when), why);
    err = db_end(db, err, why);
    if (err) {
        return err;
    }
    db->trouble = ERR_OK;
    sqlite3_busy_timeout(db->handle, DB_BUSY_MS);
    return ERR_OK;
}
