/*
 * How often something went wrong with a mail of the spool, by its file's name: of the last TRIES_KEPT mails that had
 * trouble. It is forgotten with the process, so that a start gives each mail all its tries again.
 */
#ifndef PROC_TRIES_H
#define PROC_TRIES_H

#include "base/spool.h"

#define TRIES_KEPT 256

struct mail_tries {
    char name[SPOOL_NAME_SIZE];
    int died;       /* it took a worker down with it */
    int refused;    /* gpg refused what is in it */
    int unrecorded; /* it was read, and could not be recorded */
};

struct tries {
    struct mail_tries kept[TRIES_KEPT];
    size_t next;
};

/* Never NULL; valid until it is called again. */
struct mail_tries *tries_of(struct tries *tries, const char *name);

#endif
