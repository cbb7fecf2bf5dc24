/*
 * What core does while its database cannot be used (store/db.h, db_trouble).
 *
 * Trouble that passes (read-only, held by another program, a disk that fails): core rests. Nothing is opened, sealed,
 * handed over or fired, so that nothing is done twice for want of a record; mail goes on to be taken into the spool,
 * and commands are answered as far as that needs no change. Each second it is tried again; when it goes well, all goes
 * on, and where it took longer than STORE_WATCH_TELL_MS the admins have a mail.
 *
 * Damage: core ends, for good, naming the last backup; nothing more is changed.
 */
#ifndef PROC_STORE_WATCH_H
#define PROC_STORE_WATCH_H

#include "proc/core.h"

#define STORE_WATCH_TELL_MS 3000

struct store_watch {
    int64_t since_ms; /* monotonic; 0: core does not rest */
    int64_t since;    /* by the clock */
    int64_t next_try_ms;
    int64_t said_ms;
    char rule[DIAG_RULE_MAX];   /* why it rests */
    char untold[DIAG_RULE_MAX]; /* what admins are still to be told of; "" nothing */
    int64_t untold_since, untold_until;
};

/* At the beginning of core's tick. False: rest. Where core is to end, sets core->gone. */
bool store_watch_tick(struct core *core);

#endif
