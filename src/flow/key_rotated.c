#include "flow/key_rotated.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_armor.h"
#include "flow/applications.h"
#include "flow/list_rotation.h"
#include "flow/member_notices.h"
#include "flow/reporter.h"
#include "flow/texts.h"
#include "policy/states.h"
#include "store/cases.h"

#include <stdlib.h>
#include <string.h>

struct news {
    struct flow *f;
    struct outgoing mail; /* but for its text */
    const struct tmpl_value *values;
    size_t n_values;
};

static enum err to_team(struct news *n, struct diag *why)
{
    struct outgoing_to *team = NULL;
    struct buf text = BUF_EMPTY;
    size_t n_team = 0;
    enum err err = text_fill("list-key-rotated", n->values, n->n_values, &text, why);

    n->mail.text = buf_text(&text);
    if (!err)
        err = outgoing_team(n->f, n->mail.list, n->mail.list_id, NULL, &team, &n_team, why);
    if (!err && n_team)
        err = outgoing_queue(n->f, &n->mail, content_sealed(), team, n_team, NULL, why);
    buf_free(&text);
    free(team);
    return err;
}

static enum err to_member(struct news *n, const struct member_row *m, struct diag *why)
{
    struct buf text = BUF_EMPTY;
    enum err err = text_fill_in(n->f, m->language, "list-key-rotated", n->values, n->n_values, &text, why);

    n->mail.text = buf_text(&text);
    if (!err)
        err = member_send(n->f, &n->mail, m, NULL, why);
    buf_free(&text);
    return err;
}

/* Who is suspended gets nothing of the list, and asks for its key when he is back. */
static bool is_told(const struct member_row *m)
{
    return strcmp(m->state, member_state_name(MEMBER_ACTIVE)) == 0 ||
           strcmp(m->state, member_state_name(MEMBER_KEY_TROUBLE)) == 0;
}

static enum err to_members(struct news *n, struct diag *why)
{
    struct member_row *members = NULL;
    size_t n_members = 0;
    enum err err = member_all(n->f->db, n->mail.list_id, &members, &n_members, why);

    for (size_t i = 0; i < n_members; i++) {
        if (!err && is_told(&members[i]))
            err = to_member(n, &members[i], why);
        member_row_free(&members[i]);
    }
    free(members);
    return err;
}

/* ---- reporters, and others in a case ---- */

struct people {
    struct participant_row *rows;
    size_t n;
};

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct participant_row *)a)->fingerprint, ((const struct participant_row *)b)->fingerprint);
}

/* Takes the rows of who takes part and has a key. */
static enum err add_people(struct flow *f, int64_t case_id, struct people *people, struct diag *why)
{
    struct participant_row *rows = NULL;
    size_t n = 0;
    enum err err = participant_all(f->db, case_id, &rows, &n, why);

    people->rows = mem_resize(people->rows, people->n + n + 1, sizeof *people->rows);
    for (size_t i = 0; i < n; i++)
        if (!err && rows[i].ended_at == INSTANT_NONE && rows[i].fingerprint)
            people->rows[people->n++] = rows[i];
        else
            participant_row_free(&rows[i]);
    free(rows);
    return err;
}

static enum err find_people(struct news *n, struct people *people, struct diag *why)
{
    struct case_row *cases = NULL;
    size_t n_cases = 0;
    enum case_state state;
    enum err err = case_all(n->f->db, n->mail.list_id, &cases, &n_cases, why);

    for (size_t i = 0; i < n_cases; i++) {
        if (!err && case_state_parse(cases[i].state, &state) && case_is_open(state))
            err = add_people(n->f, cases[i].id, people, why);
        case_row_free(&cases[i]);
    }
    free(cases);
    return err;
}

static enum err to_people(struct news *n, struct diag *why)
{
    struct people people = {0};
    struct buf text = BUF_EMPTY;
    enum err err = find_people(n, &people, why);

