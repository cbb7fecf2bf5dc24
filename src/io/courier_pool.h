/*
 * The courier by SMTP: takes jobs from core and hands them to sessions (courier_smtp.h), each of them a process that it
 * forks, so that neither a server that hangs nor a fault in a library holds up the others.
 *
 * A session has one job at a time. COURIER_SESSIONS of them are started as jobs wait; where one has been at its job for
 * longer than a moment, another takes its place, up to COURIER_SESSIONS_MAX. Its domain is a slow one then
 * (courier_lane.h): it has no more than COURIER_SESSIONS_SLOW of them while others wait, and never more than half. What
 * a session says is passed on to core as it comes. One that dies, or is at its job for longer than all deadlines
 * together, is ended, and its job deferred: it may have been handed over, and goes again with the same Message-ID.
 *
 * Where no session can be opened (COURIER_NO_RELAY) and none has done better lately, what waits, and what comes within
 * the next seconds, is deferred with the same code, rather than each job trying in vain.
 */
#ifndef IO_COURIER_POOL_H
#define IO_COURIER_POOL_H

#include "codec/settings.h"

#define COURIER_SESSIONS      4
#define COURIER_SESSIONS_MAX  24
#define COURIER_SESSIONS_SLOW 4 /* for one domain that is slow, while others wait; twice as many for all such */

/* Until fd, the socket to core, is closed, which is ERR_OK. ERR_REJECT: core sent a bad frame. */
enum err courier_pool_run(const struct settings *settings, int bodies_fd, int fd, struct diag *why);

#endif
