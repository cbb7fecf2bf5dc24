/* How `status` looks: what is wrong first, then what comes, then the numbers. */
#include "main/ctl_render.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text ? text : "";
}

static void heading(const struct out *o, const char *words)
{
    fputc('\n', o->file);
    out_words(o, OUT_BOLD, words);
    fputc('\n', o->file);
}

static void render_wrong(const struct out *o, const json_t *wrong)
{
    json_t *row;
    size_t i;

    if (!json_array_size(wrong)) {
        fputc('\n', o->file);
        out_words(o, OUT_GOOD, "Nothing is wrong.");
        fputc('\n', o->file);
        return;
    }
    heading(o, "Wrong now");
    json_array_foreach((json_t *)wrong, i, row)
    {
        fputs("  ", o->file);
        out_words(o, OUT_BAD, text_of(row, "what"));
        fputs("\n      embargoctl ", o->file);
        out_words(o, OUT_PLAIN, text_of(row, "do"));
        fputc('\n', o->file);
    }
}

static void render_soon(const struct out *o, const json_t *soon)
{
    json_t *row;
    size_t i;

    if (!json_array_size(soon)) {
        fputs("\nNothing falls due in the next 24 hours.\n", o->file);
        return;
    }
    heading(o, "In the next 24 hours");
    json_array_foreach((json_t *)soon, i, row)
    {
        const char *id = text_of(row, "public_id"), *tier = text_of(row, "tier");
        char *words = mem_printf("%s  in %s  %s  %s%s%s (%s)", text_of(row, "at"), text_of(row, "in"),
                                 *id ? id : text_of(row, "case"), text_of(row, "clock"), *tier ? ", " : "", tier,
                                 text_of(row, "force"));

        fputs("  ", o->file);
        out_words(o, OUT_PLAIN, words);
        fputs("\n      embargoctl ", o->file);
        out_words(o, OUT_PLAIN, text_of(row, "do"));
        fputc('\n', o->file);
        free(words);
    }
}

/* "cases    2 new, 1 public" */
static void render_counts(const struct out *o, const char *name, const json_t *counts)
{
    struct buf words = BUF_EMPTY;
    const char *key;
    json_t *n;

    json_object_foreach((json_t *)counts, key, n)
        buf_printf(&words, "%s%lld %s", words.len ? ", " : "", (long long)json_integer_value(n), key);
    fprintf(o->file, "%-8s ", name);
    out_words(o, OUT_PLAIN, words.len ? buf_text(&words) : "none");
    fputc('\n', o->file);
    buf_free(&words);
}

static void render_list_keys(const struct out *o, const json_t *keys)
{
    json_t *key;
    size_t i;

    json_array_foreach((json_t *)keys, i, key)
    {
        const json_t *signs = json_object_get(key, "signs");
        char *words = mem_printf("%s %s%s", text_of(key, "list"),
                                 json_is_true(signs)    ? "signs, tried "
                                 : json_is_false(signs) ? "does not sign, tried "
                                                        : "not tried yet",
                                 text_of(key, "tried_at"));

        fprintf(o->file, "%-8s ", "key");
        out_words(o, json_is_false(signs) ? OUT_BAD : OUT_PLAIN, words);
        fputc('\n', o->file);
        free(words);
    }
}

bool render_status(const struct out *o, const json_t *data)
{
    const json_t *site = json_object_get(data, "site");

    if (!json_is_array(json_object_get(data, "wrong")))
        return false;
    out_words(o, OUT_BOLD, text_of(data, "now"));
    fputs(json_is_true(json_object_get(data, "rehearsal")) ? "  a rehearsal" : "", o->file);
    fputs(json_is_true(json_object_get(data, "settled")) ? "\n" : "  (busy)\n", o->file);
    render_wrong(o, json_object_get(data, "wrong"));
    render_soon(o, json_object_get(data, "soon"));
    fputc('\n', o->file);
    render_counts(o, "cases", json_object_get(data, "cases"));
    render_counts(o, "members", json_object_get(data, "members"));
    render_counts(o, "queue", json_object_get(data, "queue"));
    render_list_keys(o, json_object_get(data, "list_keys"));
    fprintf(o->file, "%-8s ", "site");
    out_words(o, OUT_PLAIN, *text_of(site, "built_at") ? text_of(site, "built_at") : "never built");
    fputc('\n', o->file);
    return true;
}
