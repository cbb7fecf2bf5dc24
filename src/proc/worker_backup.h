/*
 * The crypto worker's CRYPTO_BACKUP: packs an instance's files, signs them by the list and encrypts them to the admins,
 * in one stream. Only the sealed file is written; what is secret in it is nowhere on the disk but where it was.
 *
 * A backup is an archive (codec/tar.h), signed by the key of the first list, encrypted to the admins. In it, in order:
 *   README                       how to restore, for whoever opens it by hand
 *   embargod.conf, policy/…      as they are
 *   state/db.sqlite              a consistent copy; columns sealed_* are sealed under the data key, which is in it
 *                                wrapped to the storage keys alone
 *   state/bodies/…               encrypted mails that may still have to go
 *   gnupg/LIST/HOME/pubring.kbx  the public keys of every home
 *   gnupg/LIST/{list,storage}/{private-keys-v1.d,openpgp-revocs.d}/…   with keys only
 *   manifest.json                format, program, schema, id, kind, taken_at, with_keys, lists, audit head; of each
 *                                file name, size, SHA-256
 * Not in it: the spool (mail that has not been opened), public/ (made anew), mail/, run/.
 */
#ifndef PROC_WORKER_BACKUP_H
#define PROC_WORKER_BACKUP_H

#include "base/buf.h"
#include "base/err.h"

#define BACKUP_FORMAT     1
#define BACKUP_FOLDER     "state/backup" /* of what is under way; empty otherwise */
#define BACKUP_COPY       "db.sqlite"
#define BACKUP_SEALED     "sealed"
#define BACKUP_ADMINS_MAX 64

enum err worker_backup(struct span request, struct buf *reply, struct diag *why);

#endif
