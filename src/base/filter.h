/*
 * Filters for system calls (seccomp), written here as programs for the kernel, without an allocation.
 *
 * libseccomp is not used: when memory runs out while it makes a filter, 2.5 reports nothing and loads what it has by
 * then, which may let all calls through, or it goes round for ever. Sources: seccomp(2), and in the kernel's
 * Documentation/userspace-api/seccomp_filter.rst; BPF in linux/filter.h.
 *
 * A call of another machine's table (32 bits on a 64-bit kernel, x32) ends the process. Of an argument the filter
 * looks at the 32 bits that the kernel looks at. For a process with one thread.
 */
#ifndef BASE_FILTER_H
#define BASE_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FILTER_CALLS_MAX    64
#define FILTER_FAMILIES_MAX 8

struct filter {
    uint32_t otherwise; /* SECCOMP_RET_..., for what no rule is about */
    uint32_t listed;    /* for the calls, and for socket() with one of the families */
    size_t n_calls;
    size_t n_families;
    int calls[FILTER_CALLS_MAX]; /* SYS_... */
    int families[FILTER_FAMILIES_MAX];
};

/* Adds to the lists; more than there is room for are a fault that filter_load reports. */
void filter_add(struct filter *f, const int *calls, size_t n);
void filter_add_families(struct filter *f, const int *families, size_t n);

/* Gives up, for good, what the filter does not allow, and new privileges with it. Rule sandbox.seccomp: ERR_INTERNAL
 * when the kernel takes no filters, or this machine's table of calls is not known; ERR_AGAIN when there was no memory.
 * Then nothing was given up. */
enum err filter_load(const struct filter *f, struct diag *why);

#endif
