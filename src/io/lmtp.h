/*
 * The LMTP server of the intake role (RFC 2033, with RFC 5321's syntax): the way in from the MTA.
 *
 * What it keeps: 250 after DATA is given for a recipient only when spool_commit has made its entry durable. After DATA
 * nothing but 250 and 4yz is answered, since on 5yz the MTA would return the report in clear; permanent refusals are
 * given to an unknown recipient (550 5.1.1), to MAIL with a SIZE above the limit (552 5.3.4), and to commands that
 * are no LMTP. A message above size_bytes that comes nevertheless is kept, with SPOOL_OVERSIZE, up to hold_bytes;
 * beyond it 452 4.3.1. Disk full: 452 4.3.1; spool not writable: 451 4.3.0; stopping, idle: 421.
 *
 * Smuggling: only CR LF "." CR LF ends the data, and only after CR LF is a leading dot taken away; all other bytes,
 * bare CR and bare LF among them, are kept as they came. A command that does not end in CR LF is never carried out.
 *
 * A mail is never held in memory: bytes go to the spool as they come; a session owns one line (LMTP_LINE_MAX bytes),
 * its replies, its envelope and the spool's block. Nor do those who hold a connection and do nothing, or drip, keep
 * others out: see max_connections.
 *
 * lmtp_session is the dialogue alone, without sockets; lmtp_serve is the poll() loop around it. Settings, spool and
 * everything they point to are borrowed and must live as long as the session or the loop.
 */
#ifndef IO_LMTP_H
#define IO_LMTP_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/spool.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LMTP_LINE_MAX 1000 /* bytes of a command line, with its CR LF */
#define LMTP_DATA_LINE_MAX                                                                                             \
    32768                  /* bytes; RFC 5321 says 998, a longer one than this is kept and marked SPOOL_LONG_LINE */
#define LMTP_FAULTS_MAX 20 /* commands refused before the connection is closed */

/* Something else to wait for beside the connections; false from ready() ends the serving. */
struct lmtp_watch {
    int fd;
    bool (*ready)(void *ctx);
    void *ctx;
};

struct lmtp_settings {
    const char *host_name;        /* in the greeting and in the answer to LHLO */
    const char *const *addresses; /* the lists' own addresses, "security@example.org" */
    size_t n_addresses;
    uint64_t size_bytes;    /* announced as SIZE */
    uint64_t hold_bytes;    /* kept up to here, marked oversize */
    size_t max_recipients;  /* of one transaction; at most SPOOL_RECIPIENTS_MAX */
    size_t max_connections; /* beyond it the one without progress for longest, of a second and more, gives way */
    int idle_s;             /* without a byte from the client */
    int transaction_s; /* from MAIL to the end of the data, however slowly it drips; and from there to the next MAIL */
    int stop_s;        /* that a client may still finish its data when we stop */

    struct clock *clock; /* stamps what comes in; NULL: the kernel's clock */

    const struct lmtp_watch *watches;
    size_t n_watches;
};

#define LMTP_SETTINGS_DEFAULT                                                                                          \
    ((struct lmtp_settings){.host_name = "localhost",                                                                  \
                            .size_bytes = (uint64_t)25 << 20,                                                          \
                            .hold_bytes = (uint64_t)64 << 20,                                                          \
                            .max_recipients = SPOOL_RECIPIENTS_MAX,                                                    \
                            .max_connections = 200,                                                                    \
                            .idle_s = 60,                                                                              \
                            .transaction_s = 1800,                                                                     \
                            .stop_s = 10})

/*
 * Whether mail to this address is ours: a list's address; base+apply, base+c-TOKEN, base+b-TAG (TOKEN and TAG in
 * base32, RFC 4648), or base-owner, at its domain. Case is ignored. That a token is good is for core to say.
 */
bool lmtp_recipient_known(const struct lmtp_settings *settings, const char *address, size_t len);

/* --- the dialogue --- */

struct lmtp_session;

/* The greeting is in the output at once. lmtp_session_free abandons what is not committed; *session may be NULL. */
struct lmtp_session *lmtp_session_new(const struct lmtp_settings *settings, struct spool *spool);
void lmtp_session_free(struct lmtp_session **session);

/* Takes all the bytes. False when the session is over: send the output, then close. */
bool lmtp_feed(struct lmtp_session *session, const void *bytes, size_t len);

/* Replies to be sent; the caller drops what it has sent. */
struct buf *lmtp_output(struct lmtp_session *session);

/* Says 421 with these words and ends the session; an unfinished message is abandoned. */
void lmtp_session_end(struct lmtp_session *session, const char *code_and_words);

bool lmtp_in_transaction(const struct lmtp_session *session); /* after MAIL */
bool lmtp_in_data(const struct lmtp_session *session);

/* Entries made durable since the last call. */
size_t lmtp_take_committed(struct lmtp_session *session);

/* --- sockets --- */

/*
 * Listening, non-blocking sockets. The UNIX socket gets `mode` and takes the place of a dead one; where a live server
 * answers there, ERR_USAGE (rule `lmtp.in-use`). host_port is "127.0.0.1:24" or "[::1]:24"; an address that is not of
 * this machine alone is refused (rule `lmtp.not-loopback`), since LMTP has no authentication.
 */
enum err lmtp_listen_unix(const char *path, unsigned mode, int *out_fd, struct diag *why);
enum err lmtp_listen_tcp(const char *host_port, int *out_fd, struct diag *why);

/*
 * Serves until a watch says stop. Writes one byte to notify_fd (or -1) for each entry made durable, without waiting:
 * a byte lost costs delay, never mail. Sets SIGPIPE to be ignored, and notify_fd to O_NONBLOCK. The listening sockets
 * stay the caller's.
 */
enum err lmtp_serve(const int *listen_fds, size_t n_listen_fds, struct spool *spool,
                    const struct lmtp_settings *settings, int notify_fd, struct diag *why);

#endif
