/* Commands on cases: facts set, words to the reporter and the team, attachments taken out. */
#include "flow/cmd.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "codec/xfer.h"
#include "flow/advisory_doc.h"
#include "flow/approvals.h"
#include "flow/case_of.h"
#include "flow/cases_flow.h"
#include "flow/outgoing.h"
#include "flow/policies.h"
#include "flow/release.h"
#include "flow/reporter.h"
#include "flow/view.h"
#include "policy/decide.h"
#include "policy/schedule.h"
#include "store/audit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- case set ---- */

struct setting {
    struct flow *f;
    struct case_row *row;
    struct policy *policy;
    const struct command *c;
};

static enum err set_severity(struct setting *s, const char *value, struct diag *why)
{
    enum policy_severity parsed;

    if (!policy_severity_parse(value, &parsed))
        return diag_set(why, ERR_USAGE, "case.severity", "severity is low, medium, high or critical");
    free(s->row->severity);
    s->row->severity = parsed == POLICY_UNRATED ? NULL : mem_strdup(value);
    return case_choose_track(s->policy, s->row, why);
}

static enum err set_track(struct setting *s, const char *value, struct diag *why)
{
    if (!policy_track_find(s->policy, value))
        return diag_set(why, ERR_USAGE, "case.track", "the policy %s has no such track: see policy show",
                        s->row->policy);
    free(s->row->track);
    s->row->track = mem_strdup(value);
    s->row->track_chosen = true;
    return case_choose_track(s->policy, s->row, why);
}

/* A fact that tracks go by; "" forgets it. */
static enum err set_fact(struct setting *s, char **to, const char *value, struct diag *why)
{
    free(*to);
    *to = *value ? mem_strdup(value) : NULL;
    return case_choose_track(s->policy, s->row, why);
}

static enum err set_origin(struct setting *s, const char *value, struct diag *why)
{
    if (*value && strcmp(value, "human") != 0 && strcmp(value, "automated") != 0)
        return diag_set(why, ERR_USAGE, "case.origin", "origin is human or automated");
    return set_fact(s, &s->row->origin, value, why);
}

/* How long a fix is expected to take, in days. */
static enum err set_fix_needs(struct setting *s, const char *value, struct diag *why)
{
    char *end;
    long days = strtol(value, &end, 10);

    if (end == value || *end || days < 0 || days > 3650)
        return diag_set(why, ERR_USAGE, "case.fix-needs", "fix_needs is a number of days, such as 21");
    s->row->fix_needs_s = (int64_t)days * 86400;
    return case_choose_track(s->policy, s->row, why);
}

static bool has_line(const char *lines, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = lines; *p; p += strcspn(p, "\n"), p += *p == '\n')
        if (strcspn(p, "\n") == len && strncmp(p, word, len) == 0)
            return true;
    return false;
}

/* A list of ids, separated by commas or blanks, kept one a line, each once. check NULL: any word is one. */
static enum err set_lines(struct setting *s, const char *column, const char *value, bool (*check)(const char *),
                          const char *looks_like, struct diag *why)
{
    char *copy = mem_strdup(value), *rest = copy, *word;
    struct buf lines = BUF_EMPTY;
    enum err err = ERR_OK;

    while (!err && (word = strsep(&rest, ", "))) {
        if (*word && check && !check(word))
            err = diag_set(why, ERR_USAGE, "case.set", "%s", looks_like);
        else if (*word && !has_line(buf_text(&lines), word))
            buf_printf(&lines, "%s%s", lines.len ? "\n" : "", word);
    }
    if (!err)
        err = db_seal_text(s->f->db, "cases", s->row->id, column, buf_text(&lines), why);
    buf_free(&lines);
    mem_free_secret(&copy);
    return err;
}

/* Upper case, as CVE ids are written. */
static enum err set_cves(struct setting *s, const char *value, struct diag *why)
{
    char *upper = mem_strdup(value);
    enum err err;

    for (char *p = upper; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    err = set_lines(s, "sealed_cves", upper, advisory_is_cve, "a CVE id looks like CVE-2026-12345", why);
    mem_free_secret(&upper);
    return err;
}

static enum err set_discoverer(struct setting *s, const char *value, struct diag *why)
{
    return schedule_parse_when(s->policy, value, &s->row->discoverer_at, why);
}

/* Pins another policy: a decision of its own. */
static enum err set_policy(struct setting *s, const char *value, struct diag *why)
{
    char name[POLICY_NAME_MAX], digest[POLICY_DIGEST_LEN + 1];
    enum err err = policies_keep(s->f, value, name, digest, why);

