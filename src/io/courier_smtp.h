/*
 * One SMTP session after the other with the relay, by libesmtp 1.1.0: the life of one of the courier's sessions, each
 * of which is a process of its own (courier_pool.h).
 *
 * Order: take a job, open a session, hand it over, report; while the session is open, the next job goes by it (at most
 * COURIER_SESSION_MAILS of them, and it ends with QUIT when none comes for idle_ms). A recipient has his mail when, and
 * only when, the reply to the end of the data was a whole 250 and his RCPT was a 2yz.
 *
 * What libesmtp does not do by itself, and what is done about it here:
 * - smtp_start_session says success when the connection was dropped: nothing but replies counts.
 * - without memory for a header it leaves out what it has of it, and sends the rest as a whole mail; with CHUNKING only:
 *   so that extension is hidden from it (courier_watch_hide).
 * - a write that fails leaves a hole in the mail: the bytes are counted (courier_wire.h).
 * - it says that a mail was sent, too, when DATA itself was answered with 250: only one that it has read to its end is.
- a write that times out is dropped in silence and the next one goes on, so that a mail may get a hole: one deadline
 *   per step (SIGALRM) shuts the socket down before libesmtp's own time-outs come, and then no write succeeds. The same
 *   deadline ends a connect(), a TLS handshake and a server that sends a byte a minute.
 * - a message callback that ends early ends the mail, and the half is accepted: errno must be set, and stay so.
 * - it sends no mail without TCP_NODELAY in less than 40 ms, and hands out no socket: found at SMTP_EV_CONNECT.
 * - replies before MAIL are not handed out: the monitor callback reads them.
 * - bytes in clear behind the reply to STARTTLS are taken for replies within TLS: seen, and the session ends.
 * - the DNS chooses the name that a certificate is checked against: see courier_tls.h.
 * - a mailbox is written as it is (command injection), and cut at 1,000 bytes: only what addr_check takes goes in.
 * - it reads files below $HOME for TLS: HOME is a folder that is not there.
 * - a colon in the host ends it, so that there is no IPv6 address as such: give a name.
 * - messages are appended to a session that runs: the list is read on after the events of MAIL and of the end of data,
 *   not after a refused RCPT or DATA, where the session therefore ends.
 * - to it a reply of a code without words is none (RFC 5321, 4.2.1, wants it taken): no known server sends such.
 * - it takes out what it finds twice in a header, Return-Path and Bcc: our mails have none of these.
 */
#ifndef IO_COURIER_SMTP_H
#define IO_COURIER_SMTP_H

#include "codec/settings.h"

#define COURIER_SESSION_MAILS 100

struct courier_relay {
    const char *host;
    int port;
    enum settings_tls tls; /* opportunistic to loopback is none */
    const char *ca;        /* NULL: the system's */
    int timeout_s;         /* for one step; the end of the data has twice as long (RFC 5321, 4.5.3.2) */
    int idle_ms;
};

struct courier_relay courier_relay_of(const struct settings *settings);

/*
 * Takes COURIER_DELIVER frames from fd, one at a time, and answers each with COURIER_RESULT or COURIER_NO_RELAY. Ends
 * when fd is closed; returns the exit code.
 */
int courier_smtp_main(const struct courier_relay *relay, int bodies_fd, int fd);

#endif
