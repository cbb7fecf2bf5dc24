/*
 * The one function that makes outgoing mail.
 *
 * It takes content that is either `sealed` (it will be signed by the list and encrypted for each recipient) or
 * `cleared` (it may go in clear). Cleared content exists for three reasons only, named when it is made; whatever is not
 * cleared goes encrypted or not at all. Nothing is sent here: rows are written, in the caller's transaction.
 *
 * Copies of a sealed mail share their bytes: inner and outer To are the list's address, the recipient stands in the
 * envelope alone. A mail to one reporter names him. A recipient who gets a nonce (each admin does) has a mail of his
 * own.
 */
#ifndef FLOW_OUTGOING_H
#define FLOW_OUTGOING_H

#include "flow/flow.h"

enum cleared_reason {
    CLEARED_PUBLIC,        /* the case is public */
    CLEARED_NOTICE,        /* no content of a case: an acknowledgement, a notice */
    CLEARED_PLAIN_REPORTER /* a reporter without a key, where reporting.plain_text = "allow" */
};

struct content {
    bool is_sealed;
    enum cleared_reason reason; /* of cleared content */
};

struct content content_sealed(void);

/* ERR_DENIED (rule reporting.plain_text, or outgoing.not-public) where the reason does not hold for this case. */
enum err content_cleared(enum cleared_reason reason, const struct policy *policy, const struct case_row *c,
                         struct content *out, struct diag *why);

struct outgoing_file {
    const char *name; /* UTF-8 */
    const char *type; /* "text/x-diff" */
    struct span bytes;
};

struct outgoing_field {
    const char *name; /* "Embargo-Case" */
    const char *value;
};

/* All borrowed. */
struct outgoing {
    const char *kind; /* "advisory", "team", "reply", "acknowledgement", "notice", "answer", "public", "receipt" */
    const struct settings_list *list;
    int64_t list_id;
    const struct case_row *c; /* NULL: no case */
    int64_t version;          /* of an advisory */
    const char *subject;      /* the real one */
    const char *prefix;       /* what it must begin with, outside too; NULL */
    const char *text;
    const struct outgoing_file *files;
    size_t n_files;
    const struct outgoing_field *fields; /* of the protected header */
    size_t n_fields;
    const char *reply_to;    /* NULL: the list */
    const char *in_reply_to; /* a Message-ID; NULL */
    bool to_members;         /* outer X-Embargo, Reply-To the list */
    bool automatic;          /* Auto-Submitted, for what answers by itself */
    int64_t earliest_at;     /* INSTANT_NONE: at once */
};

struct outgoing_to {
    int64_t member_id;          /* or 0 */
    int64_t participant_id;     /* or 0 */
    int64_t application_id;     /* or 0 */
    int64_t key_row;            /* of a key in the list's shards, or 0 */
    const char *org;            /* NULL */
    const char *address;        /* a member's or admin's; NULL for a participant's, which is kept sealed */
    const char *secret_address; /* a participant's */
    const char *fingerprint;    /* NULL for cleared mail */
    /* Who gets a nonce with it (flow/nonces.h): an admin, or a member by its actor's name. */
    const struct settings_admin *admin;
    const char *nonce_owner;
};

/*
 * Records the mail and its copies. A sealed mail needs a fingerprint for each recipient (ERR_INTERNAL otherwise), a
 * cleared one takes exactly one recipient. *mail_id may be NULL. ERR_REJECT header.injection from the composer.
 */
enum err outgoing_queue(struct flow *f, const struct outgoing *mail, struct content content,
                        const struct outgoing_to *to, size_t n, int64_t *mail_id, struct diag *why);

/* The team of a list: its admins with their keys, without `except` (an address, or NULL). The caller frees *out. */
enum err outgoing_team(struct flow *f, const struct settings_list *list, int64_t list_id, const char *except,
                       struct outgoing_to **out, size_t *n, struct diag *why);

#endif
