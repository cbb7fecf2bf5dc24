#include "base/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum err sandbox_common(struct diag *why)
{
    struct rlimit none = {0, 0};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) || setrlimit(RLIMIT_CORE, &none))
        return diag_errno(why, ERR_INTERNAL, "sandbox.common", "giving up privileges");
    return ERR_OK;
}

/* The address sanitizer reserves terabytes of addresses at the start: a limit on them would end the worker at once. */
#if defined(__SANITIZE_ADDRESS__)
#define LIMITS_ADDRESSES false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LIMITS_ADDRESSES false
#endif
#endif
#ifndef LIMITS_ADDRESSES
#define LIMITS_ADDRESSES true
#endif

static bool limit(int what, rlim_t value)
{
    struct rlimit r = {value, value};

    return setrlimit((__rlimit_resource_t)what, &r) == 0;
}

enum err sandbox_end_with_parent(struct diag *why)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
               ? diag_errno(why, ERR_INTERNAL, "sandbox.parent", "binding the process to its parent")
               : ERR_OK;
}

enum err sandbox_worker(int cpu_seconds, size_t memory_bytes, struct diag *why)
{
    enum err err = sandbox_end_with_parent(why);

    if (err)
        return err;
    if (setpgid(0, 0) && getpgrp() != getpid())
        return diag_errno(why, ERR_INTERNAL, "sandbox.worker", "making a process group");
    if (!limit(RLIMIT_CPU, (rlim_t)cpu_seconds) ||
        (LIMITS_ADDRESSES && memory_bytes && !limit(RLIMIT_AS, (rlim_t)memory_bytes)))
        return diag_errno(why, ERR_INTERNAL, "sandbox.worker", "setting limits");
    return ERR_OK;
}

static const int compute_calls[] = {
    SCMP_SYS(read),          SCMP_SYS(write),          SCMP_SYS(readv),          SCMP_SYS(writev),
    SCMP_SYS(sendto),        SCMP_SYS(recvfrom),       SCMP_SYS(close),          SCMP_SYS(brk),
    SCMP_SYS(mmap),          SCMP_SYS(munmap),         SCMP_SYS(mremap),         SCMP_SYS(mprotect),
    SCMP_SYS(madvise),       SCMP_SYS(futex),          SCMP_SYS(exit),           SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigaction),  SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),   SCMP_SYS(sigaltstack),
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),   SCMP_SYS(getrandom),      SCMP_SYS(getpid),
    SCMP_SYS(gettid),        SCMP_SYS(sched_yield),    SCMP_SYS(fstat),          SCMP_SYS(lseek),
    SCMP_SYS(tgkill),        SCMP_SYS(poll),           SCMP_SYS(restart_syscall)};

enum err sandbox_compute_only(struct diag *why)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int rc = ctx ? 0 : -1;

    for (size_t i = 0; !rc && i < COUNT(compute_calls); i++)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, compute_calls[i], 0);
    if (!rc)
        rc = seccomp_load(ctx);
    if (ctx)
        seccomp_release(ctx);
    return rc ? diag_set(why, ERR_INTERNAL, "sandbox.seccomp", "the kernel takes no filter for system calls") : ERR_OK;
}

/* What none of the roles needs, and a way around the rules if it were there. */
static const int never_calls[] = {SCMP_SYS(ptrace),
                                  SCMP_SYS(process_vm_readv),
                                  SCMP_SYS(process_vm_writev),
                                  SCMP_SYS(io_uring_setup),
                                  SCMP_SYS(io_uring_enter),
                                  SCMP_SYS(bpf),
                                  SCMP_SYS(perf_event_open),
                                  SCMP_SYS(userfaultfd),
                                  SCMP_SYS(keyctl),
                                  SCMP_SYS(add_key),
                                  SCMP_SYS(request_key),
                                  SCMP_SYS(mount),
                                  SCMP_SYS(umount2),
                                  SCMP_SYS(pivot_root),
                                  SCMP_SYS(chroot),
                                  SCMP_SYS(unshare),
                                  SCMP_SYS(setns),
                                  SCMP_SYS(init_module),
                                  SCMP_SYS(finit_module),
                                  SCMP_SYS(delete_module),
                                  SCMP_SYS(kexec_load),
                                  SCMP_SYS(reboot),
                                  SCMP_SYS(swapon),
                                  SCMP_SYS(swapoff)};

static int deny_calls(scmp_filter_ctx ctx, const int *calls, size_t n)
{
    int rc = 0;

    for (size_t i = 0; !rc && i < n; i++)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EACCES), calls[i], 0);
    return rc;
}

static int deny_families(scmp_filter_ctx ctx, const int *families, size_t n)
{
    int rc = 0;

    for (size_t i = 0; !rc && i < n; i++) {
        struct scmp_arg_cmp family = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)families[i], .datum_b = 0};

        rc = seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1, &family);
    }
    return rc;
}

enum err sandbox_deny(unsigned denials, struct diag *why)
{
    static const int internet[] = {AF_INET, AF_INET6, AF_PACKET, AF_NETLINK}, local[] = {AF_UNIX};
    static const int exec[] = {SCMP_SYS(execve), SCMP_SYS(execveat)};
    /* clone3 hides its flags behind a pointer: ENOSYS would make libc fall back, but no one here starts anything. */
    static const int forks[] = {SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(clone), SCMP_SYS(clone3)};
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int rc = ctx ? deny_calls(ctx, never_calls, COUNT(never_calls)) : -1;

    if (!rc && (denials & SANDBOX_NO_INTERNET))
        rc = deny_families(ctx, internet, COUNT(internet));
    if (!rc && (denials & SANDBOX_NO_UNIX))
        rc = deny_families(ctx, local, COUNT(local));
    if (!rc && (denials & SANDBOX_NO_EXEC))
        rc = deny_calls(ctx, exec, COUNT(exec));
    if (!rc && (denials & SANDBOX_NO_FORK))
        rc = deny_calls(ctx, forks, COUNT(forks));
    if (!rc)
        rc = seccomp_load(ctx);
    if (ctx)
        seccomp_release(ctx);
    return rc ? diag_set(why, ERR_INTERNAL, "sandbox.seccomp", "the kernel takes no filter for system calls") : ERR_OK;
}
