/*
 * A table of members (`member import`): CSV with the header org,class,tier,address,key, in which each key is armor; and
 * what a crypto worker found of each key, row by row, packed so that it waits with the command for its approvals.
 *
 * embargoctl puts the files that a key field names into the table, and makes such a table of a Schleuder database. Its
 * lines are then others than those of the admin's file: it adds a column that says which line that was.
 *
 * What opens in a spreadsheet must not be a formula: `member export` writes an apostrophe before a field that would be
 * one (it begins, behind any apostrophes, with = + - @), and one is taken away from such a field as it is read. Keys,
 * which begin with dashes, are written as they are.
 */
#ifndef FLOW_IMPORT_TABLE_H
#define FLOW_IMPORT_TABLE_H

#include "base/frame.h"
#include "codec/csv.h"
#include "codec/pgp_key.h"

#define IMPORT_ROWS_MAX 20000

/* In place of a key: what is wrong with the row as it stood in the admin's file. */
#define IMPORT_NOTE_ROW "row:"
/* Or why a row of a Schleuder database is not taken. */
#define IMPORT_NOTE_ADMIN       "schleuder:admin"
#define IMPORT_NOTE_NO_DELIVERY "schleuder:no-delivery"

enum import_column {
    IMPORT_ORG,
    IMPORT_CLASS,
    IMPORT_TIER,
    IMPORT_ADDRESS,
    IMPORT_KEY,
    IMPORT_COLUMNS,
    IMPORT_LINE = IMPORT_COLUMNS /* embargoctl's */
};
extern const char *const import_columns[IMPORT_COLUMNS + 1];

struct import_reader {
    struct csv_reader csv;
    int place[IMPORT_COLUMNS + 1]; /* of each column in the file, in any order and case; -1: it is not there */
    size_t n_columns;
    size_t rows;
    struct buf plain[IMPORT_KEY]; /* the row's fields without a spreadsheet's apostrophe */
    char fault[160];              /* what is wrong with the row as such; empty: nothing */
};

/* ERR_REJECT rule import.header (a column is missing, twice or unknown, or the table is empty). */
enum err import_begin(struct import_reader *r, struct span csv, struct diag *why);
/*
 * True: a row was read, though it may have a fault (then its key is empty, and it may have no field). Rows of empty
 * fields are passed over. False: the end, or ERR_LIMIT import.rows.
 */
bool import_next(struct import_reader *r, enum err *err, struct diag *why);
/* The row's first line in the admin's file, from 1. */
int import_line(const struct import_reader *r);
/* Whether the row's key is armor, as it must be to be examined. */
bool import_has_armor(const struct import_reader *r);
/* Borrowed until the next row. */
const char *import_field(const struct import_reader *r, enum import_column column);
void import_end(struct import_reader *r);

/* Appends one of the columns before the key, as a spreadsheet may see it. */
void import_put(struct buf *out, bool first, const char *field);

/* What is known of a row's key. */
struct import_key {
    enum err err; /* ERR_OK: info and certificate */
    struct diag why;
    struct pgp_key_info info;
    struct span certificate; /* borrowed from what was packed */
};

void import_key_put(enum err err, const struct diag *why, const struct pgp_key_info *info, struct span certificate,
                    struct buf *out);
/* The next one of what was packed; ERR_REJECT frame.bad. */
enum err import_key_get(struct frame_reader *r, struct import_key *out, struct diag *why);

/*
 * A command may wait, and is kept for that: of each key that was not taken nothing stays in the table, since it may be
 * a secret one. The rows stay as they are. packed: what was found of the table's keys.
 */
void import_wipe_refused(struct buf *csv, struct span packed);

#endif
