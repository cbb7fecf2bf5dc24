#include "flow/acks.h"

#include "base/instant.h"
#include "flow/case_of.h"
#include "flow/cmd.h"
#include "flow/member_verbs.h"
#include "flow/view.h"
#include "store/acks.h"
#include "store/advisories.h"
#include "store/audit.h"

#include <stdio.h>
#include <string.h>

/* "2026-12-01", or an instant, whose day it is. */
static enum err read_day(const char *text, char out[11], struct diag *why)
{
    char whole[INSTANT_TEXT_SIZE];
    int64_t at;

    snprintf(whole, sizeof whole, "%.10sT00:00:00Z", text);
    if (!instant_parse(strlen(text) == 10 ? whole : text, &at))
        return diag_set(why, ERR_USAGE, "ack.value", "fixed-by takes a date such as 2026-12-01");
    memcpy(out, instant_text(at, whole), 10);
    out[10] = 0;
    return ERR_OK;
}

static enum err check_value(const char *value, const char *date, char day[11], struct diag *why)
{
    bool fixed = strcmp(value, "fixed-by") == 0;

    *day = 0;
    if (!fixed && strcmp(value, "affected") != 0 && strcmp(value, "not-affected") != 0)
        return diag_set(why, ERR_USAGE, "ack.value", "say affected, not-affected, or fixed-by DATE");
    if (fixed != (date != NULL))
        return diag_set(why, ERR_USAGE, "ack.value", "a date stands behind fixed-by, and there alone");
    return fixed ? read_day(date, day, why) : ERR_OK;
}

enum err ack_note(struct flow *f, const struct case_row *c, const struct member_row *m, const char *value,
                  const char *date, const struct actor *by, struct diag *why)
{
    int64_t now = clock_now(f->clock);
    char day[11];
    enum err err = check_value(value, date, day, why);

    if (!err && !told_version_by(f->db, c->id, m->id, now))
        err = diag_set(why, ERR_DENIED, "ack.not-told", "this member was not told of such a case");
    if (!err)
        err = ack_put(f->db, c->id, m->id, value, *day ? day : NULL, now, by->name, why);
    return err ? err : audit_append(f->db, now, by->name, "case.ack", c->code, "", m->org, why);
}

/* What each member who was told has said by now; none where the database does not tell. The caller frees. */
static size_t acks_now(struct flow *f, int64_t case_id, struct ack_row **rows)
{
    struct diag why;
    size_t n;

    if (ack_all(f->db, case_id, clock_now(f->clock), rows, &n, &why)) {
        *rows = NULL;
        return 0;
    }
    return n;
}

json_t *ack_table(struct flow *f, int64_t case_id)
{
    json_t *out = json_array();
    struct ack_row *rows;
    size_t n = acks_now(f, case_id, &rows);

    for (size_t i = 0; i < n; i++)
        json_array_append_new(out, json_pack("{s:s, s:o, s:o, s:o, s:o}", "org", rows[i].org, "value",
                                             view_text(rows[i].value), "date", view_text(rows[i].day), "at",
                                             view_instant(rows[i].value ? rows[i].at : INSTANT_NONE), "by",
                                             view_text(rows[i].by)));
    ack_rows_free(rows, n);
    return out;
}

json_t *ack_missing(struct flow *f, int64_t case_id)
{
    json_t *out = json_array();
    struct ack_row *rows;
    size_t n = acks_now(f, case_id, &rows);

    for (size_t i = 0; i < n; i++)
        if (!rows[i].value && strcmp(rows[i].state, "removed") != 0)
            json_array_append_new(out, json_string(rows[i].org));
    ack_rows_free(rows, n);
    return out;
}

/* What a member said otherwise than by mail. */
enum err cmd_advisory_ack(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct member_row m = {0};
    struct case_row row = {0};
    enum err err = case_of_command(f, c, &row, &list, why);

    if (err)
        return err;
    err = member_by_org(f->db, row.list_id, command_word(c, "org"), &m, why);
    if (!err)
        err = ack_note(f, &row, &m, command_word(c, "VALUE"), command_word(c, "DATE"), &c->actor, why);
    if (!err)
        r->data = view_case(f, &row, true);
    member_row_free(&m);
    case_row_free(&row);
    return err;
}

/* A member knows a case by its public id, or by its code. What it was not told of is not there. */
static enum err case_of_member(struct flow *f, const struct command *c, struct case_row *out, struct diag *why)
{
    const struct member_row *m = c->actor.member;
    enum err err = case_by_code(f->db, command_word(c, "CASE"), out, why);

    if (!err && !told_version_by(f->db, out->id, m->id, clock_now(f->clock))) {
        case_row_free(out);
        err = ERR_NOT_FOUND;
    }
    return err == ERR_NOT_FOUND ? diag_set(why, ERR_NOT_FOUND, "case.unknown", "you were not told of such a case")
                                : err;
}

enum err verb_ack(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct case_row row = {0};
    enum err err = case_of_member(f, c, &row, why);

    if (!err)
        err = ack_note(f, &row, c->actor.member, command_word(c, "VALUE"), command_word(c, "DATE"), &c->actor, why);
    if (!err)
        r->data = json_pack("{s:s, s:s, s:o}", "case", command_word(c, "CASE"), "value", command_word(c, "VALUE"),
                            "date", view_text(command_word(c, "DATE")));
    case_row_free(&row);
    return err;
}
