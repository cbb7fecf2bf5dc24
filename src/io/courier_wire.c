#include "io/courier_wire.h"

#include <libesmtp.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Behind the header, and at the end. */
#define BETWEEN (sizeof "\r\n" - 1)
#define ENDING  (sizeof ".\r\n" - 1)
/* What libesmtp 1.1.0 has in its buffer is less than this (siobuf.h, SIO_BUFSIZE). */
#define BUFFERED  2048
#define LOOKS_MAX 16

/* The bytes that the kernel has ever taken for it; 0: not known. What is acknowledged between two looks is counted
 * once. */
static uint64_t taken(int fd)
{
    for (int i = 0; fd >= 0 && i < LOOKS_MAX; i++) {
        struct tcp_info info = {0};
        socklen_t size = sizeof info;
        int before = 0, after = 0;

        if (ioctl(fd, SIOCOUTQ, &before) || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) ||
            ioctl(fd, SIOCOUTQ, &after) ||
            size < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked || !info.tcpi_bytes_acked)
            return 0;
        if (before == after)
            return info.tcpi_bytes_acked + (uint64_t)after;
    }
    return 0;
}

void courier_wire_begin(struct courier_wire *w, int fd)
{
    char version[16] = "";

    *w =
        (struct courier_wire){.knows_buffer = smtp_version(version, sizeof version, 0) && strcmp(version, "1.1.0") == 0,
                              .before = taken(fd),
                              .meant = BETWEEN + ENDING,
                              .last = '\n'};
}

void courier_wire_given(struct courier_wire *w, struct span block)
{
    const uint8_t *at = block.data, *end = block.data + block.len;

    if (!block.len)
        return;
    w->meant += w->last == '\n' && *at == '.';
    while ((at = memchr(at, '\n', (size_t)(end - at))) && ++at < end)
        w->meant += *at == '.';
    w->last = end[-1];
}

void courier_wire_meant(struct courier_wire *w, size_t len)
{
    w->meant += len;
}

bool courier_wire_has_hole(const struct courier_wire *w, int fd)
{
    uint64_t now = w->knows_buffer ? taken(fd) : 0;

    return w->before && now && now - w->before + BUFFERED <= w->meant - ENDING;
}

bool courier_wire_is_whole(const struct courier_wire *w, int fd)
{
    uint64_t now = taken(fd);

    return !w->before || !now || now - w->before >= w->meant;
}