    if (err)
        return err;
    free(s->row->policy);
    free(s->row->policy_digest);
    s->row->policy = mem_strdup(name);
    s->row->policy_digest = mem_strdup(digest);
    policy_free(&s->policy);
    err = policies_of_case(s->f, s->row, &s->policy, why);
    return err ? err : case_choose_track(s->policy, s->row, why);
}

static enum err add_answer(struct setting *s, const char *key, const char *value, struct diag *why)
{
    char *old = db_unseal_text(s->f->db, "cases", s->row->id, "sealed_answers");
    char *all = mem_printf("%s%s=%s\n", old ? old : "", key, value);
    enum err err = strpbrk(value, "\n\r") ? diag_set(why, ERR_USAGE, "case.answer", "an answer is one line")
                                          : policy_answer(s->policy, key, value, why);

    if (!err)
        err = db_seal_text(s->f->db, "cases", s->row->id, "sealed_answers", all, why);
    if (!err)
        err = audit_append(s->f->db, clock_now(s->f->clock), s->c->actor.name, "policy.answer", s->row->code, key,
                           value, why);
    mem_free_secret(&old);
    mem_free_secret(&all);
    return err ? err : case_choose_track(s->policy, s->row, why);
}

static enum err set_one(struct setting *s, const char *key, const char *value, struct diag *why)
{
    static const char *const keys[] = {"severity", "track",  "cve",       "commit",     "discoverer_date",
                                       "title",    "policy", "public",    "published",  "channel",
                                       "origin",   "scope",  "fix_needs", "answer.KEY", NULL};

    if (strcmp(key, "severity") == 0)
        return set_severity(s, value, why);
    if (strcmp(key, "track") == 0)
        return set_track(s, value, why);
    if (strcmp(key, "cve") == 0)
        return set_cves(s, value, why);
    if (strcmp(key, "commit") == 0)
        return set_lines(s, "sealed_commits", value, NULL, "", why);
    if (strcmp(key, "discoverer_date") == 0)
        return set_discoverer(s, value, why);
    if (strcmp(key, "title") == 0)
        return db_seal_text(s->f->db, "cases", s->row->id, "sealed_title", value, why);
    if (strcmp(key, "policy") == 0)
        return set_policy(s, value, why);
    if (strcmp(key, "public") == 0) {
        if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
            return diag_set(why, ERR_USAGE, "case.public", "public is true or false");
        s->row->is_public = strcmp(value, "true") == 0;
        return case_choose_track(s->policy, s->row, why);
    }
    if (strcmp(key, "published") == 0)
        return release_posted(s->f, s->row, value, why);
    if (strcmp(key, "channel") == 0)
        return set_fact(s, &s->row->channel, value, why);
    if (strcmp(key, "scope") == 0)
        return set_fact(s, &s->row->scope, value, why);
    if (strcmp(key, "origin") == 0)
        return set_origin(s, value, why);
    if (strcmp(key, "fix_needs") == 0)
        return set_fix_needs(s, value, why);
    if (strncmp(key, "answer.", 7) == 0)
        return add_answer(s, key + 7, value, why);
    return diag_set(why, ERR_USAGE, "case.set", "cannot set `%.40s`; did you mean `%s`?", key, conf_nearest(key, keys));
}

/* ASSIGNMENTS: key=value, one a line (the client joins its words so). */
static enum err set_all(struct setting *s, const char *assignments, struct diag *why)
{
    char *copy = mem_strdup(assignments), *rest = copy, *line;
    enum err err = ERR_OK;

    while (!err && rest && (line = strsep(&rest, "\n"))) {
        char *value = strchr(line, '=');

        if (!value) {
            err = diag_set(why, ERR_USAGE, "case.set", "case set takes KEY=VALUE, such as severity=high");
            break;
        }
        *value++ = 0;
        err = set_one(s, line, value, why);
        if (!err && strncmp(line, "answer.", 7) != 0)
            err = audit_append(s->f->db, clock_now(s->f->clock), s->c->actor.name, "case.set", s->row->code, line,
                               value, why);
    }
    mem_free_secret(&copy);
    return err;
}

/* Appends the digest of the policy that the assignments pin; nothing where they pin none, or the one that is pinned. */
static enum err wanted_policy(struct setting *s, const char *assignments, struct buf *out, struct diag *why)
{
    char digest[POLICY_DIGEST_LEN + 1];
    struct policy *policy = NULL;
    enum err err = ERR_OK;

