#include "flow/mail_lines.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PREFIX "embargo-"

/* One line without its end; *text moves behind it. False at the end of the text. */
static bool next_line(const char **text, struct span *line)
{
    const char *start = *text, *end = strchr(start, '\n');
    size_t len = end ? (size_t)(end - start) : strlen(start);

    if (!*start)
        return false;
    *text = end ? end + 1 : start + len;
    while (len && (start[len - 1] == '\r' || start[len - 1] == ' ' || start[len - 1] == '\t'))
        len--;
    *line = (struct span){(const uint8_t *)start, len};
    return true;
}

static struct span trim(struct span s)
{
    while (s.len && (*s.data == ' ' || *s.data == '\t'))
        s.data++, s.len--;
    return s;
}

static bool begins(struct span s, const char *word)
{
    size_t n = strlen(word);

    return s.len >= n && strncasecmp((const char *)s.data, word, n) == 0;
}

/* What is left without the marks of quoting. */
static struct span unquote(struct span line, bool *quoted)
{
    *quoted = false;
    for (;;) {
        line = trim(line);
        if (!line.len || !strchr(">|}", *line.data))
            return line;
        *quoted = true;
        line.data++, line.len--;
    }
}

bool mail_orders_begin(const char *text)
{
    struct span line;
    bool quoted;

    while (next_line(&text, &line)) {
        line = unquote(line, &quoted);
        if (line.len)
            return begins(line, "embargo-list:") || begins(line, "embargo-nonce:") || begins(line, "embargo-command:");
    }
    return false;
}

bool mail_orders_anywhere(const char *text)
{
    struct span line;
    bool quoted;

    while (next_line(&text, &line))
        if (begins(unquote(line, &quoted), "embargo-command:"))
            return true;
    return false;
}

void mail_orders_free(struct mail_orders *o)
{
    for (size_t i = 0; i < o->n; i++) {
        for (int k = 0; k < o->items[i].argc; k++)
            mem_free_secret(&o->items[i].argv[k]);
        free(o->items[i].argv);
        mem_free_secret(&o->items[i].line);
    }
    free(o->items);
    free(o->list);
    mem_free_secret(&o->nonce);
    mem_free_secret(&o->rest);
    memset(o, 0, sizeof *o);
}

/* ---- words ---- */

static bool is_blank(const char *p, size_t *len)
{
    *len = (unsigned char)p[0] == 0xc2 && (unsigned char)p[1] == 0xa0 ? 2 : 1; /* U+00A0, as editors put it */
    return *len == 2 || *p == ' ' || *p == '\t';
}

/* One word from *p on; false where a quote does not end. */
static bool read_word(const char **p, struct buf *word)
{
    char quote = 0;
    size_t blank;

    for (; **p && (quote || !is_blank(*p, &blank)); ++*p) {
        bool escapes = **p == '\\' && (!quote || (quote == '"' && ((*p)[1] == '"' || (*p)[1] == '\\')));

        if (escapes) {
            if (!*++*p)
                return false;
            buf_add(word, *p, 1);
        } else if (quote ? **p == quote : **p == '"' || **p == '\'') {
            quote = quote ? 0 : **p;
        } else {
            buf_add(word, *p, 1);
        }
    }
    return !quote;
}

static enum err split(struct mail_order *order, struct diag *why)
{
    const char *p = order->line;
    size_t blank;

    for (;;) {
        struct buf word = BUF_EMPTY;
        bool whole;

        while (*p && is_blank(p, &blank))
            p += blank;
        if (!*p)
            return ERR_OK;
        if (order->argc >= MAIL_ORDER_WORDS)
            return diag_set(why, ERR_USAGE, "command.limit", "a command has at most %d words", MAIL_ORDER_WORDS);
        whole = read_word(&p, &word);
        order->argv = mem_resize(order->argv, (size_t)order->argc + 1, sizeof *order->argv);
        order->argv[order->argc++] = mem_strndup(buf_text(&word), word.len);
        buf_free(&word);
        if (!whole)
            return diag_set(why, ERR_USAGE, "command.quoting", "a quote in a command does not end");
    }
}

/* ---- lines ---- */

static enum err take_once(char **place, struct span value, const char *name, struct diag *why)
{
    if (*place)
        return diag_set(why, ERR_USAGE, "command.lines", "%s stands there twice", name);
    *place = mem_strndup((const char *)value.data, value.len);
    return ERR_OK;
}

