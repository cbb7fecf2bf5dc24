#include "flow/approval_parts.h"

#include "base/frame.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/view.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADMIN_PREFIX "admin:"

/* The same action with the same payload. */
static void digest_of(struct flow *f, const struct approval_what *what, const char *kind, struct span payload,
                      uint8_t out[BOX_DIGEST_BYTES])
{
    struct buf bytes = BUF_EMPTY;

    frame_put_str(&bytes, kind);
    frame_put_str(&bytes, what->action);
    frame_put_str(&bytes, what->object);
    frame_put_span(&bytes, payload);
    box_digest(db_box(f->db), "approval", buf_span(&bytes), out);
    buf_free(&bytes);
}

static const struct approval_action *action_of(const char *kind)
{
    for (const struct approval_action *a = approval_actions; a->name; a++)
        if (strcmp(a->name, kind) == 0)
            return a;
    return NULL;
}

/* ---- telling ---- */

static enum err tell(struct flow *f, const struct approval_row *a, const char *subject, const char *text,
                     struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, a->list_id, why);

    return list ? case_notify_team(f, list, a->list_id, NULL, subject, text, why) : ERR_NOT_FOUND;
}

static const char *plain_name(const char *actor)
{
    size_t n = strlen(ADMIN_PREFIX);

    return strncmp(actor, ADMIN_PREFIX, n) == 0 ? actor + n : actor;
}

static enum err tell_asked(struct flow *f, const struct approval_row *a, const char *text, int64_t votes,
                           struct diag *why)
{
    char until[INSTANT_TEXT_SIZE], from[INSTANT_TEXT_SIZE], needs[96], *subject, *waits, *body;
    bool is_due = votes >= a->needs; /* only an instant is waited for, within which it can be stopped */
    enum err err;

    if (is_due)
        snprintf(needs, sizeof needs, "it is done at %s, if nobody stops it", instant_text(a->not_before_at, from));
    else
        snprintf(needs, sizeof needs, "it needs the approval of %lld, and has %lld", (long long)a->needs,
                 (long long)votes);
    subject = mem_printf("%s: %s %s (%s)", is_due ? "To be done" : "Approval wanted", a->action, a->object, a->code);
    waits = a->not_before_at ? mem_printf("Not before: %s\n", instant_text(a->not_before_at, from)) : mem_strdup("");
    body = mem_printf("%s asks for this; %s.\n\n"
                      "Asked:      %s\nObject:     %s\nId:         %s\n%sUntil:      %s\n\n"
                      "%s%s%s"
                      "Stop it:    embargoctl approval veto %s --reason T\n\n"
                      "By signed mail to the list the same, as a line\n\n    Embargo-Command: approval %s %s\n",
                      plain_name(a->by), needs, text, a->object, a->code, waits, instant_text(a->until_at, until),
                      is_due ? "" : "Approve:    embargoctl approval approve ", is_due ? "" : a->code,
                      is_due ? "" : "\n", a->code, is_due ? "veto" : "approve", a->code);
    err = tell(f, a, subject, body, why);
    free(waits);
    mem_free_secret(&subject);
    mem_free_secret(&body);
    return err;
}

static enum err tell_ended(struct flow *f, const struct approval_row *a, const char *text, const char *state,
                           const char *by, const char *reason, struct diag *why)
{
    char *subject = mem_printf("Approval %s: %s %s (%s)", state, a->action, a->object, a->code);
    char *body = mem_printf("Asked:      %s\nObject:     %s\nBy:         %s\nOutcome:    %s%s%s\n%s%s%s", text,
                            a->object, plain_name(a->by), state, by ? ", by " : "", by ? by : "",
                            reason ? "Why:        " : "", reason ? reason : "", reason ? "\n" : "");
    enum err err = tell(f, a, subject, body, why);

    mem_free_secret(&subject);
    mem_free_secret(&body);
    return err;
}

/* ---- the end ---- */

static void set_state(struct approval_row *a, const char *state)
{
    free(a->state);
    a->state = mem_strdup(state);
}

