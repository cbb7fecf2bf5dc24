/* The steps of a release, carried out one by one. */
#include "flow/release.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "flow/advisory_send.h"
#include "flow/cases_flow.h"
#include "flow/policies.h"
#include "flow/reporter.h"
#include "store/audit.h"
#include "store/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_FIRST_S 60
#define AGAIN_MAX_S   3600

struct stepping {
    struct flow *f;
    struct case_row c;
    struct policy *policy;
    const struct settings_list *list;
    struct release_step *step;
};

static void set(char **to, const char *text)
{
    free(*to);
    *to = mem_strdup(text);
}

static void end_step(struct stepping *g, const char *state, const char *rule)
{
    set(&g->step->state, state);
    set(&g->step->rule, rule);
    g->step->done_at = strcmp(state, "done") == 0 ? clock_now(g->f->clock) : INSTANT_NONE;
}

static enum err queue_public(struct stepping *g, const char *address, bool plain, const char *text, struct diag *why)
{
    struct outgoing_to to = {.address = address};
    struct advisory_files files = {0};
    struct advisory_view v = {0};
    struct content content;
    char *subject = NULL;
    enum err err = advisory_view_load(g->f, g->c.id, g->c.version, &v, why);

    if (!err)
        err = advisory_files_load(g->f, v.row.id, &files, why);
    if (!err)
        err = content_cleared(CLEARED_PUBLIC, g->policy, &g->c, &content, why);
    if (!err) {
        subject = plain ? release_plain_subject(&g->c, &v.doc) : advisory_subject(&g->c, &v.doc, v.row.version);
        struct outgoing mail = {.kind = "public",
                                .list = g->list,
                                .list_id = g->c.list_id,
                                .c = &g->c,
                                .version = v.row.version,
                                .subject = subject,
                                .prefix = settings_subject_prefix(g->f->settings, address),
                                .text = text,
                                .files = files.outgoing,
                                .n_files = files.n,
                                .earliest_at = INSTANT_NONE};
        err = outgoing_queue(g->f, &mail, content, &to, 1, &g->step->mail_id, why);
    }
    free(subject);
    advisory_files_free(&files);
    advisory_view_free(&v);
    return err;
}

static enum err step_mail(struct stepping *g, struct diag *why)
{
    char address[ADDR_MAX_BYTES + 1];
    struct release_step sign = {0};
    struct buf text = BUF_EMPTY;
    bool plain;
    enum err err;

    if (!release_channel(g->f, g->step->target, address, &plain)) {
        end_step(g, "waiting", "channel.no-address");
        return ERR_OK;
    }
    err = release_step_find(g->f->db, g->step->release_id, "sign", plain ? "plain" : "announce", &sign, why);
    if (!err)
        err = release_step_text(g->f->db, sign.id, &text, why);
    if (!err)
        err = queue_public(g, address, plain, buf_text(&text), why);
    if (!err)
        end_step(g, "queued", "");
    release_step_free(&sign);
    buf_free(&text);
    return err;
}

/* What became of a mail in the outbox. */
static enum err step_queued(struct stepping *g, struct diag *why)
{
    char *state = release_mail_state(g->f->db, g->step->mail_id);
    bool sent = !state || strcmp(state, "sent") == 0;

    (void)why;
    end_step(g, sent ? "done" : "failed", sent ? "" : "queue.failed");
    free(state);
    return ERR_OK;
}

static enum err step_members(struct stepping *g, struct diag *why)
{
    struct buf text = BUF_EMPTY;
    const char *status = g->c.embargo_status ? g->c.embargo_status : "lifted";
    char news[64];
    size_t told = 0;
    enum err err = release_over_text(&g->c, status, &text, why);

    snprintf(news, sizeof news, "the embargo: %s", status);
    if (!err)
        err = advisory_notify(g->f, g->policy, &g->c, g->list, news, buf_text(&text), &told, why);
    if (!err)
        end_step(g, "done", told ? "" : "nobody");
    buf_free(&text);
    return err;
}

static enum err step_reporter(struct stepping *g, struct diag *why)
{
    struct participant_row *people = NULL;
    struct buf text = BUF_EMPTY;
    size_t n = 0, reached = 0;
    enum err err = release_thanks_text(g->f, &g->c, &text, why);