    for (const char *line = assignments; !err && *line; line += strcspn(line, "\n"), line += *line == '\n') {
        char *name = strncmp(line, "policy=", 7) ? NULL : mem_strndup(line + 7, strcspn(line + 7, "\n"));

        if (name)
            err = policies_load(s->f->policies, name, &policy, digest, why);
        if (name && !err && strcmp(digest, s->row->policy_digest) != 0)
            buf_printf(out, "%s\n", digest);
        policy_free(&policy);
        free(name);
    }
    return err;
}

/* Another policy may ask fewer admins for a lift or a publication: as many as these need decide on it. */
static enum err gate_policy(struct setting *s, const struct settings_list *list, struct reply *r, bool *go_on,
                            struct diag *why)
{
    int lift = decide_approvals(s->policy, DECIDE_LIFT), publish = decide_approvals(s->policy, DECIDE_PUBLISH);
    struct approval_what what = {.action = "case set policy",
                                 .object = s->row->code,
                                 .list = list,
                                 .list_id = s->row->list_id,
                                 .needs = lift > publish ? lift : publish};
    struct buf basis = BUF_EMPTY;
    enum err err = wanted_policy(s, command_word(s->c, "ASSIGNMENTS"), &basis, why);

    if (!err && basis.len) {
        buf_printf(&basis, "%s\n", s->row->policy_digest);
        what.basis = buf_span(&basis);
        err = approval_gate(s->f, s->c, &what, r, go_on, why);
    }
    buf_free(&basis);
    return err;
}

enum err cmd_case_set(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct case_row row;
    struct setting s = {.f = f, .row = &row, .c = c};
    bool go_on = true;
    enum err err = case_of_command(f, c, &row, &list, why);

    if (err)
        return err;
    err = policies_of_case(f, &row, &s.policy, why);
    if (!err)
        err = gate_policy(&s, list, r, &go_on, why);
    if (!err && go_on)
        err = set_all(&s, command_word(c, "ASSIGNMENTS"), why);
    if (!err && go_on)
        err = case_update(f->db, &row, why);
    if (!err && go_on)
        err = case_reschedule(f, s.policy, &row, why);
    if (!err && go_on)
        r->data = view_case(f, &row, true);
    policy_free(&s.policy);
    case_row_free(&row);
    return err;
}

/* ---- case reply ---- */

/* What the team writes is a message of the case as well. */
static enum err keep_reply(struct flow *f, const struct command *c, const struct case_row *row, const char *text,
                           struct diag *why)
{
    char author[320], *facts;
    struct message_row m = {.at = clock_now(f->clock), .author = author, .verified = true, .encrypted = false};
    json_t *o = json_pack("{s:s, s:s, s:s, s:[]}", "subject", "(by case reply)", "from", c->actor.admin->address,
                          "text", text, "attachments");
    enum err err;

    snprintf(author, sizeof author, "team:%s", c->actor.admin->address);
    facts = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!facts)
        return diag_set(why, ERR_INTERNAL, "case.reply", "the text cannot be kept");
    err = message_insert(f->db, row->id, &m, span_of(text), span_of(facts), why);
    mem_free_secret(&facts);
    return err;
}

static enum err reply_to_reporter(struct flow *f, const struct settings_list *list, const struct case_row *row,
                                  const char *text, struct reply *r, struct diag *why)
{
    struct participant_row *people;
    struct policy *policy = NULL;
    size_t n, reached = 0;
    bool notice_only;
    enum err err = participant_all(f->db, row->id, &people, &n, why);

    if (!err)
        err = policies_of_case(f, row, &policy, why);
    for (size_t i = 0; i < n; i++) {
        if (!err && people[i].ended_at == INSTANT_NONE) {
            err = reporter_write(f, list, policy, row, &people[i], "Your report", text, &notice_only, why);
            reached++;
            if (!err && notice_only)
                snprintf(
                    r->message, sizeof r->message,
                    "no key is known and reporting.plain_text is notice-only: only a notice without content was sent");
        }
        participant_row_free(&people[i]);
    }
    free(people);
    policy_free(&policy);
    if (!err && !reached)
        err = diag_set(why, ERR_NOT_FOUND, "participant.none", "the case has no reporter to write to");
    return err;
}

static enum err reply_to_team(struct flow *f, const struct settings_list *list, const struct case_row *row,
                              const struct command *c, const char *text, struct diag *why)
{
    struct outgoing_to *team = NULL;
    char *subject = mem_printf("[%s] from %s", case_label(row), c->actor.admin->address);
    size_t n = 0;
    enum err err = outgoing_team(f, list, row->list_id, c->actor.admin->address, &team, &n, why);

    if (!err && n) {
        struct outgoing mail = {.kind = "team",
                                .list = list,
                                .list_id = row->list_id,
                                .c = row,
                                .subject = subject,
                                .text = text,
                                .earliest_at = INSTANT_NONE};
        err = outgoing_queue(f, &mail, content_sealed(), team, n, NULL, why);
    }
    free(team);
    free(subject);
    return err;
}

