/*
 * Hands one message to an LMTP server (RFC 2033): what embargo-inject does.
 *
 * Success means that every recipient got 250 after DATA. Anything else is an error, and the caller tries again with
 * the whole message later; a recipient that got it twice is recognised by the daemon. The message is streamed and
 * never held: LF becomes CR LF, a missing last line break is added, dots are stuffed (RFC 5321, 4.5.2).
 *
 * ERR_USAGE an address with control characters or '<' '>', no recipient; ERR_REJECT the server said 5yz; ERR_AGAIN
 * everything else. The diag names the server's code, never an address.
 */
#ifndef IO_LMTP_CLIENT_H
#define IO_LMTP_CLIENT_H

#include "base/err.h"

#include <stddef.h>

/* A blocking socket with time-outs; the caller closes it. */
enum err lmtp_client_connect(const char *path, int timeout_s, int *out_fd, struct diag *why);

/* sender "" is the null sender. message_fd is read to its end. The socket is used up, whatever comes out. */
enum err lmtp_client_send(int socket_fd, int message_fd, const char *sender, const char *const *recipients, size_t n,
                          struct diag *why);

#endif
