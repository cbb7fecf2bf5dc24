/*
 * embargod.conf: the root of trust (who the admins are, which lists there are) and how the daemon runs.
 *
 * Relative paths are below the folder of the file, which is the instance's home. Every fault names file, line and the
 * nearest right key; a file with a fault is refused whole. The keys, types, units and defaults stand in the tables of
 * settings.c and settings_limits.c and in embargod.conf(5).
 */
#ifndef CODEC_SETTINGS_H
#define CODEC_SETTINGS_H

#include "base/buf.h"
#include "codec/conf.h"

#include <stdint.h>
#include <sys/types.h>

struct settings_list {
    char *name;
    char *address;         /* checked, domain in lower case */
    char *policy;          /* ID@EDITION, or ID for the newest */
    char *fingerprint;     /* of the list's key: upper-case hex */
    char *previous_key;    /* the one before, which opens mail still: key rotate-list; NULL: none */
    char *passphrase_file; /* absolute; of the list's key; NULL: none */
    char *authserv_id;     /* NULL: Authentication-Results are not believed */
    int64_t next_id;
    char *commit_url; /* https://…{commit}…; NULL: commits are shown without a link */
};

struct settings_admin {
    char *address;
    char *fingerprint;
    int64_t uid;  /* -1: none */
    char **lists; /* names; none: all lists */
    size_t n_lists;
};

/* A public list, by the name that policies give it (publication.channels). */
struct settings_channel {
    char *name;
    char *address;
    bool is_plain;        /* style "plain": a text that stands alone, as oss-security wants it; else "announce" */
    char *subject_prefix; /* NULL: none */
};

enum settings_courier { COURIER_MAILDIR, COURIER_SMTP };
enum settings_tls { SMTP_TLS_NONE, SMTP_TLS_OPPORTUNISTIC, SMTP_TLS_REQUIRED };
enum settings_sandbox { SANDBOX_OFF, SANDBOX_BEST_EFFORT, SANDBOX_REQUIRED };

struct settings_limits {
    size_t message_bytes, hold_bytes, header_block_bytes, header_line_bytes, parts, depth;
    size_t decrypted_bytes, decrypted_factor;
    int worker_seconds; /* before a worker is killed */
    int worker_tries;   /* before a message that kills workers is held */
    int workers;        /* at a time */
    int connections, recipients, idle_seconds;
    int sender_mails, domain_mails, all_mails; /* in an hour, beyond which the team gets a digest */
    int digest_minutes;
    size_t reserve_bytes; /* of the disk, below which mail is deferred */
    int courier_jobs;     /* at a time */
    int retry_first_s, retry_max_s, retry_give_up_s;
    bool require_synchronised_clock;
};

struct settings {
    char *home; /* absolute */
    char *file; /* absolute */
    struct settings_list *lists;
    size_t n_lists;
    struct settings_admin *admins;
    size_t n_admins;
    struct settings_channel *channels;
    size_t n_channels;
    char *lmtp_unix; /* absolute; NULL: off */
    char *lmtp_tcp;  /* "127.0.0.1:2525"; NULL: off */
    char *maildir_in;
    char *control; /* absolute */
    enum settings_courier courier;
    char *smtp_host;
    int smtp_port;
    enum settings_tls smtp_tls;
    char *smtp_ca;      /* absolute; NULL: the CAs of the system */
    int smtp_timeout_s; /* for one step of a session */
    bool fetch_wkd;
    char *fetch_ca; /* absolute; NULL: the CAs of the system */
    int fetch_timeout_s;
    char **fetch_connect_to; /* "HOST:ADDRESS:PORT" */
    size_t n_fetch_connect_to;
    enum settings_sandbox sandbox;
    bool outer_embargo_header;
    char *site_url;      /* https://HOST/…/ with its slash; NULL: not known */
    char *site_title;    /* NULL: none */
    char **site_contact; /* for security.txt, besides the lists' addresses */
    size_t n_site_contact;
    int64_t *reminders_s;
    size_t n_reminders;
    char *user_core, *user_intake, *user_courier;
    struct settings_limits limits;
};

/* Between the words of `sandbox` and their meanings; a word that is none: SANDBOX_REQUIRED. */
const char *settings_sandbox_name(enum settings_sandbox s);
enum settings_sandbox settings_sandbox_word(const char *word);

/* text is what `file` holds; faults are added in any case. ERR_REJECT where there is one; the caller frees *out. */
enum err settings_parse(const char *text, size_t len, const char *file, struct conf_faults *faults,
                        struct settings **out);

/*
 * Reads and parses the file. Faults of what it holds are added to *faults (ERR_REJECT); why says what is the first one,
 * or why the file cannot be read.
 */
enum err settings_read(const char *file, struct conf_faults *faults, struct settings **out, struct diag *why);

/* The same, where one fault is enough. */
enum err settings_load(const char *file, struct settings **out, struct diag *why);
void settings_free(struct settings **s);

const struct settings_list *settings_list_named(const struct settings *s, const char *name);
/* The list that an address belongs to ("security+apply@…" too); NULL: none. */
const struct settings_list *settings_list_for(const struct settings *s, const char *address);
const struct settings_admin *settings_admin_at(const struct settings *s, const char *address);
/* By fingerprint, for a list; NULL: none. */
const struct settings_admin *settings_admin_with_key(const struct settings *s, const struct settings_list *list,
                                                     const char *fingerprint);
bool settings_admin_serves(const struct settings_admin *a, const struct settings_list *list);
/* The first with the uid; of several, the first who serves that list (NULL: any). NULL: none has it. */
const struct settings_admin *settings_admin_of_uid(const struct settings *s, int64_t uid,
                                                   const struct settings_list *list);
/* Who serves one list of several need not name it. NULL: there is but one, or he serves more. */
const struct settings_list *settings_only_list(const struct settings *s, const struct settings_admin *admin);

/* By name, whatever its case; NULL: none is configured. */
const struct settings_channel *settings_channel_named(const struct settings *s, const char *name);
/* "announce" or "plain", where nobody says. */
const char *settings_style_of(const char *name, const char *address);
/* What the Subject of mail to an address must begin with ("[vs] "); "" where nothing. */
const char *settings_subject_prefix(const struct settings *s, const char *address);

/* 127.…:PORT, [::1]:PORT or localhost:PORT. */
bool settings_is_loopback(const char *address);

/*
 * The passphrase of a list's keys: the first line of passphrase_file, else of the systemd credential embargod-LIST
 * ($CREDENTIALS_DIRECTORY). Neither: ERR_OK, and out is empty. The caller wipes out.
 */
#define SETTINGS_PASSPHRASE_MAX 1024 /* bytes */
enum err settings_passphrase(const struct settings_list *list, struct buf *out, struct diag *why);

/* Paths below the home; the caller frees. */
char *settings_path(const struct settings *s, const char *relative);
/* gnupg/LIST/NAME */
char *settings_gnupg(const struct settings *s, const char *list, const char *name);
char *settings_shard(const struct settings *s, const char *list, int64_t shard);

#endif
