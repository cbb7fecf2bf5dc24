/*
 * Durable delivery into Maildirs ROOT/ADDRESS/{tmp,new,cur}: where the courier puts mail in a rehearsal, or where
 * `courier = "maildir"` says so.
 *
 * The file's name is the delivery's id, so that a delivery that is repeated after a crash takes the place of the
 * first one as long as that is in new/, and does not stand there twice. A file begins with "Return-Path: <SENDER>" and
 * "Delivered-To: ADDRESS"; the caller writes the message with CR LF, and it is kept with LF, as Maildirs are; a bare
 * CR stays. ERR_OK of the commit means that file and directory are on the disk.
 *
 * ADDRESS is one path component: no '/', no control character, no leading '.', at most 255 bytes (rule
 * `maildir.address`). Ids have letters, digits, '.', '_', '-', begin with a letter or digit and have at most 128
 * bytes (rule `maildir.id`). Both are ERR_USAGE. ERR_LIMIT: the disk is full; ERR_AGAIN: anything else. No diag
 * holds an address.
 */
#ifndef IO_DELIVER_MAILDIR_H
#define IO_DELIVER_MAILDIR_H

#include "base/err.h"

#include <stddef.h>

struct maildir_delivery;

/* Makes the folders that are missing, ROOT included (0700). On an error *out is NULL. */
enum err deliver_maildir_begin(const char *root, const char *address, const char *id, const char *sender,
                               struct maildir_delivery **out, struct diag *why);

/* After an error the delivery can only be abandoned. */
enum err deliver_maildir_write(struct maildir_delivery *delivery, const void *bytes, size_t len, struct diag *why);

/* Frees the delivery, and sets *delivery to NULL, whatever comes out. */
enum err deliver_maildir_commit(struct maildir_delivery **delivery, struct diag *why);

/* Leaves nothing behind; *delivery may be NULL. */
void deliver_maildir_abandon(struct maildir_delivery **delivery);

#endif