static enum err too_long(struct diag *why)
{
    return diag_set(why, ERR_USAGE, "command.limit", "a command has at most %d bytes", MAIL_ORDER_LINE_MAX);
}

static enum err add_order(struct mail_orders *o, struct span value, struct diag *why)
{
    if (o->n >= MAIL_ORDERS_MAX)
        return diag_set(why, ERR_USAGE, "command.limit", "a mail has at most %d commands", MAIL_ORDERS_MAX);
    if (value.len > MAIL_ORDER_LINE_MAX)
        return too_long(why);
    o->items = mem_resize(o->items, o->n + 1, sizeof *o->items);
    o->items[o->n++] = (struct mail_order){.line = mem_strndup((const char *)value.data, value.len)};
    return ERR_OK;
}

/* A folded line: the command goes on. */
static enum err add_fold(struct mail_orders *o, struct span more, struct diag *why)
{
    struct mail_order *last = &o->items[o->n - 1];
    char *joined;

    if (strlen(last->line) + more.len + 1 > MAIL_ORDER_LINE_MAX)
        return too_long(why);
    joined = mem_printf("%s %.*s", last->line, (int)more.len, (const char *)more.data);
    mem_free_secret(&last->line);
    last->line = joined;
    return ERR_OK;
}

static enum err take_field(struct mail_orders *o, struct span line, struct diag *why)
{
    const uint8_t *colon = memchr(line.data, ':', line.len);
    struct span value = colon ? trim((struct span){colon + 1, line.len - (size_t)(colon + 1 - line.data)}) : line;

    if (colon && begins(line, "embargo-list:"))
        return take_once(&o->list, value, "Embargo-List", why);
    if (colon && begins(line, "embargo-nonce:"))
        return take_once(&o->nonce, value, "Embargo-Nonce", why);
    if (colon && begins(line, "embargo-command:"))
        return add_order(o, value, why);
    return diag_set(why, ERR_USAGE, "command.lines", "only Embargo-List, Embargo-Nonce and Embargo-Command stand here");
}

/* Below the lines everything is text, but for what would have been meant as a command. */
static enum err take_rest(struct mail_orders *o, const char *rest, struct diag *why)
{
    const char *at = rest;
    struct span line;

    o->rest = mem_strdup(rest);
    while (next_line(&at, &line))
        if (begins(line, "embargo-command:") || begins(line, "embargo-nonce:"))
            return diag_set(why, ERR_USAGE, "command.lines",
                            "commands stand together at the top of a mail, before any other text");
    return ERR_OK;
}

/* "-- ", whose blank is cut off: a signature follows. */
static bool is_separator(struct span line)
{
    return line.len == 2 && memcmp(line.data, "--", 2) == 0;
}

static enum err read_lines(const char *text, struct mail_orders *o, struct diag *why)
{
    const char *at = text, *start = text;
    struct span line;
    bool quoted, open = false; /* the line before was a command */
    enum err err = ERR_OK;

    for (; !err && next_line(&at, &line); start = at) {
        if (!line.len) {
            open = false;
        } else if (open && (*line.data == ' ' || *line.data == '\t')) {
            err = add_fold(o, trim(line), why);
        } else if (begins(line, PREFIX)) {
            err = take_field(o, line, why);
            open = begins(line, "embargo-command:");
        } else {
            struct span bare = unquote(line, &quoted);

            if (begins(bare, PREFIX) && !o->n)
                return diag_set(why, ERR_USAGE, "command.quoted",
                                "these commands are quoted or indented: nobody gave them");
            if (open && !quoted && !is_separator(line) && !begins(line, "[attachment "))
                return diag_set(why, ERR_USAGE, "command.lines",
                                "leave a line empty behind the commands; one that was broken in two goes on with a "
                                "blank");
            break;
        }
    }
    return err ? err : take_rest(o, start, why);
}

enum err mail_orders_parse(const char *text, struct mail_orders *out, struct diag *why)
{
    enum err err;

    *out = (struct mail_orders){0};
    err = read_lines(text, out, why);
    if (!err && !out->n && mail_orders_anywhere(out->rest))
        err = diag_set(why, ERR_USAGE, "command.quoted", "these commands are quoted or indented: nobody gave them");
    else if (!err && !out->n)
        err = diag_set(why, ERR_USAGE, "command.lines", "there is no line `Embargo-Command: ...` at the top");
    for (size_t i = 0; !err && i < out->n; i++)
        err = split(&out->items[i], why);
    if (err)
        mail_orders_free(out);
    return err;
}
