/*
 * Comma-separated values (RFC 4180): records of fields, quoted where they hold commas, quotes or line ends.
 *
 * Line ends are LF or CR LF; a byte-order mark at the start and empty lines are passed over. Spreadsheets of some
 * countries separate by semicolons, or by tabs: what the first record holds most of, outside of quotes, separates,
 * where no first line "sep=;" says so, as some write for Excel.
 * A record that is not well formed is named, and the next one is read. Pure, linear.
 */
#ifndef CODEC_CSV_H
#define CODEC_CSV_H

#include "base/buf.h"

#include <stdbool.h>

#define CSV_FIELDS_MAX 32

struct csv_reader {
    struct span in;
    size_t at;
    uint8_t separator;
    const char *fault; /* what is wrong with the last record; NULL: nothing. Its fields are those before the fault */
    int line;          /* of the last record's begin, from 1 */
    int next_line;
    size_t n;                          /* fields of the last record */
    struct buf fields[CSV_FIELDS_MAX]; /* text without NUL; owned by the reader until the next record */
};

void csv_begin(struct csv_reader *r, struct span in);
/* True: a record was read, or a faulty one passed over. False: the end. */
bool csv_next(struct csv_reader *r);
void csv_end(struct csv_reader *r);

/* Appends a field, quoted where it must be; first: no comma before it. The separator is the comma. */
void csv_put(struct buf *out, bool first, const char *field);
/* Ends a record (CR LF). */
void csv_put_end(struct buf *out);

#endif
