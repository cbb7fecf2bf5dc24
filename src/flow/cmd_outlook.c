/* What is wrong now, what falls due, and what to type: for an admin at three in the morning. */
#include "flow/cmd.h"

#include "base/fsx.h"
#include "base/instant.h"
#include "base/mem.h"
#include "flow/acks.h"
#include "flow/clock_guard.h"
#include "flow/command_lists.h"
#include "flow/list_key.h"
#include "flow/preflight.h"
#include "flow/restored.h"
#include "flow/stats.h"
#include "flow/view.h"
#include "store/approvals.h"
#include "store/outlook.h"
#include "store/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOON_S 86400

static json_t *counts(struct flow *f, const char *scope, enum outlook_what what)
{
    struct db_rows *rows = outlook_states(f->db, scope, what);
    json_t *o = json_object();

    while (db_next(rows))
        json_object_set_new(o, db_text(rows, 0), json_integer(db_int(rows, 1)));
    db_rows_end(&rows, NULL);
    return o;
}

/* ---- what is wrong ---- */

static void add_wrong(json_t *all, const char *what, const char *command)
{
    json_array_append_new(all, json_pack("{s:s, s:s}", "what", what, "do", command));
}

static void add_count(json_t *all, int64_t n, const char *one, const char *many, const char *command)
{
    char words[160];

    if (n <= 0)
        return;
    if (n == 1)
        snprintf(words, sizeof words, "%s", one);
    else
        snprintf(words, sizeof words, "%lld %s", (long long)n, many);
    add_wrong(all, words, command);
}

static void add_clock(struct flow *f, json_t *all)
{
    char words[320];
    struct diag why;

    if (clock_fault(f->clock, &why))
        add_wrong(all, why.text, "set the clock file");
    if (!f->guard || !f->guard->enforced || f->guard->trust == CLOCK_TRUSTED)
        return;
    clock_guard_words(f->guard, words, sizeof words);
    add_wrong(all, words, "timedatectl status");
}

static void add_hold(struct flow *f, json_t *all)
{
    char words[320], at[INSTANT_TEXT_SIZE];
    struct restored r;

    if (!f->on_hold)
        return;
    restored_read(f->db, &r);
    snprintf(words, sizeof words, "restored from a backup of %s, and on hold: nothing is opened, sent or published",
             instant_text(r.taken_at, at));
    add_wrong(all, words, "restore --accept (offline)");
}

static void add_store(struct flow *f, json_t *all)
{
    struct diag why;
    char *words;

    if (!db_trouble(f->db, &why))
        return;
    words = mem_printf("nothing is opened, sent or published: %s (%s)", why.text, why.rule);
    add_wrong(all, words, "check");
    free(words);
}

static void add_disk(struct flow *f, json_t *all)
{
    char words[160];
    int64_t free_bytes = fsx_free_bytes(f->settings->home);

    if (free_bytes < 0 || (uint64_t)free_bytes >= f->settings->limits.reserve_bytes)
        return;
    snprintf(words, sizeof words, "the disk has %lld MiB left: mail that comes is put off (452)",
             (long long)free_bytes >> 20);
    add_wrong(all, words, "make room on the disk");
}

static json_t *list_keys(struct flow *f, const struct command *c)
{
    json_t *all = json_array();

    for (size_t i = 0; i < f->settings->n_lists; i++)
        if (command_sees(f, c, &f->settings->lists[i]))
            json_array_append_new(all, list_key_json(f, &f->settings->lists[i]));
    return all;
}

static void add_list_keys(struct flow *f, const struct command *c, json_t *all)
{
    json_t *keys = list_keys(f, c), *key;
    size_t i;

    json_array_foreach(keys, i, key)
    {
        char *words;

        if (!json_is_false(json_object_get(key, "signs")))
            continue;
        words = mem_printf("the key of %s does not sign (%s), and no mail of the list goes out",
                           json_string_value(json_object_get(key, "list")),
                           json_string_value(json_object_get(key, "rule")));
        add_wrong(all, words, "check");
        free(words);
    }
    json_decref(keys);
}

static json_t *wrong(struct flow *f, const struct command *c, const struct outlook *o)
{
    json_t *all = json_array();
    struct publish_state site;

    publish_state(f->db, &site);
    add_hold(f, all);
    add_clock(f, all);
    add_store(f, all);
    add_disk(f, all);
    add_list_keys(f, c, all);
    add_count(all, o->overdue, "a deadline has passed and is not met", "deadlines have passed and are not met", "next");
    add_count(all, o->undated, "a case that members know of has no date", "cases that members know of have no date",
              "next");
    add_count(all, o->untriaged, "a report has waited for more than a day", "reports have waited for more than a day",
              "case list");
    add_count(all, o->failed, "a mail could not be delivered", "mails could not be delivered", "queue list");
    add_count(all, o->unsealed, "a mail waits to be signed and sealed", "mails wait to be signed and sealed",
              "check (and look for sign-failed in the log)");
    add_count(all, o->deferred, "a mail is deferred again and again", "mails are deferred again and again",
              "queue list");
    add_count(all, o->held, "a mail is held", "mails are held", "held list");
    add_count(all, o->keys, "a member has no usable key", "members have no usable key", "member list");
    add_count(all, o->approvals, "a decision waits for another admin", "decisions wait for other admins",
              "approval list");
    add_count(all, o->applications, "an application waits for a decision", "applications wait for a decision",
              "application list");
    if (site.wanted > site.built)
        add_wrong(all, "the public site is not yet what was published", "publish build");
    return all;
}