enum err cmd_case_reply(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const char *to = command_word(c, "to") ? command_word(c, "to") : "reporter";
    const char *text = buf_text(&command_value(c, "FILE")->bytes);
    const struct settings_list *list;
    struct case_row row;
    enum err err = case_of_command(f, c, &row, &list, why);

    if (err)
        return err;
    err = cmd_check_text(command_value(c, "FILE"), "case.reply", why);
    if (!err && strcmp(to, "reporter") != 0 && strcmp(to, "team") != 0)
        err = diag_set(why, ERR_USAGE, "command.option", "--to is reporter or team");
    if (!err)
        err = strcmp(to, "team") == 0 ? reply_to_team(f, list, &row, c, text, why)
                                      : reply_to_reporter(f, list, &row, text, r, why);
    if (!err)
        err = keep_reply(f, c, &row, text, why);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), c->actor.name, "case.reply", row.code, to, NULL, why);
    if (!err)
        r->data = view_case(f, &row, true);
    case_row_free(&row);
    return err;
}

enum err cmd_case_invite(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    char address[ADDR_MAX_BYTES + 1];
    struct participant_row p = {0};
    const struct settings_list *list;
    struct case_row row;
    enum err err = case_of_command(f, c, &row, &list, why);

    if (err)
        return err;
    err = addr_check(span_of(command_word(c, "ADDRESS")), address, why) ? ERR_USAGE : ERR_OK;
    if (!err && !participant_by_address(f->db, row.id, address, &p, why))
        err = diag_set(why, ERR_DENIED, "participant.exists", "this address takes part in the case already");
    else if (!err)
        err = participant_insert(f->db, row.id, "invited", address, (struct span){NULL, 0}, NULL, clock_now(f->clock),
                                 &p, why);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), c->actor.name, "case.invite", row.code, "", address, why);
    if (!err)
        r->data = view_case(f, &row, true);
    participant_row_free(&p);
    case_row_free(&row);
    return err;
}

/* ---- case attach ---- */

static enum err take_attachment(struct flow *f, int64_t message_id, long wanted, struct buf *out, struct diag *why)
{
    struct buf facts = BUF_EMPTY, raw = BUF_EMPTY;
    json_t *o = NULL, *file = NULL;
    json_int_t off, len;
    enum err err = message_facts(f->db, message_id, &facts, why);

    if (!err)
        o = json_loadb(buf_text(&facts), facts.len, 0, NULL);
    file = wanted > 0 ? json_array_get(json_object_get(o, "attachments"), (size_t)wanted - 1) : NULL;
    if (!err && !file)
        err = diag_set(why, ERR_NOT_FOUND, "attachment.unknown", "the message has no attachment %ld", wanted);
    if (!err)
        err = message_raw(f->db, message_id, &raw, why);
    off = json_integer_value(json_object_get(file, "off"));
    len = json_integer_value(json_object_get(file, "len"));
    if (!err && (off < 0 || len < 0 || (size_t)off > raw.len || (size_t)len > raw.len - (size_t)off))
        err = diag_set(why, ERR_INTERNAL, "attachment.damaged", "the record of the attachment is damaged");
    if (!err)
        xfer_decode((enum xfer_encoding)json_integer_value(json_object_get(file, "encoding")),
                    (struct span){raw.data + off, (size_t)len}, out);
    json_decref(o);
    buf_free(&facts);
    buf_free(&raw);
    return err;
}

enum err cmd_case_attach(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct message_row *messages;
    struct case_row row;
    long message = 0, attachment = 0;
    size_t n = 0;
    char *dot;
    enum err err = case_of_command(f, c, &row, &list, why);

    if (err)
        return err;
    message = strtol(command_word(c, "N.M"), &dot, 10);
    if (*dot == '.')
        attachment = strtol(dot + 1, NULL, 10);
    err = message_all(f->db, row.id, &messages, &n, why);
    if (!err && (message < 1 || (size_t)message > n))
        err = diag_set(why, ERR_NOT_FOUND, "message.unknown", "the case has no message %ld (N.M is message.attachment)",
                       message);
    buf_init(&r->out, BUF_MAX_DEFAULT);
    if (!err)
        err = take_attachment(f, messages[message - 1].id, attachment, &r->out, why);
    if (!err)
        r->data = json_pack("{s:s, s:i, s:i, s:I}", "id", row.code, "message", (int)message, "attachment",
                            (int)attachment, "size_bytes", (json_int_t)r->out.len);
    for (size_t i = 0; i < n; i++)
        message_row_free(&messages[i]);
    free(messages);
    case_row_free(&row);
    return err;
}
