#include "codec/automatic.h"

#include "codec/challenge.h"
#include "codec/header.h"
#include "codec/vacation.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct looked {
    struct span raw, header;
    const struct mime_message *m;
    const struct automatic_facts *facts;
    bool says_bounce;
    bool null_sender;
};

/* ---- fields ---- */

static bool field_of(const struct looked *l, const char *name, struct buf *out)
{
    buf_clear(out);
    return mime_field(l->header, name, out);
}

static bool has_field(const struct looked *l, const char *name)
{
    return mime_field_count(l->header, name) > 0;
}

static bool has_word(const char *text, const char *word)
{
    return text && strcasestr(text, word) != NULL;
}

static bool field_has(const struct looked *l, const char *name, const char *word)
{
    struct buf value = BUF_EMPTY;
    bool found = field_of(l, name, &value) && has_word(buf_text(&value), word);

    buf_free(&value);
    return found;
}

/* The first word of a field is this one: "no", "no; comment", "(c) no". */
static bool token_is(const char *value, const char *word)
{
    struct buf token = BUF_EMPTY;
    bool same;

    header_token(span_of(value), &token);
    same = strcasecmp(buf_text(&token), word) == 0;
    buf_free(&token);
    return same;
}

/* ---- the sorts ---- */

/* Reports of what became of a domain's mail: of DMARC (RFC 7489, 7.2.1.1), of TLS (RFC 8460, 5.3). */
static bool is_of_domains(const struct looked *l)
{
    return has_field(l, "TLS-Report-Domain") || field_has(l, "Content-Type", "tlsrpt") ||
           (l->m->subject && strncasecmp(l->m->subject, "report domain:", 14) == 0 &&
            has_word(l->m->subject, "submitter:"));
}

static bool is_feedback(const struct looked *l)
{
    return mime_reports(l->m, "message/feedback-report") || field_has(l, "Content-Type", "feedback-report") ||
           (l->m->subject && strncasecmp(l->m->subject, "complaint about message from ", 29) == 0) || is_of_domains(l);
}

static bool is_receipt(const struct looked *l)
{
    return mime_reports(l->m, "message/disposition-notification") ||
           field_has(l, "Content-Type", "disposition-notification");
}

static bool is_bounce(const struct looked *l)
{
    return l->says_bounce || mime_reports(l->m, "message/delivery-status") ||
           mime_reports(l->m, "message/global-delivery-status") || field_has(l, "Content-Type", "delivery-status") ||
           has_field(l, "X-Failed-Recipients") || field_has(l, "From", "mailer-daemon");
}

static bool is_submitted(const struct looked *l)
{
    const char *value = l->m->auto_submitted;

    return value && *value && !token_is(value, "no");
}

static bool is_challenge(const struct looked *l)
{
    return challenge_is(l->header, l->m, l->null_sender || is_submitted(l) || is_bounce(l));
}

/* Vacation programs do not sign or encrypt; a person who answers one may leave its Subject. */
static bool is_pgp(const struct looked *l)
{
    int a, b;
    enum mime_shape shape = mime_shape(l->m, l->raw, &a, &b);

    return shape == MIME_PGP_ENCRYPTED || shape == MIME_PGP_SIGNED || shape == MIME_INLINE_PGP;
}

/* What a calendar program answers to an invitation (RFC 5546, 3.2.3; RFC 6047, 2.4): nobody here sends one. */
static bool is_calendar_reply(const struct looked *l)
{
    struct buf method = BUF_EMPTY;
    struct span type;
    bool found = false;

    for (size_t i = 0; i < l->m->n_parts && !found; i++) {
        const struct mime_part *p = &l->m->parts[i];

        buf_clear(&method);
        found = strcmp(p->type, "text/calendar") == 0 &&
                !(p->disposition && strcmp(p->disposition, "attachment") == 0) &&
                header_find(mime_part_header(l->raw, p), "Content-Type", 0, &type) &&
                header_param(type, "method", &method) && strcasecmp(buf_text(&method), "reply") == 0;
    }
    buf_free(&method);
    return found;
}

static bool is_reply(const struct looked *l)
{
    return vacation_has_field(l->header) || is_calendar_reply(l) || (vacation_is_subject(l->m->subject) && !is_pgp(l));
}

/* The field names our address in brackets or as List-Id writes it: with the @ as a dot. */
static bool names_ours(const struct looked *l, const char *field)
{
    struct buf value = BUF_EMPTY, id = BUF_EMPTY;
    bool found = false;

    if (l->facts->list_address && field_of(l, field, &value)) {
        buf_add_str(&id, l->facts->list_address);
        for (size_t i = 0; i < id.len; i++)
            if (id.data[i] == '@')
                id.data[i] = '.';
        found = has_word(buf_text(&value), l->facts->list_address) || has_word(buf_text(&value), buf_text(&id));
    }
    buf_free(&value);
    buf_free(&id);
    return found;
}

