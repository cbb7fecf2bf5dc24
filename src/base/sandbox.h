/*
 * What a process gives up before it reads its first byte of input.
 *
 * Every role: no new privileges, no core dumps, not dumpable (a debugger or /proc/PID/mem of the same user does not
 * get at its memory). A mime worker besides keeps only the system calls that computing and answering need: it can
 * neither open, connect, make a socket, nor start a program.
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* For every process of the daemon. */
enum err sandbox_common(struct diag *why);

/* A role's: killed with its parent, so that none of a killed daemon goes on beside the next. After a change of user. */
enum err sandbox_end_with_parent(struct diag *why);

/* A worker's: killed with its parent, in a process group of its own, bounded in CPU seconds and address space. */
enum err sandbox_worker(int cpu_seconds, size_t memory_bytes, struct diag *why);

/* Only computing, memory, and reading and writing descriptors that are open. ERR_INTERNAL where the kernel has none. */
enum err sandbox_compute_only(struct diag *why);

/* No sockets of the internet families can be made any more (for core, which talks over inherited ones alone). */
enum err sandbox_no_network(struct diag *why);

#endif
