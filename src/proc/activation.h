/*
 * Sockets that the service manager has opened (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, descriptors from 3 on). Which
 * is which is told by its own address, not by its name: a UNIX socket by the path that embargod.conf gives it, any
 * other is LMTP over TCP.
 */
#ifndef PROC_ACTIVATION_H
#define PROC_ACTIVATION_H

#include "codec/settings.h"

struct activation {
    int control, lmtp_unix, lmtp_tcp; /* -1: not handed in */
};

/*
 * ERR_REJECT rule activation.socket where one is no listening stream socket, or is none of those that the configuration
 * names. The descriptors are the caller's, set close-on-exec and not to block.
 */
enum err activation_take(const struct settings *s, struct activation *out, struct diag *why);

#endif
