/*
 * The parent: reads the configuration, opens the listening sockets, starts the roles and watches over them. No mail
 * passes through it, and it holds no key.
 *
 * Each role is this program again (--role=NAME) with inherited descriptors:
 *   ROLE_FD_CONFIG   the configuration's text as it was checked (so that a file that is being edited harms nobody)
 *   ROLE_FD_CHANNEL  core: the courier's socket; intake: the pipe to core; courier, fetch: the socket to core
 *   ROLE_FD_SECOND   core: the pipe from intake; intake: the LMTP socket in the file system (or none)
 *   ROLE_FD_THIRD    core: the control socket; intake: the LMTP socket of TCP (or none)
 *   ROLE_FD_FOURTH   core: the socket to fetch
 *   ROLE_FD_FIFTH    core: the pipe to the parent; a byte says that it is ready, each further one that its loop turns
 *
 * When one role ends unasked, all are ended and started anew: everything that matters is on the disk. SIGHUP reads the
 * configuration again (a bad file is refused and the old one stays), SIGTERM lets the roles finish.
 */
#ifndef PROC_PARENT_H
#define PROC_PARENT_H

#include "base/err.h"

#define ROLE_FD_CONFIG  3
#define ROLE_FD_CHANNEL 4
#define ROLE_FD_SECOND  5
#define ROLE_FD_THIRD   6
#define ROLE_FD_FOURTH  7
#define ROLE_FD_FIFTH   8
#define ROLE_FDS        5 /* besides the configuration */

/*
 * What a role, or the parent itself, that could not start ends with: PARENT_EXIT_LATER where the machine was short of
 * something or a disk failed (the role is started again, after a pause that grows); PARENT_EXIT_NEVER where it will not
 * help to start it again until someone has changed something: configuration, rights, damage.
 */
#define PARENT_EXIT_LATER 75 /* EX_TEMPFAIL */
#define PARENT_EXIT_NEVER 78 /* EX_CONFIG */
int parent_exit_of(enum err err, const struct diag *why);

/* Runs until it is told to stop; returns the exit code. clock_file: NULL where this is no rehearsal. */
int parent_main(const char *config_file, const char *clock_file);

/* The whole life of a role that the parent started. */
struct worker_start;
int role_main(const char *role, const char *config_file, const char *clock_file, const struct worker_start *start);

#endif
