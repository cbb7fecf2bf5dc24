#include "flow/advisory_doc.h"

#include "base/mem.h"
#include "codec/charset.h"
#include "codec/conf.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const field_names[] = {"Title", "CVE",      "TLP",   "Allow",   "Deny",       "Severity", "CVSS",
                                          "CWE",   "Affected", "Fixed", "Credits", "References", NULL};
static const char *const tlp_words[] = {"RED", "AMBER", "AMBER+STRICT", "GREEN", "CLEAR", NULL};
static const char *const severity_words[] = {"low", "medium", "high", "critical", NULL};

static enum err fault(struct diag *why, int line, const char *rule, const char *words, const char *more)
{
    enum err err = diag_set(why, ERR_REJECT, rule, "%s%s", words, more ? more : "");

    why->line = line;
    return err;
}

static void free_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

void advisory_doc_free(struct advisory_doc *doc)
{
    mem_free_secret(&doc->title);
    free(doc->tlp);
    free(doc->severity);
    free(doc->cvss);
    free_list(doc->cves);
    free_list(doc->cwes);
    free_list(doc->affected);
    free_list(doc->fixed);
    free_list(doc->credits);
    free_list(doc->references);
    for (size_t i = 0; i < doc->n_sections; i++) {
        mem_free_secret(&doc->sections[i].name);
        mem_free_secret(&doc->sections[i].text);
    }
    free(doc->sections);
    memset(doc, 0, sizeof *doc);
}

static char *trimmed(const char *start, size_t len)
{
    while (len && isspace((unsigned char)*start)) {
        start++;
        len--;
    }
    while (len && isspace((unsigned char)start[len - 1]))
        len--;
    return mem_strndup(start, len);
}

/* "a, b ,c" → {"a", "b", "c", NULL} */
static char **split_list(const char *text)
{
    char **list = mem_zero(1, sizeof *list);
    size_t n = 0;

    while (*text) {
        size_t len = strcspn(text, ",");
        char *item = trimmed(text, len);

        if (*item) {
            list = mem_resize(list, n + 2, sizeof *list);
            list[n++] = item;
            list[n] = NULL;
        } else {
            free(item);
        }
        text += len + (text[len] == ',');
    }
    return list;
}

static bool is_word(const char *const *words, const char *word)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0)
            return true;
    return false;
}

bool advisory_is_cve(const char *id)
{
    size_t digits;

    if (strncmp(id, "CVE-", 4) != 0 || strspn(id + 4, "0123456789") != 4 || id[8] != '-')
        return false;
    digits = strspn(id + 9, "0123456789");
    return digits >= 4 && digits <= 19 && !id[9 + digits];
}

static enum err set_uses(const char *value, unsigned *bits, int line, struct diag *why)
{
    char **names = split_list(value);
    size_t n = 0;
    enum err err = ERR_OK;

    while (names[n])
        n++;
    if (!decide_uses_parse((const char *const *)names, n, bits, why)) {
        snprintf(why->rule, sizeof why->rule, "advisory.use");
        why->line = line;
        err = ERR_REJECT;
    }
    free_list(names);
    return err;
}

static enum err set_cves(struct advisory_doc *doc, const char *value, int line, struct diag *why)
{
    free_list(doc->cves);
    doc->cves = split_list(value);
    for (size_t i = 0; doc->cves[i]; i++)
        if (!advisory_is_cve(doc->cves[i]))
            return fault(why, line, "advisory.cve", "a CVE id looks like CVE-2026-12345", NULL);
    return ERR_OK;
}

static enum err set_word(char **to, const char *value, const char *const *words, bool upper, const char *rule, int line,
                         struct diag *why)
{
    free(*to);
    *to = mem_strdup(value);
    for (char *p = *to; *p; p++)
        *p = (char)(upper ? toupper((unsigned char)*p) : tolower((unsigned char)*p));
    if (is_word(words, *to))
        return ERR_OK;
    return fault(why, line, rule, "unknown word; did you mean: ", conf_nearest(*to, words));
}

static enum err set_field(struct advisory_doc *doc, const char *name, const char *value, int line, struct diag *why)
{
    struct {
        const char *name;
        char ***list;
    } lists[] = {{"CWE", &doc->cwes},
                 {"Affected", &doc->affected},
                 {"Fixed", &doc->fixed},
                 {"Credits", &doc->credits},
                 {"References", &doc->references}};

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (strcasecmp(name, lists[i].name) == 0) {
            free_list(*lists[i].list);
            *lists[i].list = split_list(value);
            return ERR_OK;
        }
    if (strcasecmp(name, "Title") == 0) {
        doc->title = mem_strdup(value);
        return strpbrk(value, "\t\r") ? fault(why, line, "advisory.title", "the title is one line without tabs", NULL)
                                      : ERR_OK;
    }
    if (strcasecmp(name, "CVE") == 0)
        return set_cves(doc, value, line, why);
    if (strcasecmp(name, "TLP") == 0)
        return set_word(&doc->tlp, strncasecmp(value, "TLP:", 4) == 0 ? value + 4 : value, tlp_words, true,
                        "advisory.tlp", line, why);
    if (strcasecmp(name, "Severity") == 0)
        return set_word(&doc->severity, value, severity_words, false, "advisory.severity", line, why);
    if (strcasecmp(name, "CVSS") == 0) {
        doc->cvss = mem_strdup(value);
        return ERR_OK;
    }
    return set_uses(value, strcasecmp(name, "Allow") == 0 ? &doc->allow : &doc->deny, line, why);
}

struct reading {
    const char *at, *end;
    int line;
    unsigned seen; /* fields, by their index */
};

