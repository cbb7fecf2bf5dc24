/*
 * A backup while the daemon works: the database is copied in steps of a few milliseconds, a crypto worker packs and
 * seals (proc/worker_backup.h), and the sealed file goes to the client in parts, so that no more than a part of it is
 * in core's memory. What lies in state/backup meanwhile (a copy of the database, sealed columns sealed as they were;
 * the sealed file) goes at once when it is done, whatever came of it, and at the next start after a crash.
 *
 * One at a time (backup.busy). A client that hangs up, or takes nothing for a minute, ends it. Once all of it has been
 * handed over, it is the last backup (store/last_backup.h).
 */
#ifndef PROC_BACKUP_H
#define PROC_BACKUP_H

#include "flow/command.h"
#include "proc/core.h"

/* Makes state/backup, or empties it. */
struct backup *backup_new(struct core *core);
void backup_free(struct backup **b);
void backup_tick(struct backup *b);
size_t backup_busy(const struct backup *b);
/* There is more to do at once: core's loop should not sleep. */
bool backup_has_more(const struct backup *b);

/* Takes the client's connection and its reply, which it gives at the end. */
void backup_begin(struct backup *b, int client_fd, struct reply *r);

#endif
