#include "proc/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD 3
#define FDS_MAX  16

static long number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    long n;

    if (!text)
        return -1;
    errno = 0;
    n = strtol(text, &end, 10);
    return errno || *end ? -1 : n;
}

static bool is_listening(int fd)
{
    int value = 0, type = 0;
    socklen_t len = sizeof value, type_len = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_STREAM;
}

static bool prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static bool is_at(const struct sockaddr_un *name, socklen_t len, const char *path)
{
    return path && len > offsetof(struct sockaddr_un, sun_path) && strcmp(name->sun_path, path) == 0;
}

/* Where this one belongs; NULL: nowhere. */
static int *place_of(const struct settings *s, int fd, struct activation *out)
{
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_storage room;
    } name = {.room = {0}};
    socklen_t len = sizeof name;
    int *place = NULL;

    if (getsockname(fd, &name.any, &len))
        return NULL;
    if (name.any.sa_family == AF_UNIX)
        place = is_at(&name.local, len, s->control)     ? &out->control
                : is_at(&name.local, len, s->lmtp_unix) ? &out->lmtp_unix
                                                        : NULL;
    else if (name.any.sa_family == AF_INET || name.any.sa_family == AF_INET6)
        place = &out->lmtp_tcp;
    return place && *place < 0 ? place : NULL;
}

enum err activation_take(const struct settings *s, struct activation *out, struct diag *why)
{
    long n = number_of("LISTEN_PID") == (long)getpid() ? number_of("LISTEN_FDS") : 0;

    *out = (struct activation){-1, -1, -1};
    if (n > FDS_MAX)
        return diag_set(why, ERR_REJECT, "activation.socket", "the service manager hands in %ld sockets", n);
    for (int fd = FIRST_FD; fd < FIRST_FD + n; fd++) {
        int *place = is_listening(fd) && prepare(fd) ? place_of(s, fd, out) : NULL;

        if (!place)
            return diag_set(why, ERR_REJECT, "activation.socket",
                            "socket %d of the service manager is none that embargod.conf names: let the paths of its "
                            "socket unit be those of lmtp.unix and run/control.sock",
                            fd - FIRST_FD + 1);
        *place = fd;
    }
    return ERR_OK;
}
