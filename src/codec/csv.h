/*
 * Comma-separated values (RFC 4180): records of fields, quoted where they hold commas, quotes or line ends.
 *
 * Line ends are LF or CR LF; a byte-order mark at the start and empty lines are passed over. Pure, linear.
 */
#ifndef CODEC_CSV_H
#define CODEC_CSV_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

#define CSV_FIELDS_MAX 32

struct csv_reader {
    struct span in;
    size_t at;
    int line; /* of the last record's begin, from 1 */
    int next_line;
    size_t n;                          /* fields of the last record */
    struct buf fields[CSV_FIELDS_MAX]; /* text without NUL; owned by the reader until the next record */
};

void csv_begin(struct csv_reader *r, struct span in);
/* True: a record was read. False: the end (ERR_OK in *err), or ERR_REJECT rule csv.bad, whose text names the line. */
bool csv_next(struct csv_reader *r, enum err *err, struct diag *why);
void csv_end(struct csv_reader *r);

/* Appends a field, quoted where it must be; first: no comma before it. */
void csv_put(struct buf *out, bool first, const char *field);
/* Ends a record (CR LF). */
void csv_put_end(struct buf *out);

#endif
