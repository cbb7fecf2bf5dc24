/* The pre-flight: what a publication needs, looked at before its day; and how a release stands. */
#include "flow/release.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "flow/cases_flow.h"
#include "flow/clock_guard.h"
#include "flow/view.h"
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add(json_t *checks, const char *name, const char *status, const char *detail, const char *remedy)
{
    json_t *o = json_object();

    json_object_set_new(o, "name", json_string(name));
    json_object_set_new(o, "status", json_string(status));
    json_object_set_new(o, "detail", json_string(detail));
    json_object_set_new(o, "remedy", view_text(strcmp(status, "ok") == 0 ? NULL : remedy));
    json_array_append_new(checks, o);
}

char *release_name_case(const char *words, const char *code)
{
    struct buf named = BUF_EMPTY;

    for (const char *id; (id = strstr(words, " ID")) && (!id[3] || id[3] == ' ' || id[3] == ','); words = id + 3)
        buf_printf(&named, "%.*s %s", (int)(id - words), words, code);
    buf_add_str(&named, words);
    return buf_take(&named);
}

static void name_case(json_t *checks, const char *code)
{
    json_t *o;
    size_t i;

    json_array_foreach(checks, i, o)
    {
        const char *remedy = json_string_value(json_object_get(o, "remedy"));
        char *named = remedy ? release_name_case(remedy, code) : NULL;

        if (named)
            json_object_set_new(o, "remedy", json_string(named));
        free(named);
    }
}

static void check_date(const struct releasing *g, json_t *checks)
{
    char at[INSTANT_TEXT_SIZE], detail[160];

    if (g->due_utc_s == INSTANT_NONE) {
        add(checks, "date", "fail", "no date is set", "embargo set ID --until WHEN");
        return;
    }
    snprintf(detail, sizeof detail, "%s, rule %s", instant_text(g->due_utc_s, at), g->due_rule);
    add(checks, "date", "ok", detail, NULL);
}

static void check_cve(const struct releasing *g, const struct advisory_doc *doc, json_t *checks)
{
    const struct policy_value *required = &g->policy->cve.required;
    bool important = g->c->severity && (strcmp(g->c->severity, "high") == 0 || strcmp(g->c->severity, "critical") == 0);
    bool wanted = policy_is(required, POLICY_CVE_YES) || (policy_is(required, POLICY_CVE_IF_IMPORTANT) && important);

    if (doc->cves && doc->cves[0])
        add(checks, "cve", "ok", doc->cves[0], NULL);
    else
        add(checks, "cve", wanted ? "warn" : "ok",
            wanted ? "the policy asks for a CVE id (cve.required), and the advisory has none" : "none",
            "obtain one, and put it into the advisory's CVE: field");
}

static void check_text(struct releasing *g, json_t *checks)
{
    struct advisory_view v = {0};
    struct patch_row *patches = NULL;
    char detail[160];
    size_t n = 0;
    struct diag why;
    bool draft;

    if (!g->has_text || advisory_view_load(g->f, g->c->id, 0, &v, &why)) {
        add(checks, "text", "fail", "there is no advisory", "advisory new ID --title T, advisory edit ID FILE");
        return;
    }
    draft = strcmp(v.row.state, "draft") == 0;
    snprintf(detail, sizeof detail, "version %lld%s", (long long)v.row.version,
             draft ? ", a draft that nobody has been sent" : "");
    add(checks, "text", v.doc.n_sections ? "ok" : "warn", v.doc.n_sections ? detail : "it has no sections",
        "advisory edit ID FILE");
    check_cve(g, &v.doc, checks);
    patch_all(g->f->db, v.row.id, &patches, &n, &why);
    snprintf(detail, sizeof detail, "%zu", n);
    add(checks, "patches", n ? "ok" : "warn", n ? detail : "none are attached", "advisory edit ID FILE --attach PATCH");
    for (size_t i = 0; i < n; i++)
        patch_row_free(&patches[i]);
    free(patches);
    advisory_view_free(&v);
}

static void check_approval(const struct releasing *g, json_t *checks)
{
    char detail[160];

    if (!release_needs(g->policy))
        add(checks, "approval", "ok", "the policy releases by itself", NULL);
    else if (g->approved)
        add(checks, "approval", "ok", "this text is approved", NULL);
    else {
        snprintf(detail, sizeof detail, "this text is not approved%s; it needs %d",
                 g->row.is_approved ? " (another was)" : "", release_needs(g->policy));
        add(checks, "approval", "fail", detail, "publish approve ID");
    }
}

