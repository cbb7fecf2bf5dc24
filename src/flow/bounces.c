#include "flow/bounces.h"

#include "base/mem.h"
#include "codec/dsn.h"
#include "flow/cases_flow.h"
#include "flow/verp.h"
#include "store/audit.h"
#include "store/bounces.h"
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct bounce {
    struct receiving *r;
    struct copy_row copy;
    struct mail_row mail;
    const struct dsn *dsn;
    char code[DSN_STATUS_SIZE + 4];
    char object[32]; /* for the audit trail */
};

bool bounces_takes(const struct receiving *r)
{
    struct span suffix = receiving_suffix(r);

    return suffix.len > 2 && strncasecmp((const char *)suffix.data, "b-", 2) == 0;
}

static enum err note(struct bounce *b, const char *event, const char *rule, struct diag *why)
{
    return audit_append(b->r->f->db, clock_now(b->r->f->clock), "embargod", event, b->object, rule, NULL, why);
}

/* ---- which copy ---- */

/* The copy of a good tag that is with the MTA, of this list; b->copy.id 0: there is none. */
static enum err find_copy(struct bounce *b, struct diag *why)
{
    struct flow *f = b->r->f;
    struct span suffix = receiving_suffix(b->r);
    int64_t id = verp_copy(db_box(f->db), b->r->list->address, (struct span){suffix.data + 2, suffix.len - 2});
    enum err err;

    if (!id)
        return ERR_OK;
    err = copy_by_id(f->db, id, &b->copy, why);
    if (err == ERR_NOT_FOUND) {
        copy_row_free(&b->copy);
        return ERR_OK;
    }
    if (!err)
        err = mail_by_id(f->db, b->copy.mail_id, &b->mail, why);
    /* One that has failed may be bounced again; only one that has gone can have. */
    if (!err && (b->mail.list_id != b->r->list_row.id ||
                 !(strcmp(b->copy.state, "sent") == 0 || strcmp(b->copy.state, "failed") == 0)))
        b->copy.id = 0;
    return err;
}

static const struct dsn_recipient *worst(const struct dsn *d)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->recipients[i].class == d->class && d->recipients[i].given_up == d->given_up)
            return &d->recipients[i];
    return NULL;
}

static void read_report(struct bounce *b)
{
    const struct dsn_recipient *r;

    b->dsn = &b->r->in->dsn;
    r = worst(b->dsn);
    if (r && *r->status)
        snprintf(b->code, sizeof b->code, "%s", r->status);
    else if (r && r->reply)
        snprintf(b->code, sizeof b->code, "%d", r->reply);
    else
        snprintf(b->code, sizeof b->code, "%s", dsn_class_name(b->dsn->class));
}

/* ---- what the team is told ---- */

static void write_remedy(const struct bounce *b, const struct case_row *c, struct buf *out)
{
    const char *org = b->copy.member_id && b->copy.org ? b->copy.org : NULL;

    if (b->dsn->class == DSN_PERMANENT && org) {
        buf_printf(out,
                   "The address does not take mail. Ask the organisation for another one, and change its\n"
                   "contact:\n    embargoctl member contact \"%s\" add ADDRESS\n",
                   org);
        if (c->id && strcmp(b->mail.kind, "advisory") == 0)
            buf_printf(out, "    embargoctl advisory send %s --to \"%s\"\n", c->code, org);
        buf_add_str(out, "Or, where the fault is mended:\n");
    } else if (b->dsn->class == DSN_PERMANENT) {
        buf_add_str(out, "The address does not take mail. Where the fault is mended:\n");
    } else if (b->dsn->class == DSN_FULL) {
        buf_add_str(out, "The mailbox is full. Tell its owner by another way, then:\n");
    } else {
        buf_add_str(out, "The mail was refused or was not taken in time, though the address may be good.\n"
                         "Look at what its mail server says of ours, then:\n");
    }
    buf_printf(out, "    embargoctl queue retry %lld\n", (long long)b->copy.id);
}

static enum err tell_team(struct bounce *b, const char *headline, struct diag *why)
{
    struct flow *f = b->r->f;
    struct case_row c = {0};
    struct buf text = BUF_EMPTY;
    enum err err = ERR_OK;

