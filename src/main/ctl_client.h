/*
 * The client's end of the control socket (run/control.sock): one connection, one request, one reply.
 *
 * Files are read before anything is sent ("-" is standard input, once), so that a command with a file that cannot be
 * read has no effect.
 */
#ifndef MAIN_CTL_CLIENT_H
#define MAIN_CTL_CLIENT_H

#include "flow/command.h"

/* Fills the bytes of ARG_FILE, ARG_KEY and ARG_MAIL. ERR_USAGE rule command.file. */
enum err client_read_files(struct command *c, struct diag *why);

/* All of a file, a pipe, or standard input ("-"); at most out->max bytes. ERR_USAGE rule command.file. */
enum err client_read_file(const char *name, struct buf *out, struct diag *why);

#define CLIENT_PATIENCE_MS 30000

/*
 * Asks the daemon. ERR_AGAIN rule daemon.absent: none listens there, and nothing was done; daemon.silent: it listens,
 * but core has not read the request within patience_ms, and nothing was done nor will be; daemon.gone: it ended, or
 * read the request and did not answer within ten minutes, and it is not known what was done. The caller frees *out with
 * reply_free.
 */
enum err client_ask(const char *socket_path, const struct command *c, const char *as, int64_t patience_ms,
                    struct reply *out, struct diag *why);

/* `wait`: asks again and again until it is not exit 5, or the time is over (seconds, --timeout; its patience, too). */
enum err client_wait(const char *socket_path, const struct command *c, const char *as, struct reply *out,
                     struct diag *why);

/* Whether a daemon listens there. */
bool client_is_daemon(const char *socket_path);

/* Writes reply->out to the command's ARG_OUT, if it has one, and empties it: mode 0600; "-" is standard output. */
enum err client_write_out(const struct command *c, struct reply *r, struct diag *why);

/* The command's ARG_OUT or ARG_PARTS (which client_ask has written already); NULL: none. */
const char *client_out_name(const struct command *c);

#endif
