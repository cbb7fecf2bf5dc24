#include "flow/mail_commands.h"

#include "base/mem.h"
#include "flow/command_check.h"
#include "flow/member_verbs.h"
#include "store/audit.h"
#include "store/held.h"
#include "store/nonces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CLOCK_SKEW_S 600

const struct command_verb *const mail_admin_tables[] = {common_verbs, command_verbs, NULL};
const struct command_verb *const mail_member_tables[] = {common_verbs, member_verbs, NULL};

/* ---- is it one ---- */

static bool is_known_signer(const struct receiving *r)
{
    struct member_row m;
    struct diag none;

    if (!incoming_is_signed(r->in) || r->in->by_loose_key)
        return false;
    if (settings_admin_with_key(r->f->settings, r->list, r->in->signature.fingerprint))
        return true;
    if (member_by_fingerprint(r->f->db, r->list_row.id, r->in->signature.fingerprint, &m, &none))
        return false;
    member_row_free(&m);
    return true;
}

/* What begins like one; and what somebody of ours signed, outside of any thread, with commands further below. */
bool mail_commands_are(const struct receiving *r)
{
    const char *text = r->in->text;

    if (receiving_suffix(r).len || !text || !mail_orders_anywhere(text))
        return false;
    return mail_orders_begin(text) || (!r->in->outer.in_reply_to && !r->in->outer.n_references && is_known_signer(r));
}

/* ---- checks ---- */

static void find_signer(const struct receiving *r, struct actor *out)
{
    if (r->admin)
        actor_of_admin(out, r->admin);
    else
        *out = (struct actor){.kind = ACTOR_MEMBER, .member = &r->member};
    if (!r->admin)
        snprintf(out->name, sizeof out->name, "member:%s", r->member.org);
    out->by_mail = true;
    out->fingerprint = r->in->signature.fingerprint;
}

/* Nobody of ours is proved to have signed all of it: no answer goes to anybody. */
static const char *check_signer(const struct receiving *r)
{
    if (r->in->has_signature && r->in->signature.verdict == PGP_SIG_UNKNOWN_KEY)
        return "command.nobody";
    if (!incoming_is_signed(r->in))
        return "command.unsigned";
    if (!r->proved || (!r->admin && (!r->member.id || strcmp(r->member.state, "removed") == 0)))
        return "command.nobody";
    return NULL;
}

/* `nonce` alone is the same text each time, and hurts nobody. */
static bool asks_nonce(const struct mail_orders *o)
{
    return o->n == 1 && o->items[0].argc == 1 && strcmp(o->items[0].argv[0], "nonce") == 0;
}

/* *told: the signer has heard of this text before. */
static enum err check_text(struct receiving *r, bool repeats, bool *told, struct diag *reason, struct diag *why)
{
    int64_t now = clock_now(r->f->clock), made = r->in->signature.made_at_utc_s;
    bool seen = false, same;
    enum err err = ERR_OK;

    if (r->bound == DECIDE_UNSIGNED)
        err = diag_set(reason, ERR_REJECT, "unbound-signature", "what was signed names another recipient");
    if (seen_before(r->f->db, "payload", incoming_content(r->in), span_of(r->in->signature.fingerprint), now, &seen,
                    &same, why) ||
        (seen && seen_before(r->f->db, "payload-told", incoming_content(r->in), span_of(""), now, told, &same, why)))
        return ERR_INTERNAL;
    if (err)
        return err;
    if (seen && !repeats)
        return diag_set(reason, ERR_REJECT, "command.replay", "this very text has been handled before");
    if (made + INCOMING_SIGNATURE_MAX_AGE_S < now)
        return diag_set(reason, ERR_REJECT, "command.late", "the signature is older than 72 hours: sign it anew");
    if (made > now + CLOCK_SKEW_S)
        return diag_set(reason, ERR_REJECT, "command.future", "the signature is from the future: set your clock");
    return ERR_OK;
}

static enum err check_policy(const struct receiving *r, struct diag *reason)
{
    struct decide_sender sender = {.kind = r->admin ? POLICY_TEAM : POLICY_MEMBER,
                                   .tier = r->member.tier,
                                   .signature = r->bound,
                                   .encrypted = r->in->encrypted,
                                   .subject = incoming_message(r->in)->subject};
    struct decide_post verdict;
    enum err err = ERR_OK;

    decide_post(r->policy, &sender, POLICY_TO_COMMAND, &verdict);
    if (verdict.action != POLICY_ACT_ALLOW)
        err = diag_set(reason, ERR_REJECT, verdict.rule, "%s", verdict.reason);
    decide_post_free(&verdict);
    return err;
}

