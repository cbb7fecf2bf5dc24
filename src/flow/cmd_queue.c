/* Commands on the queue and on held mail. */
#include "flow/cmd.h"

#include "base/frame.h"
#include "base/instant.h"
#include "base/mem.h"
#include "flow/command_lists.h"
#include "flow/view.h"
#include "store/audit.h"
#include "store/held.h"
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_SHOWN_MAX 100000

enum err cmd_queue_list(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct list_row row = {0};
    struct copy_row *copies;
    size_t n;
    enum err err = flow_list(f, c->list, &list, &row, why);

    if (!err)
        err = copy_all(f->db, row.id, QUEUE_SHOWN_MAX, &copies, &n, why);
    list_row_free(&row);
    if (err)
        return err;
    r->data = json_array();
    for (size_t i = n; i > 0; i--)
        json_array_append_new(r->data, view_copy(f, &copies[i - 1]));
    for (size_t i = 0; i < n; i++)
        copy_row_free(&copies[i]);
    free(copies);
    return ERR_OK;
}

static enum err find_copy(struct flow *f, const struct command *c, struct copy_row *out, struct diag *why)
{
    char *end;
    long long id = strtoll(command_word(c, "ID"), &end, 10);
    struct mail_row mail = {0};
    enum err err;

    memset(out, 0, sizeof *out);
    if (*end || id <= 0)
        return diag_set(why, ERR_USAGE, "command.argument", "a copy in the queue has a number: see queue list");
    err = copy_by_id(f->db, id, out, why);
    if (!err)
        err = mail_by_id(f->db, out->mail_id, &mail, why);
    if (!err && !command_sees_row(f, c, mail.list_id))
        err = diag_set(why, ERR_NOT_FOUND, "queue.unknown", "no such copy in the queue");
    mail_row_free(&mail);
    return err;
}

enum err cmd_queue_show(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct copy_row copy;
    enum err err = find_copy(f, c, &copy, why);

    if (!err)
        r->data = view_copy(f, &copy);
    copy_row_free(&copy);
    return err;
}

static bool is_over(const struct copy_row *copy)
{
    return strcmp(copy->state, "sent") == 0 || strcmp(copy->state, "dropped") == 0;
}

/* verb: what is done to the copy, for the audit trail. next_at: INSTANT_NONE drops it. */
static enum err change_copy(struct flow *f, const struct command *c, struct reply *r, const char *verb, int64_t next_at,
                            struct diag *why)
{
    struct copy_row copy;
    char object[32];
    int64_t now = clock_now(f->clock);
    enum err err = find_copy(f, c, &copy, why);

    if (!err && is_over(&copy))
        err = diag_set(why, ERR_DENIED, "queue.over", "this copy has gone, or was dropped");
    if (!err && strcmp(copy.state, "failed") == 0 && !copy.body_id && next_at != INSTANT_NONE)
        err = diag_set(why, ERR_DENIED, "queue.not-sealed",
                       "this copy could not be encrypted: mend the key, then advisory send --to ORG");
    if (!err)
        err = next_at == INSTANT_NONE ? copy_set_state(f->db, copy.id, "dropped", "dropped", now, why)
                                      : copy_set_waiting(f->db, copy.id, verb, next_at, why);
    snprintf(object, sizeof object, "copy:%lld", (long long)copy.id);
    if (!err)
        err = audit_append(f->db, now, c->actor.name, verb, object, "", NULL, why);
    copy_row_free(&copy);
    if (!err)
        err = find_copy(f, c, &copy, why);
    if (!err)
        r->data = view_copy(f, &copy);
    copy_row_free(&copy);
    return err;
}

enum err cmd_queue_retry(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return change_copy(f, c, r, "queue.retry", clock_now(f->clock), why);
}

enum err cmd_queue_hold(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    /* Far away, until someone says retry: the year 9999. */
    return change_copy(f, c, r, "queue.hold", instant_from_civil(9999, 12, 31, 0, 0, 0), why);
}

enum err cmd_queue_drop(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return change_copy(f, c, r, "queue.drop", INSTANT_NONE, why);
}

/* ---- held ---- */

enum err cmd_held_list(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct held_row *rows;
    size_t n;
    enum err err = held_all(f->db, &rows, &n, why);

    if (err)
        return err;
    r->data = json_array();
    for (size_t i = 0; i < n; i++) {
        if (command_sees_row(f, c, rows[i].list_id))
            json_array_append_new(r->data, view_held(&rows[i]));
        held_row_free(&rows[i]);
    }
    free(rows);
    return ERR_OK;
}

static enum err find_held(struct flow *f, const struct command *c, struct held_row *out, struct diag *why)
{
    enum err err = held_by_code(f->db, command_word(c, "ID"), out, why);

    if (!err && !command_sees_row(f, c, out->list_id))
        err = diag_set(why, ERR_NOT_FOUND, "held.unknown", "no such held mail: see held list");
    return err;
}

static enum err find_waiting(struct flow *f, const struct command *c, struct held_row *out, struct diag *why)
{
    enum err err = find_held(f, c, out, why);

    if (!err && strcmp(out->state, "held") != 0)
        err = diag_set(why, ERR_DENIED, "held.over", "this mail was released or discarded");
    return err;
}

#define SHOWN_BYTES 8192

enum err cmd_held_show(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct buf envelope = BUF_EMPTY, raw = BUF_EMPTY;
    struct held_row held = {0};
    struct frame_reader reader;
    char *sender, *recipient, *shown;
    enum err err = find_held(f, c, &held, why);

    if (!err)
        err = held_content(f->db, held.id, &envelope, &raw, why);
    if (!err) {
        r->data = view_held(&held);
        frame_reader_init(&reader, buf_span(&envelope));
        sender = frame_get_str(&reader);
        recipient = frame_get_str(&reader);
        json_object_set_new(r->data, "sender", view_text(sender));
        json_object_set_new(r->data, "recipient", view_text(recipient));
        shown = mem_strndup(raw.data, raw.len < SHOWN_BYTES ? raw.len : SHOWN_BYTES);
        /* Only what is plain text: bytes of an attacker's choice do not reach a terminal. */
        for (char *p = shown; *p; p++)
            if (((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t') || (unsigned char)*p >= 0x7f)
                *p = '?';
        json_object_set_new(r->data, "beginning", json_string(shown));
        free(sender);
        free(recipient);
        mem_free_secret(&shown);
    }
    held_row_free(&held);
    buf_free(&envelope);
    buf_free(&raw);
    return err;
}

/* Released: it goes its way again, past the rule that held it; discarded: it is wiped. */
static enum err end_held(struct flow *f, const struct command *c, struct reply *r, const char *state, struct diag *why)
{
    struct held_row held = {0};
    char words[32];
    enum err err = find_waiting(f, c, &held, why);

    if (!err && strcmp(state, "released") == 0)
        err = f->release(f->release_ctx, &held, why);
    if (!err)
        err = held_set_state(f->db, held.id, state, why);
    snprintf(words, sizeof words, "held.%s", state);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), c->actor.name, words, held.code, held.rule, NULL, why);
    if (!err) {
        free(held.state);
        held.state = mem_strdup(state);
        r->data = view_held(&held);
    }
    held_row_free(&held);
    return err;
}

enum err cmd_held_release(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return end_held(f, c, r, "released", why);
}

enum err cmd_held_discard(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return end_held(f, c, r, "discarded", why);
}
