/*
 * restore: an instance from a backup (proc/worker_backup.h has its form), offline.
 *
 * gpg opens the file with the caller's own keys. Everything is unpacked into a folder that was empty or not there, and
 * only then judged: signature (one, good, by the key that the embargod.conf inside names for its first list, which the
 * caller's keyring must know), digests, audit trail. embargod.conf is written last, so that nothing can start before;
 * whatever fails takes away all that was unpacked.
 *
 * Rules: restore.exists restore.not-empty restore.running restore.not-held restore.keys init.home init.path-too-long;
 * backup.no-key backup.locked backup.unknown-signer backup.signature backup.signer backup.other-list backup.damaged
 * backup.format backup.entry store.newer.
 */
#ifndef MAIN_CTL_RESTORE_H
#define MAIN_CTL_RESTORE_H

#include "base/buf.h"
#include "codec/pgp_stream.h"
#include "codec/settings.h"

#include <jansson.h>

struct restore {
    char *home;                  /* absolute */
    bool made_home;              /* else it was there, empty */
    const char *file;            /* of the backup */
    const char *keys;            /* a second backup, for its keys alone; NULL */
    const char *list_key, *list; /* what the caller expects; NULL */
    bool rehearsal, accept;
    /* what was found */
    struct buf conf;
    json_t *manifest;
    struct settings *settings;
    struct pgp_stream_facts facts;
    bool has_keys;
    int64_t entries; /* of the audit trail */
    char head[65];
};

/* ctl_restore_files.c: opens a backup below r->home; keys_only: the secret keys of it alone. Checks the digests. */
enum err restore_unpack(struct restore *r, const char *file, bool keys_only, struct buf *conf, json_t **manifest,
                        struct pgp_stream_facts *facts, struct diag *why);

/* ctl_restore_store.c: the database of what was unpacked; and the word that an instance may go on. */
enum err restore_database(struct restore *r, struct diag *why);
enum err restore_accept(const struct settings *s, const char *file, json_t **data, struct diag *why);

/* The last component of a path; borrowed. */
const char *restore_base(const char *path);

#endif
