/*
 * The fetch role: looks up keys in Web Key Directories (codec/wkd.h) over HTTPS. It has the network and nothing else:
 * no keys, no database, no home, no GnuPG. Core asks it because of an application, or in the weekly round over all
 * addresses, and never because of a case (design.md, "look-ups betray a case").
 *
 * Frames from core: FETCH_LOOKUP: job i64, address. Frames to core: FETCH_RESULT: job i64, outcome u32, rule, text,
 * bytes. What comes back is a stranger's bytes: core hands them to a crypto worker before it believes any of them.
 *
 * Each look-up runs in a process of its own, bounded in time and size, so that what a server sends can at worst end
 * that one. Redirects are not followed, proxies not used, and hosts with an address of a private network are not
 * spoken to, since the domain is chosen by whoever applies. Being off line is an outcome, not an error.
 *
 * A rehearsal speaks only to the hosts that fetch.connect_to names; so do tests, which need no DNS.
 */
#ifndef IO_FETCH_H
#define IO_FETCH_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/settings.h"

#include <stdint.h>

#define FETCH_BYTES_MAX ((size_t)1 << 20) /* of one answer */
#define FETCH_JOBS_MAX  4                 /* look-ups at a time */

enum fetch_frame { FETCH_LOOKUP = 1, FETCH_RESULT = 2 };

enum fetch_outcome {
    FETCH_FOUND,
    FETCH_ABSENT,  /* the directory is there and has no key for the address */
    FETCH_OFFLINE, /* nobody could be asked now: no network, no such host, look-ups are off; ask again later */
    FETCH_REFUSED  /* an answer that is not taken: a bad certificate, too large, a redirect, another status */
};

struct fetch_result {
    enum fetch_outcome outcome;
    char rule[DIAG_RULE_MAX]; /* "" where found; fetch.absent fetch.offline fetch.off fetch.tls fetch.status … */
    char text[DIAG_TEXT_MAX]; /* words of ours, without the address */
    struct buf bytes;
};

void fetch_result_put(int64_t job, const struct fetch_result *result, struct buf *out);
/* ERR_REJECT rule frame.bad. The caller frees out->bytes. */
enum err fetch_result_get(struct span payload, int64_t *job, struct fetch_result *out, struct diag *why);

/* One look-up, both methods, blocking; the caller frees out->bytes. Never fails: the outcome says it. */
void fetch_look_up(const struct settings *settings, bool rehearsal, const char *address, struct fetch_result *out);

/* May this host's address be spoken to? Not where it is of this machine, of a private network, or of no one host. */
struct sockaddr;
bool fetch_address_is_public(const struct sockaddr *address);

/* The whole life of the role; fd: the socket to core. Returns its exit code. */
int fetch_main(const struct settings *settings, bool rehearsal, int fd);

#endif
