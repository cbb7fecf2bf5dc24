#include "codec/form.h"

#include "base/buf.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NONE SIZE_MAX

static int fold(char c)
{
    return c == '-' || c == '_' || c == '\t' ? ' ' : tolower((unsigned char)c);
}

static bool name_is(struct span written, const char *name)
{
    size_t len = strlen(name);

    if (written.len != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (fold((char)written.data[i]) != fold(name[i]))
            return false;
    return true;
}

bool form_name_equal(const char *a, const char *b)
{
    return name_is(span_of(a), b);
}

static struct span trim(struct span s)
{
    while (s.len && strchr(" \t\r", s.data[0]) && s.data[0])
        s.data++, s.len--;
    while (s.len && strchr(" \t\r", s.data[s.len - 1]) && s.data[s.len - 1])
        s.len--;
    return s;
}

/* What mail programs and people put before a line. */
static struct span without_quotes(struct span s)
{
    struct span t = trim(s);

    while (t.len && t.data[0] == '>') {
        s = (struct span){t.data + 1, t.len - 1};
        t = trim(s);
    }
    return s; /* with its indentation */
}

static struct span without_marks(struct span s)
{
    size_t digits = 0;

    s = trim(s);
    while (digits < s.len && isdigit(s.data[digits]))
        digits++;
    if (digits && digits + 1 < s.len && (s.data[digits] == '.' || s.data[digits] == ')'))
        s = trim((struct span){s.data + digits + 1, s.len - digits - 1});
    while (s.len && strchr("*-#", s.data[0]) && s.data[0])
        s = trim((struct span){s.data + 1, s.len - 1});
    return s;
}

static struct span without_stars(struct span s)
{
    s = trim(s);
    while (s.len && s.data[0] == '*')
        s = trim((struct span){s.data + 1, s.len - 1});
    while (s.len && s.data[s.len - 1] == '*')
        s = trim((struct span){s.data, s.len - 1});
    return s;
}

/* The number of the field that a line begins with, and what stands behind its colon; NONE. */
static size_t field_of(const struct form *form, struct span line, struct span *value)
{
    struct span s = without_marks(line), name;
    const uint8_t *colon = s.len ? memchr(s.data, ':', s.len) : NULL;

    if (!colon)
        return NONE;
    name = without_stars((struct span){s.data, (size_t)(colon - s.data)});
    *value = without_stars((struct span){colon + 1, s.len - (size_t)(colon - s.data) - 1});
    for (size_t i = 0; i < form->n; i++)
        if (name_is(name, form->names[i]))
            return i;
    return NONE;
}

static bool next_line(struct span *text, struct span *line)
{
    const uint8_t *end;

    if (!text->len)
        return false;
    end = memchr(text->data, '\n', text->len);
    *line = (struct span){text->data, end ? (size_t)(end - text->data) : text->len};
    text->len -= line->len + (end ? 1 : 0);
    text->data += line->len + (end ? 1 : 0);
    if (line->len && line->data[line->len - 1] == '\r')
        line->len--;
    return true;
}

struct reading {
    struct form *form;
    size_t at;        /* the field that is being read; NONE */
    struct buf value; /* of it */
    bool gap;         /* an empty line came after a value */
    bool *seen;
};

static void keep(struct reading *r)
{
    if (r->at != NONE && r->value.len && !*r->form->values[r->at]) {
        free(r->form->values[r->at]);
        r->form->values[r->at] = mem_strdup(buf_text(&r->value));
        r->form->n_filled++;
    }
    buf_free(&r->value);
    buf_init(&r->value, FORM_VALUE_MAX);
    r->gap = false;
    r->at = NONE;
}

static void go_on(struct reading *r, struct span words)
{
    if (!words.len || r->at == NONE)
        return;
    if (r->value.len)
        buf_add_byte(&r->value, r->gap ? '\n' : ' ');
    if (r->value.len + words.len < FORM_VALUE_MAX)
        buf_add(&r->value, words.data, words.len);
    r->gap = false;
}

static void read_line(struct reading *r, struct span line)
{
    struct span plain = without_quotes(line), words = trim(plain), value = {NULL, 0};
    size_t at = field_of(r->form, plain, &value);
    /* One blank stands after a `>`; two are an indentation. */
    bool indented = plain.len > 1 && (plain.data[0] == '\t' || (plain.data[0] == ' ' && plain.data[1] == ' '));

    if (at != NONE) {
        keep(r);
        r->at = at;
        if (!r->seen[at])
            r->form->n_seen++;
        r->seen[at] = true;
        go_on(r, value);
    } else if (!words.len) {
        r->gap = r->value.len > 0;
    } else if (r->at != NONE && (!r->gap || indented)) {
        go_on(r, words);
    } else {
        keep(r);
    }
}

void form_parse(const char *text, const char *const *names, size_t n, struct form *out)
{
    struct span rest = {(const uint8_t *)text, strnlen(text, FORM_TEXT_MAX)}, line;
    struct reading r = {.form = out, .at = NONE};

    *out = (struct form){.n = n < FORM_FIELDS_MAX ? n : FORM_FIELDS_MAX};
    out->names = mem_zero(out->n, sizeof *out->names);
    out->values = mem_zero(out->n, sizeof *out->values);
    for (size_t i = 0; i < out->n; i++) {
        out->names[i] = mem_strdup(names[i]);
        out->values[i] = mem_strdup("");
    }
    buf_init(&r.value, FORM_VALUE_MAX);
    r.seen = mem_zero(out->n, sizeof *r.seen);
    while (next_line(&rest, &line)) {
        struct span bare = without_quotes(line);

        if (bare.len >= 2 && bare.data[0] == '-' && bare.data[1] == '-' && trim(bare).len == 2)
            keep(&r); /* a signature: what comes below is nobody's value, but a quoted form may */
        else
            read_line(&r, line);
    }
    keep(&r);
    buf_free(&r.value);
    free(r.seen);
}

void form_free(struct form *form)
{
    for (size_t i = 0; i < form->n; i++) {
        free(form->names[i]);
        mem_free_secret(&form->values[i]);
    }
    free(form->names);
    free(form->values);
    memset(form, 0, sizeof *form);
}

static size_t find(const struct form *form, const char *name)
{
    for (size_t i = 0; i < form->n; i++)
        if (form_name_equal(form->names[i], name))
            return i;
    return NONE;
}

const char *form_value(const struct form *form, const char *name)
{
    size_t i = find(form, name);

    return i == NONE ? "" : form->values[i];
}

bool form_asks(const struct form *form, const char *name)
{
    return find(form, name) != NONE;
}

void form_set(struct form *form, const char *name, const char *value)
{
    size_t i = find(form, name);

    if (i == NONE)
        return;
    form->n_filled -= *form->values[i] ? 1 : 0;
    form->n_filled += *value ? 1 : 0;
    mem_free_secret(&form->values[i]);
    form->values[i] = mem_strdup(value);
}

bool form_is_blank(const char *value)
{
    static const char *const words[] = {"-",    "--", "none", "n/a",     "na",     "tbd",
                                        "todo", "?",  "...",  "nothing", "unknown"};
    struct span s = trim(span_of(value));

    if (s.len && s.data[s.len - 1] == '.' && s.len > 3)
        s.len--;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (s.len == strlen(words[i]) && strncasecmp((const char *)s.data, words[i], s.len) == 0)
            return true;
    return s.len == 0;
}

char *form_flatten(const char *text)
{
    struct span rest = {(const uint8_t *)text, strnlen(text, FORM_TEXT_MAX)}, line;
    struct buf out = BUF_EMPTY;

    while (next_line(&rest, &line)) {
        struct span s = trim(without_quotes(line));
        bool space = out.len > 0;

        for (size_t i = 0; i < s.len; i++) {
            if (isspace(s.data[i])) {
                space = true;
                continue;
            }
            if (space && out.len)
                buf_add_byte(&out, ' ');
            space = false;
            buf_add_byte(&out, s.data[i]);
        }
    }
    return buf_take(&out);
}

char *form_line(const char *text, const char *name)
{
    struct span rest = {(const uint8_t *)text, strnlen(text, FORM_TEXT_MAX)}, line;
    struct form one = {.n = 1, .names = (char *[]){(char *)name}};

    while (next_line(&rest, &line)) {
        struct span value;

        if (field_of(&one, without_quotes(line), &value) == 0)
            return mem_strndup(value.data, value.len);
    }
    return NULL;
}