/* The next line without its break; false at the end. */
static bool next_line(struct reading *r, const char **line, size_t *len)
{
    const char *nl;

    if (r->at >= r->end)
        return false;
    nl = memchr(r->at, '\n', (size_t)(r->end - r->at));
    *line = r->at;
    *len = nl ? (size_t)(nl - r->at) : (size_t)(r->end - r->at);
    r->at += *len + (nl ? 1 : 0);
    if (*len && (*line)[*len - 1] == '\r')
        (*len)--;
    r->line++;
    return true;
}

static enum err check_name(struct reading *r, const char *name, int line, struct diag *why)
{
    for (unsigned i = 0; field_names[i]; i++) {
        if (strcasecmp(field_names[i], name) != 0)
            continue;
        if (r->seen & 1u << i)
            return fault(why, line, "advisory.twice", "this field stands twice: ", field_names[i]);
        r->seen |= 1u << i;
        return ERR_OK;
    }
    return fault(why, line, "advisory.unknown-field", "unknown field; did you mean: ", conf_nearest(name, field_names));
}

/* One field with the lines that go on with it. */
static enum err read_field(struct reading *r, const char *line, size_t len, struct advisory_doc *doc, struct diag *why)
{
    const char *colon = memchr(line, ':', len), *more;
    struct buf value = BUF_EMPTY;
    char *name, *text;
    int at = r->line;
    size_t more_len;
    enum err err;

    if (!colon)
        return fault(why, at, "advisory.unknown-field", "a field is NAME: VALUE; sections come after an empty line",
                     NULL);
    name = trimmed(line, (size_t)(colon - line));
    buf_add(&value, colon + 1, len - (size_t)(colon + 1 - line));
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t') && next_line(r, &more, &more_len)) {
        buf_add_byte(&value, ' ');
        buf_add(&value, more, more_len);
    }
    text = trimmed(buf_text(&value), value.len);
    err = check_name(r, name, at, why);
    if (!err)
        err = set_field(doc, name, text, at, why);
    free(name);
    mem_free_secret(&text);
    buf_free(&value);
    return err;
}

static void add_section(struct advisory_doc *doc, const char *name, size_t len)
{
    doc->sections = mem_resize(doc->sections, doc->n_sections + 1, sizeof *doc->sections);
    doc->sections[doc->n_sections++] = (struct advisory_section){trimmed(name, len), mem_strdup("")};
}

static void end_section(struct advisory_doc *doc, struct buf *text)
{
    struct advisory_section *s;

    if (!doc->n_sections) {
        char *rest = trimmed(buf_text(text), text->len);

        /* Words before the first heading describe the issue. */
        if (*rest)
            add_section(doc, "ISSUE DESCRIPTION", 17);
        mem_free_secret(&rest);
    }
    if (doc->n_sections) {
        s = &doc->sections[doc->n_sections - 1];
        mem_free_secret(&s->text);
        while (text->len && text->data[0] == '\n')
            buf_drop_front(text, 1);
        s->text = mem_strndup(text->data, text->len);
        for (size_t n = strlen(s->text); n && isspace((unsigned char)s->text[n - 1]); n--)
            s->text[n - 1] = 0;
    }
    buf_clear(text);
}

static void read_sections(struct reading *r, struct advisory_doc *doc)
{
    struct buf text = BUF_EMPTY;
    const char *line;
    size_t len;

    while (next_line(r, &line, &len)) {
        if (len > 3 && strncmp(line, "## ", 3) == 0) {
            end_section(doc, &text);
            add_section(doc, line + 3, len - 3);
        } else {
            buf_add(&text, line, len);
            buf_add_byte(&text, '\n');
        }
    }
    end_section(doc, &text);
    buf_free(&text);
}

/* C0 and C1 but for tabs and line breaks, Unicode's own line breaks, and what XML cannot hold. */
static bool is_control(uint32_t code)
{
    return (code < 0x20 && code != '\t' && code != '\n' && code != '\r') || (code >= 0x7f && code <= 0x9f) ||
           code == 0x2028 || code == 0x2029 || code == 0xfffe || code == 0xffff;
}

static enum err check_text(struct span file, struct diag *why)
{
    uint32_t code;

    if (file.len > ADVISORY_FILE_MAX)
        return diag_set(why, ERR_LIMIT, "advisory.too-large",
                        "the text is over 8 MiB: send large parts as attachments");
    if (!charset_is_utf8(file))
        return diag_set(why, ERR_REJECT, "advisory.not-text",
                        "the file is not UTF-8: convert it, for instance with iconv");
    for (struct span rest = file; rest.len;) {
        size_t n = charset_utf8_char(rest, &code);

        if (!n || is_control(code))
            return diag_set(why, ERR_REJECT, "advisory.not-text", "the file holds control characters: it must be text");
        rest = (struct span){rest.data + n, rest.len - n};
    }
    return ERR_OK;
}

static void fill_lists(struct advisory_doc *doc)
{
    char ***lists[] = {&doc->cves, &doc->cwes, &doc->affected, &doc->fixed, &doc->credits, &doc->references};

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (!*lists[i])
            *lists[i] = split_list("");
}

enum err advisory_doc_parse(struct span file, struct advisory_doc *out, struct diag *why)
{
    struct reading r = {(const char *)file.data, (const char *)file.data + file.len, 0, 0};
    const char *line;
    size_t len;
    enum err err = check_text(file, why);

    memset(out, 0, sizeof *out);
    while (!err && next_line(&r, &line, &len) && len)
        err = read_field(&r, line, len, out, why);
    if (!err)
        read_sections(&r, out);
    if (!err && (!out->title || !*out->title))
        err = fault(why, 1, "advisory.no-title", "the file must begin with a field Title:", NULL);
    fill_lists(out);
    if (err)
        advisory_doc_free(out);
    return err;
}