/* by: an admin's address or NULL; rule and reason: of a refusal or veto, else "" and NULL. */
static enum err end(struct flow *f, struct approval_row *a, const struct approval_sealed *s, const char *state,
                    const char *actor, const char *rule, const char *reason, struct diag *why)
{
    const struct approval_action *action = action_of(a->kind);
    char event[32];
    enum err err = approval_end(f->db, a->id, state, clock_now(f->clock), why);

    snprintf(event, sizeof event, "approval.%s", state);
    set_state(a, state);
    if (!err)
        err = duty_end(f->db, "approval", a->id, NULL, why);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), actor, event, a->code, rule, reason, why);
    if (!err && strcmp(state, "done") != 0 && action && action->ended)
        err = action->ended(f, a, s->payload, state, reason, why);
    if (!err)
        err = tell_ended(f, a, s->text, state, strcmp(state, "vetoed") ? NULL : plain_name(actor), reason, why);
    log_event(a->code, event, *rule ? rule : NULL, NULL);
    return err;
}

static enum err find_asker(struct flow *f, const struct approval_row *a, struct actor *out, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, a->list_id, why);
    const struct settings_admin *admin;

    actor_daemon(out);
    if (!list)
        return ERR_NOT_FOUND;
    if (strncmp(a->by, "member:", 7) == 0)
        out->kind = ACTOR_MEMBER;
    snprintf(out->name, sizeof out->name, "%s", a->by);
    if (strncmp(a->by, ADMIN_PREFIX, strlen(ADMIN_PREFIX)) != 0)
        return ERR_OK;
    admin = settings_admin_at(f->settings, plain_name(a->by));
    if (!admin || !settings_admin_serves(admin, list))
        return diag_set(why, ERR_DENIED, "approval.asker-gone", "who asked for this is no admin of the list any more");
    actor_of_admin(out, admin);
    return ERR_OK;
}

static bool is_refusal(enum err err)
{
    return err && err != ERR_AGAIN && err != ERR_INTERNAL;
}

/* Carries it out in a part of the transaction. *reason and *refused: where it could not be. */
static enum err carry_out(struct flow *f, const struct approval_row *a, const struct approval_sealed *s,
                          struct reply *r, enum err *refused, struct diag *reason, struct diag *why)
{
    const struct approval_action *action = action_of(a->kind);
    struct actor by;
    enum err err = db_part_begin(f->db, why);

    if (err)
        return err;
    err = action ? find_asker(f, a, &by, reason)
                 : diag_set(reason, ERR_REJECT, "approval.damaged", "nothing here can carry this out");
    if (!err)
        err = action->run(f, a, s->payload, &by, r, reason);
    *refused = is_refusal(err) ? err : ERR_OK;
    if (*refused)
        return db_part_undo(f->db, why);
    if (err) {
        *why = *reason;
        return err;
    }
    return db_part_keep(f->db, why);
}

/* The one who voted last sees what came of it, beside the proposal. */
static void answer(struct flow *f, const struct approval_row *a, enum err refused, const struct diag *reason,
                   struct reply *r)
{
    json_t *result = r->data;

    r->data = view_approval(f, a, true);
    json_object_set_new(r->data, "result", result && !refused ? result : json_null());
    if (refused && result)
        json_decref(result);
    if (refused)
        reply_from(r, refused, reason);
    else if (!*r->message)
        snprintf(r->message, sizeof r->message, "approved: %s %s", a->action, a->object);
}

static enum err run(struct flow *f, struct approval_row *a, const struct approval_sealed *s, struct reply *r,
                    struct diag *why)
{
    struct diag reason = {0};
    enum err refused = ERR_OK, err = carry_out(f, a, s, r, &refused, &reason, why);

    if (!err)
        err = end(f, a, s, refused ? "refused" : "done", a->by, refused ? reason.rule : "",
                  refused ? reason.text : NULL, why);
    if (!err)
        answer(f, a, refused, &reason, r);
    return err;
}

static void answer_pending(struct flow *f, const struct approval_row *a, int64_t votes, struct reply *r)
{
    char at[INSTANT_TEXT_SIZE];

    r->data = view_approval(f, a, true);
    snprintf(r->rule, sizeof r->rule, "approval.pending");
    if (votes < a->needs)
        snprintf(r->message, sizeof r->message, "waits for %lld more admin%s, until %s: approval approve %s",
                 (long long)(a->needs - votes), a->needs - votes == 1 ? "" : "s", instant_text(a->until_at, at),
                 a->code);
    else
        snprintf(r->message, sizeof r->message, "goes at %s, where no admin vetoes it: approval veto %s",
                 instant_text(a->not_before_at, at), a->code);
}

