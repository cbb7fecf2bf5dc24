#include "codec/dsn_parts.h"

#include "base/mem.h"
#include "codec/header.h"
#include "codec/lower.h"

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

/* "SMTP=a@b" of X.400 names: the length of what is no part of the address. */
static size_t skip_type(struct span local_part)
{
    return local_part.len > 5 && strncasecmp((const char *)local_part.data, "smtp=", 5) == 0 ? 5 : 0;
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
        from += skip_type((struct span){t.data + from, i - from});
        if (from == i || !memchr(t.data + i, '.', to - i))
            continue;
        *at = to;
        *out = (struct span){t.data + from, to - from};
        return true;
    }
    *at = t.len;
    return false;
}

/* Whom the notice is for, and who speaks. */
static bool is_of_the_notice(const struct dsn_mail *mail, struct span address)
{
    struct buf lower = BUF_EMPTY;
    bool found;

    lower_add(address, &lower);
    found = mail->own.len && memmem(mail->own.data, mail->own.len, lower.data, lower.len);
    buf_free(&lower);
    return found;
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
    bool is_counted; /* the next two are known: a line may hold thousands of addresses */
    bool is_named;   /* it says whose address it is */
    size_t n_letters;
    bool is_told; /* and so are the next two */
    bool is_ours; /* it speaks of the sender, or of whom to ask */
    bool fails;
};

