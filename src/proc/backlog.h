/*
 * What waits in the spool, in the order in which it is opened: mail that names a member or an admin as its sender goes
 * before what strangers sent, so that a flood holds up no command; within both the oldest first. After
 * BACKLOG_KNOWN_IN_ROW of these a stranger's is next.
 *
 * The sender of an envelope proves nothing, and decides nothing but the turn. The folder is read again when there is
 * nothing left to take, and at most every BACKLOG_REREAD_MS while there is, so that a backlog of n mails does not cost
 * n readings of n names; of each name only the fixed head of its file is read, once.
 */
#ifndef PROC_BACKLOG_H
#define PROC_BACKLOG_H

#include "base/spool.h"
#include "flow/flow.h"

#define BACKLOG_REREAD_MS    250
#define BACKLOG_KNOWN_IN_ROW 4

struct backlog;

/* All borrowed. */
struct backlog *backlog_new(struct flow *f, struct spool *spool);
void backlog_free(struct backlog **b);

/* A turn begins, in which the folder is read once at most. */
void backlog_begin(struct backlog *b);

/*
 * The next entry that has not been handed out since the folder was read; name has SPOOL_NAME_SIZE bytes. False: none
 * for now. What is handed out and stays in the spool comes again with a later reading.
 */
bool backlog_next(struct backlog *b, char *name);

#endif
