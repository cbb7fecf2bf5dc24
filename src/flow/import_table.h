/*
 * A table of members (`member import`): CSV with the header org,class,tier,address,key, in which each key is armor; and
 * what a crypto worker found of each key, row by row, packed so that it waits with the command for its approvals.
 *
 * embargoctl puts the files that a key field names into the table, and makes such a table of a Schleuder database.
 */
#ifndef FLOW_IMPORT_TABLE_H
#define FLOW_IMPORT_TABLE_H

#include "base/frame.h"
#include "codec/csv.h"
#include "codec/pgp_key.h"

#define IMPORT_ROWS_MAX 20000

/* In place of a key: why a row of a Schleuder database is not taken. */
#define IMPORT_NOTE_ADMIN       "schleuder:admin"
#define IMPORT_NOTE_NO_DELIVERY "schleuder:no-delivery"

enum import_column { IMPORT_ORG, IMPORT_CLASS, IMPORT_TIER, IMPORT_ADDRESS, IMPORT_KEY, IMPORT_COLUMNS };
extern const char *const import_columns[IMPORT_COLUMNS];

struct import_reader {
    struct csv_reader csv;
    int place[IMPORT_COLUMNS]; /* of each column in the file, in any order */
    size_t n_columns;
    size_t rows;
};

/* ERR_REJECT rules csv.bad, import.header (a column is missing, twice or unknown). */
enum err import_begin(struct import_reader *r, struct span csv, struct diag *why);
/* As csv_next; ERR_REJECT import.row where a row has another number of fields, ERR_LIMIT import.rows. */
bool import_next(struct import_reader *r, enum err *err, struct diag *why);
/* Whether the row's key is armor, as it must be to be examined. */
bool import_has_armor(const struct import_reader *r);
/* Borrowed until the next row. */
const char *import_field(const struct import_reader *r, enum import_column column);
void import_end(struct import_reader *r);

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

#endif
