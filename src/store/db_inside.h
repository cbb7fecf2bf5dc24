/* What the files of the database's own module share. Internal. */
#ifndef STORE_DB_INSIDE_H
#define STORE_DB_INSIDE_H

#include "store/db.h"

#include <sqlite3.h>

#define DB_CACHE_SIZE 128
#define DB_BUSY_MS    5000

struct db {
    sqlite3 *handle;
    struct box *box;
    struct {
        const char *sql;
        sqlite3_stmt *stmt;
        bool busy;
    } cache[DB_CACHE_SIZE];
    enum err fault; /* the turn's first, ERR_OK where there was none (db_new_turn) */
    struct diag fault_why;
    enum err trouble; /* what outlasts turns (db_trouble) */
    struct diag trouble_why;
};

/* The connection; borrowed. */
sqlite3 *db_handle(const struct db *db);

/* What SQLite's last error means to the caller. All but a violated constraint is the turn's fault from then on. */
enum err db_fault(struct db *db, const char *what, struct diag *why);

/* Statements without values; those of one integer, -1 where it cannot be had. */
enum err db_exec(struct db *db, const char *sql, struct diag *why);
int64_t db_pragma(struct db *db, const char *sql);

#endif