    if (!err)
        err = participant_all(g->f->db, g->c.id, &people, &n, why);
    for (size_t i = 0; i < n; i++) {
        if (!err && people[i].ended_at == INSTANT_NONE && strcmp(people[i].role, "reporter") == 0) {
            err = reporter_tell_public(g->f, g->list, g->policy, &g->c, &people[i], "Your report is public",
                                       buf_text(&text), why);
            reached++;
        }
        participant_row_free(&people[i]);
    }
    free(people);
    if (!err)
        end_step(g, "done", reached ? "" : "nobody");
    buf_free(&text);
    return err;
}

/* The site is made by proc/publisher.c; what is wanted of it here is that it is made. */
static enum err step_site(struct stepping *g, struct diag *why)
{
    enum err err = publish_want(g->f->db, NULL, why);

    if (!err)
        end_step(g, "done", "");
    return err;
}

static enum err do_step(struct stepping *g, struct diag *why)
{
    static const struct {
        const char *kind;
        enum err (*run)(struct stepping *, struct diag *);
    } table[] = {{"mail", step_mail}, {"site", step_site}, {"members", step_members}, {"reporter", step_reporter}};

    if (strcmp(g->step->state, "queued") == 0)
        return step_queued(g, why);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].kind, g->step->kind) == 0)
            return table[i].run(g, why);
    return diag_set(why, ERR_INTERNAL, "release.step", "there is no step of this kind");
}

static enum err load(struct flow *f, struct release_step *step, struct stepping *g, struct diag *why)
{
    enum err err;

    memset(g, 0, sizeof *g);
    g->f = f;
    g->step = step;
    err = case_by_id(f->db, step->case_id, &g->c, why);
    if (!err)
        err = policies_of_case(f, &g->c, &g->policy, why);
    if (!err && !(g->list = flow_list_of_row(f, g->c.list_id, why)))
        err = ERR_NOT_FOUND;
    return err;
}

static void unload(struct stepping *g)
{
    policy_free(&g->policy);
    case_row_free(&g->c);
}

static enum err tell_trouble(struct stepping *g, struct diag *why)
{
    char *subject = mem_printf("[%s] ALARM: a step of the publication has failed", case_label(&g->c));
    char *text =
        mem_printf("Case %s is public, and a step of its publication has failed.\n\nStep:   %s %s\nState:  %s\n"
                   "Rule:   %s\n\nHow it stands:   embargoctl publish check %s\nOnce mended:    embargoctl "
                   "publish run %s\n",
                   g->c.code, g->step->kind, g->step->target, g->step->state, g->step->rule, g->c.code, g->c.code);
    enum err err = case_notify_team(g->f, g->list, g->c.list_id, &g->c, subject, text, why);

    mem_free_secret(&subject);
    mem_free_secret(&text);
    return err;
}

/* All that can be done is done: the team hears of it once. */
static enum err finish_round(struct stepping *g, struct diag *why)
{
    struct releasing whole;
    enum err err;

    if (release_count_open(g->f->db, g->step->release_id))
        return ERR_OK;
    err = release_load(g->f, &g->c, g->policy, g->list, &whole, why);
    if (!err && strcmp(whole.row.state, "running") == 0) {
        set(&whole.row.state, "done");
        whole.row.done_at = clock_now(g->f->clock);
        err = release_update(g->f->db, &whole.row, why);
        if (!err)
            err = audit_append(g->f->db, whole.row.done_at, "embargod", "publish.done", g->c.code, "", NULL, why);
        if (!err)
            err = release_mail_checks(&whole, why);
    }
    release_unload(&whole);
    return err;
}

void release_try_later(struct release_step *step, int64_t now, const char *rule)
{
    int64_t pause = AGAIN_FIRST_S;

    for (int64_t i = 0; i < step->tries && pause < AGAIN_MAX_S; i++)
        pause *= 2;
    step->tries++;
    step->next_at = now + (pause < AGAIN_MAX_S ? pause : AGAIN_MAX_S);
    set(&step->rule, rule);
}

/* What a step wrote is undone where it fails, and only that it failed is kept. */
static enum err record_failure(struct flow *f, struct release_step *step, const struct diag *reason, struct diag *why)
{
    struct stepping g;
    enum err err = db_begin(f->db, why);

    if (err)
        return err;
    release_try_later(step, clock_now(f->clock), reason->rule);
    err = release_step_set(f->db, step, why);
    if (!err && step->tries == 1) {
        err = load(f, step, &g, why);
        if (!err)
            err = tell_trouble(&g, why);
        unload(&g);
    }
    return db_end(f->db, err, why);
}

static enum err one_step(struct flow *f, struct release_step *step, struct diag *why)
{
    struct stepping g;
    struct diag reason;
    bool queued = strcmp(step->state, "queued") == 0;
    int64_t mail_id = step->mail_id;
    enum err err = db_begin(f->db, why);

