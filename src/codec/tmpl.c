#include "codec/tmpl.h"

#include "base/mem.h"
#include "codec/markup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TMPL_NAME_MAX 63

/* Where a value stands. */
enum tmpl_context { CONTEXT_MAIL, CONTEXT_TEXT, CONTEXT_ATTRIBUTE, CONTEXT_LINK, CONTEXT_BAD };

enum tmpl_kind { TMPL_TEXT, TMPL_VALUE, TMPL_IF, TMPL_UNLESS, TMPL_END };

struct tmpl_step {
    enum tmpl_kind kind;
    char *text; /* the text, or the name */
    size_t len;
    size_t end; /* of an if or unless: the step of its end */
    enum tmpl_context context;
};

struct tmpl {
    struct tmpl_step *steps;
    size_t n;
};

struct loader {
    struct span text;
    size_t at;
    int line;
    bool html;
    const char *file;
    const char *const *names;
    size_t n_names;
    struct tmpl *t;
    size_t open[TMPL_DEPTH_MAX];
    int depth;
    struct diag *why;
};

static enum err fault(const struct loader *l, const char *rule, const char *text, const char *name)
{
    enum err err = diag_set(l->why, ERR_REJECT, rule, "%s%s%s", text, *name ? ": " : "", name);

    if (l->why) {
        snprintf(l->why->file, sizeof l->why->file, "%s", l->file);
        l->why->line = l->line;
    }
    return err;
}

static void add_step(struct loader *l, enum tmpl_kind kind, const void *text, size_t len)
{
    if (kind == TMPL_TEXT && !len)
        return;
    l->t->steps = mem_resize(l->t->steps, l->t->n + 1, sizeof *l->t->steps);
    l->t->steps[l->t->n++] = (struct tmpl_step){kind, mem_strndup(text, len), len, 0, CONTEXT_MAIL};
}

static const uint8_t *find2(struct span s, size_t from, const char *two)
{
    return from < s.len ? memmem(s.data + from, s.len - from, two, 2) : NULL;
}

/* ---- tags ---- */

static bool name_is_known(const struct loader *l, const char *name)
{
    for (size_t i = 0; i < l->n_names; i++)
        if (!strcmp(l->names[i], name))
            return true;
    return false;
}

/* The tag's word ("", "#if", …) and name, blanks apart. */
static bool tag_split(struct span tag, char *word, char *name)
{
    size_t at = 0, n = 0;

    word[0] = name[0] = 0;
    while (at < tag.len && tag.data[at] == ' ')
        at++;
    if (at < tag.len && (tag.data[at] == '#' || tag.data[at] == '/')) {
        while (at < tag.len && tag.data[at] != ' ' && n < 8)
            word[n++] = (char)tag.data[at++];
        word[n] = 0;
    }
    while (at < tag.len && tag.data[at] == ' ')
        at++;
    for (n = 0; at < tag.len && tag.data[at] != ' ' && n < TMPL_NAME_MAX; n++)
        name[n] = (char)tag.data[at++];
    name[n] = 0;
    while (at < tag.len && tag.data[at] == ' ')
        at++;
    return at == tag.len;
}

static enum err open_block(struct loader *l, enum tmpl_kind kind, const char *name)
{
    if (l->depth == TMPL_DEPTH_MAX)
        return fault(l, "template.too-deep", "blocks stand too deep in each other", name);
    add_step(l, kind, name, strlen(name));
    l->open[l->depth++] = l->t->n - 1;
    return ERR_OK;
}

static enum err close_block(struct loader *l, enum tmpl_kind kind, const char *word)
{
    if (!l->depth || l->t->steps[l->open[l->depth - 1]].kind != kind)
        return fault(l, "template.unbalanced", "a closing tag without its opening one", word);
    add_step(l, TMPL_END, "", 0);
    l->t->steps[l->open[--l->depth]].end = l->t->n - 1;
    return ERR_OK;
}

