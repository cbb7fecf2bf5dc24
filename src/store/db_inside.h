/* What the files of the database's own module share. Internal. */
#ifndef STORE_DB_INSIDE_H
#define STORE_DB_INSIDE_H

#include "store/db.h"

#include <sqlite3.h>

/* The connection; borrowed. */
sqlite3 *db_handle(const struct db *db);

#endif