static enum err check_nonce(struct receiving *r, const struct mail_orders *o, struct diag *reason, struct diag *why)
{
    bool good = false, asks_alone = asks_nonce(o);

    if (o->list ? strcasecmp(o->list, r->list->name) != 0 : !asks_alone)
        return diag_set(reason, ERR_REJECT, "command.list", "a line `Embargo-List: %s` is needed", r->list->name);
    if (asks_alone)
        return ERR_OK;
    if (o->nonce && nonce_take(r->f->db, r->list_row.id, r->in->signature.fingerprint, o->nonce, clock_now(r->f->clock),
                               &good, why))
        return ERR_INTERNAL;
    return good ? ERR_OK
                : diag_set(
                      reason, ERR_REJECT, "command.nonce",
                      "a line `Embargo-Nonce: ...` is needed with a nonce that was given to you, has not been used, "
                      "and is not older than 24 hours: `Embargo-Command: nonce` asks for one");
}

/* ---- one command ---- */

static enum err take_key(const struct incoming *in, struct command_value *v, struct diag *why)
{
    for (size_t i = 0; i < in->n_keys; i++) {
        const struct incoming_key *key = &in->keys[i];

        if (strcmp(key->name, v->word) != 0)
            continue;
        if (key->err) {
            *why = key->why;
            return key->err;
        }
        v->key = mem_zero(1, sizeof *v->key);
        *v->key = *key->info;
        buf_add_buf(&v->certificate, &key->certificate);
        return ERR_OK;
    }
    return diag_set(why, ERR_NOT_FOUND, "command.file", "no key is attached under the name %.80s", v->word);
}

/* The text below the lines, without the words that mime_readable_text has put there for each attachment. */
static void add_rest(const char *rest, struct buf *out)
{
    static const char mark[] = "[attachment ";

    while (*rest) {
        const char *end = strchr(rest, '\n');
        size_t len = end ? (size_t)(end - rest) + 1 : strlen(rest);

        if (strncmp(rest, mark, sizeof mark - 1) != 0)
            buf_add(out, rest, len);
        rest += len;
    }
}

enum err mail_take_file(const struct incoming *in, const struct mail_orders *o, const struct incoming_file *files,
                        size_t n, struct command_value *v, struct diag *why)
{
    const struct incoming_file *found = NULL;

    if (strcmp(v->word, "-") == 0) {
        add_rest(o->rest, &v->bytes);
        return ERR_OK;
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(files[i].name, v->word) != 0)
            continue;
        if (found)
            return diag_set(why, ERR_USAGE, "command.file", "two attachments have the name %.80s", v->word);
        found = &files[i];
    }
    if (found && in->secrets.n)
        return diag_set(why, ERR_DENIED, "key.secret",
                        "a secret key came with this mail and was wiped: send the file again without it");
    if (!found)
        return diag_set(why, ERR_NOT_FOUND, "command.file", "nothing is attached under the name %.80s", v->word);
    buf_add_buf(&v->bytes, &found->bytes);
    return ERR_OK;
}

/* The rows and what workers found of their keys belong together: nothing may have been wiped from between. */
static enum err take_table(const struct incoming *in, const struct mail_orders *o, const struct incoming_file *files,
                           size_t n, struct command_value *v, struct diag *why)
{
    const struct incoming_table *t = &in->table;

    if (!t->name || strcmp(t->name, v->word) != 0)
        return diag_set(why, ERR_USAGE, "command.file", "one table to a mail: send another mail for %.80s", v->word);
    if (in->secrets.n)
        return diag_set(why, ERR_DENIED, "key.secret", "a secret key is in this mail: send the table without it");
    if (t->err) {
        *why = t->why;
        return t->err;
    }
    buf_add_buf(&v->certificate, &t->packed);
    return mail_take_file(in, o, files, n, v, why);
}

/* A key that may be left out and is the only one attached. */
static enum err add_only_key(const struct incoming *in, struct command *c, struct diag *why)
{
    struct command_value *v;

    for (size_t i = 0; i < COMMAND_ARGS_MAX && c->verb->args[i].name; i++)
        if (c->verb->args[i].type == ARG_KEY && in->n_keys == 1 && !command_value(c, c->verb->args[i].name))
            return command_add(c, &c->verb->args[i], in->keys[0].name, &v, why);
    return ERR_OK;
}

static enum err add_files(const struct incoming *in, const struct mail_orders *o, struct command *c, struct diag *why)
{
    struct incoming_file *files;
    size_t n = incoming_files(in, &files);
    enum err err = add_only_key(in, c, why);

