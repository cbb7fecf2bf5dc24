/*
 * The courier's transport into Maildirs: mail/ADDRESS below the home (deliver_maildir.h), one job after the other. A
 * result is sent only when the mail is on the disk.
 */
#ifndef IO_COURIER_MAILDIR_H
#define IO_COURIER_MAILDIR_H

#include "codec/settings.h"

/* Takes jobs from fd until it is closed, which is ERR_OK. Other errors: a bad frame, or core is gone in mid-frame. */
enum err courier_maildir_run(const struct settings *settings, int bodies_fd, int fd, struct diag *why);

#endif