static bool is_own(const struct looked *l)
{
    return names_ours(l, "List-Id") || names_ours(l, "X-Loop") || names_ours(l, "X-BeenThere") ||
           names_ours(l, "List-Post");
}

/* A field of List-* by itself may stand on a person's mail (a relay adds List-Unsubscribe): a list gives its name. */
static bool is_list(const struct looked *l)
{
    return has_field(l, "List-Id") || has_field(l, "List-Post") || has_field(l, "X-BeenThere") ||
           has_field(l, "X-Mailing-List") || has_field(l, "Mailing-List") ||
           (l->m->precedence && token_is(l->m->precedence, "list"));
}

static bool is_from_a_robot(const struct looked *l)
{
    static const char *const names[] = {"noreply",    "no-reply",      "no_reply",    "donotreply",   "do-not-reply",
                                        "newsletter", "mailer-daemon", "postmaster@", "notification", NULL};

    for (const char *const *n = names; *n; n++)
        if (field_has(l, "From", *n))
            return true;
    return has_field(l, "List-Unsubscribe") || has_field(l, "Feedback-ID") || has_field(l, "X-Auto-Response-Suppress");
}

static bool is_from_a_person(const struct looked *l)
{
    if (is_pgp(l))
        return true;
    return !is_from_a_robot(l) && (has_field(l, "User-Agent") || has_field(l, "X-Mailer") ||
                                   has_field(l, "Thread-Topic") || has_field(l, "In-Reply-To"));
}

static bool is_bulk(const struct looked *l)
{
    const char *p = l->m->precedence;

    return p && (token_is(p, "bulk") || token_is(p, "junk")) && !is_from_a_person(l);
}

/* ---- the whole ---- */

static bool is_from_nobody(const struct looked *l)
{
    const char *path;

    if (l->facts->sender)
        return !*l->facts->sender;
    path = l->m->return_path;
    return path && strncmp(path + strspn(path, " \t"), "<>", 2) == 0;
}

static enum automatic_sort sort_of(const struct looked *l)
{
    static const struct {
        bool (*is)(const struct looked *l);
        enum automatic_sort sort;
    } rows[] = {{is_feedback, AUTOMATIC_FEEDBACK},   {is_challenge, AUTOMATIC_CHALLENGE},
                {is_bounce, AUTOMATIC_BOUNCE},       {is_receipt, AUTOMATIC_RECEIPT},
                {is_submitted, AUTOMATIC_SUBMITTED}, {is_reply, AUTOMATIC_REPLY},
                {is_from_nobody, AUTOMATIC_BOUNCE},  {is_own, AUTOMATIC_OWN},
                {is_list, AUTOMATIC_LIST},           {is_bulk, AUTOMATIC_BULK}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].is(l))
            return rows[i].sort;
    return AUTOMATIC_NONE;
}

enum automatic_sort automatic_sort_of(struct span raw, const struct mime_message *m,
                                      const struct automatic_facts *facts)
{
    struct looked l = {.raw = raw, .header = mime_part_header(raw, &m->parts[0]), .m = m, .facts = facts};
    struct dsn read = {.n = 0};

    l.null_sender = is_from_nobody(&l);
    if (!facts->dsn)
        dsn_read(raw, m, &read);
    l.says_bounce = (facts->dsn ? facts->dsn : &read)->class != DSN_NOT;
    dsn_free(&read);
    return sort_of(&l);
}

const char *automatic_rule(enum automatic_sort sort)
{
    static const char *const rules[AUTOMATIC_SORTS] = {
        [AUTOMATIC_BOUNCE] = "bounce",    [AUTOMATIC_FEEDBACK] = "feedback",
        [AUTOMATIC_RECEIPT] = "receipt",  [AUTOMATIC_CHALLENGE] = "challenge",
        [AUTOMATIC_REPLY] = "auto-reply", [AUTOMATIC_SUBMITTED] = "auto-submitted",
        [AUTOMATIC_OWN] = "list-echo",    [AUTOMATIC_LIST] = "list-copy",
        [AUTOMATIC_BULK] = "precedence"};

    return rules[sort];
}

bool automatic_may_be_a_report(enum automatic_sort sort)
{
    return sort == AUTOMATIC_LIST || sort == AUTOMATIC_BULK;
}

bool automatic_wants_no_answer(struct span raw, const struct mime_message *m, const struct automatic_facts *facts)
{
    static const char *const silent[] = {"all", "autoreply", "oof", NULL};
    struct looked l = {.raw = raw, .header = mime_part_header(raw, &m->parts[0]), .m = m, .facts = facts};

    for (const char *const *s = silent; *s; s++)
        if (field_has(&l, "X-Auto-Response-Suppress", *s))
            return true;
    return is_list(&l) || (m->precedence && (token_is(m->precedence, "bulk") || token_is(m->precedence, "junk"))) ||
           automatic_sort_of(raw, m, facts) != AUTOMATIC_NONE;
}
