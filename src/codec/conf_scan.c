#include "codec/conf.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

struct name {
    const char *text;
    size_t len;
};

struct scan {
    const char *p;
    const char *end;
    int line;
    const char *file;
    struct conf_faults *faults;
    struct buf *copy;
    size_t scopes[CONF_DEPTH_MAX + 1]; /* index of each open group's first name */
    size_t depth;
    struct name *names; /* of the open scopes, innermost last */
    size_t n_names;
    size_t cap_names;
    int duplicates;
};

static void fault(struct scan *s, const char *rule, const char *words)
{
    conf_fault_add(s->faults, s->file, s->line, rule, "%s", words);
}

/* Takes n characters over into the copy. */
static void take(struct scan *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s->line += s->p[i] == '\n';
    buf_add(s->copy, s->p, n);
    s->p += n;
}

static size_t left(const struct scan *s)
{
    return (size_t)(s->end - s->p);
}

static bool at(const struct scan *s, const char *word)
{
    size_t len = strlen(word);
    return left(s) >= len && memcmp(s->p, word, len) == 0;
}

static void scan_line_comment(struct scan *s)
{
    const char *eol = memchr(s->p, '\n', left(s));
    take(s, eol != NULL ? (size_t)(eol - s->p) : left(s));
}

static bool scan_block_comment(struct scan *s)
{
    const char *close = memmem(s->p + 2, left(s) - 2, "*/", 2);
    if (close == NULL) {
        fault(s, "conf.comment", "this comment never ends; close it with */");
        return false;
    }
    take(s, (size_t)(close + 2 - s->p));
    return true;
}

static bool scan_string(struct scan *s)
{
    const char *p = s->p + 1;
    while (p < s->end && *p != '"') {
        if (*p == '\\' && s->end - p > 3 && p[1] == 'x' && p[2] == '0' && p[3] == '0')
            fault(s, "conf.escape", "\\x00 cannot stand in a string; take it out");
        p += *p == '\\' && s->end - p > 1 ? 2 : 1;
    }
    if (p >= s->end) {
        fault(s, "conf.string", "this string never ends; close it with a quote");
        return false;
    }
    take(s, (size_t)(p + 1 - s->p));
    return true;
}

/* libconfig reads integers into 32 bits and lets them wrap: look at the literal itself. */
static void scan_number(struct scan *s)
{
    const char *p = s->p + (*s->p == '-' || *s->p == '+');
    bool hex = s->end - p > 1 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
    int64_t value = 0;
    p += hex ? 2 : 0;
    while (p < s->end && (hex ? isxdigit((unsigned char)*p) : isdigit((unsigned char)*p))) {
        int digit = isdigit((unsigned char)*p) ? *p - '0' : (tolower((unsigned char)*p) - 'a') + 10;
        if (value <= INT32_MAX)
            value = value * (hex ? 16 : 10) + digit;
        p++;
    }
    if (!hex && p < s->end && (*p == '.' || *p == 'e' || *p == 'E')) {
        while (p < s->end && (isalnum((unsigned char)*p) || strchr(".+-", *p) != NULL))
            p++;
    } else if (value > INT32_MAX) {
        fault(s, "conf.number", "this number does not fit 31 bits; the largest is 2147483647");
    }
    take(s, (size_t)(p - s->p));
}

static bool name_char(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '*';
}

static bool name_seen(const struct scan *s, const char *text, size_t len)
{
    for (size_t i = s->scopes[s->depth]; i < s->n_names; i++) {
        if (s->names[i].len == len && memcmp(s->names[i].text, text, len) == 0)
            return true;
    }
    return false;
}

static bool name_keep(struct scan *s, const char *text, size_t len)
{
    if (s->n_names - s->scopes[s->depth] >= CONF_KEYS_MAX) {
        fault(s, "conf.too-many-keys", "more than 256 keys in one group");
        return false;
    }
    if (s->n_names == s->cap_names) {
        s->cap_names = s->cap_names * 2 + 64;
        s->names = mem_resize(s->names, s->cap_names, sizeof(*s->names));
    }
    s->names[s->n_names++] = (struct name){text, len};
    return true;
}

/* A word is a key where = or : follows; else it is true or false. */
static bool scan_word(struct scan *s)
{
    const char *text = s->p;
    size_t len = 1;
    while (len < left(s) && name_char(text[len]))
        len++;
    const char *after = text + len;
    while (after < s->end && isspace((unsigned char)*after))
        after++;
    bool key = after < s->end && (*after == '=' || *after == ':');
    take(s, len);
    if (!key)
        return true;
    if (!name_seen(s, text, len))
        return name_keep(s, text, len);
    conf_fault_add(s->faults, s->file, s->line, "conf.duplicate", "the key `%.*s` stands twice in this group; keep one",
                   (int)(len > 64 ? 64 : len), text);
    buf_printf(s->copy, "%s-%d", CONF_DUPLICATE_MARK, ++s->duplicates);
    return true;
}

static bool scan_open(struct scan *s)
{
    if (s->depth == CONF_DEPTH_MAX) {
        fault(s, "conf.depth", "nested deeper than 16 levels");
        return false;
    }
    s->scopes[++s->depth] = s->n_names;
    take(s, 1);
    return true;
}

static void scan_close(struct scan *s)
{
    if (s->depth > 0)
        s->n_names = s->scopes[s->depth--];
    take(s, 1);
}

static bool scan_step(struct scan *s)
{
    char c = *s->p;
    char next = left(s) > 1 ? s->p[1] : '\0';
    if (c == '@') {
        fault(s, "conf.include", "@include is not allowed; put the text into this file");
        return false;
    }
    if (at(s, "/*"))
        return scan_block_comment(s);
    if (c == '"')
        return scan_string(s);
    if (c == '#' || at(s, "//"))
        scan_line_comment(s);
    else if (isalpha((unsigned char)c) || c == '*')
        return scan_word(s);
    else if (isdigit((unsigned char)c) || ((c == '-' || c == '+') && isdigit((unsigned char)next)))
        scan_number(s);
    else if (c == '{' || c == '(' || c == '[')
        return scan_open(s);
    else if (c == '}' || c == ')' || c == ']')
        scan_close(s);
    else
        take(s, 1);
    return true;
}

bool conf_scan(const char *text, size_t len, const char *file, struct conf_faults *faults, struct buf *copy)
{
    if (len > CONF_BYTES_MAX) {
        conf_fault_add(faults, file, 0, "conf.too-large", "the file has %zu bytes; at most %zu are read", len,
                       CONF_BYTES_MAX);
        return false;
    }
    if (memchr(text, '\0', len) != NULL) {
        conf_fault_add(faults, file, 0, "conf.nul", "the text holds a NUL byte; it is not a configuration");
        return false;
    }
    struct scan s = {.p = text, .end = text + len, .line = 1, .file = file, .faults = faults, .copy = copy};
    bool sound = true;
    while (sound && s.p < s.end)
        sound = scan_step(&s);
    buf_add_byte(copy, '\n'); /* libconfig 1.5 wants one after a comment in the last line */
    free(s.names);
    return sound;
}