/* The attribute whose quoted value begins at `quote`: does it link? */
static bool is_link_attribute(struct span s, size_t quote)
{
    static const char *const links[] = {"href=", "src="};

    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(links[i]);

        if (quote > n && !memcmp(s.data + quote - n, links[i], n) && strchr(" \n\t", s.data[quote - n - 1]))
            return true;
    }
    return false;
}

static bool opens(struct span s, size_t at, const char *tag)
{
    return s.len - at > strlen(tag) && !strncasecmp((const char *)s.data + at, tag, strlen(tag));
}

/* What the page's text up to `upto` leaves open. */
static enum tmpl_context html_context(struct span s, size_t upto)
{
    bool in_tag = false, raw = false;
    size_t quote = 0;

    for (size_t i = 0; i < upto; i++) {
        uint8_t c = s.data[i];

        if (!in_tag && c == '<') {
            in_tag = true;
            raw = opens(s, i, "<script") || opens(s, i, "<style") || (raw && !opens(s, i, "</"));
        } else if (in_tag && c == '"') {
            quote = quote ? 0 : i;
        } else if (in_tag && !quote && c == '>') {
            in_tag = false;
        }
    }
    if (raw || (in_tag && !quote))
        return CONTEXT_BAD;
    if (!in_tag)
        return CONTEXT_TEXT;
    if (!is_link_attribute(s, quote))
        return CONTEXT_ATTRIBUTE;
    return quote + 1 == upto ? CONTEXT_LINK : CONTEXT_BAD;
}

/* A link is one value, whole: what is put together is put together by the program, and then checked. */
static enum err set_context(struct loader *l, size_t at, size_t end, const char *name)
{
    struct tmpl_step *step = &l->t->steps[l->t->n - 1];

    if (!l->html)
        return ERR_OK;
    step->context = html_context(l->text, at);
    if (step->context == CONTEXT_BAD || (*name == '&' && step->context != CONTEXT_TEXT) ||
        (step->context == CONTEXT_LINK && (end >= l->text.len || l->text.data[end] != '"')))
        return fault(l, "template.context", "a value cannot stand here in a page", name);
    return ERR_OK;
}

static enum err read_tag(struct loader *l, struct span tag)
{
    char word[16], name[TMPL_NAME_MAX + 1];
    enum tmpl_kind kind;

    if (!tag_split(tag, word, name))
        return fault(l, "template.bad-tag", "a tag is {{name}}, {{#if name}}, {{#unless name}} or its end", "");
    if (!strcmp(word, "/if") || !strcmp(word, "/unless")) {
        if (*name)
            return fault(l, "template.bad-tag", "a closing tag takes no name", word);
        return close_block(l, word[1] == 'i' ? TMPL_IF : TMPL_UNLESS, word);
    }
    if (*word && strcmp(word, "#if") && strcmp(word, "#unless"))
        return fault(l, "template.bad-tag", "no such tag", word);
    if (!name_is_known(l, name))
        return fault(l, "template.unknown-name", "this text has no such value", name);
    kind = !*word ? TMPL_VALUE : word[1] == 'i' ? TMPL_IF : TMPL_UNLESS;
    if (kind != TMPL_VALUE)
        return open_block(l, kind, name);
    add_step(l, TMPL_VALUE, name, strlen(name));
    return set_context(l, (size_t)(tag.data - l->text.data) - 2, (size_t)(tag.data - l->text.data) + tag.len + 2, name);
}

/* A block's tag that is alone on its line (from `open` to `*end`) takes the whole line with it. */
static bool stands_alone(struct span s, size_t open, size_t *end)
{
    size_t after = *end, before = open;
    bool block = open + 2 < s.len && (s.data[open + 2] == '#' || s.data[open + 2] == '/');

    while (before > 0 && (s.data[before - 1] == ' ' || s.data[before - 1] == '\t'))
        before--;
    while (after < s.len && (s.data[after] == ' ' || s.data[after] == '\t' || s.data[after] == '\r'))
        after++;
    if (!block || (before > 0 && s.data[before - 1] != '\n') || (after < s.len && s.data[after] != '\n'))
        return false;
    *end = after < s.len ? after + 1 : after;
    return true;
}

