#include "main/ctl_render.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 4

/* Columns of lists, by the verb or by the key that holds them. */
static const struct {
    const char *name;
    const char *columns;
} kinds[] = {
    {"acknowledgements", "org value date at by"},
    {"approval list", "id action object by at needs votes"},
    {"attachments", "n name size_bytes"},
    {"audit show", "seq at actor event object rule"},
    {"case list", "id public_id state severity track until title"},
    {"case log", "seq at actor event object rule"},
    {"cases", "case sent waiting failed told acknowledged affected not_affected fixed_by missing"},
    {"deadlines", "clock tier at rule force fired_at"},
    {"differences", "key a b"},
    {"faults", "line rule text"},
    {"held list", "id at rule size_bytes"},
    {"missed", "list clock force n"},
    {"next", "at in case public_id clock tier force unacknowledged do"},
    {"policy list", "name title basis"},
    {"queue list", "id case version address state tries next_at code"},
    {"recipients", "org address tier verdict rule reason"},
    {"times", "step severity tier n median p90"},
    {"tiers", "tier told earliest_at notice_at rule force"},
};

static const char *columns_of(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].columns;
    return NULL;
}

void render_json(FILE *file, const struct reply *r)
{
    json_t *o = reply_json(r);
    char *text = json_dumps(o, JSON_ENSURE_ASCII);

    fprintf(file, "%s\n", text ? text : "{}");
    mem_free_secret(&text);
    json_decref(o);
}

static bool is_scalar(const json_t *v)
{
    return !json_is_object(v) && !json_is_array(v);
}

static bool is_scalar_list(const json_t *v)
{
    size_t i;
    json_t *item;

    if (!json_is_array(v))
        return false;
    json_array_foreach((json_t *)v, i, item) if (!is_scalar(item)) return false;
    return true;
}

void render_value(const json_t *value, struct buf *out)
{
    size_t i;
    json_t *item;

    if (json_is_string(value))
        buf_add_str(out, json_string_value(value));
    else if (json_is_integer(value))
        buf_printf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        buf_printf(out, "%g", json_real_value(value));
    else if (json_is_boolean(value))
        buf_add_str(out, json_is_true(value) ? "yes" : "no");
    else if (is_scalar_list(value))
        json_array_foreach((json_t *)value, i, item)
        {
            buf_add_str(out, i ? ", " : "");
            render_value(item, out);
        }
}

/* "size_bytes": SIZE BYTES for a heading. */
static void heading(const char *name, struct buf *out)
{
    for (; *name; name++)
        buf_add_byte(out, *name == '_' ? ' ' : (uint8_t)toupper((unsigned char)*name));
}

/* Whether any row has something in this column. */
static bool column_is_used(const json_t *rows, const char *name)
{
    size_t i;
    json_t *row;

    json_array_foreach((json_t *)rows, i, row)
    {
        const json_t *v = json_object_get(row, name);

        if (v && !json_is_null(v) && !(json_is_array(v) && !json_array_size(v)))
            return true;
    }
    return false;
}

/* The columns to show; the caller frees each and the array. */
static size_t choose_columns(const json_t *rows, const char *columns, char ***out)
{
    char **names = NULL, *list = NULL, *rest, *word;
    struct buf all = BUF_EMPTY;
    size_t n = 0;
    const char *key;
    json_t *value;

    if (!columns)
        json_object_foreach(json_array_get(rows, 0), key, value) if (is_scalar(value) || is_scalar_list(value))
            buf_printf(&all, "%s ", key);
    list = mem_strdup(columns ? columns : buf_text(&all));
    for (rest = list; (word = strsep(&rest, " "));)
        if (*word && column_is_used(rows, word)) {
            names = mem_resize(names, n + 1, sizeof *names);
            names[n++] = mem_strdup(word);
        }
    free(list);
    buf_free(&all);
    *out = names;
    return n;
}

static void add_cell(struct out_table *t, const json_t *value)
{
    struct buf text = BUF_EMPTY;

    render_value(value, &text);
    out_table_add(t, buf_text(&text));
    buf_free(&text);
}

void render_table(const struct out *o, const char *indent, const json_t *rows, const char *columns)
{
    char **names;
    size_t n = choose_columns(rows, columns, &names), i;
    struct out_table t = {.columns = n};
    json_t *row;

    for (size_t k = 0; k < n; k++) {
        struct buf text = BUF_EMPTY;

        heading(names[k], &text);
        out_table_add(&t, buf_text(&text));
        buf_free(&text);
    }
    json_array_foreach((json_t *)rows, i, row) for (size_t k = 0; k < n; k++)
        add_cell(&t, json_object_get(row, names[k]));
    if (n)
        out_table_print(o, &t, indent);
    out_table_free(&t);
    for (size_t k = 0; k < n; k++)
        free(names[k]);
    free(names);
}

