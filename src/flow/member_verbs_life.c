/*
 * What members do with their membership by signed mail: contacts, keys, pause, leave, attest, veto. Where there is a
 * command of the same kind for admins, it is that command, for the member's own organisation.
 */
#include "flow/member_verbs.h"

#include "base/mem.h"
#include "flow/approvals.h"
#include "flow/cases_flow.h"
#include "flow/cmd.h"
#include "flow/command_check.h"
#include "flow/key_news.h"
#include "flow/member_life.h"
#include "flow/reattest.h"
#include "flow/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 3

/* The command of the same words for the own organisation; a key is borrowed from c. */
static enum err run_as(struct flow *f, const struct command *c, const char *words, const char *const pairs[][2],
                       const char *key_name, const struct command_value *key, struct reply *r, struct diag *why)
{
    struct command_value values[WORDS_MAX + 1];
    struct command own = {.verb = command_find_verb(words), .actor = c->actor, .list = c->list, .values = values};

    memset(values, 0, sizeof values);
    for (size_t i = 0; i < WORDS_MAX && pairs[i][0]; i++)
        values[own.n_values++] =
            (struct command_value){.name = pairs[i][0], .type = ARG_WORD, .word = (char *)pairs[i][1]};
    if (key) {
        values[own.n_values] = *key;
        values[own.n_values++].name = key_name;
    }
    return own.verb->run(f, &own, r, why);
}

static enum err contact(struct flow *f, const struct command *c, const char *action, struct reply *r, struct diag *why)
{
    const char *const pairs[WORDS_MAX + 1][2] = {
        {"ORG", c->actor.member->org}, {"ACTION", action}, {"ADDRESS", command_word(c, "ADDRESS")}};

    return run_as(f, c, "member contact", pairs, "key", command_value(c, "key"), r, why);
}

enum err verb_contact_add(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return contact(f, c, "add", r, why);
}

enum err verb_contact_drop(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return contact(f, c, "drop", r, why);
}

enum err verb_key_replace(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const char *old = command_word(c, "OLD");
    const char *const pairs[WORDS_MAX + 1][2] = {{"ORG", c->actor.member->org},
                                                 {"OLD", old ? old : c->actor.fingerprint}};

    if (!command_value(c, "NEW"))
        return diag_set(why, ERR_USAGE, "command.argument", "attach the new key, and no other, to the mail");
    return run_as(f, c, "key replace", pairs, "NEW", command_value(c, "NEW"), r, why);
}

/* A longer life, a new subkey, a revocation: of a key that the member has, and of no other. */
enum err verb_key_refresh(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct command_value *v = command_value(c, "KEY");
    struct key_row *known = mem_zero(1, sizeof *known);
    struct member_row owner = {0};
    bool changed = false;
    int64_t dropped, list_id = c->actor.member->list_id;
    enum err err =
        v ? ERR_OK : diag_set(why, ERR_USAGE, "command.argument", "attach your key, and no other, to the mail");

    if (!err &&
        (member_by_fingerprint(f->db, list_id, v->key->fingerprint, &owner, why) || owner.id != c->actor.member->id))
        err = diag_set(why, ERR_DENIED, "key.other-fingerprint",
                       "this is another key than those that are known of you: say key replace");
    if (!err)
        err = key_by_fingerprint(f->db, list_id, v->key->fingerprint, known, why);
    if (!err)
        err = key_news_take(f, list_id, known, v->key, buf_span(&v->certificate), c->actor.name, "mail", &changed,
                            &dropped, why);
    if (!err)
        r->data = view_member(f, c->actor.member);
    if (!err)
        snprintf(r->message, sizeof r->message, changed ? "taken" : "nothing in it is new");
    member_row_free(&owner);
    free(known);
    return err;
}

static enum err tell_admins(struct flow *f, const struct command *c, const struct member_row *m, const char *what,
                            const char *remedy, const char *verb, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, m->list_id, why);
    char *subject = mem_printf("%s %s", m->org, what);
    char *text = mem_printf("%s %s, by a mail signed with\n%s.\n%s:\n\n    embargoctl member %s \"%s\"\n", m->org, what,
                            c->actor.fingerprint, remedy, verb, m->org);
    enum err err = list ? case_notify_team(f, list, m->list_id, NULL, subject, text, why) : ERR_NOT_FOUND;

    free(subject);
    free(text);
    return err;
}

static enum err step(struct flow *f, const struct command *c, enum member_event event, const char *what,
                     const char *remedy, const char *verb, struct reply *r, struct diag *why)
{
    struct member_change change;
    struct member_row m;
    enum err err = member_by_id(f->db, c->actor.member->id, &m, why);

    if (!err)
        err = member_change_state(f, &m, event, what, &c->actor, &change, why);
    if (!err)
        err = tell_admins(f, c, &m, what, remedy, verb, why);
    if (!err)
        r->data = view_member(f, &m);
    member_row_free(&m);
    return err;
}

enum err verb_pause(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return step(f, c, MEMBER_SUSPEND, "has paused its membership", "Nothing goes to it until", "reinstate", r, why);
}

enum err verb_leave(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return step(f, c, MEMBER_REMOVE, "has left", "The queue ids of what a mail server of yours still has for it",
                "show", r, why);
}

enum err verb_attest(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    enum err err = reattest_given(f, c->actor.member, &c->actor, why);

    if (!err) {
        r->data = view_member(f, c->actor.member);
        snprintf(r->message, sizeof r->message, "recorded: all is as it was");
    }
    return err;
}

/* Of what was asked in the own organisation's name. */
enum err verb_veto(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct approval_row a = {0};
    enum err err = approval_by_code(f->db, command_word(c, "ID"), &a, why);

    if (!err && (a.list_id != c->actor.member->list_id ||
                 (strcmp(a.by, c->actor.name) != 0 && strcmp(a.object, c->actor.member->org) != 0)))
        err = diag_set(why, ERR_NOT_FOUND, "approval.unknown", "nothing of yours waits under this id");
    if (!err && strcmp(a.state, "open") != 0)
        err = diag_set(why, ERR_DENIED, "approval.ended", "this does not wait any more");
    if (!err)
        err = approval_withdraw(f, &a, "a contact of the member has vetoed it", &c->actor, why);
    if (!err)
        snprintf(r->message, sizeof r->message, "it will not be carried out");
    approval_row_free(&a);
    return err;
}
