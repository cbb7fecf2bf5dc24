/*
 * init: makes an instance, or one more list in an instance that is there.
 *
 * Order, so that a failure leaves nothing half-made: all words and files are checked first; folders, homes and keys are
 * made next; the database is written in one transaction; embargod.conf comes last. Whatever fails, or a signal that
 * ends it (SIGINT, SIGTERM, SIGHUP), removes what this call has made.
 *
 * DIR/            0700
 *   embargod.conf  0600; for a further list its lines are printed instead, to be added by hand
 *   policy/        all presets and defaults.conf; policy/holidays/
 *   state/{spool,bodies}/, state/db.sqlite
 *   public/ run/ mail/
 *   gnupg/NAME/list        the list's secret key; admins' public keys, to verify their mail
 *   gnupg/NAME/storage     the storage key, to which the data key is wrapped (meta `wrapped-key`)
 *   gnupg/NAME/quarantine  keys of applicants
 *   gnupg/NAME/member-000  admins' public keys, to encrypt to them
 *
 * Rules: init.exists init.not-empty init.path-too-long init.name init.address init.admin init.key init.running
 * init.interrupted, and those of keys (key.*), of policies and of files.
 */
#ifndef MAIN_CTL_INIT_H
#define MAIN_CTL_INIT_H

#include "codec/pgp_key.h"
#include "codec/settings.h"
#include "main/ctl_out.h"
#include "store/db.h"

#include <jansson.h>

#define INIT_ADMINS_MAX 64
#define INIT_NAME_MAX   16

struct init_admin {
    char *address;
    struct buf file;        /* as given */
    struct buf certificate; /* minimised */
    struct pgp_key_info key;
};

/* What is to be made; owned. */
struct init_plan {
    char *home; /* absolute */
    char *list;
    char *address;
    char *policy; /* ID@EDITION */
    char *key;    /* fingerprint to copy; NULL: one is generated */
    char *from;   /* the GnuPG home it is in; absolute */
    int64_t uid;
    struct init_admin *admins;
    size_t n_admins;
    struct settings *settings; /* of an instance that is there; NULL: a new one */
    int64_t now_utc_s;
    /* filled while it is made */
    bool made_home;  /* the folder itself */
    bool in_home;    /* something below a folder that was there, empty */
    bool made_gnupg; /* gnupg/NAME */
    char fingerprint[PGP_FPR_SIZE];
    char storage[PGP_FPR_SIZE];
    struct db *db;
};

void init_plan_free(struct init_plan *p);

/* The absolute path of a folder that need not be there yet, though its parent must; the caller frees. */
enum err init_absolute(const char *path, char **out, struct diag *why);

/* DIR/gnupg/LIST/NAME; the caller frees. */
char *init_gnupg(const struct init_plan *p, const char *name);
char *init_path(const struct init_plan *p, const char *relative);

/* ctl_init_keys.c: homes, the list's key, the storage key, admins' certificates. */
enum err init_make_homes(struct init_plan *p, struct diag *why);
enum err init_make_keys(struct init_plan *p, struct diag *why);
enum err init_examine_admins(struct init_plan *p, struct diag *why);
enum err init_import_admins(struct init_plan *p, struct diag *why);
void init_stop_agents(const struct init_plan *p);

/* ctl_init_store.c: the database: opened or created, the data key, and all rows in one transaction. */
enum err init_store(struct init_plan *p, struct diag *why);

/* ctl_init_files.c */
enum err init_make_folders(struct init_plan *p, struct diag *why);
enum err init_write_conf(struct init_plan *p, struct diag *why);
/* Lines to add to an embargod.conf that is there; appends. */
void init_conf_lines(const struct init_plan *p, struct buf *out);
/* A folder that is there and has nothing in it. */
bool init_is_empty(const char *path);
void init_remove_tree(const char *path, bool keep_root);
/* Removes what this call has made. */
void init_undo(struct init_plan *p);

/* ctl_init_advice.c: what to add to the mail server, the DNS and the web server. */
bool init_render(const struct out *o, const json_t *data);
/* The name under .well-known/openpgpkey/…/hu/ (z-base-32 of SHA-1 of the local part in lower case). */
void init_wkd_hash(const char *local, char out[33]);

/* From now on signals ask only; true once one has asked to end. */
void init_catch_signals(void);
bool init_is_interrupted(void);

#endif
