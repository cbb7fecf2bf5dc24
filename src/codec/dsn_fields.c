#include "codec/dsn_parts.h"

#include "base/mem.h"
#include "codec/header.h"
#include "codec/lower.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The fields of one recipient (RFC 3464, 2.3). */
struct group {
    struct buf final, original, actual, action, status, diagnostic;
};

static void group_free(struct group *g)
{
    buf_free(&g->final);
    buf_free(&g->original);
    buf_free(&g->actual);
    buf_free(&g->action);
    buf_free(&g->status);
    buf_free(&g->diagnostic);
    *g = (struct group){0};
}

/* ---- values ---- */

static struct span trimmed(struct span s)
{
    while (s.len && isspace(s.data[0]))
        s = (struct span){s.data + 1, s.len - 1};
    while (s.len && isspace(s.data[s.len - 1]))
        s.len--;
    return s;
}

/* Behind "type;" of a field that has a type. */
static struct span behind_type(struct span value, struct span *out_type)
{
    const uint8_t *semicolon = value.len ? memchr(value.data, ';', value.len) : NULL;

    *out_type = (struct span){value.data, 0};
    if (!semicolon)
        return trimmed(value);
    *out_type = trimmed((struct span){value.data, (size_t)(semicolon - value.data)});
    return trimmed((struct span){semicolon + 1, value.len - (size_t)(semicolon + 1 - value.data)});
}

static int hex_value(uint8_t c)
{
    return isdigit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void add_code_point(struct buf *out, unsigned long c)
{
    if (c < 0x20 || c == 0x7f || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        buf_add_byte(out, '?');
    } else if (c < 0x80) {
        buf_add_byte(out, (uint8_t)c);
    } else {
        int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
        static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};

        buf_add_byte(out, (uint8_t)(lead[more] | c >> (6 * more)));
        while (more--)
            buf_add_byte(out, (uint8_t)(0x80 | ((c >> (6 * more)) & 0x3f)));
    }
}

/* "\x{1F600}" of utf-8-addr-xtext (RFC 6533, 3); its length, or 0. */
static size_t add_escaped_point(struct span s, struct buf *out)
{
    unsigned long c = 0;
    size_t n = 3;

    if (s.len < 5 || memcmp(s.data, "\\x{", 3) != 0)
        return 0;
    while (n < s.len && n < 9 && isxdigit(s.data[n])) {
        c = c * 16 + (unsigned long)(isdigit(s.data[n]) ? s.data[n] - '0' : toupper(s.data[n]) - 'A' + 10);
        n++;
    }
    if (n == 3 || n >= s.len || s.data[n] != '}')
        return 0;
    add_code_point(out, c);
    return n + 1;
}

/* xtext of RFC 3461, 4, and the forms of RFC 6533: both stand for octets that no address has by itself, but '+' does:
 * "+5B" is one octet only where two upper-case hex digits follow. */
static void decode_address(struct span value, bool xtext, struct buf *out)
{
    for (size_t i = 0; i < value.len;) {
        struct span rest = {value.data + i, value.len - i};
        size_t n = add_escaped_point(rest, out);

        if (n) {
            i += n;
        } else if (xtext && rest.len >= 3 && rest.data[0] == '+' && hex_value(rest.data[1]) >= 0 &&
                   hex_value(rest.data[2]) >= 0) {
            add_code_point(out, (unsigned long)(hex_value(rest.data[1]) * 16 + hex_value(rest.data[2])));
            i += 3;
        } else {
            buf_add_byte(out, rest.data[0] < 0x20 ? '?' : rest.data[0]);
            i++;
        }
    }
}