/* After a vote, or when its instant has come: carried out, or it goes on waiting. */
static enum err advance(struct flow *f, struct approval_row *a, const struct approval_sealed *s, struct reply *r,
                        struct diag *why)
{
    int64_t votes;
    enum err err = approval_count_votes(f, a, s, &votes, why);

    if (err)
        return err;
    if (votes >= a->needs && a->not_before_at <= clock_now(f->clock))
        return run(f, a, s, r, why);
    answer_pending(f, a, votes, r);
    return ERR_OK;
}

/* ---- asking ---- */

static enum err insert(struct flow *f, const struct approval_what *what, const char *kind, struct span payload,
                       const char *text, const struct actor *by, const uint8_t digest[BOX_DIGEST_BYTES],
                       struct approval_row *a, struct diag *why)
{
    int64_t now = clock_now(f->clock), from = what->not_before_at > now ? what->not_before_at : now;
    struct buf sealed = BUF_EMPTY;
    enum err err;

    *a = (struct approval_row){.list_id = what->list_id,
                               .kind = mem_strdup(kind),
                               .action = mem_strdup(what->action),
                               .object = mem_strdup(what->object),
                               .by = mem_strdup(by->name),
                               .at = now,
                               .needs = what->needs,
                               .not_before_at = what->not_before_at,
                               .until_at = from + (what->wait_s ? what->wait_s : APPROVAL_WAIT_S),
                               .state = mem_strdup("open")};
    approval_sealed_put(what, text, payload, &sealed);
    err = approval_insert(f->db, a, digest, buf_span(&sealed), why);
    buf_free(&sealed);
    if (!err)
        err = duty_put(f->db, a->list_id, "approval", a->id, "", from > now ? from : a->until_at, why);
    return err ? err : audit_append(f->db, now, by->name, "approval.ask", a->code, what->action, NULL, why);
}

/* An asker of the organisation itself may ask, but his vote does not count. */
static enum err ask(struct flow *f, const struct approval_what *what, const char *kind, struct span payload,
                    const char *text, const struct actor *by, const uint8_t digest[BOX_DIGEST_BYTES], struct reply *r,
                    struct diag *why)
{
    struct approval_row a = {0};
    bool votes = by->kind == ACTOR_ADMIN && !approval_owns(by->admin, what->list, what->owners, what->n_owners);
    enum err err = ERR_OK;

    if (approval_possible_votes(f, what) < what->needs)
        return diag_set(why, ERR_DENIED, "approval.impossible",
                        "this needs %d admins, and the list has fewer who may approve it: see admin list", what->needs);
    err = insert(f, what, kind, payload, text, by, digest, &a, why);
    if (!err && votes)
        err = vote_insert(f->db, a.id, by->admin->address, "approve", clock_now(f->clock), why);
    if (!err)
        err = tell_asked(f, &a, text, votes, why);
    if (!err)
        answer_pending(f, &a, votes, r);
    approval_row_free(&a);
    return err;
}

static enum err vote(struct flow *f, struct approval_row *a, const struct actor *by, struct reply *r, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, a->list_id, why);
    struct approval_sealed s = {.bytes = BUF_EMPTY};
    enum err err = list ? approval_sealed_get(f, a->id, &s, why) : ERR_NOT_FOUND;

    if (!err)
        err = approval_may_vote(f, list, (const char *const *)s.owners, s.n_owners, by, why);
    if (!err)
        err = vote_insert(f->db, a->id, by->admin->address, "approve", clock_now(f->clock), why);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), by->name, "approval.approve", a->code, "", NULL, why);
    if (!err)
        err = advance(f, a, &s, r, why);
    approval_sealed_free(&s);
    return err;
}

