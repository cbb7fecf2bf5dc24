#include "io/maildir_file.h"

#include "base/fsx.h"
#include "io/maildir_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <time.h>

/* Somebody writes into it still: the kernel gives no lease then (fcntl(2)). False too where it may not be asked. */
static bool has_writer(int fd, bool *known)
{
    bool writer;

    *known = fcntl(fd, F_SETLEASE, F_RDLCK) == 0;
    writer = !*known && errno == EAGAIN;
    if (*known)
        fcntl(fd, F_SETLEASE, F_UNLCK);
    *known |= writer;
    return writer;
}

/* Seconds since its last change; a clock that was set back says that it is old. */
static int64_t age_of(const struct stat *st)
{
    int64_t age = (int64_t)time(NULL) - (int64_t)st->st_mtim.tv_sec;

    return age < 0 ? INT64_MAX : age;
}

/* What is written into `new` directly, and not moved there when it is whole, as a Maildir demands. */
bool maildir_file_is_unfinished(int fd, const struct stat *st)
{
    bool known;

    if (has_writer(fd, &known))
        return true;
    return age_of(st) < (st->st_size == 0 ? MAILDIR_IN_EMPTY_S : known ? 0 : MAILDIR_IN_QUIET_S);
}

/* Only a regular file; a link is not followed, and a pipe not waited for. */
int maildir_file_open(int dir_fd, const char *name, struct stat *st)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

    if (fd >= 0 && (fstat(fd, st) || !S_ISREG(st->st_mode)))
        fsx_close(&fd);
    return fd;
}
