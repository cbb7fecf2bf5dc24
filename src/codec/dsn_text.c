#include "codec/dsn_parts.h"

#include "base/mem.h"
#include "codec/header.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * Which addresses a notice in prose names as failed. Three readings, and the first that finds any is believed: the
 * field that Exim and Google set; lines that hold an address and little else, or name it as the recipient; any address
 * in a line of the notice. Addresses of the notice's own header are left out of the last two: a notice names the sender
 * whose mail came back, and whom to ask.
 */

/* ---- addresses in text ---- */

static bool is_atom(uint8_t c)
{
    return c >= 0x80 || isalnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~.", c));
}

static bool is_domain(uint8_t c)
{
    return c >= 0x80 || isalnum(c) || c == '-' || c == '.' || c == '_' || c == '#';
}

/* The next address at or behind *at; *at is moved behind it. */
static bool next_address(struct span t, size_t *at, struct span *out)
{
    for (size_t i = *at; i < t.len; i++) {
        size_t from = i, to = i + 1;

        if (t.data[i] != '@')
            continue;
        if (from > *at && t.data[from - 1] == '"') { /* a quoted local part */
            for (from--; from > *at && t.data[from - 1] != '"' && t.data[from - 1] != '\n' && i - from < 65;)
                from--;
            from -= from > *at && t.data[from - 1] == '"';
        } else {
            while (from > *at && is_atom(t.data[from - 1]) && i - from < 200)
                from--;
        }
        while (from < i && (t.data[from] == '\'' || t.data[from] == '.' || t.data[from] == '`' || t.data[from] == '*'))
            from++;
        while (to < t.len && is_domain(t.data[to]) && to - i < 255)
            to++;
        while (to > i + 1 && (t.data[to - 1] == '.' || t.data[to - 1] == '-' || t.data[to - 1] == '_'))
            to--;
        if (from == i || !memchr(t.data + i, '.', to - i))
            continue;
        *at = to;
        *out = (struct span){t.data + from, to - from};
        return true;
    }
    *at = t.len;
    return false;
}

static bool is_in_field(const struct dsn_mail *mail, const char *name, struct span address)
{
    struct buf value = BUF_EMPTY;
    bool found = false;

    for (size_t nth = 0; nth < 20 && !found && mime_field_nth(mail->header, name, nth, &value); nth++) {
        for (size_t i = 0; !found && i + address.len <= value.len; i++)
            found = strncasecmp((const char *)value.data + i, (const char *)address.data, address.len) == 0;
        buf_clear(&value);
    }
    buf_free(&value);
    return found;
}

/* Whom the notice is for, and who speaks. */
static bool is_of_the_notice(const struct dsn_mail *mail, struct span address)
{
    static const char *const fields[] = {"To", "From", "Reply-To", "Delivered-To", "Return-Path", "Sender", "Cc", NULL};

    for (const char *const *f = fields; *f; f++)
        if (is_in_field(mail, *f, address))
            return true;
    return false;
}

static bool is_an_office(struct span address)
{
    static const char *const offices[] = {"postmaster@", "mailer-daemon@", "abuse@",     "support@",
                                          "helpdesk@",   "hostmaster@",    "webmaster@", NULL};

    for (const char *const *o = offices; *o; o++)
        if (address.len > strlen(*o) && strncasecmp((const char *)address.data, *o, strlen(*o)) == 0)
            return true;
    return false;
}

/* ---- lines ---- */

struct line {
    struct span text, lower; /* trimmed */
    size_t at, end;
};

static bool next_line(const struct dsn_mail *mail, size_t *at, struct line *out)
{
    const struct buf *n = &mail->notice;
    const uint8_t *lf;
    size_t from = *at, to;

    if (from >= n->len)
        return false;
    lf = memchr(n->data + from, '\n', n->len - from);
    to = lf ? (size_t)(lf - n->data) : n->len;
    *at = out->end = lf ? to + 1 : to;
    out->at = from;
    while (from < to && isspace(n->data[from]))
        from++;
    while (to > from && isspace(n->data[to - 1]))
        to--;
    out->text = (struct span){n->data + from, to - from};
    out->lower = (struct span){mail->lower.data + from, to - from};
    return true;
}

static bool starts(struct span line, const char *word)
{
    size_t n = strlen(word);

    return line.len >= n && memcmp(line.data, word, n) == 0;
}

