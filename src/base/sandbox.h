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

/* What a role never does; calls that watch or steer another process, or load something into the kernel, go besides. */
enum sandbox_denial {
    SANDBOX_NO_INTERNET = 1, /* makes no socket of the internet families */
    SANDBOX_NO_UNIX = 2,     /* makes no socket of the UNIX family: no agent can be reached, whatever its path */
    SANDBOX_NO_EXEC = 4,     /* starts no program */
    SANDBOX_NO_FORK = 8      /* starts no process */
};

/* denials: any of them. They answer EACCES. Errors as those of filter_load. */
enum err sandbox_deny(unsigned denials, struct diag *why);

/* ---- Landlock (base/landlock.c): what may be reached below which folder ---- */
enum sandbox_access {
    SANDBOX_LIST, /* folders are opened and listed, no file of them */
    SANDBOX_READ, /* files and folders are read */
    SANDBOX_RUN,  /* the same, and programs are started */
    SANDBOX_WRITE /* files, folders and sockets are read, made, changed, moved and removed */
};

struct sandbox_path {
    const char *path; /* a folder, or a file; what is not there is left out; NULL too */
    enum sandbox_access access;
};

/* The version of the kernel's Landlock; 0: it has none. */
int sandbox_landlock_abi(void);

/*
 * From here on nothing but these paths can be opened, made or removed, and no TCP port can be bound; nor connected to,
 * unless may_connect (both from ABI 4 of Landlock on). Descriptors that are open stay so. Whatever is started inherits
 * it. Rule sandbox.landlock: ERR_INTERNAL where the kernel has none, ERR_AGAIN where it has, and something else fails.
 */
enum err sandbox_paths(const struct sandbox_path *paths, size_t n, bool may_connect, struct diag *why);

#endif