    if (!err)
        err = text_fill("list-key-rotated", n->values, n->n_values, &text, why);
    n->mail.text = buf_text(&text);
    if (people.n)
        qsort(people.rows, people.n, sizeof *people.rows, by_key);
    for (size_t i = 0; !err && i < people.n; i++)
        if (!i || by_key(&people.rows[i - 1], &people.rows[i]) != 0)
            err = reporter_send(n->f, &n->mail, &people.rows[i], why);
    for (size_t i = 0; i < people.n; i++)
        participant_row_free(&people.rows[i]);
    free(people.rows);
    buf_free(&text);
    return err;
}

/* ---- applicants ---- */

static bool is_under_way(enum application_state state)
{
    return state != APPLICATION_ACTIVE && state != APPLICATION_DECLINED && state != APPLICATION_WITHDRAWN;
}

/* Takes the row. */
static enum err to_applicant(struct news *n, struct application_row *row, struct diag *why)
{
    const struct apply_mail mail = {.subject = n->mail.subject,
                                    .text = "list-key-rotated",
                                    .values = n->values + 1, /* without the list, which is there */
                                    .n = n->n_values - 1,
                                    .files = n->mail.files,
                                    .n_files = n->mail.n_files};
    struct apply a;
    enum err err = apply_load(n->f, row, &a, why);

    if (err)
        return err;
    if (is_under_way(a.state) && apply_can_seal(&a))
        err = apply_write(&a, &mail, why);
    apply_free(&a);
    return err;
}

static enum err to_applicants(struct news *n, struct diag *why)
{
    struct application_row *rows = NULL;
    size_t n_rows = 0;
    enum err err = application_all(n->f->db, n->mail.list_id, &rows, &n_rows, why);

    for (size_t i = 0; i < n_rows; i++)
        if (!err)
            err = to_applicant(n, &rows[i], why);
        else
            application_row_free(&rows[i]);
    free(rows);
    return err;
}

static enum err announce(struct flow *f, const struct settings_list *list, int64_t list_id, const struct buf *key,
                         const struct buf *statement, const char *old, struct diag *why)
{
    const struct tmpl_value values[] = {{"list", list->address}, {"old", old}, {"new", list->fingerprint}};
    struct outgoing_file files[] = {{"list-key.asc", "application/pgp-keys", buf_span(key)},
                                    {"statement.asc", "text/plain", buf_span(statement)}};
    struct news n = {.f = f,
                     .mail = {.kind = "notice",
                              .list = list,
                              .list_id = list_id,
                              .subject = "The list's new key",
                              .files = files,
                              .n_files = 2,
                              .automatic = true,
                              .earliest_at = INSTANT_NONE},
                     .values = values,
                     .n_values = 3};
    enum err err = to_team(&n, why);

    if (!err)
        err = to_people(&n, why);
    if (!err)
        err = to_applicants(&n, why);
    n.mail.to_members = true;
    return err ? err : to_members(&n, why);
}

enum err key_rotated_run(struct flow *f, const struct duty_row *duty, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, duty->list_id, why);
    struct buf key = BUF_EMPTY, armored = BUF_EMPTY, statement = BUF_EMPTY, old = BUF_EMPTY;
    struct pgp_armor a;
    enum err err = ERR_OK;

    if (list && list_rotation_meta(f->db, "list-key", list->name, &key) &&
        list_rotation_meta(f->db, "list-key-statement", list->name, &statement)) {
        pgp_armor_begin(&a, PGP_ARMOR_PUBLIC_KEY, "\n", &armored);
        pgp_armor_update(&a, buf_span(&key), &armored);
        pgp_armor_end(&a, &armored);
        list_rotation_last(f->db, list->name, &old);
        err = announce(f, list, duty->list_id, &armored, &statement, buf_text(&old), why);
    }
    buf_free(&key);
    buf_free(&armored);
    buf_free(&statement);
    buf_free(&old);
    return err;
}