/* ---- what falls due ---- */

/* What an admin does about a deadline; the daemon sees to the others by itself. */
static char *what_to_do(const struct outlook_row *row)
{
    static const struct {
        const char *clock, *command;
    } table[] = {{"acknowledge", "case reply %s FILE"}, {"triage", "case accept %s"},
                 {"fix", "case fix-ready %s"},          {"cve", "case set %s cve=CVE-…"},
                 {"notice", "advisory send %s"},        {"predisclose", "advisory send %s"},
                 {"release", "embargo show %s"},        {"embargo", "embargo show %s"}};

    if (!row->clock)
        return mem_printf("embargo set %s --until WHEN", row->code);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strncmp(row->clock, table[i].clock, strlen(table[i].clock)) == 0) {
            const char *mark = strstr(table[i].command, "%s");

            return mem_printf("%.*s%s%s", (int)(mark - table[i].command), table[i].command, row->code, mark + 2);
        }
    return mem_printf("case show %s", row->code);
}

static json_t *row_json(const struct outlook_row *row, int64_t now)
{
    json_t *o = json_object();
    char words[32], in[40], *command = what_to_do(row);

    json_object_set_new(o, "case", json_string(row->code));
    json_object_set_new(o, "public_id", view_text(row->public_id));
    json_object_set_new(o, "state", view_text(row->state));
    json_object_set_new(o, "clock", row->clock ? view_clock(row->clock) : json_null());
    json_object_set_new(o, "tier", view_text(row->tier));
    json_object_set_new(o, "at", view_instant(row->at));
    if (row->at == INSTANT_NONE)
        snprintf(in, sizeof in, "no date");
    else if (row->at >= now)
        snprintf(in, sizeof in, "%s", stats_words(row->at - now, words));
    else
        snprintf(in, sizeof in, "%s ago", stats_words(now - row->at, words));
    json_object_set_new(o, "in", json_string(in));
    json_object_set_new(o, "rule", view_text(row->rule));
    json_object_set_new(o, "force", view_text(row->force));
    json_object_set_new(o, "until", view_instant(row->until_at));
    json_object_set_new(o, "do", view_text(command));
    free(command);
    return o;
}

static enum err rows_json(struct flow *f, const char *scope, int64_t before, json_t *all, struct diag *why)
{
    int64_t now = clock_now(f->clock);
    struct outlook_row *rows;
    size_t n;
    enum err err = outlook_next(f->db, scope, before, &rows, &n, why);

    for (size_t i = 0; i < n; i++)
        json_array_append_new(all, row_json(&rows[i], now));
    outlook_rows_free(rows, n);
    return err;
}

/* Of each case: the members that were told and have said nothing. */
static void add_unacknowledged(struct flow *f, json_t *all)
{
    json_t *row;
    size_t i;

    json_array_foreach(all, i, row)
    {
        struct case_row c = {0};
        struct diag none;

        if (!case_by_code(f->db, json_string_value(json_object_get(row, "case")), &c, &none))
            json_object_set_new(row, "unacknowledged", ack_missing(f, c.id));
        json_object_set_new(row, "approval", json_null());
        json_object_set_new(row, "member", json_null());
        case_row_free(&c);
    }
}

/* A row like that of a deadline: its expiry. */
static json_t *approval_json(struct flow *f, const struct approval_row *a)
{
    struct outlook_row row = {.code = (char *)"", .clock = (char *)"approval", .at = a->until_at};
    char *command = mem_printf("approval approve %s", a->code);
    json_t *o;

    row.state = a->state;
    row.until_at = INSTANT_NONE;
    o = row_json(&row, clock_now(f->clock));
    json_object_set_new(o, "case", json_null());
    json_object_set_new(o, "unacknowledged", json_array());
    json_object_set_new(o, "approval", view_approval(f, a, false));
    json_object_set_new(o, "member", json_null());
    json_object_set_new(o, "do", json_string(command));
    free(command);
    return o;
}

/* It is for admins to do, whatever the cases' own deadlines say. */
static enum err add_approvals(struct flow *f, const struct command *c, json_t *all, struct diag *why)
{
    struct approval_row *rows;
    size_t n, shown = 0;
    enum err err = approval_open(f->db, 0, &rows, &n, why);