    for (size_t i = 0; !err && i < c->n_values; i++) {
        struct command_value *v = &c->values[i];

        if (v->type == ARG_KEY)
            err = take_key(in, v, why);
        else if (v->type == ARG_FILE)
            err = mail_take_file(in, o, files, n, v, why);
        else if (v->type == ARG_TABLE)
            err = take_table(in, o, files, n, v, why);
    }
    incoming_files_free(files, n);
    return err;
}

/* A mail is parsed by a worker before its handler runs: embargoctl alone waits for that. */
static bool takes_mail(const struct command_verb *v)
{
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && v->options[i].name; i++)
        if (v->options[i].type == ARG_MAIL)
            return true;
    return false;
}

static enum err parse(struct receiving *r, const struct mail_orders *o, const struct mail_order *order,
                      const struct actor *actor, struct command *c, struct diag *why)
{
    enum err err = command_parse_from(r->admin ? mail_admin_tables : mail_member_tables, order->argc,
                                      (const char *const *)order->argv, c, why);

    if (err)
        return err;
    c->actor = *actor;
    c->list = mem_strdup(r->list->name);
    if (!c->verb->run || takes_mail(c->verb) || (!c->verb->by_mail && command_find_verb(c->verb->words) == c->verb))
        err = diag_set(why, ERR_DENIED, "command.not-by-mail", "`%s` is not done by mail: use embargoctl",
                       c->verb->words);
    if (!err)
        err = add_files(r->in, o, c, why);
    if (err)
        command_free(c);
    return err;
}

static const char *name_of_out(const struct command *c)
{
    for (size_t i = 0; i < c->n_values; i++)
        if (c->values[i].type == ARG_OUT)
            return c->values[i].word;
    return NULL;
}

static enum err run_one(struct receiving *r, const struct mail_orders *o, const struct mail_order *order,
                        const struct actor *actor, struct mail_answer *answer, struct diag *why)
{
    struct reply reply = {.out = BUF_EMPTY};
    struct diag bad;
    struct command c;
    enum err refused = parse(r, o, order, actor, &c, &bad), err = ERR_OK;

    if (refused) {
        reply_from(&reply, refused, &bad);
        err = audit_append(r->f->db, clock_now(r->f->clock), actor->name, "command.refused", "", bad.rule, NULL, why);
        mail_answer_add(answer, order, &reply, NULL);
    } else {
        err = command_run_part(r->f, &c, &reply, why);
        mail_answer_add(answer, order, &reply, name_of_out(&c));
        command_free(&c);
    }
    reply_free(&reply);
    return err;
}

/* ---- the way ---- */

static enum err ignore(struct receiving *r, const char *actor, const char *rule, struct diag *why)
{
    snprintf(r->rule, sizeof r->rule, "%s", rule);
    return audit_append(r->f->db, clock_now(r->f->clock), actor, "command.ignored", "", rule, NULL, why);
}

static enum err explain(struct receiving *r, const struct actor *actor, const struct diag *reason, struct diag *why)
{
    struct mail_answer answer = {.text = BUF_EMPTY};
    enum err err;

    buf_printf(&answer.text, "Nothing was done: %s (%s).\n", reason->text, reason->rule);
    err = mail_answer_send(r, actor, &answer, why);
    mail_answer_free(&answer);
    return err;
}

static enum err run_all(struct receiving *r, const struct mail_orders *o, const struct actor *actor, struct diag *why)
{
    struct mail_answer answer = {.text = BUF_EMPTY};
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < o->n; i++)
        err = run_one(r, o, &o->items[i], actor, &answer, why);
    if (!err)
        err = mail_answer_send(r, actor, &answer, why);
    mail_answer_free(&answer);
    return err;
}

enum err receive_commands(struct receiving *r, struct diag *reason, struct diag *why)
{
    struct diag refusal = {0}, bad = {0};
    struct mail_orders o = {0};
    struct actor actor;
    bool told = false;
    enum err unread, err = receiving_identify(r, why);
    const char *nobody = err ? NULL : check_signer(r);

    (void)reason;
    if (err || nobody)
        return err ? err : ignore(r, "embargod", nobody, why);
    find_signer(r, &actor);
    unread = mail_orders_parse(r->in->text, &o, &bad);
    err = check_text(r, asks_nonce(&o), &told, &refusal, why);
    if (!err && unread) {
        refusal = bad;
        err = unread;
    }
    if (!err)
        err = check_policy(r, &refusal);
    if (!err)
        err = check_nonce(r, &o, &refusal, why);
    if (!err) {
        snprintf(r->rule, sizeof r->rule, "command");
        err = run_all(r, &o, &actor, why);
    } else if (*refusal.rule) {
        err = ignore(r, actor.name, refusal.rule, why);
        if (!err && !told)
            err = explain(r, &actor, &refusal, why);
    }
    mail_orders_free(&o);
    return err;
}
