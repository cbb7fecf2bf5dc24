/*
 * Which backup is the last: a file beside the database (state/last-backup), so that it can be named when the database
 * no longer opens. A line for the newest, and one for the newest with secret keys: "INSTANT ID keys|no-keys NAME".
 */
#ifndef STORE_LAST_BACKUP_H
#define STORE_LAST_BACKUP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define LAST_BACKUP_ID_SIZE   16
#define LAST_BACKUP_NAME_SIZE 256

struct last_backup {
    int64_t at; /* INSTANT_NONE: none */
    char id[LAST_BACKUP_ID_SIZE];
    bool with_keys;
    char name[LAST_BACKUP_NAME_SIZE]; /* as the admin called the file */
};

struct last_backups {
    struct last_backup newest, with_keys;
};

/* A file that is not there, or that cannot be read, knows none. */
void last_backup_read(const char *state_dir, struct last_backups *out);
enum err last_backup_write(const char *state_dir, const struct last_backup *made, struct diag *why);

/* Appends to the words of a diag which backup there is to go back to. */
void last_backup_name_in(const char *state_dir, struct diag *why);

#endif
