/* check: one row for each thing that has to be so. Shared by ctl_check.c (the instance) and ctl_check_system.c. */
#ifndef MAIN_CTL_CHECK_H
#define MAIN_CTL_CHECK_H

#include "codec/settings.h"
#include "store/db.h"

#include <jansson.h>

/* There is no other way back from a damaged state. */
#define REMEDY_COPY "stop embargod, move the folder away, and restore the last backup: embargod(8), BACKUP"

#define REMEDY_GPG                                                                                                     \
    "try gpg --version, and gpgconf --homedir HOME --kill all for the homes in gnupg/; a key must ask for no "         \
    "passphrase"

enum check_status { CHECK_OK, CHECK_WARN, CHECK_FAIL };

struct check {
    json_t *rows;
    size_t n_failed;
    const struct settings *settings;
    struct db *db; /* read-only; NULL where it does not open */
    bool gpg_runs;
    bool daemon_running; /* then nothing is done that could disturb it */
};

/* remedy "" where none is needed. */
void check_add(struct check *k, enum check_status status, const char *name, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Runs it in a process of its own, for at most 10 seconds; where that is not enough, one row of this name fails. */
void check_watched(struct check *k, const char *name, const char *remedy, void (*run)(struct check *));

/* gpg itself. Without it no key is tried. */
void check_gpg_runs(struct check *k);

/* The machine: user, disk, swap, clock, kernel. */
void check_system(struct check *k);

/* Whether there is a backup to go back to; and an instance that was restored, and waits. */
void check_backup(struct check *k);

/* Keys: each list's, the storage key, each admin's. */
void check_keys(struct check *k);

/* Of one list, with its database: a change of the list's key. */
void check_rotation(struct check *k, const struct settings_list *list);

#endif