static bool next_line(const struct dsn_mail *mail, size_t *at, struct line *out)
{
    const struct buf *n = &mail->notice;
    const uint8_t *lf;
    size_t from = *at, to;

    if (from >= n->len)
        return false;
    *out = (struct line){.at = from};
    lf = memchr(n->data + from, '\n', n->len - from);
    to = lf ? (size_t)(lf - n->data) : n->len;
    *at = out->end = lf ? to + 1 : to;
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

static size_t letters(struct span s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += isalnum(s.data[i]) || s.data[i] >= 0x80;
    return n;
}

static bool is_named(struct span lower)
{
    static const char *const names[] = {"undeliverable to ",
                                        "undeliverable  to ",
                                        "to:",
                                        "unable to deliver message to",
                                        "delivery failed ",
                                        "recipients:",
                                        "the message to ",
                                        "your message to ",
                                        "there was an error delivering your mail to",
                                        "mail to ",
                                        "rcpt to:",
                                        "mailbox for ",
                                        "delivery to ",
                                        "(originally addressed to",
                                        ">>> rcpt to:",
                                        "you sent mail to ",
                                        "undelivered to ",
                                        "intended for",
                                        "not delivered to",
                                        "unable to deliver your message to",
                                        "sorry, unable to deliver your message to",
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
           rest.data[0] == '[' || rest.data[0] == ',' || isdigit(rest.data[0]) || starts(rest, "on ") ||
           starts(rest, "..") || starts(rest, "(");
}

static void tell(struct line *l)
{
    static const char *const not_these[] = {"contact",
                                            "please",
                                            "http",
                                            "mailto",
                                            "envelope-from",
                                            "mail from",
                                            "a message sent by",
                                            "for further",
                                            "assistance",
                                            "help",
                                            "sender",
                                            "from:",
                                            "message-id",
                                            "subject",
                                            "reply",
                                            "postmaster",
                                            "administrator",
                                            "received",
                                            NULL};

    if (l->is_told)
        return;
    l->is_told = true;
    l->is_ours = dsn_has_any(l->lower, not_these);
    l->fails = dsn_says_failed(l->lower) || dsn_says_why(l->lower);
}

/* "Failed recipient: <a@b>": a label, and nothing behind the address. Of whom else a label may speak, tell() knows. */
static bool is_labelled(struct line *l, struct span address)
{
    size_t before = (size_t)(address.data - l->text.data), after = before + address.len;

    if (letters((struct span){l->text.data + after, l->text.len - after}) > 0)
        return false;
    while (before && strchr(" \t<[('\"", l->text.data[before - 1]))
        before--;
    if (!before || l->text.data[before - 1] != ':' || before > 40)
        return false;
    tell(l);
    return !l->is_ours;
}

static bool is_listed(struct line *l, struct span address)
{
    if (!l->is_counted) {
        l->is_counted = true;
        l->is_named = is_named(l->lower);
        l->n_letters = letters(l->text);
    }
    if (l->is_named || l->n_letters - letters(address) <= 2)
        return true;
    return leads(l->text, address) || is_labelled(l, address);
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

typedef bool (*wanted_fn)(struct line *l, struct span address);

static bool any_wanted(struct line *l, struct span address)
{
    tell(l);
    return !l->is_ours && !is_an_office(address);
}

static bool failing_wanted(struct line *l, struct span address)
{
    return any_wanted(l, address) && l->fails;
}

/* What the address that failed was made from: the one that we know, where the other is hidden. */
static bool source_wanted(struct line *l, struct span address)
{
    (void)address;
    return starts(l->lower, "(expanded from") || starts(l->lower, "(generated from") ||
           starts(l->lower, "generated by");
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
        while (finds->n < DSN_RECIPIENTS_MAX && next_address(l.text, &in_line, &address))
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

/* The first word of a line where it is a name: nothing else is there, or a remark in brackets or a column apart. */
static bool is_name_line(struct span line, struct span *out)
{
    size_t n = 0;

    while (n < line.len && is_atom(line.data[n]))
        n++;
    *out = (struct span){line.data, n};
    if (!n || n > 64 || !isalnum(line.data[0]) || line.data[n - 1] == '.')
        return false;
    return n == line.len || (line.data[n] == ' ' && n + 1 < line.len && strchr("( \t", line.data[n + 1])) ||
           line.data[n] == '\t';
}

/* "Receiver not found: name" */
static bool is_named_alone(const struct line *l, struct span *out)
{
    const uint8_t *colon = l->text.len ? memchr(l->text.data, ':', l->text.len) : NULL;
    size_t at = colon ? (size_t)(colon - l->text.data) + 1 : 0;

    if (!colon || !dsn_says_why((struct span){l->lower.data, at}))
        return false;
    while (at < l->text.len && l->text.data[at] == ' ')
        at++;
    return is_name_line((struct span){l->text.data + at, l->text.len - at}, out) && at + out->len == l->text.len;
}

/* Names without a domain, below a line that says that they failed: of the domain that speaks (AOL, GroupWise). */
static void find_local_parts(const struct dsn_mail *mail, struct finds *finds, struct buf *made)
{
    const struct addr_list *from = &mail->m->from;
    struct addr_parts parts;
    struct line l;
    struct span name = {0};
    bool headed = false;

    if (!from->n || !addr_split(from->items[0].spec, &parts))
        return;
    for (size_t at = 0; !made->len && next_line(mail, &at, &l);) {
        if (!l.text.len)
            continue;
        if (is_named_alone(&l, &name) || (headed && is_name_line(l.text, &name))) {
            buf_add(made, name.data, name.len);
            buf_add_byte(made, '@');
            buf_add(made, parts.domain.data, parts.domain.len);
            note(finds, buf_span(made), l.at);
        }
        headed = l.text.data[l.text.len - 1] == ':' && (dsn_says_failed(l.lower) || dsn_has(l.lower, "recipient"));
    }
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

/* What is said of each: from its line to that of the next; of the whole notice where there is but one line of them. */
static void judge(const struct dsn_mail *mail, const struct finds *finds, size_t i, struct dsn_words *said,
                  struct dsn_recipient *r)
{
    struct span all = buf_span(&mail->lower);
    size_t from = finds->items[i].at, next = i + 1;
    struct dsn_facts facts = {.status = "", .delayed = mail->delayed};

    while (next < finds->n && finds->items[next].at == from)
        next++;
    if (i == 0 && next == finds->n)
        *said = mail->said;
    else if (i == 0 || finds->items[i - 1].at != from)
        dsn_read_words((struct span){all.data + from, (next < finds->n ? finds->items[next].at : all.len) - from},
                       said);
    facts.words = *said;
    dsn_judge(&facts, r);
}

bool dsn_lists_address(const struct dsn_mail *mail)
{
    struct finds *finds = mem_zero(1, sizeof *finds);
    bool found;

    find_in_lines(mail, is_listed, false, finds);
    found = finds->n > 0;
    free(finds);
    return found;
}

void dsn_read_text(const struct dsn_mail *mail, struct dsn *out)
{
    struct finds *finds = mem_zero(1, sizeof *finds);
    struct buf made = BUF_EMPTY, field = BUF_EMPTY;
    struct dsn_words said = mail->said;

    find_in_field(mail, &field, finds);
    if (!finds->n)
        find_in_lines(mail, is_listed, false, finds);
    if (!finds->n)
        find_in_lines(mail, source_wanted, false, finds);
    if (!finds->n)
        find_in_lines(mail, failing_wanted, false, finds);
    if (!finds->n)
        find_local_parts(mail, finds, &made);
    if (!finds->n)
        find_in_lines(mail, any_wanted, false, finds);
    if (!finds->n)
        find_in_lines(mail, is_listed, true, finds);

    if (!finds->n && find_returned_to(mail, &made))
        note(finds, buf_span(&made), 0);
    for (size_t i = 0; i < finds->n; i++) {
        struct dsn_recipient *r = dsn_add(out, finds->items[i].address);

        if (r)
            judge(mail, finds, i, &said, r);
    }
    buf_free(&field);
    buf_free(&made);
    free(finds);
}