/* How many letters and digits stand around the address. */
static size_t other_letters(struct span line, struct span address)
{
    size_t n = 0;

    for (size_t i = 0; i < line.len; i++) {
        const uint8_t *p = line.data + i;

        if (!(p >= address.data && p < address.data + address.len) && (isalnum(*p) || *p >= 0x80))
            n++;
    }
    return n;
}

static bool is_named(struct span lower)
{
    static const char *const names[] = {"recipient:",
                                        "failed recipient:",
                                        "undeliverable address:",
                                        "intended recipient:",
                                        "undeliverable to ",
                                        "undeliverable  to ",
                                        "recipient: [smtp:",
                                        "to:",
                                        "unable to deliver message to",
                                        "delivery failed ",
                                        "user mailbox exceeds allowed size:",
                                        "invalid final delivery userid:",
                                        "user's mailbox is full:",
                                        "failed address:",
                                        "unknown user:",
                                        "could not be delivered to:",
                                        "recipients:",
                                        "for recipient:",
                                        "for user:",
                                        "final recipient:",
                                        "the message to ",
                                        "your message to ",
                                        "there was an error delivering your mail to",
                                        "mail to ",
                                        "address:",
                                        "envelope to:",
                                        "rcpt to:",
                                        "e-mail address:",
                                        "mailbox for ",
                                        "delivery to ",
                                        "user unknown:",
                                        "(originally addressed to",
                                        ">>> rcpt to:",
                                        "you sent mail to ",
                                        "undelivered to ",
                                        "addressee:",
                                        NULL};

    for (const char *const *w = names; *w; w++)
        if (starts(lower, *w))
            return true;
    return false;
}

/* "<a@b>:", "a@b", " * a@b", "<a@b>: host x said", "a@b on DATE", "a@b ... unknown": the address leads the line. */
static bool leads(struct span line, struct span address)
{
    size_t before = (size_t)(address.data - line.data), after = before + address.len;
    struct span rest = {line.data + after, line.len - after};

    for (size_t i = 0; i < before; i++)
        if (isalnum(line.data[i]) || line.data[i] >= 0x80)
            return false;
    if (before && line.data[before - 1] == '<')
        return rest.len >= 1 && rest.data[0] == '>';
    while (rest.len && memchr("\"')]", rest.data[0], 4))
        rest = (struct span){rest.data + 1, rest.len - 1};
    while (rest.len && (rest.data[0] == ' ' || rest.data[0] == '\t'))
        rest = (struct span){rest.data + 1, rest.len - 1};
    return !rest.len || rest.data[0] == ':' || rest.data[0] == ';' || rest.data[0] == '<' || rest.data[0] == '-' ||
           starts(rest, "on ") || starts(rest, "..") || starts(rest, "(");
}

static bool is_listed(const struct line *l, struct span address)
{
    if (is_named(l->lower) || other_letters(l->text, address) <= 2)
        return true;
    return leads(l->text, address);
}

/* ---- the three readings ---- */

struct found {
    struct span address;
    size_t at; /* of its line in the notice */
};

struct finds {
    struct found items[DSN_RECIPIENTS_MAX];
    size_t n;
};

static void note(struct finds *finds, struct span address, size_t at)
{
    if (finds->n == DSN_RECIPIENTS_MAX)
        return;
    for (size_t i = 0; i < finds->n; i++)
        if (finds->items[i].address.len == address.len &&
            strncasecmp((const char *)finds->items[i].address.data, (const char *)address.data, address.len) == 0)
            return;
    finds->items[finds->n++] = (struct found){address, at};
}

typedef bool (*wanted_fn)(const struct line *l, struct span address);

static bool any_wanted(const struct line *l, struct span address)
{
    static const char *const not_these[] = {
        "contact",           "please",      "http",       "mailto", "envelope-from", "mail from",
        "a message sent by", "for further", "assistance", "help",   "sender",        "from:",
        "message-id",        "subject",     NULL};

    return !is_an_office(address) && !dsn_has_any(l->lower, not_these);
}

static bool failing_wanted(const struct line *l, struct span address)
{
    return any_wanted(l, address) && (dsn_says_failed(l->lower) || dsn_says_why(l->lower));
}