static int count_lines(const uint8_t *from, const uint8_t *to)
{
    int n = 0;

    for (; from < to; from++)
        n += *from == '\n';
    return n;
}

static enum err read_all(struct loader *l)
{
    while (l->at < l->text.len) {
        const uint8_t *from = l->text.data + l->at, *open = find2(l->text, l->at, "{{"), *close, *text_end;
        size_t end;
        enum err err;

        if (!open) {
            add_step(l, TMPL_TEXT, from, l->text.len - l->at);
            break;
        }
        l->line += count_lines(from, open);
        close = find2(l->text, (size_t)(open - l->text.data) + 2, "}}");
        if (!close || memchr(open, '\n', (size_t)(close - open)))
            return fault(l, "template.bad-tag", "a tag that does not end on its line", "");
        end = (size_t)(close - l->text.data) + 2;
        text_end = open;
        if (stands_alone(l->text, (size_t)(open - l->text.data), &end))
            while (text_end > from && text_end[-1] != '\n')
                text_end--;
        add_step(l, TMPL_TEXT, from, (size_t)(text_end - from));
        err = read_tag(l, (struct span){open + 2, (size_t)(close - open) - 2});
        if (err != ERR_OK)
            return err;
        l->line += count_lines(open, l->text.data + end);
        l->at = end;
    }
    return l->depth ? fault(l, "template.unbalanced", "a block is not closed", l->t->steps[l->open[l->depth - 1]].text)
                    : ERR_OK;
}

static enum err load(struct loader *l, struct tmpl **out)
{
    enum err err;

    *out = l->t = mem_zero(1, sizeof *l->t);
    err = read_all(l);
    if (err != ERR_OK)
        tmpl_free(out);
    return err;
}

enum err tmpl_load(struct span text, const char *file, const char *const *names, size_t n, struct tmpl **out,
                   struct diag *why)
{
    struct loader l = {.text = text, .line = 1, .file = file, .names = names, .n_names = n, .why = why};

    return load(&l, out);
}

enum err tmpl_load_html(struct span text, const char *file, const char *const *names, size_t n, struct tmpl **out,
                        struct diag *why)
{
    struct loader l = {.text = text, .line = 1, .html = true, .file = file, .names = names, .n_names = n, .why = why};

    return load(&l, out);
}

void tmpl_free(struct tmpl **t)
{
    if (!*t)
        return;
    for (size_t i = 0; i < (*t)->n; i++)
        free((*t)->steps[i].text);
    free((*t)->steps);
    free(*t);
    *t = NULL;
}

/* ---- filling ---- */

static const struct tmpl_value *find_value(const struct tmpl_value *values, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(values[i].name, name))
            return &values[i];
    return NULL;
}

static void put_value(const struct tmpl_step *step, const struct tmpl_value *v, struct buf *out)
{
    if (step->context == CONTEXT_MAIL || *step->text == '&')
        buf_add_str(out, v->value);
    else
        markup_add(out, step->context == CONTEXT_LINK ? "%a" : "%t", v->value);
}

enum err tmpl_fill(const struct tmpl *t, const struct tmpl_value *values, size_t n, struct buf *out, struct diag *why)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct tmpl_step *step = &t->steps[i];
        const struct tmpl_value *v = NULL;
        bool empty;

        if (step->kind == TMPL_TEXT)
            buf_add(out, step->text, step->len);
        if (step->kind == TMPL_TEXT || step->kind == TMPL_END)
            continue;
        v = find_value(values, n, step->text);
        if (!v)
            return diag_set(why, ERR_INTERNAL, "template.value", "the text's value %s was not handed in", step->text);
        empty = !v->value || !*v->value;
        if (step->kind == TMPL_VALUE && !empty)
            put_value(step, v, out);
        else if ((step->kind == TMPL_IF && empty) || (step->kind == TMPL_UNLESS && !empty))
            i = step->end;
    }
    return ERR_OK;
}