    for (size_t i = 0; i < n; i++) {
        if (command_sees_row(f, c, rows[i].list_id))
            json_array_insert_new(all, shown++, approval_json(f, &rows[i]));
        approval_row_free(&rows[i]);
    }
    free(rows);
    return err;
}

/* Before all else: until then nothing that falls due happens. */
static void add_restored(struct flow *f, json_t *all)
{
    struct outlook_row row = {
        .code = (char *)"", .clock = (char *)"restore", .state = (char *)"hold", .until_at = INSTANT_NONE};
    struct restored r;
    json_t *o;

    if (!f->on_hold)
        return;
    restored_read(f->db, &r);
    row.at = r.taken_at;
    o = row_json(&row, clock_now(f->clock));
    json_object_set_new(o, "case", json_null());
    json_object_set_new(o, "unacknowledged", json_array());
    json_object_set_new(o, "approval", json_null());
    json_object_set_new(o, "member", json_null());
    json_object_set_new(o, "do", json_string("restore --accept"));
    json_array_insert_new(all, 0, o);
}

static json_t *unserved_json(const json_t *member, int64_t now)
{
    struct outlook_row row = {.code = (char *)"", .clock = (char *)"key", .at = INSTANT_NONE, .until_at = INSTANT_NONE};
    const char *org = json_string_value(json_object_get(member, "org"));
    char *command = strchr(org, ' ') ? mem_printf("member show \"%s\"", org) : mem_printf("member show %s", org);
    json_t *o = row_json(&row, now);

    json_object_set_new(o, "case", json_null());
    json_object_set_new(o, "rule", json_copy(json_object_get(member, "rule")));
    json_object_set_new(o, "unacknowledged", json_array());
    json_object_set_new(o, "approval", json_null());
    json_object_set_new(o, "member", json_copy((json_t *)member));
    json_object_set_new(o, "do", json_string(command));
    free(command);
    return o;
}

/* Whom no advisory would reach: to be seen to before one goes. */
static enum err add_unserved(struct flow *f, const struct command *c, json_t *all, struct diag *why)
{
    int64_t now = clock_now(f->clock);
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < f->settings->n_lists; i++) {
        struct list_row row = {0};
        json_t *members, *member;
        size_t n;

        if (!command_sees(f, c, &f->settings->lists[i]))
            continue;
        members = json_array();
        err = list_by_name(f->db, f->settings->lists[i].name, &row, why);
        if (!err)
            err = preflight_unserved(f->db, row.id, now, members, why);
        json_array_foreach(members, n, member) json_array_append_new(all, unserved_json(member, now));
        json_decref(members);
        list_row_free(&row);
    }
    return err;
}

/*
 * What waits for admins; then open cases with their next deadline, soonest first, and those without any date; last the
 * members who cannot be served.
 */
enum err cmd_next(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct buf scope = BUF_EMPTY;
    enum err err = command_scope(f, c, &scope, why);

    r->data = json_array();
    if (!err)
        err = rows_json(f, buf_text(&scope), INSTANT_NONE, r->data, why);
    add_unacknowledged(f, r->data);
    if (!err)
        err = add_approvals(f, c, r->data, why);
    if (!err)
        err = add_unserved(f, c, r->data, why);
    add_restored(f, r->data);
    buf_free(&scope);
    return err;
}

/* Of the lists in the scope. */
static enum err status_json(struct flow *f, const struct command *c, const char *scope, json_t *o, struct diag *why)
{
    int64_t now = clock_now(f->clock);
    json_t *soon = json_array();
    struct outlook counted;

    outlook_now(f->db, scope, now, &counted);
    json_object_set_new(o, "now", view_instant(now));
    json_object_set_new(o, "rehearsal", json_boolean(clock_is_rehearsal(f->clock)));
    json_object_set_new(o, "on_hold", restored_json(f));
    json_object_set_new(o, "settled", json_boolean(f->settled(f->settled_ctx)));
    json_object_set_new(o, "wrong", wrong(f, c, &counted));
    json_object_set_new(o, "soon", soon);
    json_object_set_new(o, "cases", counts(f, scope, OUTLOOK_CASES));
    json_object_set_new(o, "members", counts(f, scope, OUTLOOK_MEMBERS));
    json_object_set_new(o, "queue", counts(f, scope, OUTLOOK_COPIES));
    json_object_set_new(o, "held", json_integer(counted.held));
    json_object_set_new(o, "list_keys", list_keys(f, c));
    json_object_set_new(o, "site", view_site(f));
    json_object_set_new(o, "next_deadline", view_instant(outlook_next_at(f->db, scope)));
    return rows_json(f, scope, now + SOON_S, soon, why);
}

enum err cmd_status(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct buf scope = BUF_EMPTY;
    enum err err = command_scope(f, c, &scope, why);

    r->data = json_object();
    if (!err)
        err = status_json(f, c, buf_text(&scope), r->data, why);
    buf_free(&scope);
    return err;
}
