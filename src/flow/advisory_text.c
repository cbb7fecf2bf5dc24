/* An advisory's document as JSON, and as the text that people read. */
#include "flow/advisory_doc.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/advisory_changes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RESOLUTION "RESOLUTION"
#define DEPLOYMENT "DEPLOYMENT DURING EMBARGO"

static json_t *list_json(char **list)
{
    json_t *a = json_array();

    for (size_t i = 0; list && list[i]; i++)
        json_array_append_new(a, json_string(list[i]));
    return a;
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *uses_json(unsigned bits)
{
    json_t *a = json_array();

    for (int i = 0; i < POLICY_USES; i++)
        if (bits & 1u << i)
            json_array_append_new(a, json_string(policy_use_name((enum policy_use)i)));
    return a;
}

json_t *advisory_doc_json(const struct advisory_doc *doc)
{
    json_t *o = json_object(), *sections = json_array();

    json_object_set_new(o, "title", text_or_null(doc->title));
    json_object_set_new(o, "tlp", text_or_null(doc->tlp));
    json_object_set_new(o, "severity", text_or_null(doc->severity));
    json_object_set_new(o, "cvss", text_or_null(doc->cvss));
    json_object_set_new(o, "cves", list_json(doc->cves));
    json_object_set_new(o, "cwes", list_json(doc->cwes));
    json_object_set_new(o, "affected", list_json(doc->affected));
    json_object_set_new(o, "fixed", list_json(doc->fixed));
    json_object_set_new(o, "credits", list_json(doc->credits));
    json_object_set_new(o, "references", list_json(doc->references));
    json_object_set_new(o, "allow", uses_json(doc->allow));
    json_object_set_new(o, "deny", uses_json(doc->deny));
    for (size_t i = 0; i < doc->n_sections; i++)
        json_array_append_new(sections,
                              json_pack("{s:s, s:s}", "name", doc->sections[i].name, "text", doc->sections[i].text));
    json_object_set_new(o, "sections", sections);
    return o;
}

char *advisory_doc_dump(const struct advisory_doc *doc)
{
    json_t *o = advisory_doc_json(doc);
    char *text = json_dumps(o, JSON_COMPACT);

    json_decref(o);
    return text;
}

static char *get_text(const json_t *o, const char *key)
{
    return mem_strdup(json_string_value(json_object_get(o, key)));
}

static char **get_list(const json_t *o, const char *key)
{
    const json_t *a = json_object_get(o, key);
    size_t n = json_array_size(a);
    char **list = mem_zero(n + 1, sizeof *list);

    for (size_t i = 0; i < n; i++)
        list[i] = mem_strdup(json_string_value(json_array_get(a, i)));
    return list;
}

static unsigned get_uses(const json_t *o, const char *key)
{
    const json_t *a = json_object_get(o, key);
    unsigned bits = 0;

    for (size_t i = 0; i < json_array_size(a); i++)
        for (int k = 0; k < POLICY_USES; k++)
            if (strcmp(json_string_value(json_array_get(a, i)), policy_use_name((enum policy_use)k)) == 0)
                bits |= 1u << k;
    return bits;
}

enum err advisory_doc_load(struct span json, struct advisory_doc *out, struct diag *why)
{
    json_t *o = json_loadb((const char *)json.data, json.len, 0, NULL);
    const json_t *sections = json_object_get(o, "sections");

    memset(out, 0, sizeof *out);
    if (!o)
        return diag_set(why, ERR_INTERNAL, "advisory.damaged", "the advisory's record cannot be read");
    out->title = get_text(o, "title");
    out->tlp = get_text(o, "tlp");
    out->severity = get_text(o, "severity");
    out->cvss = get_text(o, "cvss");
    out->cves = get_list(o, "cves");
    out->cwes = get_list(o, "cwes");
    out->affected = get_list(o, "affected");
    out->fixed = get_list(o, "fixed");
    out->credits = get_list(o, "credits");
    out->references = get_list(o, "references");
    out->allow = get_uses(o, "allow");
    out->deny = get_uses(o, "deny");
    out->n_sections = json_array_size(sections);
    out->sections = mem_zero(out->n_sections, sizeof *out->sections);
    for (size_t i = 0; i < out->n_sections; i++)
        out->sections[i] = (struct advisory_section){get_text(json_array_get(sections, i), "name"),
                                                     get_text(json_array_get(sections, i), "text")};
    json_decref(o);
    return ERR_OK;
}

void advisory_uses_text(const struct decide_use *uses, enum policy_use_word word, struct buf *out)
{
    size_t before = out->len;

    for (int i = 0; i < POLICY_USES; i++) {
        if (uses[i].word != word)
            continue;
        buf_printf(out, "%s%s", out->len > before ? ", " : "", policy_use_name((enum policy_use)i));
        if (uses[i].condition && *uses[i].condition)
            buf_printf(out, " (if %s)", uses[i].condition);
        if (i == POLICY_USE_INFORM_CUSTOMERS && word != POLICY_DENY) {
            buf_add_str(out, " (of ");
            decide_tells_write(uses[i].tells, out);
            buf_add_str(out, ")");
        }
    }
    if (out->len == before)
        buf_add_str(out, "nothing");
}

/* "Denied:   a, b, …" with lines of at most 76 columns, further ones indented. */
static void render_wrapped(const char *heading, struct span words, struct buf *out)
{
    size_t column = strlen(heading);

    buf_add_str(out, heading);
    for (size_t i = 0; i < words.len;) {
        const uint8_t *blank = memchr(words.data + i, ' ', words.len - i);
        size_t len = blank ? (size_t)(blank - (words.data + i)) : words.len - i;

        if (i && column + 1 + len > 76) {
            buf_printf(out, "\n%*s", (int)strlen(heading), "");
            column = strlen(heading);
        } else if (i) {
            buf_add_byte(out, ' ');
            column++;
        }
        buf_add(out, words.data + i, len);
        column += len;
        i += len + 1;
    }
    buf_add_str(out, "\n");
}

void advisory_uses_lines(const char *heading, const struct decide_use *uses, enum policy_use_word word, struct buf *out)
{
    struct buf words = BUF_EMPTY;

    advisory_uses_text(uses, word, &words);
    render_wrapped(heading, buf_span(&words), out);
    buf_free(&words);
}

static void render_embargo(const struct advisory_doc *doc, const struct advisory_frame *f, struct buf *out)
{
    char at[INSTANT_TEXT_SIZE];

    buf_add_str(out, "======================= UNDER EMBARGO: DO NOT SHARE =======================\n");
    buf_printf(out, "Status:   %s\n", f->status);
    buf_printf(out, "Until:    %s\n",
               f->until_utc_s == INSTANT_NONE ? "no date is set yet" : instant_text(f->until_utc_s, at));
    buf_printf(out, "TLP:      %s\n", doc->tlp ? doc->tlp : "AMBER+STRICT");
    buf_printf(out, "Told as:  %s, model %s, policy %s\n", f->tier, f->model, f->policy);
    advisory_uses_lines("Allowed:  ", f->uses, POLICY_ALLOW, out);
    advisory_uses_lines("Denied:   ", f->uses, POLICY_DENY, out);
    advisory_uses_lines("Ask us:   ", f->uses, POLICY_ASK, out);
    if (f->short_notice)
        render_wrapped("Notice:   ", span_of(f->short_notice), out);
    buf_add_str(out, "============================================================================\n\n");
}

static void render_list(const char *heading, char **list, struct buf *out)
{
    if (!list || !list[0])
        return;
    buf_printf(out, "%s\n\n", heading);
    for (size_t i = 0; list[i]; i++)
        buf_printf(out, "  %s\n", list[i]);
    buf_add_str(out, "\n");
}

static void render_head(const struct advisory_doc *doc, const struct advisory_frame *f, struct buf *out)
{
    buf_printf(out, "            Security Advisory %s", f->label);
    for (size_t i = 0; doc->cves && doc->cves[i]; i++)
        buf_printf(out, " / %s", doc->cves[i]);
    buf_printf(out, "\n                              version %lld\n\n", (long long)f->version);
    buf_printf(out, "            %s\n\n", doc->title);
    if (doc->severity || doc->cvss)
        buf_printf(out, "Severity: %s%s%s\n", doc->severity ? doc->severity : "not rated", doc->cvss ? ", " : "",
                   doc->cvss ? doc->cvss : "");
    for (size_t i = 0; doc->cwes && doc->cwes[i]; i++)
        buf_printf(out, "%s%s", i ? ", " : "Weakness: ", doc->cwes[i]);
    if (doc->cwes && doc->cwes[0])
        buf_add_byte(out, '\n');
    if (doc->severity || doc->cvss || (doc->cwes && doc->cwes[0]))
        buf_add_byte(out, '\n');
}

static bool has_section(const struct advisory_doc *doc, const char *name)
{
    for (size_t i = 0; i < doc->n_sections; i++)
        if (strcasecmp(doc->sections[i].name, name) == 0)
            return true;
    return false;
}

static void render_patches(const struct advisory_frame *f, struct buf *out)
{
    if (!f->n_patches)
        return;
    buf_add_str(out, "The attached files, bound to this text by their SHA-256:\n\n");
    for (size_t i = 0; i < f->n_patches; i++)
        buf_printf(out, "%s  %s\n", f->patches[i].sha256, f->patches[i].name);
    buf_add_str(out, "\n");
}

static void render_sections(const struct advisory_doc *doc, const struct advisory_frame *f, struct buf *out)
{
    for (size_t i = 0; i < doc->n_sections; i++) {
        if (advisory_is_updates(doc->sections[i].name))
            continue;
        buf_printf(out, "%s\n\n%s\n\n", doc->sections[i].name, doc->sections[i].text);
        if (strcasecmp(doc->sections[i].name, RESOLUTION) == 0)
            render_patches(f, out);
    }
}

void advisory_doc_render(const struct advisory_doc *doc, const struct advisory_frame *f, struct buf *out)
{
    if (f->status)
        render_embargo(doc, f, out);
    render_head(doc, f, out);
    if (f->changes && *f->changes)
        buf_printf(out, "UPDATES IN VERSION %lld\n\n%s%s\n", (long long)f->version, f->changes,
                   f->changes[strlen(f->changes) - 1] == '\n' ? "" : "\n");
    render_sections(doc, f, out);
    render_list("AFFECTED VERSIONS", doc->affected, out);
    render_list("FIXED IN", doc->fixed, out);
    render_list("CREDITS", doc->credits, out);
    render_list("REFERENCES", doc->references, out);
    if (f->n_patches && !has_section(doc, RESOLUTION)) {
        buf_add_str(out, RESOLUTION "\n\n");
        render_patches(f, out);
    }
    if (f->uses && !has_section(doc, DEPLOYMENT)) {
        buf_add_str(out, DEPLOYMENT "\n\nUntil the embargo ends, members of this tier\n\n");
        advisory_uses_lines("  may:      ", f->uses, POLICY_ALLOW, out);
        advisory_uses_lines("  may not:  ", f->uses, POLICY_DENY, out);
    }
}