    if (strcmp(b->mail.kind, "notice") == 0)
        return ERR_OK;
    if (b->mail.case_id)
        err = case_by_id(f->db, b->mail.case_id, &c, why);
    buf_printf(&text, "%s\n\nTo:      %s%s%s\nKind:    %s\nCopy:    %lld\nClass:   %s\nCode:    %s\n\n", headline,
               b->copy.org ? b->copy.org : "", b->copy.org ? " " : "",
               b->copy.address ? b->copy.address : "a reporter of the case", b->mail.kind, (long long)b->copy.id,
               dsn_class_name(b->dsn->class), b->code);
    write_remedy(b, &c, &text);
    if (!err)
        err = case_notify_team(f, b->r->list, b->r->list_row.id, c.id ? &c : NULL, "A mail came back", buf_text(&text),
                               why);
    buf_free(&text);
    case_row_free(&c);
    return err;
}

/* ---- what it changes ---- */

static enum err keep(struct bounce *b, struct diag *why)
{
    struct flow *f = b->r->f;
    struct bounce_row row = {.copy_id = b->copy.id,
                             .at = clock_now(f->clock),
                             .class_name = (char *)dsn_class_name(b->dsn->class),
                             .code = b->code,
                             .given_up = b->dsn->given_up};

    return bounce_put(f->db, &row, why);
}

/* At most one counts for each delivery: the copy stays failed until it is sent again. */
static enum err give_up(struct bounce *b, struct diag *why)
{
    enum err err;

    if (strcmp(b->copy.state, "failed") == 0)
        return note(b, "bounce.repeated", dsn_class_name(b->dsn->class), why);
    err = keep(b, why);
    if (!err)
        err = copy_set_state(b->r->f->db, b->copy.id, "failed", b->code, clock_now(b->r->f->clock), why);
    if (!err)
        err = note(b, "copy.bounced", dsn_class_name(b->dsn->class), why);
    return err ? err : tell_team(b, "A mail that was handed over has come back: it was not delivered.", why);
}

/* The server goes on trying. One bounce of a copy counts, however often the server says so. */
static enum err put_off(struct bounce *b, struct diag *why)
{
    struct flow *f = b->r->f;
    struct bounce_row before;
    enum err err = bounce_of_copy(f->db, b->copy.id, &before, why);
    bool counts = !before.copy_id;

    bounce_row_free(&before);
    if (!err && strcmp(b->copy.state, "failed") == 0)
        return note(b, "bounce.repeated", dsn_class_name(b->dsn->class), why);
    if (!err)
        err = keep(b, why);
    if (!err)
        err = note(b, "copy.delayed", dsn_class_name(b->dsn->class), why);
    if (!err && counts && b->dsn->class == DSN_FULL && b->copy.member_id && b->copy.address &&
        bounce_count_full(f->db, b->copy.member_id, b->copy.address) == BOUNCES_FULL_BEFORE_WARNING)
        err = tell_team(b, "The mailbox was full for several mails, one after the other.", why);
    return err;
}

/* The copy is known; the report has been read. */
static enum err act(struct bounce *b, struct diag *reason, struct diag *why)
{
    if (b->dsn->class != DSN_NOT)
        return b->dsn->given_up ? give_up(b, why) : put_off(b, why);
    if (b->r->sort != AUTOMATIC_NONE)
        return note(b, "bounce.ignored", automatic_rule(b->r->sort), why);
    return diag_set(reason, ERR_REJECT, "bounce", "a person's mail to the envelope address of a copy");
}

enum err receive_bounce(struct receiving *r, struct diag *reason, struct diag *why)
{
    struct bounce b = {.r = r};
    enum err err = find_copy(&b, why);

    snprintf(b.object, sizeof b.object, "copy:%lld", (long long)b.copy.id);
    snprintf(r->rule, sizeof r->rule, "bounce");
    if (!err && !b.copy.id) {
        r->quiet = true;
        err = diag_set(reason, ERR_REJECT, "bounce", "the address is of no copy that was handed over");
    } else if (!err) {
        read_report(&b);
        err = act(&b, reason, why);
    }
    copy_row_free(&b.copy);
    mail_row_free(&b.mail);
    return err;
}
