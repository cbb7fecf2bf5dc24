#include "base/sandbox.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/filter.h"

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
    SYS_read,         SYS_write,       SYS_readv,         SYS_writev,       SYS_sendto,       SYS_recvfrom,
    SYS_close,        SYS_brk,         SYS_mmap,          SYS_munmap,       SYS_mremap,       SYS_mprotect,
    SYS_madvise,      SYS_futex,       SYS_exit,          SYS_exit_group,   SYS_rt_sigaction, SYS_rt_sigprocmask,
    SYS_rt_sigreturn, SYS_sigaltstack, SYS_clock_gettime, SYS_gettimeofday, SYS_getrandom,    SYS_getpid,
    SYS_gettid,       SYS_sched_yield, SYS_fstat,         SYS_lseek,        SYS_tgkill,       SYS_restart_syscall,
#ifdef SYS_poll
    SYS_poll
#else
    SYS_ppoll
#endif
};

enum err sandbox_compute_only(struct diag *why)
{
    struct filter f = {.otherwise = SECCOMP_RET_ERRNO | EPERM, .listed = SECCOMP_RET_ALLOW};

    filter_add(&f, compute_calls, COUNT(compute_calls));
    return filter_load(&f, why);
}

/* What none of the roles needs, and a way around the rules if it were there. */
static const int never_calls[] = {SYS_ptrace,
                                  SYS_process_vm_readv,
                                  SYS_process_vm_writev,
                                  SYS_io_uring_setup,
                                  SYS_io_uring_enter,
                                  SYS_bpf,
                                  SYS_perf_event_open,
                                  SYS_userfaultfd,
                                  SYS_keyctl,
                                  SYS_add_key,
                                  SYS_request_key,
                                  SYS_mount,
                                  SYS_umount2,
                                  SYS_pivot_root,
                                  SYS_chroot,
                                  SYS_unshare,
                                  SYS_setns,
                                  SYS_init_module,
                                  SYS_finit_module,
                                  SYS_delete_module,
                                  SYS_kexec_load,
                                  SYS_reboot,
                                  SYS_swapon,
                                  SYS_swapoff};

enum err sandbox_deny(unsigned denials, struct diag *why)
{
    static const int internet[] = {AF_INET, AF_INET6, AF_PACKET, AF_NETLINK}, local[] = {AF_UNIX};
    static const int exec[] = {SYS_execve, SYS_execveat};
    /* clone3 hides its flags behind a pointer: ENOSYS would make libc fall back, but no one here starts anything. */
    static const int forks[] = {
#ifdef SYS_fork
        SYS_fork, SYS_vfork,
#endif
        SYS_clone, SYS_clone3};
    struct filter f = {.otherwise = SECCOMP_RET_ALLOW, .listed = SECCOMP_RET_ERRNO | EACCES};

    filter_add(&f, never_calls, COUNT(never_calls));
    if (denials & SANDBOX_NO_INTERNET)
        filter_add_families(&f, internet, COUNT(internet));
    if (denials & SANDBOX_NO_UNIX)
        filter_add_families(&f, local, COUNT(local));
    if (denials & SANDBOX_NO_EXEC)
        filter_add(&f, exec, COUNT(exec));
    if (denials & SANDBOX_NO_FORK)
        filter_add(&f, forks, COUNT(forks));
    return filter_load(&f, why);
}