static void find_in_lines(const struct dsn_mail *mail, wanted_fn wanted, bool own_too, struct finds *finds)
{
    struct line l;

    for (size_t at = 0; next_line(mail, &at, &l);) {
        size_t in_line = 0;
        struct span address;

        if (starts(l.lower, "from:") || starts(l.lower, "subject:") || starts(l.lower, "reporting-mta") ||
            starts(l.lower, "message-id"))
            continue;
        while (next_address(l.text, &in_line, &address))
            if (wanted(&l, address) && (own_too || !is_of_the_notice(mail, address)))
                note(finds, address, l.at);
    }
}

static void find_in_field(const struct dsn_mail *mail, struct buf *value, struct finds *finds)
{
    struct span address;

    for (size_t nth = 0; nth < 20 && mime_field_nth(mail->header, "X-Failed-Recipients", nth, value); nth++)
        buf_add_byte(value, ' ');
    for (size_t at = 0; next_address(buf_span(value), &at, &address);)
        note(finds, address, 0);
}

/* A name alone, of the domain that speaks (AOL). */
static bool find_local_part(const struct dsn_mail *mail, struct buf *made)
{
    const struct addr_list *from = &mail->m->from;
    struct addr_parts parts;
    struct line l, last = {0};

    for (size_t at = 0; next_line(mail, &at, &l);)
        if (l.text.len)
            last = l;
    if (!from->n || !addr_split(from->items[0].spec, &parts) || !last.text.len || last.text.len > 64)
        return false;
    for (size_t i = 0; i < last.text.len; i++)
        if (!is_atom(last.text.data[i]))
            return false;
    if (!dsn_has(buf_span(&mail->lower), "recipient"))
        return false;
    buf_add(made, last.text.data, last.text.len);
    buf_add_byte(made, '@');
    buf_add(made, parts.domain.data, parts.domain.len);
    return true;
}

/* To of the mail that came back, where it names one alone. */
static bool find_returned_to(const struct dsn_mail *mail, struct buf *to)
{
    struct addr_list list = {0};
    struct span block = buf_span(&mail->returned), value;
    bool found = false;

    while (block.len && !found) {
        const uint8_t *lf = memchr(block.data, '\n', block.len);
        size_t n = lf ? (size_t)(lf - block.data) + 1 : block.len;

        if (n > 3 && strncasecmp((const char *)block.data, "to:", 3) == 0) {
            value = (struct span){block.data + 3, n - 3};
            addr_list_parse(value, &list);
            found = true;
        }
        block = (struct span){block.data + n, block.len - n};
    }
    found = list.n == 1 && !is_of_the_notice(mail, span_of(list.items[0].spec));
    if (found)
        buf_add_str(to, list.items[0].spec);
    addr_list_free(&list);
    return found;
}

/* What is said of each: from its line to the next one's; of the whole notice where that says nothing. */
static void judge(const struct dsn_mail *mail, const struct finds *finds, size_t i, struct dsn_recipient *r)
{
    struct span all = buf_span(&mail->lower);
    size_t from = finds->items[i].at,
           to = i + 1 < finds->n && finds->items[i + 1].at > from ? finds->items[i + 1].at : all.len;
    struct dsn_facts facts = {.words_lower = all, .status = "", .delayed = dsn_says_delayed(all)};

    if (finds->n > 1)
        facts.words_lower = (struct span){all.data + from, to - from};
    dsn_judge(&facts, r);
}

void dsn_read_text(const struct dsn_mail *mail, struct dsn *out)
{
    struct finds *finds = mem_zero(1, sizeof *finds);
    struct buf made = BUF_EMPTY, field = BUF_EMPTY;

    find_in_field(mail, &field, finds);
    if (!finds->n)
        find_in_lines(mail, is_listed, false, finds);
    if (!finds->n)
        find_in_lines(mail, failing_wanted, false, finds);
    if (!finds->n)
        find_in_lines(mail, any_wanted, false, finds);
    if (!finds->n)
        find_in_lines(mail, is_listed, true, finds);

    if (!finds->n && (find_local_part(mail, &made) || find_returned_to(mail, &made)))
        note(finds, buf_span(&made), 0);
    for (size_t i = 0; i < finds->n; i++) {
        struct dsn_recipient *r = dsn_add(out, finds->items[i].address);

        if (r)
            judge(mail, finds, i, r);
    }
    buf_free(&field);
    buf_free(&made);
    free(finds);
}
