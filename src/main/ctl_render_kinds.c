/* The kinds of replies whose text is more than lines and tables. */
#include "main/ctl_init.h"
#include "main/ctl_render.h"

#include "base/mem.h"

#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static void field(const struct out *o, const char *name, const char *text)
{
    if (!*text)
        return;
    out_words(o, OUT_BOLD, name);
    fputc(' ', o->file);
    out_words(o, OUT_PLAIN, text);
    fputc('\n', o->file);
}

/* "2  2026-11-22T15:00:00Z  reporter  signed by FPR" and, where they are there, subject, text and attachments. */
static void render_message(const struct out *o, const json_t *m)
{
    struct buf n = BUF_EMPTY;
    const char *signed_by = text_of(m, "signed_by");
    const json_t *files = json_object_get(m, "attachments");

    render_value(json_object_get(m, "n"), &n);
    fputc('\n', o->file);
    out_words(o, OUT_BOLD, "message ");
    out_words(o, OUT_BOLD, buf_text(&n));
    fputs("  ", o->file);
    out_words(o, OUT_PLAIN, text_of(m, "at"));
    fputs("  ", o->file);
    out_words(o, OUT_PLAIN, text_of(m, "author"));
    fputs(*signed_by ? "  signed by " : "  not signed", o->file);
    out_words(o, OUT_PLAIN, signed_by);
    if (!json_is_true(json_object_get(m, "verified")))
        out_words(o, OUT_WARN, "  not verified");
    fputc('\n', o->file);
    field(o, "  Subject:", text_of(m, "subject"));
    if (*text_of(m, "text")) {
        fputc('\n', o->file);
        out_text(o, "    ", text_of(m, "text"));
    }
    if (json_array_size(files)) {
        fputs("  attachments\n", o->file);
        render_table(o, "    ", files, "n name size_bytes");
    }
    buf_free(&n);
}

/* whole: with its messages; else what a change has made of it. */
static bool render_case(const struct out *o, const json_t *data, bool whole)
{
    json_t *rest, *m;
    const json_t *messages = json_object_get(data, "messages");
    size_t i;

    if (!json_is_object(data) || !json_is_array(messages))
        return false;
    rest = json_copy((json_t *)data);
    json_object_del(rest, "messages");
    if (!whole)
        json_object_del(rest, "notes");
    render_object(o, "", rest);
    json_decref(rest);
    if (whole)
        json_array_foreach((json_t *)messages, i, m) render_message(o, m);
    return true;
}

/* One row for each contact; a member without any is shown with a word. */
static bool render_members(const struct out *o, const json_t *data)
{
    json_t *rows, *member, *contact;
    size_t i, k;

    if (!json_is_array(data) || !json_array_size(data))
        return false;
    rows = json_array();
    json_array_foreach((json_t *)data, i, member)
    {
        const json_t *contacts = json_object_get(member, "contacts");

        for (k = 0; k < json_array_size(contacts) || k == 0; k++) {
            json_t *row = json_object();

            contact = json_array_get(contacts, k);
            if (contact)
                json_object_update(row, contact);
            else
                json_object_set_new(row, "key_state", json_string("missing"));
            /* The contact's state is that of its key; the member's own goes in front. */
            json_object_update(row, member);
            json_object_del(row, "contacts");
            json_array_append_new(rows, row);
        }
    }
    render_table(o, "", rows, "org class tier state address key_state reason");
    json_decref(rows);
    return true;
}

static bool render_check(const struct out *o, const json_t *data)
{
    json_t *row;
    size_t i;

    json_array_foreach((json_t *)data, i, row)
    {
        const char *status = text_of(row, "status"), *remedy = text_of(row, "remedy");

        out_words(o, out_style_of(status), status);
        fprintf(o->file, "%*s", (int)(6 - strlen(status)), "");
        out_words(o, OUT_BOLD, text_of(row, "name"));
        fputs(": ", o->file);
        out_words(o, OUT_PLAIN, text_of(row, "detail"));
        fputc('\n', o->file);
        if (*remedy) {
            fputs("        ", o->file);
            out_words(o, OUT_PLAIN, remedy);
            fputc('\n', o->file);
        }
    }
    return json_is_array(data);
}

/* Policies are put into words by policy/explain and policy/compare. */
static bool render_words(const struct out *o, const json_t *data)
{
    const char *text = text_of(data, "text");

    out_text(o, "", text);
    return *text != 0;
}

bool render_kind(const struct out *o, const char *words, const json_t *data)
{
    if (strcmp(words, "case list") != 0 && strncmp(words, "case ", 5) == 0)
        return render_case(o, data, strcmp(words, "case show") == 0);
    if (strcmp(words, "member list") == 0)
        return render_members(o, data);
    if (strcmp(words, "status") == 0)
        return render_status(o, data);
    if (strcmp(words, "check") == 0)
        return render_check(o, data);
    if (strncmp(words, "policy ", 7) == 0)
        return render_words(o, data);
    if (strcmp(words, "key export") == 0) {
        out_text(o, "", text_of(data, "key"));
        return true;
    }
    if (strcmp(words, "init") == 0)
        return init_render(o, data);
    return false;
}