static void render_any(const struct out *o, const char *indent, const char *name, const json_t *value, int depth);

static void print_name(const struct out *o, const char *indent, const char *name, size_t width)
{
    struct buf text = BUF_EMPTY;

    for (const char *p = name; *p; p++)
        buf_add_byte(&text, *p == '_' ? ' ' : (uint8_t)*p);
    fputs(indent, o->file);
    out_words(o, OUT_BOLD, buf_text(&text));
    for (size_t n = strlen(name); n < width; n++)
        fputc(' ', o->file);
    buf_free(&text);
}

static void render_line(const struct out *o, const char *indent, const char *name, const json_t *value, size_t width)
{
    struct buf text = BUF_EMPTY;

    render_value(value, &text);
    if (text.len && strchr(buf_text(&text), '\n')) {
        char *deeper = mem_printf("%s  ", indent);

        print_name(o, indent, name, 0);
        fputs(":\n", o->file);
        out_text(o, deeper, buf_text(&text));
        free(deeper);
    } else if (text.len) {
        print_name(o, indent, name, width);
        fputs("  ", o->file);
        out_words(o, out_style_of(buf_text(&text)), buf_text(&text));
        fputc('\n', o->file);
    }
    buf_free(&text);
}

static void render_fields(const struct out *o, const char *indent, const json_t *object, int depth)
{
    const char *key;
    json_t *value;
    size_t width = 0;

    json_object_foreach((json_t *)object, key, value) if ((is_scalar(value) || is_scalar_list(value)) &&
                                                          strlen(key) > width) width = strlen(key);
    json_object_foreach((json_t *)object, key, value) if (is_scalar(value) || is_scalar_list(value))
        render_line(o, indent, key, value, width);
    json_object_foreach((json_t *)object, key, value) if (!is_scalar(value) && !is_scalar_list(value) &&
                                                          !(json_is_object(value) && !json_object_size(value)))
        render_any(o, indent, key, value, depth + 1);
}

void render_object(const struct out *o, const char *indent, const json_t *object)
{
    render_fields(o, indent, object, 0);
}

/* What is nested: under its name, one step deeper. Hostile depth ends at DEPTH_MAX. */
static void render_any(const struct out *o, const char *indent, const char *name, const json_t *value, int depth)
{
    char *deeper = mem_printf("%s  ", indent);

    if (depth <= DEPTH_MAX) {
        print_name(o, indent, name, 0);
        fputc('\n', o->file);
        if (json_is_object(value))
            render_fields(o, deeper, value, depth);
        else
            render_table(o, deeper, value, columns_of(name));
    }
    free(deeper);
}

static void render_data(const struct out *o, const char *words, const json_t *data)
{
    struct buf text = BUF_EMPTY;

    if (json_is_null(data) || render_kind(o, words, data))
        return;
    if (json_is_object(data)) {
        render_fields(o, "", data, 0);
    } else if (json_is_array(data) && !json_array_size(data)) {
        out_words(o, OUT_DIM, "none");
        fputc('\n', o->file);
    } else if (json_is_array(data) && !is_scalar_list(data)) {
        render_table(o, "", data, columns_of(words));
    } else {
        render_value(data, &text);
        out_text(o, "", buf_text(&text));
    }
    buf_free(&text);
}

static void render_refusal(FILE *errors, const struct reply *r)
{
    struct out o;

    out_open(&o, errors);
    out_words(&o, OUT_BAD, "embargoctl:");
    fputc(' ', errors);
    out_words(&o, OUT_PLAIN, r->message[0] ? r->message : "it was refused");
    if (r->rule[0]) {
        fputs(" (", errors);
        out_words(&o, OUT_PLAIN, r->rule);
        if (r->file[0]) {
            fputs(", ", errors);
            out_words(&o, OUT_PLAIN, r->file);
            if (r->line)
                fprintf(errors, ":%d", r->line);
        }
        fputc(')', errors);
    }
    fputc('\n', errors);
}

void render_text(FILE *file, FILE *errors, const struct command_verb *verb, const struct reply *r)
{
    const char *words = verb ? verb->words : "";
    struct out o;

    out_open(&o, file);
    if (r->ok && r->out.len) {
        fwrite(r->out.data, 1, r->out.len, file);
        return;
    }
    if (r->ok && r->message[0]) {
        out_words(&o, OUT_PLAIN, r->message);
        fputc('\n', file);
    } else if (r->ok && (!r->data || json_is_null(r->data))) {
        fputs("done\n", file);
    }
    if (r->data)
        render_data(&o, words, r->data);
    fflush(file);
    if (!r->ok)
        render_refusal(errors, r);
}
