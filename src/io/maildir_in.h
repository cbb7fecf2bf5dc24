/*
 * The other way in: a Maildir that a mail server (Postfix, Exim, OpenSMTPD, Dovecot, procmail) delivers into.
 *
 * Each file of DIR/new is copied into the spool, LF made CR LF as over LMTP, and leaves the folder only when
 * spool_commit has made its entries durable. What a crash leaves in both places comes again with the same envelope and
 * the same bytes, so that core recognises it. New files are told by inotify; the folder is read at the start, and
 * again every MAILDIR_IN_RESCAN_S, since a hint may be lost. While there is no room on the disk, or the spool cannot
 * be written, everything stays where it is.
 *
 * The envelope stands in fields that the delivering program has put above the first Received field: an outsider's own
 * fields are below. Sender: Return-Path. Recipients: of X-Original-To, Delivered-To, X-Delivered-To, Envelope-To and
 * X-Envelope-To, for each list that is named one address, that with a suffix before the bare one. Where there is no
 * Return-Path or no list is named, the mail is kept with SPOOL_NO_ENVELOPE, for the first list, to be held.
 *
 * Never taken, and left as it is: what is no regular file (links are not followed), what cannot be opened, what is
 * larger than hold_bytes, a name with a dot in front. Names are used to open and to unlink, and appear nowhere else.
 *
 * A Maildir's mail is moved into `new` when it is whole. A program that writes there directly loses nothing by it: a
 * file is not taken while somebody has it open to write, which the kernel knows (a lease); where it may not be asked
 * (another user's file, a network's file system), not before MAILDIR_IN_QUIET_S after its last change; and an empty one
 * not before MAILDIR_IN_EMPTY_S after it.
 *
 * It works in small steps out of the loop of lmtp_serve, as two of its watches: a large mail holds up no connection.
 */
#ifndef IO_MAILDIR_IN_H
#define IO_MAILDIR_IN_H

#include "base/buf.h"
#include "base/spool.h"
#include "io/lmtp.h"

#define MAILDIR_IN_RESCAN_S   60
#define MAILDIR_IN_TROUBLE_S  5 /* until the next try, after a fault; and where inotify is not to be had */
#define MAILDIR_IN_QUIET_S    2
#define MAILDIR_IN_EMPTY_S    60
#define MAILDIR_IN_WATCHES    2
#define MAILDIR_IN_HEAD_BYTES 65536 /* of a mail, in which the envelope has to stand */

/* The envelope of a file as its head tells it; recipients point into `address`. */
struct maildir_envelope {
    char sender[SPOOL_ADDRESS_MAX + 1];
    char *recipients[SPOOL_RECIPIENTS_MAX];
    size_t n_recipients;
    bool has_sender; /* else the mail is to be held, as where there is no recipient */
};

/* settings: whose addresses the lists are. maildir_envelope_free is called in any case. */
void maildir_envelope_read(struct span head, const struct lmtp_settings *settings, struct maildir_envelope *out);
void maildir_envelope_free(struct maildir_envelope *e);

struct maildir_in;

/*
 * dir, settings (addresses, size_bytes, hold_bytes, clock) and spool are borrowed. A byte is written to notify_fd (or
 * -1) for each entry. A folder that is missing is looked for again at each re-scan.
 */
struct maildir_in *maildir_in_new(const char *dir, const struct lmtp_settings *settings, struct spool *spool,
                                  int notify_fd);
void maildir_in_free(struct maildir_in **m);

/* What lmtp_serve has to wait for. */
void maildir_in_watches(struct maildir_in *m, struct lmtp_watch out[MAILDIR_IN_WATCHES]);

/* One step, as the timer calls it; false when nothing is left to do for now. */
bool maildir_in_step(struct maildir_in *m);

#endif