/* "rfc822; <a@b> (comment)" to a@b. */
static void address_of(struct span value, bool xtext, struct buf *out)
{
    struct buf plain = BUF_EMPTY;
    struct span type, inner, s = behind_type(value, &type), again = behind_type(s, &inner);
    const uint8_t *open, *close, *at;

    if (again.len && inner.len && !memchr(inner.data, '@', inner.len)) /* "rfc822;rfc822;a@b" */
        s = again;
    open = s.len ? memchr(s.data, '<', s.len) : NULL;
    close = open ? memchr(open, '>', s.len - (size_t)(open - s.data)) : NULL;
    if (close && close > open + 1)
        s = (struct span){open + 1, (size_t)(close - open - 1)};
    s = trimmed(s);
    if (s.len && *s.data != '"' && (at = memchr(s.data, ' ', s.len)))
        s.len = (size_t)(at - s.data);
    if (s.len > 2 && *s.data == '"' && s.data[s.len - 1] == '"' && memchr(s.data, '@', s.len))
        s = (struct span){s.data + 1, s.len - 2}; /* the whole in quotes */
    if (s.len > 5 && strncasecmp((const char *)s.data, "SMTP:", 5) == 0)
        s = (struct span){s.data + 5, s.len - 5};
    if (s.len > 7 && strncasecmp((const char *)s.data, "mailto:", 7) == 0)
        s = (struct span){s.data + 7, s.len - 7};
    while (s.len && memchr(">,;:.", s.data[s.len - 1], 5))
        s.len--;
    if (s.len > 6 && memmem(s.data, s.len, "=?", 2)) /* some write an encoded word where none may be */
        header_decode_text(s, &plain);
    decode_address(plain.len ? buf_span(&plain) : s, xtext, out);
    buf_free(&plain);
}

static bool looks_like_address(const struct buf *b)
{
    const uint8_t *at = b->len ? memrchr(b->data, '@', b->len) : NULL;

    return at && at != b->data && memchr(at, '.', b->len - (size_t)(at - b->data));
}

/* ---- one recipient ---- */

static bool action_is(const struct group *g, const char *word)
{
    struct span s = trimmed(buf_span(&g->action));
    size_t n = strlen(word);

    return s.len >= n && strncasecmp((const char *)s.data, word, n) == 0;
}

static bool is_success(const struct group *g)
{
    struct span status = trimmed(buf_span(&g->status));

    if (action_is(g, "delivered") || action_is(g, "relayed") || action_is(g, "expanded"))
        return true;
    return !action_is(g, "failed") && !action_is(g, "delayed") && status.len && *status.data == '2';
}

/* The server's own words; the notice's where it gives none of use. */
static void judge_group(const struct dsn_mail *mail, const struct group *g, struct dsn_recipient *r)
{
    const size_t said_max = 1024; /* of a thousand recipients each */
    struct buf words = BUF_EMPTY;
    char status[DSN_STATUS_SIZE];
    struct dsn_facts facts = {.status = status};

    dsn_find_status(buf_span(&g->status), status);
    lower_add((struct span){g->diagnostic.data, g->diagnostic.len < said_max ? g->diagnostic.len : said_max}, &words);
    dsn_read_words(buf_span(&words), &facts.words);
    facts.delayed = action_is(g, "delayed") || (!g->action.len && mail->delayed);
    facts.given_up = action_is(g, "failed") && !(*status == '4' && mail->delayed);
    dsn_judge(&facts, r);
    if ((dsn_status_is_general(r->status) && !r->reply) || (!g->diagnostic.len && strncmp(r->status, "5.7.", 4) == 0)) {
        dsn_add_words(&facts.words, &mail->said);
        dsn_judge(&facts, r);
    }
    buf_free(&words);
}

static void finish_group(const struct dsn_mail *mail, struct group *g, struct dsn *out)
{
    struct buf final = BUF_EMPTY, original = BUF_EMPTY, actual = BUF_EMPTY;
    struct dsn_recipient *r;
    const struct buf *use = &final;

    if ((g->final.len || g->original.len) && !is_success(g)) {
        address_of(buf_span(&g->final), false, &final);
        address_of(buf_span(&g->original), true, &original);
        address_of(buf_span(&g->actual), false, &actual);
        if (!looks_like_address(&final))
            use = looks_like_address(&original) ? &original : looks_like_address(&actual) ? &actual : &final;
        out->by_fields = true;
        r = dsn_add(out, buf_span(use));
        if (r) {
            r->original = original.len ? mem_strndup(original.data, original.len) : NULL;
            judge_group(mail, g, r);
        }
    }
    buf_free(&final);
    buf_free(&original);
    buf_free(&actual);
    group_free(g);
}

