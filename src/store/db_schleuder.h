/*
 * Reads the subscriptions of a Schleuder database (https://schleuder.org, versions 3 to 5: SQLite with the tables
 * lists and subscriptions). A foreign file: it is opened read-only, and nothing in its schema is run.
 */
#ifndef STORE_DB_SCHLEUDER_H
#define STORE_DB_SCHLEUDER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct schleuder_row {
    char *address;     /* UTF-8, made so where it is not: then it has a fault */
    char *fingerprint; /* as it stands there; "" where none */
    const char *fault; /* why nothing can come of the row; NULL: nothing */
    bool admin;
    bool delivery;
};

/*
 * The subscriptions of one list; list: its address, or NULL where the file has one only. The caller frees with
 * schleuder_free. ERR_NOT_FOUND schleuder.list, ERR_USAGE schleuder.which (several lists), schleuder.open (it cannot be
 * read now), ERR_REJECT schleuder.schema (no such tables), schleuder.damaged, ERR_LIMIT schleuder.rows.
 */
enum err schleuder_read(const char *file, const char *list, struct schleuder_row **out, size_t *n, struct diag *why);
void schleuder_free(struct schleuder_row *rows, size_t n);

#endif
