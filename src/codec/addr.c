#include "codec/addr.h"

#include "base/mem.h"
#include "codec/header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- one address ---- */

/* RFC 5322, 3.2.3: atext. */
static bool is_atext(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static enum err check_local(struct span local, struct diag *why)
{
    if (local.len == 0 || local.data[0] == '.' || local.data[local.len - 1] == '.')
        return diag_set(why, ERR_REJECT, "addr.bad-local",
                        "what stands before the @ is empty, or begins or ends with a dot");
    if (local.len > ADDR_LOCAL_MAX_BYTES)
        return diag_set(why, ERR_REJECT, "addr.too-long", "what stands before the @ is over %d octets",
                        ADDR_LOCAL_MAX_BYTES);
    for (size_t i = 0; i < local.len; i++) {
        if (local.data[i] == '.' ? local.data[i - 1] == '.' : !is_atext(local.data[i]))
            return diag_set(why, ERR_REJECT, "addr.bad-local",
                            "what stands before the @ takes letters, digits and single dots; quoted forms are refused");
    }
    return ERR_OK;
}

static bool label_is_valid(struct span label)
{
    if (label.len == 0 || label.len > 63 || label.data[0] == '-' || label.data[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        uint8_t c = label.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_'))
            return false;
    }
    return true;
}

static enum err check_domain(struct span domain, struct diag *why)
{
    size_t from = 0;

    for (size_t i = 0; i <= domain.len; i++) {
        if (i < domain.len && domain.data[i] != '.')
            continue;
        if (!label_is_valid((struct span){domain.data + from, i - from}))
            return diag_set(why, ERR_REJECT, "addr.bad-domain",
                            "what stands behind the @ is no domain name; write it in ASCII (xn--…), without brackets");
        from = i + 1;
    }
    return ERR_OK;
}

enum err addr_check(struct span in, char *out, struct diag *why)
{
    const uint8_t *sign = NULL;
    enum err err;
    size_t local;

    out[0] = 0;
    if (in.len == 0)
        return diag_set(why, ERR_REJECT, "addr.empty", "the address is empty");
    if (in.len > ADDR_MAX_BYTES)
        return diag_set(why, ERR_REJECT, "addr.too-long", "the address is over %d octets", ADDR_MAX_BYTES);
    for (size_t i = 0; i < in.len; i++) {
        if (in.data[i] <= ' ' || in.data[i] > 126)
            return diag_set(why, ERR_REJECT, "addr.bad-character",
                            "the address holds a space, a control character or a character that is not ASCII");
        if (in.data[i] == '@')
            sign = in.data + i;
    }
    if (!sign)
        return diag_set(why, ERR_REJECT, "addr.bad-domain", "the address has no @");
    local = (size_t)(sign - in.data);
    err = check_local((struct span){in.data, local}, why);
    if (err == ERR_OK)
        err = check_domain((struct span){sign + 1, in.len - local - 1}, why);
    if (err != ERR_OK)
        return err;
    for (size_t i = 0; i < in.len; i++)
        out[i] = (char)(i > local && in.data[i] >= 'A' && in.data[i] <= 'Z' ? in.data[i] + 32 : in.data[i]);
    out[in.len] = 0;
    return ERR_OK;
}

bool addr_is_valid(const char *spec)
{
    char checked[ADDR_MAX_BYTES + 1];

    return addr_check(span_of(spec), checked, NULL) == ERR_OK;
}

bool addr_split(const char *spec, struct addr_parts *out)
{
    const char *sign = strrchr(spec, '@');
    const uint8_t *plus;

    *out = (struct addr_parts){0};
    if (!sign)
        return false;
    out->local = (struct span){(const uint8_t *)spec, (size_t)(sign - spec)};
    out->domain = span_of(sign + 1);
    out->base = out->local;
    plus = out->local.len ? memchr(out->local.data, '+', out->local.len) : NULL;
    if (plus) {
        out->base.len = (size_t)(plus - out->local.data);
        out->suffix = (struct span){plus + 1, out->local.len - out->base.len - 1};
        out->has_suffix = true;
    }
    return true;
}

bool addr_equal(const char *a, const char *b)
{
    return !strcasecmp(a, b);
}

static bool span_equal_case(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || !strncasecmp((const char *)a.data, (const char *)b.data, a.len));
}

/* The list's own local part may hold a '+', so it is compared whole, not split. */
bool addr_is_for(const char *spec, const char *list, struct span *out_suffix)
{
    struct addr_parts s, l;
    struct span front, unused;

    if (!out_suffix)
        out_suffix = &unused;
    *out_suffix = (struct span){(const uint8_t *)"", 0};
    if (!addr_split(spec, &s) || !addr_split(list, &l) || !span_equal_case(s.domain, l.domain))
        return false;
    if (span_equal_case(s.local, l.local))
        return true;
    if (s.local.len <= l.local.len || s.local.data[l.local.len] != '+')
        return false;
    front = (struct span){s.local.data, l.local.len};
    if (!span_equal_case(front, l.local))
        return false;
    *out_suffix = (struct span){s.local.data + l.local.len + 1, s.local.len - l.local.len - 1};
    return true;
}

enum err addr_with_suffix(const char *list, const char *suffix, char *out, struct diag *why)
{
    struct addr_parts l;
    struct buf made = BUF_EMPTY;
    enum err err;

    out[0] = 0;
    if (!addr_split(list, &l))
        return diag_set(why, ERR_REJECT, "addr.bad-domain", "the list's address has no @");
    buf_add(&made, l.local.data, l.local.len);
    buf_printf(&made, "+%s@", suffix);
    buf_add(&made, l.domain.data, l.domain.len);
    err = addr_check(buf_span(&made), out, why);
    buf_free(&made);
    return err;
}

/* ---- lists ---- */

void addr_list_add(struct addr_list *list, const char *name, const char *spec)
{
    if (list->n >= ADDR_LIST_MAX) {
        list->damaged = true;
        return;
    }
    list->items = mem_resize(list->items, list->n + 1, sizeof *list->items);
    list->items[list->n++] = (struct addr){name && *name ? mem_strdup(name) : NULL, mem_strdup(spec)};
}

bool addr_list_has(const struct addr_list *list, const char *spec)
{
    for (size_t i = 0; i < list->n; i++)
        if (addr_equal(list->items[i].spec, spec))
            return true;
    return false;
}

void addr_list_free(struct addr_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i].name);
        free(list->items[i].spec);
    }
    free(list->items);
    *list = (struct addr_list){0};
}