static void check_signature(const struct releasing *g, json_t *checks)
{
    static const char *const targets[] = {"check", "preflight"};
    struct release_step step = {0}, newest = {.done_at = INSTANT_NONE};
    struct diag none;

    for (size_t i = 0; i < 2; i++) {
        if (release_step_find(g->f->db, g->row.id, "test", targets[i], &step, &none))
            continue;
        if (!newest.id || step.next_at >= newest.next_at) {
            release_step_free(&newest);
            newest = step;
        } else {
            release_step_free(&step);
        }
    }
    if (!newest.id || strcmp(newest.state, "pending") == 0)
        add(checks, "signature", "warn", "the list's key is being tried", "ask again in a moment");
    else if (strcmp(newest.state, "done") == 0)
        add(checks, "signature", "ok", "the list's key signs", NULL);
    else
        add(checks, "signature", "fail", newest.rule, "see key list and the log: the list's key does not sign");
    release_step_free(&newest);
}

static void check_channel(const struct releasing *g, const struct policy_channel *c, json_t *checks)
{
    char address[ADDR_MAX_BYTES + 1], name[160], detail[ADDR_MAX_BYTES + 64];
    int64_t stuck;
    bool plain;

    snprintf(name, sizeof name, "channel %.120s", c->to.text);
    if (!release_channel(g->f, c->to.text, address, &plain)) {
        add(checks, name, "fail", "no address is known",
            "add it to channels in embargod.conf and restart, or post there by hand");
        return;
    }
    stuck = copy_count_stuck(g->f->db, address);
    snprintf(detail, sizeof detail, "%s (%s)%s", address, plain ? "plain" : "announce",
             stuck ? ": mail to it could not be delivered" : "");
    add(checks, name, stuck ? "warn" : "ok", detail, "see queue list");
}

static void check_channels(const struct releasing *g, json_t *checks)
{
    const struct policy_publication *p = &g->policy->publication;

    if (!p->n_channels)
        add(checks, "channels", "warn", "the policy names no channel: only the site and those who were told will know",
            "post it by hand, or choose a policy that says where");
    for (size_t i = 0; i < p->n_channels; i++)
        if (p->channels[i].kind.has == POLICY_STATED && strcmp(p->channels[i].kind.text, "mail") == 0 &&
            p->channels[i].to.has == POLICY_STATED)
            check_channel(g, &p->channels[i], checks);
}

static void check_web(const struct releasing *g, json_t *checks)
{
    char *folder = settings_path(g->f->settings, "public");
    bool there = access(folder, F_OK) == 0;
    bool writable = access(there ? folder : g->f->settings->home, W_OK | X_OK) == 0;

    add(checks, "web", writable ? "ok" : "fail", writable ? "public/ can be written" : "public/ cannot be written",
        "give the daemon's user the right to write below its home");
    free(folder);
}

static void check_clock(const struct releasing *g, json_t *checks)
{
    char words[320] = "";

    if (!g->f->guard->enforced || g->f->guard->trust == CLOCK_TRUSTED) {
        add(checks, "clock", "ok", g->f->guard->enforced ? "synchronised" : "its rules are off", NULL);
        return;
    }
    clock_guard_words(g->f->guard, words, sizeof words);
    add(checks, "clock", "fail", clock_guard_rule(g->f->guard), words);
}

json_t *release_checks(struct releasing *g)
{
    json_t *checks = json_array();

    check_date(g, checks);
    check_text(g, checks);
    check_approval(g, checks);
    check_signature(g, checks);
    check_channels(g, checks);
    check_web(g, checks);
    check_clock(g, checks);
    name_case(checks, g->c->code);
    return checks;
}

