/*
 * Landlock by its system calls: libc has no functions for them, and the headers of Debian 12 know the first three
 * versions only (Documentation/userspace-api/landlock.rst of the kernel). What a kernel does not know is left out, so
 * that an older one restricts what it can.
 */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FS_EXECUTE     (1ull << 0)
#define FS_WRITE_FILE  (1ull << 1)
#define FS_READ_FILE   (1ull << 2)
#define FS_READ_DIR    (1ull << 3)
#define FS_REMOVE_DIR  (1ull << 4)
#define FS_REMOVE_FILE (1ull << 5)
#define FS_MAKE_CHAR   (1ull << 6)
#define FS_MAKE_DIR    (1ull << 7)
#define FS_MAKE_REG    (1ull << 8)
#define FS_MAKE_SOCK   (1ull << 9)
#define FS_MAKE_FIFO   (1ull << 10)
#define FS_MAKE_BLOCK  (1ull << 11)
#define FS_MAKE_SYM    (1ull << 12)
#define FS_REFER       (1ull << 13) /* ABI 2 */
#define FS_TRUNCATE    (1ull << 14) /* ABI 3 */

#define FS_ABI_1     (FS_REFER - 1)
#define FS_OF_A_FILE (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)
#define FS_READING   (FS_READ_FILE | FS_READ_DIR)
#define FS_CHANGING                                                                                                    \
    (FS_READING | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SOCK |          \
     FS_MAKE_FIFO | FS_MAKE_SYM | FS_REFER | FS_TRUNCATE)

#define NET_BIND_TCP    (1ull << 0) /* ABI 4 */
#define NET_CONNECT_TCP (1ull << 1)

#define RULE_PATH_BENEATH 1
#define VERSION_FLAG      1u

struct ruleset {
    uint64_t fs, net;
};

struct path_beneath {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed));

int sandbox_landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);

    return abi > 0 ? (int)abi : 0;
}

static uint64_t known_rights(int abi)
{
    return FS_ABI_1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0);
}

static uint64_t rights_of(enum sandbox_access access)
{
    switch (access) {
    case SANDBOX_LIST:
        return FS_READ_DIR;
    case SANDBOX_READ:
        return FS_READING;
    case SANDBOX_RUN:
        return FS_READING | FS_EXECUTE;
    default:
        return FS_CHANGING;
    }
}

/* What passes, or what stays so on this kernel. */
static enum err kind_of(int fault)
{
    switch (fault) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
    case EIO:
    case EAGAIN:
    case EINTR:
        return ERR_AGAIN;
    default:
        return ERR_INTERNAL;
    }
}

static enum err allow(int ruleset, const struct sandbox_path *p, uint64_t known, struct diag *why)
{
    struct path_beneath rule = {.allowed = rights_of(p->access) & known};
    struct stat st;
    long rc;

    rule.parent_fd = open(p->path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES
                   ? ERR_OK
                   : diag_errno(why, kind_of(errno), "sandbox.landlock", "looking at what may be reached");
    if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed &= FS_OF_A_FILE;
    rc = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
    return rc ? diag_errno(why, kind_of(errno), "sandbox.landlock", "allowing what may be reached") : ERR_OK;
}

enum err sandbox_paths(const struct sandbox_path *paths, size_t n, bool may_connect, struct diag *why)
{
    int abi = sandbox_landlock_abi(), fd;
    struct ruleset rules = {.fs = known_rights(abi), .net = NET_BIND_TCP | (may_connect ? 0 : NET_CONNECT_TCP)};
    enum err err = ERR_OK;

    if (!abi)
        return diag_set(why, ERR_INTERNAL, "sandbox.landlock", "the kernel has no Landlock");
    fd = (int)syscall(SYS_landlock_create_ruleset, &rules, abi >= 4 ? sizeof rules : sizeof rules.fs, 0);
    if (fd < 0)
        return diag_errno(why, kind_of(errno), "sandbox.landlock", "making rules");
    for (size_t i = 0; !err && i < n; i++)
        if (paths[i].path)
            err = allow(fd, &paths[i], rules.fs, why);
    if (!err && syscall(SYS_landlock_restrict_self, fd, 0))
        err = diag_errno(why, kind_of(errno), "sandbox.landlock", "giving up what is not needed");
    close(fd);
    return err;
}