/* One mailbox being read: the phrase, and what stands in angle brackets. */
struct mailbox {
    struct buf phrase; /* or the bare address */
    struct buf angle;
    bool has_angle;
    bool quoted; /* the phrase holds a quoted string */
};

static void mailbox_reset(struct mailbox *m)
{
    buf_clear(&m->phrase);
    buf_clear(&m->angle);
    m->has_angle = m->quoted = false;
}

static bool joins(uint8_t c)
{
    return c == '@' || c == '.';
}

/* Without outer blanks, and without those beside "@" and "." (RFC 5322, 4.4); any other blank stays, and is a fault. */
static void add_unspaced(struct span s, struct buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        size_t end = i;

        while (end < s.len && s.data[end] <= ' ')
            end++;
        if (end > i && end < s.len && out->len && !joins(s.data[end]) && !joins(out->data[out->len - 1]))
            buf_add_byte(out, ' ');
        if (end < s.len)
            buf_add_byte(out, s.data[end]);
        i = end;
    }
}

static void mailbox_finish(struct mailbox *m, struct addr_list *out)
{
    struct buf spec = BUF_EMPTY, name = BUF_EMPTY;
    char checked[ADDR_MAX_BYTES + 1];

    if (m->has_angle)
        add_unspaced(buf_span(&m->angle), &spec);
    else
        add_unspaced(buf_span(&m->phrase), &spec);
    if (spec.len || m->has_angle) {
        const uint8_t *route =
            m->has_angle && spec.len && spec.data[0] == '@' ? memchr(spec.data, ':', spec.len) : NULL;

        if (route) /* "<@relay:user@host>", RFC 5322, 4.4 */
            buf_drop_front(&spec, (size_t)(route - spec.data) + 1);
        if (addr_check(buf_span(&spec), checked, NULL) != ERR_OK || (!m->has_angle && m->quoted)) {
            out->damaged = true;
        } else {
            if (m->has_angle)
                header_decode_text(buf_span(&m->phrase), &name);
            addr_list_add(out, buf_text(&name), checked);
        }
    }
    buf_free(&spec);
    buf_free(&name);
    mailbox_reset(m);
}

/* Copies a quoted string at `at` without its quotes; returns the position behind it. */
static size_t take_quoted(struct span s, size_t at, struct buf *out)
{
    for (at++; at < s.len && s.data[at] != '"'; at++) {
        if (s.data[at] == '\\' && at + 1 < s.len)
            at++;
        buf_add_byte(out, s.data[at]);
    }
    return at < s.len ? at + 1 : s.len;
}

/* Copies what stands between "<" and ">"; an end that is missing damages the list. */
static size_t take_angle(struct span s, size_t at, struct mailbox *m, struct addr_list *out)
{
    const uint8_t *close = memchr(s.data + at, '>', s.len - at);
    size_t end = close ? (size_t)(close - s.data) : s.len;

    if (m->has_angle || !close)
        out->damaged = true;
    buf_clear(&m->angle);
    buf_add(&m->angle, s.data + at + 1, end - at - 1);
    m->has_angle = true;
    return close ? end + 1 : s.len;
}

void addr_list_parse(struct span value, struct addr_list *out)
{
    struct mailbox m = {.phrase = BUF_EMPTY, .angle = BUF_EMPTY};
    struct buf flat = BUF_EMPTY;
    struct span s;
    size_t at = 0;

    header_unfold(value, &flat);
    s = buf_span(&flat);
    while (at < s.len) {
        uint8_t c = s.data[at];

        if (c == '(') {
            at = header_skip_comments(s, at);
            buf_add_byte(&m.phrase, ' ');
        } else if (c == '"') {
            at = take_quoted(s, at, &m.phrase);
            m.quoted = true;
        } else if (c == '<') {
            at = take_angle(s, at, &m, out);
        } else if (c == ',' || c == ';') {
            mailbox_finish(&m, out);
            at++;
        } else if (c == ':' && !m.has_angle) { /* the name of a group */
            mailbox_reset(&m);
            at++;
        } else {
            buf_add_byte(&m.phrase, c);
            at++;
        }
    }
    mailbox_finish(&m, out);
    buf_free(&m.phrase);
    buf_free(&m.angle);
    buf_free(&flat);
}