static json_t *steps_json(struct releasing *g)
{
    struct release_step *steps = NULL;
    json_t *a = json_array();
    struct diag why;
    size_t n = 0;

    release_steps(g->f->db, g->row.id, &steps, &n, &why);
    for (size_t i = 0; i < n; i++) {
        const struct release_step *s = &steps[i];
        json_t *o = json_object();

        json_object_set_new(o, "step", json_string(s->kind));
        json_object_set_new(o, "target", *s->target ? json_string(s->target) : json_null());
        json_object_set_new(o, "state", json_string(s->state));
        json_object_set_new(o, "rule", *s->rule ? json_string(s->rule) : json_null());
        json_object_set_new(o, "tries", json_integer(s->tries));
        json_object_set_new(o, "next_at", view_instant(strcmp(s->state, "pending") == 0 ? s->next_at : INSTANT_NONE));
        json_object_set_new(o, "done_at", view_instant(s->done_at));
        if (strcmp(s->kind, "test") != 0)
            json_array_append(a, o);
        json_decref(o);
        release_step_free(&steps[i]);
    }
    free(steps);
    return a;
}

json_t *release_json(struct releasing *g)
{
    json_t *o = json_object();

    json_object_set_new(o, "id", json_string(g->c->code));
    json_object_set_new(o, "public_id", view_text(g->c->public_id));
    json_object_set_new(o, "case_state", view_text(g->c->state));
    json_object_set_new(o, "state", view_text(g->row.state));
    json_object_set_new(o, "due", view_instant(g->due_utc_s));
    json_object_set_new(o, "due_rule", *g->due_rule ? json_string(g->due_rule) : json_null());
    json_object_set_new(o, "verdict",
                        g->row.started_at == INSTANT_NONE ? json_string(release_verdict_name(g->decision.verdict))
                                                          : json_null());
    json_object_set_new(o, "rule",
                        g->row.started_at == INSTANT_NONE && *g->decision.rule ? json_string(g->decision.rule)
                                                                               : json_null());
    json_object_set_new(o, "needs", json_integer(release_needs(g->policy)));
    json_object_set_new(o, "approved", json_boolean(g->approved));
    json_object_set_new(o, "version", g->row.version ? json_integer(g->row.version) : json_null());
    json_object_set_new(o, "started_at", view_instant(g->row.started_at));
    json_object_set_new(o, "done_at", view_instant(g->row.done_at));
    json_object_set_new(o, "steps", steps_json(g));
    return o;
}

static void write_checks(json_t *checks, struct buf *out)
{
    json_t *o;
    size_t i;

    json_array_foreach(checks, i, o)
    {
        const char *remedy = json_string_value(json_object_get(o, "remedy"));

        buf_printf(out, "  %-5s %-14s %s\n", json_string_value(json_object_get(o, "status")),
                   json_string_value(json_object_get(o, "name")), json_string_value(json_object_get(o, "detail")));
        if (remedy)
            buf_printf(out, "        -> %s\n", remedy);
    }
}

static void write_steps(struct releasing *g, struct buf *out)
{
    json_t *steps = steps_json(g), *o;
    size_t i;

    json_array_foreach(steps, i, o)
    {
        const char *target = json_string_value(json_object_get(o, "target"));
        const char *rule = json_string_value(json_object_get(o, "rule"));

        buf_printf(out, "  %-8s %s%s%s%s%s\n", json_string_value(json_object_get(o, "state")),
                   json_string_value(json_object_get(o, "step")), target ? " " : "", target ? target : "",
                   rule ? ": " : "", rule ? rule : "");
    }
    json_decref(steps);
}

/* Before the day what is missing; afterwards what was done. */
enum err release_mail_checks(struct releasing *g, struct diag *why)
{
    bool over = g->row.started_at != INSTANT_NONE && g->c->public_at != INSTANT_NONE;
    char at[INSTANT_TEXT_SIZE];
    char *subject = mem_printf("[%s] %s", case_label(g->c), over ? "published" : "pre-flight");
    struct buf text = BUF_EMPTY;
    enum err err;

    if (over) {
        buf_printf(&text, "Case %s is public since %s. What was done:\n\n", g->c->code,
                   instant_text(g->c->public_at, at));
        write_steps(g, &text);
    } else {
        json_t *checks = release_checks(g);

        buf_printf(&text, "Case %s is to be published at %s. How it stands:\n\n", g->c->code,
                   instant_text(g->due_utc_s, at));
        write_checks(checks, &text);
        json_decref(checks);
    }
    buf_printf(&text, "\nembargoctl publish check %s\n", g->c->code);
    err = case_notify_team(g->f, g->list, g->c->list_id, g->c, subject, buf_text(&text), why);
    mem_free_secret(&subject);
    buf_free(&text);
    return err;
}
