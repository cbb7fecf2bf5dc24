/* Commands on cases: seen, and moved from state to state. */
#include "flow/cmd.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/charset.h"
#include "flow/case_of.h"
#include "flow/cases_flow.h"
#include "flow/outgoing.h"
#include "flow/policies.h"
#include "flow/reporter.h"
#include "flow/view.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The case of a word; one of a list that the admin does not serve is not there for him. */
static enum err case_of_word(struct flow *f, const struct command *c, const char *word, struct case_row *out,
                             const struct settings_list **list, struct diag *why)
{
    enum err err = case_by_code(f->db, word, out, why);

    if (err)
        return err;
    *list = flow_list_of_row(f, out->list_id, why);
    if (!*list)
        err = ERR_NOT_FOUND;
    else if (c->actor.kind == ACTOR_ADMIN && !settings_admin_serves(c->actor.admin, *list))
        err = diag_set(why, ERR_NOT_FOUND, "case.unknown", "no such case");
    else if (c->list && strcmp(c->list, (*list)->name) != 0)
        err = diag_set(why, ERR_NOT_FOUND, "case.unknown", "no such case on this list");
    if (err)
        case_row_free(out);
    return err;
}

enum err case_of_command(struct flow *f, const struct command *c, struct case_row *out,
                         const struct settings_list **list, struct diag *why)
{
    return case_of_word(f, c, command_word(c, "ID"), out, list, why);
}

enum err cmd_case_list(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    r->data = json_array();
    for (size_t i = 0; i < f->settings->n_lists; i++) {
        const struct settings_list *list = &f->settings->lists[i];
        struct list_row row;
        struct case_row *cases;
        size_t n;
        enum err err;

        if ((c->list && strcmp(c->list, list->name) != 0) ||
            (c->actor.kind == ACTOR_ADMIN && !settings_admin_serves(c->actor.admin, list)))
            continue;
        err = list_by_name(f->db, list->name, &row, why);
        if (!err)
            err = case_all(f->db, row.id, &cases, &n, why);
        list_row_free(&row);
        if (err)
            return err;
        for (size_t k = 0; k < n; k++) {
            json_array_append_new(r->data, view_case(f, &cases[k], false));
            case_row_free(&cases[k]);
        }
        free(cases);
    }
    return ERR_OK;
}

static enum err keep_message(json_t *o, const char *wanted, struct diag *why)
{
    char *end;
    long n = strtol(wanted, &end, 10);
    json_t *messages = json_object_get(o, "messages"), *m;
    size_t i;

    if (end == wanted || *end)
        return diag_set(why, ERR_USAGE, "command.option", "--message is a number, from 1: see case show");

    json_array_foreach(messages, i, m)
    {
        if (json_integer_value(json_object_get(m, "n")) == n) {
            json_t *one = json_array();

            json_array_append(one, m);
            json_object_set_new(o, "messages", one);
            return ERR_OK;
        }
    }
    return diag_set(why, ERR_NOT_FOUND, "message.unknown", "the case has no message %ld", n);
}

enum err cmd_case_show(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct case_row row;
    enum err err = case_of_command(f, c, &row, &list, why);

    if (err)
        return err;
    r->data = view_case(f, &row, true);
    if (command_word(c, "message"))
        err = keep_message(r->data, command_word(c, "message"), why);
    case_row_free(&row);
    return err;
}

/* A step of the table of states, with what every step has: track and deadlines anew. */
static enum err step(struct flow *f, const struct command *c, struct reply *r, enum case_event event, struct diag *why)
{
    const struct settings_list *list;
    struct case_row row;
    struct policy *policy = NULL;
    enum err err = case_of_command(f, c, &row, &list, why);

    if (err)
        return err;
    err = policies_of_case(f, &row, &policy, why);
    if (!err && event == CASE_ACCEPT)
        err = case_choose_track(policy, &row, why);
    if (!err)
        err = case_step(f, &row, event, &c->actor, "", command_word(c, "reason"), why);
    if (!err)
        err = case_reschedule(f, policy, &row, why);
    if (!err)
        r->data = view_case(f, &row, true);
    policy_free(&policy);
    case_row_free(&row);
    return err;
}

enum err cmd_case_accept(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return step(f, c, r, CASE_ACCEPT, why);
}

enum err cmd_case_reject(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return step(f, c, r, CASE_REJECT, why);
}

enum err cmd_case_fix_ready(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return step(f, c, r, CASE_FIX, why);
}

enum err cmd_case_close(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return step(f, c, r, CASE_CLOSE, why);
}