    if (err)
        return err;
    err = load(f, step, &g, why);
    if (!err)
        err = do_step(&g, why);
    if (!err)
        err = release_step_set(f->db, step, why);
    if (!err && (strcmp(step->state, "failed") == 0 || strcmp(step->rule, "channel.no-address") == 0))
        err = tell_trouble(&g, why);
    if (!err)
        err = finish_round(&g, why);
    if (!err)
        err = db_commit(f->db, why);
    if (!err)
        log_event(g.c.code, "publish-step", step->rule, "step=%s state=%s", step->kind, step->state);
    unload(&g);
    if (!err)
        return ERR_OK;
    reason = *why;
    db_rollback(f->db);
    db_new_turn(f->db); /* that it failed is to be recorded, whatever failed */
    log_diag(NULL, "publish-step-failed", &reason);
    /* As it was: what this try made of it is undone. A mail that was queued before is not queued again. */
    set(&step->state, queued ? "queued" : "pending");
    step->mail_id = queued ? mail_id : 0;
    return record_failure(f, step, &reason, why);
}

enum err release_tick(struct flow *f, struct diag *why)
{
    struct release_step *steps;
    size_t n;
    enum err err = release_steps_due(f->db, clock_now(f->clock), false, &steps, &n, why);

    for (size_t i = 0; i < n; i++) {
        if (!err)
            err = one_step(f, &steps[i], why);
        release_step_free(&steps[i]);
    }
    free(steps);
    return err;
}

/* ---- what is signed ---- */

enum err release_sign_text(struct flow *f, const struct release_step *step, struct buf *out,
                           const struct settings_list **list, struct diag *why)
{
    struct release_step copy = *step;
    struct stepping g;
    enum err err = load(f, &copy, &g, why);

    *list = g.list;
    if (!err && strcmp(step->kind, "test") == 0)
        buf_add_str(out, "A test of the list's key before a publication.\n");
    else if (!err)
        err = release_text(f, &g.c, g.policy, g.c.version, strcmp(step->target, "plain") == 0, out, why);
    unload(&g);
    return err;
}

static enum err after_test(struct stepping *g, enum err tried, const struct diag *reason, struct diag *why)
{
    struct releasing whole;
    enum err err;

    end_step(g, tried ? "failed" : "done", tried ? reason->rule : "");
    err = release_step_set(g->f->db, g->step, why);
    if (err || strcmp(g->step->target, "preflight") != 0)
        return err;
    err = release_load(g->f, &g->c, g->policy, g->list, &whole, why);
    if (!err)
        err = release_mail_checks(&whole, why);
    release_unload(&whole);
    return err;
}

/* What was announced is what the site shows: signed once. */
static enum err keep_for_site(struct stepping *g, struct span signed_text, struct diag *why)
{
    struct buf text = BUF_EMPTY;
    struct advisory_row row = {0};
    char name[64];
    enum err err = release_text(g->f, &g->c, g->policy, g->c.version, false, &text, why);

    if (!err)
        err = advisory_find(g->f->db, g->c.id, g->c.version, &row, why);
    if (!err) {
        snprintf(name, sizeof name, "advisory:%lld", (long long)row.id);
        err = signed_text_put(g->f->db, name, g->list->fingerprint, buf_span(&text), signed_text,
                              clock_now(g->f->clock), why);
    }
    advisory_row_free(&row);
    buf_free(&text);
    return err;
}

enum err release_signed(struct flow *f, const struct release_step *step, enum err tried, struct span signed_text,
                        const struct diag *reason, struct diag *why)
{
    struct release_step mine = *step;
    struct stepping g;
    enum err err;

    if (tried && strcmp(step->kind, "sign") == 0)
        return record_failure(f, (struct release_step *)step, reason, why);
    err = db_begin(f->db, why);
    if (err)
        return err;
    mine.state = mem_strdup(step->state);
    mine.rule = mem_strdup(step->rule);
    err = load(f, &mine, &g, why);
    if (!err && strcmp(step->kind, "test") == 0) {
        err = after_test(&g, tried, reason, why);
    } else if (!err) {
        end_step(&g, "done", "");
        err = release_step_set_text(f->db, step->id, signed_text, why);
        if (!err)
            err = release_step_set(f->db, &mine, why);
        if (!err && strcmp(step->target, "announce") == 0)
            err = keep_for_site(&g, signed_text, why);
    }
    err = db_end(f->db, err, why);
    unload(&g);
    free(mine.state);
    free(mine.rule);
    return err;
}