/* ---- a block of fields ---- */

static struct buf *field_of(struct group *g, struct span name)
{
    const struct {
        const char *name;
        struct buf *to;
    } known[] = {{"Final-Recipient", &g->final},
                 {"Original-Recipient", &g->original},
                 {"X-Actual-Recipient", &g->actual},
                 {"Action", &g->action},
                 {"Status", &g->status},
                 {"Diagnostic-Code", &g->diagnostic}};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (header_name_is(name, known[i].name))
            return known[i].to;
    return NULL;
}

static void set_field(struct buf *to, struct span value)
{
    if (to->len)
        return;
    buf_init(to, 16384);
    header_unfold((struct span){value.data, value.len < 8192 ? value.len : 8192}, to);
}

/* A new recipient begins where an empty line stood, or where a field comes a second time: some writers leave out the
 * empty line, others have several, or one within a group. */
static bool begins_anew(const struct group *g, struct span name)
{
    return (header_name_is(name, "Final-Recipient") && g->final.len) ||
           (header_name_is(name, "Original-Recipient") && g->original.len);
}

static size_t line_end(struct span s, size_t at)
{
    const uint8_t *lf = memchr(s.data + at, '\n', s.len - at);

    return lf ? (size_t)(lf - s.data) + 1 : s.len;
}

/* One field with its folded lines; false where the line is none. Moves *at behind it. */
static bool next_field(struct span s, size_t *at, struct span *name, struct span *value)
{
    size_t start = *at, end = line_end(s, start), colon = start;

    *at = end;
    while (colon < end && (isalnum(s.data[colon]) || s.data[colon] == '-'))
        colon++;
    if (colon == start || colon >= end || s.data[colon] != ':')
        return false;
    while (end < s.len && (s.data[end] == ' ' || s.data[end] == '\t')) {
        struct span folded = trimmed((struct span){s.data + end, line_end(s, end) - end});

        if (!folded.len)
            break;
        end = line_end(s, end);
    }
    *at = end;
    *name = (struct span){s.data + start, colon - start};
    *value = (struct span){s.data + colon + 1, end - colon - 1};
    return true;
}

bool dsn_read_block(const struct dsn_mail *mail, struct span s, struct dsn *out)
{
    struct group g = {0};
    bool found = false;

    for (size_t at = 0; at < s.len;) {
        struct span name, value;
        struct buf *to;

        while (at < s.len && (s.data[at] == ' ' || s.data[at] == '\t')) /* some indent the fields */
            at++;
        if (at >= s.len || !next_field(s, &at, &name, &value) || !(to = field_of(&g, name)))
            continue;
        found = true;
        if (begins_anew(&g, name)) {
            finish_group(mail, &g, out);
            to = field_of(&g, name);
        }
        set_field(to, value);
    }
    finish_group(mail, &g, out);
    return found;
}

static bool is_report(const struct mime_part *p)
{
    static const char *const types[] = {"message/delivery-status", "message/global-delivery-status",
                                        "message/xdelivery-status", NULL}; /* the last one by XWall */

    for (const char *const *t = types; *t; t++)
        if (strcmp(p->type, *t) == 0)
            return true;
    return false;
}

bool dsn_read_fields(const struct dsn_mail *mail, bool in_text_too, struct dsn *out)
{
    bool found = false;

    for (size_t i = 0; i < mail->m->n_parts; i++) {
        struct buf body = BUF_EMPTY;
        const struct mime_part *p = &mail->m->parts[i];

        if (is_report(p) && mime_part_decode(mail->raw, p, &body, NULL) == ERR_OK)
            found |= dsn_read_block(mail, buf_span(&body), out);
        buf_free(&body);
        if (found)
            return true;
    }
    if (in_text_too && dsn_has(buf_span(&mail->lower), "final-recipient:") &&
        dsn_has(buf_span(&mail->lower), "action:"))
        found = dsn_read_block(mail, buf_span(&mail->notice), out);
    return found;
}
