#include "base/filter.h"

#include <endian.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__) && defined(__LP64__)
#define MACHINE  AUDIT_ARCH_X86_64
#define X32_CALL 0x40000000 /* the same calls once more */
#elif defined(__aarch64__) && BYTE_ORDER == LITTLE_ENDIAN
#define MACHINE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define MACHINE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && BYTE_ORDER == LITTLE_ENDIAN
#define MACHINE AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define MACHINE AUDIT_ARCH_S390X
#else
#define MACHINE 0 /* of those with 32 bits, sandbox.c does not know all calls */
#endif

#define PROGRAM_MAX (2 * FILTER_CALLS_MAX + 2 * FILTER_FAMILIES_MAX + 12)

struct program {
    struct sock_filter code[PROGRAM_MAX];
    unsigned short n;
};

void filter_add(struct filter *f, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++, f->n_calls++)
        if (f->n_calls < FILTER_CALLS_MAX)
            f->calls[f->n_calls] = calls[i];
}

void filter_add_families(struct filter *f, const int *families, size_t n)
{
    for (size_t i = 0; i < n; i++, f->n_families++)
        if (f->n_families < FILTER_FAMILIES_MAX)
            f->families[f->n_families] = families[i];
}

static void load_word(struct program *p, size_t offset)
{
    p->code[p->n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

static void answer(struct program *p, uint32_t action)
{
    p->code[p->n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
}

/* Unless the word is this (or, with JGE, at least this), the next `skipped` instructions are passed over. */
static void unless(struct program *p, unsigned how, uint32_t word, size_t skipped)
{
    p->code[p->n++] = (struct sock_filter)BPF_JUMP((unsigned short)(BPF_JMP | how | BPF_K), word, 0, (uint8_t)skipped);
}

static void answer_to(struct program *p, unsigned how, uint32_t word, uint32_t action)
{
    unless(p, how, word, 1);
    answer(p, action);
}

static void judge_machine(struct program *p)
{
    load_word(p, offsetof(struct seccomp_data, arch));
    p->code[p->n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
    answer(p, SECCOMP_RET_KILL_PROCESS);
    load_word(p, offsetof(struct seccomp_data, nr));
#ifdef X32_CALL
    answer_to(p, BPF_JGE, X32_CALL, SECCOMP_RET_KILL_PROCESS);
#endif
}

/* The last rules, since the number of the call is gone after them. */
static void judge_families(struct program *p, const struct filter *f)
{
    size_t low = offsetof(struct seccomp_data, args[0]) + (BYTE_ORDER == BIG_ENDIAN ? 4 : 0);

    if (!f->n_families)
        return;
#ifdef SYS_socketcall
    answer_to(p, BPF_JEQ, SYS_socketcall, f->listed); /* its arguments lie where no filter sees them */
#endif
    unless(p, BPF_JEQ, SYS_socket, 1 + 2 * f->n_families);
    load_word(p, low);
    for (size_t i = 0; i < f->n_families; i++)
        answer_to(p, BPF_JEQ, (uint32_t)f->families[i], f->listed);
}

enum err filter_load(const struct filter *f, struct diag *why)
{
    struct program p = {.n = 0};
    struct sock_fprog program = {.filter = p.code};

    if (!MACHINE || f->n_calls > FILTER_CALLS_MAX || f->n_families > FILTER_FAMILIES_MAX)
        return diag_set(why, ERR_INTERNAL, "sandbox.seccomp", "there is no filter for this machine's system calls");
    judge_machine(&p);
    for (size_t i = 0; i < f->n_calls; i++)
        answer_to(&p, BPF_JEQ, (uint32_t)f->calls[i], f->listed);
    judge_families(&p, f);
    answer(&p, f->otherwise);
    program.len = p.n;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0))
        return diag_set(why, errno == ENOMEM ? ERR_AGAIN : ERR_INTERNAL, "sandbox.seccomp",
                        "the kernel takes no filter for system calls");
    return ERR_OK;
}
