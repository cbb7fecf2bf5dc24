/*
 * Commands: one table of verbs for embargoctl, the control socket and mail.
 *
 * A request is words and files, read by embargoctl and sent as one frame; core parses it against the same table,
 * finds out who asks, runs the handler in a transaction where it changes something, and answers with one object.
 *
 * Adding a command: a row in command_table.c, and its handler in a cmd_*.c.
 */
#ifndef FLOW_COMMAND_H
#define FLOW_COMMAND_H

#include "codec/mime.h"
#include "codec/pgp_key.h"
#include "flow/flow.h"

#include <jansson.h>

#define COMMAND_ARGS_MAX    8
#define COMMAND_OPTIONS_MAX 16
#define COMMAND_FILE_MAX    ((size_t)64 << 20) /* bytes of one file */

/* Exit codes of embargoctl, in the contract. */
enum command_exit {
    EXIT_DONE = 0,
    EXIT_REFUSED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 3,
    EXIT_INTERNAL = 4,
    EXIT_NOT_SETTLED = 5,
    EXIT_NO_DAEMON = 75
};

enum command_arg_type {
    ARG_WORD,
    ARG_FILE,  /* read by the client; its bytes are sent */
    ARG_KEY,   /* the same; examined by a crypto worker before the handler runs */
    ARG_TABLE, /* a table of members (flow/import_table.h); its keys are examined before the handler runs */
    ARG_MAIL,  /* the same; parsed by a mime worker before the handler runs */
    ARG_OUT,   /* a file that the client writes from the reply */
    ARG_PARTS, /* the same, from parts that come before the reply */
    ARG_FLAG,  /* an option without a value */
    ARG_WORDS  /* all words that are left, joined by spaces */
};

struct command;
struct reply;

struct command_arg {
    const char *name; /* "ID"; of an option "tier" for --tier */
    enum command_arg_type type;
    bool optional; /* of a positional argument */
    bool many;     /* an option that may be given several times */
};

enum command_place {
    PLACE_DAEMON,  /* by core, over the control socket */
    PLACE_OFFLINE, /* by embargoctl itself */
    PLACE_EITHER   /* by core where a daemon runs, else by embargoctl, reading only */
};

struct command_verb {
    const char *words; /* "case reply" */
    struct command_arg args[COMMAND_ARGS_MAX];
    struct command_arg options[COMMAND_OPTIONS_MAX];
    enum command_place place;
    bool writes;  /* runs in a transaction */
    bool by_mail; /* admins may send it as Embargo-Command */
    enum err (*run)(struct flow *f, const struct command *c, struct reply *r, struct diag *why); /* of PLACE_DAEMON */
    const char *help;                                                                            /* one line */
};

/* Sorted by words; ends with a row whose words are NULL. */
extern const struct command_verb command_verbs[];

struct command_value {
    const char *name; /* of the argument or option, borrowed from the table */
    enum command_arg_type type;
    char *word;       /* what was written; a file's name */
    struct buf bytes; /* of a file */
    /* of ARG_KEY, once examined */
    struct pgp_key_info *key;
    struct buf certificate; /* minimised; of ARG_TABLE what was found of each key, packed */
    /* of ARG_MAIL, once parsed */
    struct mime_message *mail;
    char *mail_text;
    bool mail_secret; /* a secret key is in it */
};

struct approval_replay;

struct command {
    const struct command_verb *verb;
    struct actor actor;
    char *list; /* --list; NULL */
    struct command_value *values;
    size_t n_values;
    const struct approval_replay *replay; /* run again, now that enough admins approve (flow/approvals.h); else NULL */
};

struct reply {
    enum command_exit exit;
    bool ok;
    char rule[DIAG_RULE_MAX];
    char message[DIAG_TEXT_MAX];
    char file[256]; /* FILE.conf of a policy's refusal */
    int line;
    json_t *data;   /* owned; NULL: null */
    struct buf out; /* for ARG_OUT */
    /* A site is to be built (store/publish.h); the control socket answers when it is. 0: nothing to wait for */
    int64_t site_wish;
    /* A backup is to be made, and goes to the client in parts before the reply. "": none */
    struct {
        char id[BOX_ID_SIZE];
        bool with_keys;
        char name[256]; /* of the client's file */
    } backup;
};

/*
 * Parses words against the table (without program name and global options). ARG_FILE, ARG_KEY and ARG_MAIL have
 * only their names yet. ERR_USAGE: why names the rule (command.unknown with the nearest, command.argument,
 * command.option). The caller frees with command_free.
 */
enum err command_parse(int argc, const char *const *argv, struct command *out, struct diag *why);
/* The same against other tables, each as command_verbs is, the first that has the verb; ends with NULL. */
enum err command_parse_from(const struct command_verb *const *tables, int argc, const char *const *argv,
                            struct command *out, struct diag *why);
void command_free(struct command *c);

/* The value of an argument or option by its name; NULL where it was not given. */
const struct command_value *command_value(const struct command *c, const char *name);
const char *command_word(const struct command *c, const char *name);
bool command_flag(const struct command *c, const char *name);
/* The nth (from 0) value of an option that may be given several times. */
const struct command_value *command_value_nth(const struct command *c, const char *name, size_t n);

/* ---- over the control socket; frames of base/frame.h ---- */
/* Any number of parts (bytes of a file) may come before a reply. */
enum control_frame { CONTROL_REQUEST = 1, CONTROL_REPLY = 2, CONTROL_PART = 3 };

/* as: --as ADDRESS, or NULL. */
void command_put(const struct command *c, const char *as, struct buf *out);
/* ERR_USAGE for whatever does not fit the table, too. *as: the caller frees. */
enum err command_get(struct span payload, struct command *out, char **as, struct diag *why);

void reply_put(const struct reply *r, struct buf *out);
enum err reply_get(struct span payload, struct reply *out, struct diag *why);
void reply_free(struct reply *r);

/* Fills a reply from an error (or ERR_OK): exit code, rule, message, file and line. */
void reply_from(struct reply *r, enum err err, const struct diag *why);

/* The one object of --json: {"ok","rule","message","data"}; a policy's refusal names FILE:LINE in its message. New. */
json_t *reply_json(const struct reply *r);

/*
 * Runs a parsed command whose files have been examined: decides whether the actor may, begins and ends the
 * transaction, fills the reply.
 */
void command_run(struct flow *f, const struct command *c, struct reply *r);

/*
 * The same as a part of the caller's transaction, which goes on whatever became of the command. An error means that the
 * transaction itself is broken.
 */
enum err command_run_part(struct flow *f, const struct command *c, struct reply *r, struct diag *why);

#endif
