/*
 * The database: the only user of sqlite3.
 *
 * One connection, owned by core (or by an offline command), never kept over a fork. WAL, synchronous=FULL, foreign
 * keys, STRICT tables. What changes state, audit trail and outbox happens in one transaction: db_begin, calls of the
 * typed records, db_end, which commits them or, after any error, rolls back. A failed statement is logged with its
 * words but never with its values.
 *
 * Sealed columns hold BOX-sealed bytes (codec/box.h), bound to table, row and column.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/box.h"

#include <stdbool.h>
#include <stdint.h>

struct db;

/*
 * Opens DIR/state/db.sqlite. Creates and migrates it where `create` is set; else a missing file is ERR_NOT_FOUND.
 * Each migration runs in a transaction of its own. ERR_REJECT rules: store.newer (made by a newer program),
 * store.damaged (integrity check failed, or nothing is in the file: restore a backup). With read_only nothing is
 * changed. The folder may be a symbolic link, the file may not.
 */
enum db_mode { DB_CREATE, DB_OPEN, DB_READ_ONLY };
enum err db_open(const char *state_dir, enum db_mode mode, struct db **out, struct diag *why);
/* Whether a transaction could begin there now; changes nothing. ERR_AGAIN store.busy or store.read-only. */
enum err db_try_write(const char *state_dir, struct diag *why);
/* Whether a copy is whole, by any process. ERR_REJECT store.damaged, and then so is what it is a copy of. */
enum err db_check_file(const char *file, struct diag *why);
void db_close(struct db **db);

/* The box that opens sealed columns; owned by the database from then on. */
void db_set_box(struct db *db, struct box *box);
const struct box *db_box(const struct db *db);

/*
 * A turn: what is done for one event or one command, which decides by what it reads. Once a statement has failed (the
 * disk, memory, too many open files, a lock; a violated constraint is no failure), nothing more is changed in this
 * turn: db_begin, db_commit and changing statements give the first failure again. So "not found" and the `otherwise' of
 * db_value can never be recorded where they only mean that the database could not be read. A turn ends here, or with
 * the program; inside of a transaction the call does nothing.
 */
void db_new_turn(struct db *db);

/* The turn's first failure, for what is done outside of the database; ERR_OK where there was none. */
enum err db_turn_fault(const struct db *db, struct diag *why);

/*
 * What hinders each turn, and not only the one in which it came up. ERR_AGAIN: the database cannot be read or written,
 * or is held by another program, until db_trouble_end finds that it can; meanwhile a statement waits for another
 * program for a moment only. ERR_REJECT: it is damaged (store.damaged), or the file is not there any more
 * (state.gone): nothing is changed from then on, and the program should end. A full disk is not among them.
 */
enum err db_trouble(const struct db *db, struct diag *why);

/* Writes a little, outside of a transaction: ERR_OK ends the trouble; else why it goes on. */
enum err db_trouble_end(struct db *db, struct diag *why);

enum err db_begin(struct db *db, struct diag *why);
enum err db_commit(struct db *db, struct diag *why);
void db_rollback(struct db *db);
/* Commits where err, of what was written so far, is ERR_OK; else, and where that fails, rolls back. The first error. */
enum err db_end(struct db *db, enum err err, struct diag *why);
/*
 * A part of a transaction that may fail by itself: what was written since db_part_begin is undone by db_part_undo, and
 * the transaction goes on. They may stand in one another; the newest is meant.
 */
enum err db_part_begin(struct db *db, struct diag *why);
enum err db_part_keep(struct db *db, struct diag *why);
enum err db_part_undo(struct db *db, struct diag *why);

bool db_in_transaction(const struct db *db);

/* Gives the disk back what a large record, now gone, had used. Outside of a transaction; never fails. */
void db_shrink(struct db *db);

/*
 * Statements. `types` has a letter for each value that follows: i int64_t, t const char * (NULL gives NULL),
 * b struct span (data NULL gives NULL). Statements are cached by their text, which must be a literal.
 */
struct db_rows;
enum err db_run(struct db *db, struct diag *why, const char *sql, const char *types, ...);
struct db_rows *db_query(struct db *db, const char *sql, const char *types, ...);

/* Steps to the next row. After false, db_rows_end tells whether it was the end or a fault, and frees the query. */
bool db_next(struct db_rows *rows);
enum err db_rows_end(struct db_rows **rows, struct diag *why);

/* Columns of the current row, counted from 0; spans and text are borrowed until the next step. */
int64_t db_int(const struct db_rows *rows, int column);
bool db_is_null(const struct db_rows *rows, int column);
const char *db_text(const struct db_rows *rows, int column); /* "" where NULL */
char *db_text_copy(const struct db_rows *rows, int column);  /* NULL where NULL; the caller frees it */
struct span db_bytes(const struct db_rows *rows, int column);

/* The first column of the first row, or `otherwise`. A fault of the database gives `otherwise` and is logged. */
int64_t db_value(struct db *db, int64_t otherwise, const char *sql, const char *types, ...);

int64_t db_last_id(struct db *db);
int64_t db_changes(struct db *db);

/* Seals plain into table.column of a row that exists. column and table are literals of the program. */
enum err db_seal(struct db *db, const char *table, int64_t row, const char *column, struct span plain,
                 struct diag *why);
enum err db_seal_text(struct db *db, const char *table, int64_t row, const char *column, const char *text,
                      struct diag *why);

/* Opens a sealed column; a NULL column gives an empty buffer. ERR_NOT_FOUND where there is no such row. */
enum err db_unseal(struct db *db, const char *table, int64_t row, const char *column, struct buf *out,
                   struct diag *why);

/* The same as text that the caller wipes and frees; NULL where the column is NULL or does not open (logged). */
char *db_unseal_text(struct db *db, const char *table, int64_t row, const char *column);

/* Small settings of the instance. */
enum err db_meta_set(struct db *db, const char *key, struct span value, struct diag *why);
bool db_meta_get(struct db *db, const char *key, struct buf *out);

/* Copies the whole database into a file (SQLite's online backup), which is made for its owner alone. */
enum err db_copy_to(struct db *db, const char *file, struct diag *why);

#endif
