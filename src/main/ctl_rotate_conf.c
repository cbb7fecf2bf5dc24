/* embargod.conf with another key of a list, as a text: what people wrote in it stays. */
#include "main/ctl_rotate.h"

#include "base/mem.h"

#include <ctype.h>
#include <string.h>

/* The place of one `key = "…"`. */
struct place {
    const char *word; /* of the k */
    const char *value, *end;
};

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '*';
}

/* The end of a comment that begins at p; p itself where none does. */
static const char *skip_comment(const char *p)
{
    const char *end;

    if (*p == '#' || (p[0] == '/' && p[1] == '/'))
        return p + strcspn(p, "\n");
    if (p[0] != '/' || p[1] != '*')
        return p;
    end = strstr(p + 2, "*/");
    return end ? end + 2 : p + strlen(p);
}

/* Behind the string that begins at p. */
static const char *skip_string(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : p;
}

/* Is it the fingerprint, whatever its case and its blanks? */
static bool is_fingerprint(const char *value, const char *end, const char *fingerprint)
{
    for (const char *p = value + 1; p + 1 < end; p++)
        if (!isspace((unsigned char)*p) && toupper((unsigned char)*p) != *fingerprint++)
            return false;
    return !*fingerprint;
}

/* The next one behind *at, which moves on. */
static bool next_place(const char **at, const char *fingerprint, struct place *out)
{
    const char *p = *at, *name = NULL;
    size_t len = 0;
    bool assigned = false;

    while (*p) {
        const char *behind = skip_comment(p);

        if (behind != p) {
            p = behind;
        } else if (*p == '"') {
            behind = skip_string(p);
            if (assigned && len == 3 && memcmp(name, "key", 3) == 0 && is_fingerprint(p, behind, fingerprint)) {
                *out = (struct place){name, p, behind};
                *at = behind;
                return true;
            }
            p = behind;
            assigned = false;
        } else if (is_name(*p)) {
            for (name = p, len = 0; is_name(*p); p++)
                len++;
            assigned = false;
        } else {
            if (!isspace((unsigned char)*p))
                assigned = name && (*p == '=' || *p == ':');
            p++;
        }
    }
    return false;
}

static void write_changed(const char *text, const struct place *at, const char *old, const char *fingerprint,
                          struct buf *out)
{
    const char *line = at->word;
    size_t indent;

    while (line > text && line[-1] != '\n')
        line--;
    indent = strspn(line, " \t");
    buf_clear(out);
    buf_add(out, text, (size_t)(at->word - text));
    if (line + indent == at->word)
        buf_printf(out, "previous_key = \"%s\";\n%.*s", old, (int)indent, line);
    else
        buf_printf(out, "\n    previous_key = \"%s\";\n    ", old);
    buf_add(out, at->word, (size_t)(at->value - at->word));
    buf_printf(out, "\"%s\"%s", fingerprint, at->end);
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : !a && !b;
}

/* Does the text say that the list's key is another, and nothing else? */
static bool says(const struct buf *text, const char *file, const struct settings *before,
                 const struct settings_list *list, const char *fingerprint)
{
    struct conf_faults faults = {0};
    struct settings *s = NULL;
    bool fits = !settings_parse(buf_text(text), text->len, file, &faults, &s) && s->n_lists == before->n_lists;

    for (size_t i = 0; fits && i < s->n_lists; i++) {
        const struct settings_list *now = &s->lists[i], *was = &before->lists[i];
        bool mine = same(was->name, list->name);

        fits = same(now->name, was->name) && same(now->fingerprint, mine ? fingerprint : was->fingerprint) &&
               same(now->previous_key, mine ? was->fingerprint : was->previous_key);
    }
    conf_faults_free(&faults);
    settings_free(&s);
    return fits;
}

enum err rotate_conf(const struct buf *text, const char *file, const struct settings_list *list,
                     const char *fingerprint, struct buf *out, struct diag *why)
{
    const char *at = buf_text(text);
    struct conf_faults faults = {0};
    struct settings *before = NULL;
    struct place place;
    bool found = false;

    if (!settings_parse(at, text->len, file, &faults, &before))
        while (!found && next_place(&at, list->fingerprint, &place)) {
            write_changed(buf_text(text), &place, list->fingerprint, fingerprint, out);
            found = says(out, file, before, list, fingerprint);
        }
    conf_faults_free(&faults);
    settings_free(&before);
    return found ? ERR_OK
                 : diag_set(why, ERR_REJECT, "rotate.conf",
                            "embargod.conf must have the key of the list %s as key = \"%s\"", list->name,
                            list->fingerprint);
}