enum err cmd_case_reopen(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return step(f, c, r, CASE_REOPEN, why);
}

enum err cmd_case_duplicate(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list, *of_list;
    struct case_row row, of = {0};
    enum err err = case_of_command(f, c, &row, &list, why);

    if (err)
        return err;
    err = case_of_word(f, c, command_word(c, "OF"), &of, &of_list, why);
    if (!err && (of.id == row.id || of.list_id != row.list_id))
        err = diag_set(why, ERR_DENIED, "case.duplicate", "a case is a duplicate of another case of the same list");
    if (!err) {
        free(row.duplicate_of);
        row.duplicate_of = mem_strdup(of.code);
        err = case_step(f, &row, CASE_MARK_DUPLICATE, &c->actor, "", NULL, why);
    }
    if (!err)
        r->data = view_case(f, &row, true);
    case_row_free(&of);
    case_row_free(&row);
    return err;
}

enum err cmd_check_text(const struct command_value *file, const char *rule, struct diag *why)
{
    struct span bytes = buf_span(&file->bytes);

    if (!charset_is_utf8(bytes) || (bytes.len && memchr(bytes.data, 0, bytes.len)))
        return diag_set(why, ERR_USAGE, rule, "the text must be UTF-8; a file of another kind is no text");
    for (size_t i = 0; i < bytes.len; i++)
        if (!strchr(" \t\r\n", bytes.data[i]))
            return ERR_OK;
    return diag_set(why, ERR_USAGE, rule, "the text is empty");
}

enum err cmd_case_note(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct command_value *file = command_value(c, "FILE");
    const struct settings_list *list;
    struct case_row row;
    enum err err = case_of_command(f, c, &row, &list, why);

    if (err)
        return err;
    err = cmd_check_text(file, "case.note", why);
    if (!err)
        err = note_insert(f->db, row.id, c->actor.name, buf_text(&file->bytes), clock_now(f->clock), why);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), c->actor.name, "case.note", row.code, "", NULL, why);
    if (!err)
        r->data = view_case(f, &row, true);
    case_row_free(&row);
    return err;
}

enum err cmd_case_log(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct audit_entry *entries;
    struct case_row row;
    size_t n;
    enum err err = case_of_command(f, c, &row, &list, why);

    if (err)
        return err;
    err = audit_entries(f->db, row.code, &entries, &n, why);
    r->data = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(r->data, json_pack("{s:I, s:o, s:s, s:s, s:s}", "seq", (json_int_t)entries[i].seq, "at",
                                                 view_instant(entries[i].at), "actor", entries[i].actor, "event",
                                                 entries[i].event, "rule", entries[i].rule));
        audit_entry_free(&entries[i]);
    }
    free(entries);
    case_row_free(&row);
    return err;
}

/* A mail that an admin has in a file opens a case, as if it had come to the list. */
enum err cmd_case_open(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct command_value *file = command_value(c, "from");
    const struct settings_list *list;
    struct incoming in = {0};
    struct case_row row = {0};
    struct list_row list_row;
    char author[340];
    enum err err = file ? flow_list(f, c->list, &list, &list_row, why)
                        : diag_set(why, ERR_USAGE, "command.argument", "case open needs --from FILE");

    if (err)
        return err;
    in.sender = mem_strdup("");
    in.recipient = mem_strdup(list->address);
    in.received_at = clock_now(f->clock);
    buf_init(&in.raw, BUF_MAX_DEFAULT);
    buf_add_buf(&in.raw, &file->bytes);
    in.text = mem_strdup(file->mail_text);
    in.outer = *file->mail; /* borrowed: taken out again below */
    in.outer_secret = file->mail_secret;
    incoming_wipe_secrets(&in);
    snprintf(author, sizeof author, "team:%s", c->actor.admin ? c->actor.admin->address : c->actor.name);
    err = case_open(f, list, list_row.id, in.outer.subject ? in.outer.subject : "", &c->actor, &row, why);
    if (!err)
        err = case_add_message(f, &row, &in, author, false, NULL, why);
    if (!err && in.secrets.n)
        err = audit_append(f->db, clock_now(f->clock), c->actor.name, "mail.secret-key", row.code, "key.secret", NULL,
                           why);
    if (!err)
        err =
            case_tell_team(f, list, &row, &in, 1, author, false, c->actor.admin ? c->actor.admin->address : NULL, why);
    if (!err)
        r->data = view_case(f, &row, true);
    memset(&in.outer, 0, sizeof in.outer);
    incoming_free(&in);
    case_row_free(&row);
    list_row_free(&list_row);
    return err;
}