enum err approval_propose(struct flow *f, const struct approval_what *what, const char *kind, struct span payload,
                          const char *text, const struct actor *by, struct reply *r, bool *go_on, struct diag *why)
{
    struct reply unheard = {.out = BUF_EMPTY};
    bool own = by->kind == ACTOR_ADMIN && approval_owns(by->admin, what->list, what->owners, what->n_owners);
    uint8_t digest[BOX_DIGEST_BYTES];
    struct approval_row same = {0};
    enum err err = ERR_OK;

    if (by->kind == ACTOR_ADMIN && !settings_admin_serves(by->admin, what->list))
        return diag_set(why, ERR_DENIED, "approval.admins", "only the list's admins ask for this");
    *go_on = !what->not_before_at && (what->needs <= 0 || (what->needs == 1 && by->kind == ACTOR_ADMIN && !own));
    if (*go_on)
        return ERR_OK;
    if (by->kind == ACTOR_ADMIN)
        err = approval_check_uid(f, by, why);
    digest_of(f, what, kind, payload, digest);
    if (!err && approval_same(f->db, what->list_id, digest, &same, why))
        err = ask(f, what, kind, payload, text, by, digest, r ? r : &unheard, why);
    else if (!err && by->kind == ACTOR_ADMIN)
        err = vote(f, &same, by, r ? r : &unheard, why);
    else if (!err)
        answer_pending(f, &same, 0, r ? r : &unheard);
    approval_row_free(&same);
    reply_free(&unheard);
    return err;
}

/* ---- votes ---- */

/* Open, not past its time, and of a list that the admin serves. */
static enum err find(struct flow *f, const char *code, const struct actor *by, struct approval_row *out,
                     struct diag *why)
{
    const struct settings_list *list;
    enum err err = approval_by_code(f->db, code, out, why);

    if (err)
        return err;
    list = flow_list_of_row(f, out->list_id, why);
    if (!list || by->kind != ACTOR_ADMIN || !settings_admin_serves(by->admin, list))
        return diag_set(why, ERR_NOT_FOUND, "approval.unknown", "nothing of this id: approval list");
    if (strcmp(out->state, "open") != 0 || out->until_at <= clock_now(f->clock))
        return diag_set(why, ERR_DENIED, "approval.ended", "this is no longer open (%s)",
                        strcmp(out->state, "open") ? out->state : "expired");
    return ERR_OK;
}

enum err approval_approve(struct flow *f, const char *code, const struct actor *by, struct reply *r, struct diag *why)
{
    struct approval_row a = {0};
    enum err err = find(f, code, by, &a, why);

    if (!err)
        err = vote(f, &a, by, r, why);
    approval_row_free(&a);
    return err;
}

enum err approval_veto(struct flow *f, const char *code, const char *reason, const struct actor *by, struct reply *r,
                       struct diag *why)
{
    struct approval_row a = {0};
    struct approval_sealed s = {.bytes = BUF_EMPTY};
    enum err err = find(f, code, by, &a, why);

    if (!err)
        err = approval_sealed_get(f, a.id, &s, why);
    /* Who has approved may still stop it. */
    if (!err)
        err = vote_veto(f->db, a.id, by->admin->address, clock_now(f->clock), why);
    if (!err)
        err = end(f, &a, &s, "vetoed", by->name, "", reason, why);
    if (!err)
        r->data = view_approval(f, &a, true);
    approval_sealed_free(&s);
    approval_row_free(&a);
    return err;
}

enum err approval_withdraw(struct flow *f, struct approval_row *a, const char *reason, const struct actor *by,
                           struct diag *why)
{
    struct approval_sealed s;
    enum err err = approval_sealed_get(f, a->id, &s, why);

    if (!err)
        err = end(f, a, &s, "withdrawn", by->name, "", reason, why);
    approval_sealed_free(&s);
    return err;
}

enum err approval_duty(struct flow *f, const struct duty_row *duty, struct diag *why)
{
    struct reply unheard = {.out = BUF_EMPTY};
    struct approval_row a = {0};
    struct approval_sealed s = {.bytes = BUF_EMPTY};
    enum err err = approval_by_id(f->db, duty->object, &a, why);

    if (!err && strcmp(a.state, "open") == 0)
        err = approval_sealed_get(f, a.id, &s, why);
    if (!err && strcmp(a.state, "open") == 0)
        err = a.until_at > duty->at ? advance(f, &a, &s, &unheard, why) : ERR_OK;
    if (!err && strcmp(a.state, "open") == 0)
        err = a.until_at <= clock_now(f->clock) ? end(f, &a, &s, "expired", "embargod", "approval.expired", NULL, why)
                                                : duty_put(f->db, a.list_id, "approval", a.id, "", a.until_at, why);
    reply_free(&unheard);
    approval_sealed_free(&s);
    approval_row_free(&a);
    return err;
}
