/*
 * Commands that wait: words and files as on the control socket (command_put), the facts and the minimised certificate
 * of each key, and the digest of what the command rests on.
 */
#include "flow/approvals.h"

#include "base/frame.h"
#include "base/mem.h"
#include "codec/pgp_wire.h"
#include "flow/command_check.h"
#include "flow/policy_watch.h"

#include <stdlib.h>
#include <string.h>

static void digest_of(struct flow *f, struct span basis, uint8_t out[BOX_DIGEST_BYTES])
{
    box_digest(db_box(f->db), "approval-basis", basis, out);
}

/* Appends the values of one argument or option, as they are the same whoever asks: no folders, no armor. */
static void normalise(const struct command *c, const struct command_arg *arg, struct command *out)
{
    const struct command_value *v;

    for (size_t i = 0; (v = command_value_nth(c, arg->name, i)); i++) {
        struct command_value *to = &out->values[out->n_values++];
        const char *slash = command_is_file(v->type) ? strrchr(v->word, '/') : NULL;

        *to = *v;
        if (v->key)
            to->word = "", to->bytes = (struct buf){.max = 0};
        else if (slash)
            to->word = (char *)slash + 1;
    }
}

/* In the order of the table. The copy borrows everything but its array. */
static struct command normal_form(const struct command *c)
{
    struct command out = {.verb = c->verb, .values = mem_zero(c->n_values + 1, sizeof *c->values)};

    for (size_t i = 0; i < COMMAND_ARGS_MAX && c->verb->args[i].name; i++)
        normalise(c, &c->verb->args[i], &out);
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && c->verb->options[i].name; i++)
        normalise(c, &c->verb->options[i], &out);
    return out;
}

static void freeze(struct flow *f, const struct command *c, const struct approval_what *what, struct buf *out)
{
    struct command normal = normal_form(c);
    uint8_t basis[BOX_DIGEST_BYTES];
    struct buf words = BUF_EMPTY;

    command_put(&normal, NULL, &words);
    frame_put_buf(out, &words);
    digest_of(f, what->basis, basis);
    frame_put_bytes(out, basis, sizeof basis);
    for (size_t i = 0; i < normal.n_values; i++) {
        struct buf facts = BUF_EMPTY;

        if (normal.values[i].key)
            pgp_key_info_put(normal.values[i].key, &facts);
        frame_put_buf(out, &facts);
        frame_put_buf(out, &normal.values[i].certificate);
        buf_free(&facts);
    }
    buf_free(&words);
    free(normal.values);
}

static enum err damaged(struct diag *why)
{
    return diag_set(why, ERR_REJECT, "approval.damaged", "what was asked cannot be read any more: ask again");
}

/* The facts of a key were made by a worker when the command was asked for. */
static enum err thaw_key(struct frame_reader *r, struct command_value *v, struct diag *why)
{
    struct span facts = frame_get_bytes(r), certificate = frame_get_bytes(r);

    if (r->bad)
        return damaged(why);
    if (facts.len) {
        v->key = mem_zero(1, sizeof *v->key);
        if (pgp_key_info_get(facts, v->key, why))
            return damaged(why);
    }
    buf_add(&v->certificate, certificate.data, certificate.len);
    return ERR_OK;
}

static enum err thaw(struct span payload, struct command *out, struct approval_replay *replay, struct diag *why)
{
    struct frame_reader r;
    struct span words, basis;
    char *as = NULL;
    enum err err;

    frame_reader_init(&r, payload);
    words = frame_get_bytes(&r);
    basis = frame_get_bytes(&r);
    *out = (struct command){0};
    if (r.bad || basis.len != sizeof replay->basis || command_get(words, out, &as, why))
        return damaged(why);
    free(as);
    memcpy(replay->basis, basis.data, sizeof replay->basis);
    err = ERR_OK;
    for (size_t i = 0; !err && i < out->n_values; i++)
        err = thaw_key(&r, &out->values[i], why);
    if (!err && !frame_done(&r))
        err = damaged(why);
    if (err)
        command_free(out);
    return err;
}

enum err approval_run_command(struct flow *f, const struct approval_row *a, struct span payload, const struct actor *by,
                              struct reply *r, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, a->list_id, why);
    struct approval_replay replay;
    struct command c;
    enum err err = list ? thaw(payload, &c, &replay, why) : ERR_NOT_FOUND;

    if (err)
        return err;
    free(c.list);
    c.list = mem_strdup(list->name);
    c.actor = *by;
    replay.needs = a->needs;
    c.replay = &replay;
    err = c.verb->run && c.verb->writes ? c.verb->run(f, &c, r, why) : damaged(why);
    command_free(&c);
    return err;
}

/* One value, as an admin reads it: a file by its size, a key by its fingerprint. */
static void describe_value(const struct command_value *v, bool option, struct buf *out)
{
    if (option)
        buf_printf(out, " --%s", v->name);
    if (v->key)
        buf_printf(out, " (key %s)", v->key->fingerprint);
    else if (command_is_file(v->type))
        buf_printf(out, " (a file of %zu bytes)", v->bytes.len);
    else if (v->type != ARG_FLAG)
        buf_printf(out, strpbrk(v->word, " \n") || !*v->word ? " '%s'" : " %s", v->word);
}

static void describe(const struct command *c, struct buf *out)
{
    buf_printf(out, "%s", c->verb->words);
    for (size_t i = 0; i < c->n_values; i++) {
        bool option = false;

        command_find_arg(c->verb, c->values[i].name, strlen(c->values[i].name), &option);
        describe_value(&c->values[i], option, out);
    }
}

enum err approval_gate(struct flow *f, const struct command *c, const struct approval_what *what, struct reply *r,
                       bool *go_on, struct diag *why)
{
    struct buf payload = BUF_EMPTY, text = BUF_EMPTY;
    uint8_t basis[BOX_DIGEST_BYTES];
    enum err err;

    *go_on = true;
    err = policy_watch(f, what->list, what->list_id, why);
    if (err)
        return err;
    if (c->replay) {
        digest_of(f, what->basis, basis);
        if (memcmp(basis, c->replay->basis, sizeof basis) != 0)
            return diag_set(why, ERR_DENIED, "approval.changed",
                            "what was to be changed has changed since this was asked: ask again");
        if (what->needs > c->replay->needs)
            return diag_set(why, ERR_DENIED, "approval.changed",
                            "the policy asks for %d admins now, and for %lld when this was asked: ask again",
                            what->needs, (long long)c->replay->needs);
        return ERR_OK;
    }
    if (what->needs <= 1 && !what->not_before_at)
        return ERR_OK;
    freeze(f, c, what, &payload);
    describe(c, &text);
    buf_add_str(&text, what->details ? what->details : "");
    err = approval_propose(f, what, "command", buf_span(&payload), buf_text(&text), &c->actor, r, go_on, why);
    buf_free(&payload);
    buf_free(&text);
    return err;
}
