/*
 * embargoctl: what its parts share. One run is one command; everything is freed at its end.
 *
 *   embargoctl.c    options, wiring
 *   ctl_client      files in and out, one request and its reply over the control socket
 *   ctl_out         text for a terminal: what others wrote is made harmless first
 *   ctl_render      replies as text, by kind
 *   ctl_help        help, from the table of commands
 *   ctl_policy      policy list, show, check, compare
 *   ctl_init*       init
 *   ctl_restore*    restore
 *   ctl_rotate      key rotate-list
 *   ctl_check*      check, audit verify
 */
#ifndef MAIN_CTL_H
#define MAIN_CTL_H

#include "codec/settings.h"
#include "flow/command.h"

struct ctl {
    const char *config; /* -c, else EMBARGOD_CONF; NULL */
    const char *list;   /* --list; NULL */
    const char *as;     /* --as; NULL */
    bool json;
    struct settings *settings; /* NULL until ctl_load */
};

/* Reads the configuration once. ERR_USAGE rule config.which where none was named. */
enum err ctl_load(struct ctl *ctl, struct diag *why);

/*
 * The offline commands: each fills reply->data, and reply->message where a word is to be said. An exit code that one
 * sets by itself stays.
 */
enum err ctl_init(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why);
enum err ctl_check(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why);
enum err ctl_rotate(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why);
enum err ctl_restore(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why);
enum err ctl_audit_verify(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why);
enum err ctl_policy_list(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why);
enum err ctl_policy_show(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why);
enum err ctl_policy_check(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why);
enum err ctl_policy_compare(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why);
/* Without a case, and without a daemon. */
enum err ctl_policy_explain(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why);

#endif
