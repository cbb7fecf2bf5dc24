#include "io/lmtp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024 /* a burst that waits to be accepted; Linux refuses further ones at a UNIX socket at once */

static bool same(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

/* One or more base32 digits (RFC 4648, 6), in either case. */
static bool is_base32(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char lower = text[i] | 0x20;

        if (!(lower >= 'a' && lower <= 'z') && !(text[i] >= '2' && text[i] <= '7'))
            return false;
    }
    return len > 0;
}

/* What may follow a list's local part. */
static bool is_suffix(const char *text, size_t len)
{
    if (same(text, len, "", 0) || same(text, len, "-owner", 6) || same(text, len, "+apply", 6))
        return true;
    return len > 3 && (same(text, 3, "+c-", 3) || same(text, 3, "+b-", 3)) && is_base32(text + 3, len - 3);
}

static size_t last_at(const char *address, size_t len)
{
    while (len && address[len - 1] != '@')
        len--;
    return len ? len - 1 : 0;
}

bool lmtp_recipient_known(const struct lmtp_settings *settings, const char *address, size_t len)
{
    size_t at = last_at(address, len);

    for (size_t i = 0; at > 0 && i < settings->n_addresses; i++) {
        const char *ours = settings->addresses[i];
        size_t ours_len = strlen(ours), ours_at = last_at(ours, ours_len);

        if (ours_at > 0 && at >= ours_at && same(address + at, len - at, ours + ours_at, ours_len - ours_at) &&
            same(address, ours_at, ours, ours_at) && is_suffix(address + ours_at, at - ours_at))
            return true;
    }
    return false;
}

static enum err listen_fail(struct diag *why, int *fd, const char *what)
{
    enum err err = diag_errno(why, ERR_AGAIN, "lmtp.listen", what);

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    return err;
}

/* Whether somebody answers at this socket; one that is there without an owner refuses the connection. */
static bool is_alive(const struct sockaddr_un *name)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool alive = fd >= 0 && (connect(fd, (const struct sockaddr *)name, sizeof *name) == 0 || errno == EAGAIN);

    if (fd >= 0)
        close(fd);
    return alive;
}

/* Under a name of its own until it has its mode and listens, then renamed: nobody meets it half made. */
enum err lmtp_listen_unix(const char *path, unsigned mode, int *out_fd, struct diag *why)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX}, temp = name;
    struct stat st;
    int n;

    *out_fd = -1;
    n = snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    if (n <= 0 || (size_t)n + 5 > sizeof name.sun_path)
        return diag_set(why, ERR_USAGE, "lmtp.path", "the socket's path is empty or longer than %zu bytes; shorten it",
                        sizeof name.sun_path - 5);
    snprintf(temp.sun_path, sizeof temp.sun_path, "%.*s.new", (int)sizeof temp.sun_path - 5, path);
    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        return diag_set(why, ERR_USAGE, "lmtp.path", "%s is in the way: it is no socket; move it aside", path);
    if (is_alive(&name))
        return diag_set(why, ERR_USAGE, "lmtp.in-use", "a daemon answers at %s already; stop it first", path);
    *out_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*out_fd < 0)
        return listen_fail(why, out_fd, path);
    unlink(temp.sun_path);
    if (bind(*out_fd, (struct sockaddr *)&temp, sizeof temp) || chmod(temp.sun_path, (mode_t)mode) ||
        listen(*out_fd, BACKLOG) || rename(temp.sun_path, path)) {
        enum err err = listen_fail(why, out_fd, path);

        unlink(temp.sun_path);
        return err;
    }
    return ERR_OK;
}

/* "HOST:PORT" or "[HOST]:PORT" taken apart; the port is 1..65535. */
static bool split_host_port(const char *text, char *host, size_t size, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    bool bracket = text[0] == '[';
    unsigned long number;
    size_t len;
    char *end;

    if (!colon || colon == text || colon[1] < '0' || colon[1] > '9')
        return false;
    number = strtoul(colon + 1, &end, 10);
    if (*end || number < 1 || number > 65535)
        return false;
    len = (size_t)(colon - text);
    if (bracket && (len < 3 || text[len - 1] != ']'))
        return false;
    if (bracket) {
        text++;
        len -= 2;
    }
    if (len >= size)
        return false;
    memcpy(host, text, len);
    host[len] = 0;
    *port = (uint16_t)number;
    return true;
}

/* Fills *name for an address of this machine alone; its length, or 0 for any other. */
static socklen_t loopback(const char *host, uint16_t port, struct sockaddr_storage *name)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)name;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)name;

    memset(name, 0, sizeof *name);
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1"; /* without asking a resolver */
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1 && ntohl(v4->sin_addr.s_addr) >> 24 == 127) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof *v4;
    }
    memset(name, 0, sizeof *name);
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        return sizeof *v6;
    }
    return 0;
}

enum err lmtp_listen_tcp(const char *host_port, int *out_fd, struct diag *why)
{
    struct sockaddr_storage name;
    char host[64];
    uint16_t port;
    socklen_t len;
    int on = 1;

    *out_fd = -1;
    if (!split_host_port(host_port, host, sizeof host, &port))
        return diag_set(why, ERR_USAGE, "lmtp.tcp", "give an address and a port, such as 127.0.0.1:24");
    len = loopback(host, port, &name);
    if (!len)
        return diag_set(why, ERR_USAGE, "lmtp.not-loopback",
                        "LMTP knows no passwords, so that it listens on 127.0.0.0/8 or [::1] only");
    *out_fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*out_fd < 0 || setsockopt(*out_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(*out_fd, (struct sockaddr *)&name, len) || listen(*out_fd, BACKLOG))
        return listen_fail(why, out_fd, host_port);
    return ERR_OK;
}
