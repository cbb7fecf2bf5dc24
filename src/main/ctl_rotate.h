/*
 * key rotate-list: embargod.conf is the root of trust, so this is done where it lies, with the daemon stopped. The
 * steps, and what a crash between them leaves: flow/list_rotation.h.
 *
 *   ctl_rotate       the command: lock, embargod.conf, the reply
 *   ctl_rotate_conf  its text with another key
 *   ctl_rotate_keys  the key, the statement, what is staged
 *
 * As root what concerns keys and database is done as whoever owns state/, in a process of its own: nothing there
 * becomes root's, and root opens nothing there. embargod.conf keeps its owner and its mode.
 */
#ifndef MAIN_CTL_ROTATE_H
#define MAIN_CTL_ROTATE_H

#include "codec/pgp.h"
#include "codec/settings.h"

struct rotation {
    const struct settings_list *list;
    const char *wanted; /* --key: a secret key that lies in the home already; NULL: a new one */
    char *home;         /* the list's GnuPG home */
    char *state;
    struct buf passphrase; /* empty: the keys have none */
    char fingerprint[PGP_FPR_SIZE];
    struct buf statement;
};

/*
 * text: embargod.conf, which is `file`. out: the same with `fingerprint` as the list's key, and the key of before as
 * previous_key on a line of its own; everything else stays as it was, comments too. It is read as the daemon reads it,
 * and says what was meant. ERR_REJECT rotate.conf: the key does not stand there as key = "FINGERPRINT".
 */
enum err rotate_conf(const struct buf *text, const char *file, const struct settings_list *list,
                     const char *fingerprint, struct buf *out, struct diag *why);

/*
 * Makes the key, or goes on with the one that is staged; fills fingerprint and statement. Without success nothing of it
 * is left. ERR_DENIED rotate.not-begun, ERR_REJECT rotate.key.
 */
enum err rotate_keys(struct rotation *r, struct diag *why);

#endif
