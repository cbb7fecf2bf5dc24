/*
 * Commands by mail: a mail to the list's own address, signed as a whole by an admin's or a member's key, whose text
 * begins with the lines of flow/mail_lines.h. Admins have the verbs of embargoctl that are marked by_mail, members
 * those of flow/member_verbs.h, both its common ones.
 *
 * In this order; the first that fails ends it, with a line in the audit trail (command.ignored, the rule):
 *   command.unsigned    not signed as a whole by one good signature
 *   command.nobody      the signer is neither an admin nor a member of the list
 *   unbound-signature   what was signed names another recipient
 *   command.replay      this very text was handled before (`nonce` alone may be said again)
 *   command.late        signed more than 72 hours ago; command.future: signed in the future
 *   command.quoted, command.lines, command.quoting, command.limit   (flow/mail_lines.h)
 *   posting.*           the policy lets this sender send no commands
 *   command.list        Embargo-List is missing, or names another list
 *   command.nonce       the nonce is missing, used, older than 24 hours, or another person's; `nonce` alone needs none
 * From unbound-signature on the signer is told why, sealed for him, once for each text.
 *
 * Then the commands run, each as a part of the one transaction that takes the mail: one that is refused changes
 * nothing and does not stop those behind it. One sealed answer tells what each did, with its data as JSON, files as
 * attachments, and a fresh nonce. A crash undoes the whole mail, which is then taken again: each command counts once.
 *
 * An argument that is a file is the attachment of that name; `-` is the text below the lines. A table of members has
 * its keys in it, as armor. Not by mail: what
 * embargoctl does by itself, `wait`, and `case open` (mail the report itself).
 */
#ifndef FLOW_MAIL_COMMANDS_H
#define FLOW_MAIL_COMMANDS_H

#include "flow/command.h"
#include "flow/mail_lines.h"
#include "flow/receiving.h"

/* Is it one, good or not? */
bool mail_commands_are(const struct receiving *r);

enum err receive_commands(struct receiving *r, struct diag *reason, struct diag *why);

/*
 * The keys among its attachments that workers have to examine before it is received: fills in->keys with their names.
 * *files: the caller frees with incoming_files_free; files[i] is keys[i]'s.
 */
size_t mail_commands_keys(const struct settings *s, struct incoming *in, struct incoming_file **files);

/*
 * The first table of members that an admin's command mail brings (`member import`): fills in->table, and csv with its
 * rows, whose keys workers have to examine before it is received. False: there is none to examine.
 */
bool mail_commands_table(const struct settings *s, struct incoming *in, struct buf *csv);

/* ---- what the parts of it share ---- */

extern const struct command_verb *const mail_admin_tables[], *const mail_member_tables[]; /* end with NULL */

/* Adds the bytes of the attachment that a value names, or the text below the lines, to v->bytes. */
enum err mail_take_file(const struct incoming *in, const struct mail_orders *o, const struct incoming_file *files,
                        size_t n, struct command_value *v, struct diag *why);

struct mail_answer {
    struct buf text;
    struct incoming_file *files;
    size_t n_files;
};

void mail_answer_free(struct mail_answer *a);
/* What became of one command. Takes r->out over. */
void mail_answer_add(struct mail_answer *a, const struct mail_order *order, struct reply *r, const char *out_name);
/* Sealed for the key that signed; where that key cannot be used nobody is answered, which the audit trail says. */
enum err mail_answer_send(struct receiving *r, const struct actor *to, const struct mail_answer *a, struct diag *why);

#endif
