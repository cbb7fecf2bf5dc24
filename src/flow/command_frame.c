/* Requests and replies as frames, and a reply as the object of --json. */
#include "flow/command.h"

#include "base/frame.h"
#include "base/mem.h"
#include "codec/charset.h"
#include "flow/command_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_BYTES_MIN 12 /* of a value on the wire: three lengths */

void command_put(const struct command *c, const char *as, struct buf *out)
{
    frame_put_str(out, c->verb->words);
    frame_put_str(out, c->list);
    frame_put_str(out, as);
    frame_put_u32(out, (uint32_t)c->n_values);
    for (size_t i = 0; i < c->n_values; i++) {
        frame_put_str(out, c->values[i].name);
        frame_put_str(out, c->values[i].word);
        frame_put_buf(out, &c->values[i].bytes);
    }
}

static enum err bad_frame(struct diag *why)
{
    return diag_set(why, ERR_USAGE, "command.frame",
                    "the request does not fit this daemon: use the embargoctl of the same version");
}

static enum err get_value(struct frame_reader *r, struct command *c, struct diag *why)
{
    char *name = frame_get_str(r), *word = frame_get_str(r);
    struct span bytes = frame_get_bytes(r);
    const struct command_arg *arg = NULL;
    struct command_value *value = NULL;
    bool option;
    enum err err = ERR_OK;

    if (name)
        arg = command_find_arg(c->verb, name, strlen(name), &option);
    if (r->bad || !arg || !word || (bytes.len && !command_is_file(arg->type)))
        err = bad_frame(why);
    else if (bytes.len > COMMAND_FILE_MAX)
        err = diag_set(why, ERR_USAGE, "command.argument", "%s is larger than %zu bytes", arg->name, COMMAND_FILE_MAX);
    if (!err)
        err = command_add(c, arg, word, &value, why);
    if (!err)
        buf_add(&value->bytes, bytes.data, bytes.len);
    free(name);
    mem_free_secret(&word);
    return err;
}

static enum err get_values(struct frame_reader *r, struct command *out, struct diag *why)
{
    uint32_t n = frame_get_count(r, VALUE_BYTES_MIN);
    enum err err = ERR_OK;

    if (r->bad || n > COMMAND_VALUES_MAX)
        return bad_frame(why);
    while (!err && n--)
        err = get_value(r, out, why);
    if (!err && !frame_done(r))
        err = bad_frame(why);
    return err ? err : command_check_complete(out, why);
}

enum err command_get(struct span payload, struct command *out, char **as, struct diag *why)
{
    struct frame_reader r;
    char *words;
    enum err err;

    *out = (struct command){0};
    frame_reader_init(&r, payload);
    words = frame_get_str(&r);
    out->verb = words ? command_find_verb(words) : NULL;
    out->list = frame_get_str(&r);
    *as = frame_get_str(&r);
    free(words);
    err = r.bad || !out->verb ? bad_frame(why) : get_values(&r, out, why);
    if (err) {
        command_free(out);
        free(*as);
        *as = NULL;
    }
    return err;
}

void reply_put(const struct reply *r, struct buf *out)
{
    char *data = r->data ? json_dumps(r->data, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    frame_put_u32(out, (uint32_t)r->exit);
    frame_put_bool(out, r->ok);
    frame_put_str(out, r->rule);
    frame_put_str(out, r->message);
    frame_put_str(out, r->file);
    frame_put_i64(out, r->line);
    frame_put_str(out, data);
    frame_put_buf(out, &r->out);
    mem_free_secret(&data);
}

static void get_text(struct frame_reader *in, char *out, size_t size)
{
    char *text = frame_get_str(in);

    if (text)
        snprintf(out, size, "%s", text);
    mem_free_secret(&text);
}

enum err reply_get(struct span payload, struct reply *out, struct diag *why)
{
    struct frame_reader r;
    struct span bytes;
    char *data;
    bool bad;

    *out = (struct reply){.out = BUF_EMPTY};
    frame_reader_init(&r, payload);
    out->exit = (enum command_exit)frame_get_u32(&r);
    out->ok = frame_get_bool(&r);
    get_text(&r, out->rule, sizeof out->rule);
    get_text(&r, out->message, sizeof out->message);
    get_text(&r, out->file, sizeof out->file);
    out->line = (int)frame_get_i64(&r);
    data = frame_get_str(&r);
    bytes = frame_get_bytes(&r);
    if (data)
        out->data = json_loads(data, JSON_DECODE_ANY, NULL);
    bad = !frame_done(&r) || (data && !out->data);
    buf_add(&out->out, bytes.data, bytes.len);
    mem_free_secret(&data);
    if (!bad)
        return ERR_OK;
    reply_free(out);
    return diag_set(why, ERR_INTERNAL, "command.frame",
                    "the daemon's answer cannot be read: use the embargoctl of the same version");
}

void reply_free(struct reply *r)
{
    json_decref(r->data);
    buf_free(&r->out);
    *r = (struct reply){.out = BUF_EMPTY};
}

static enum command_exit exit_of(enum err err)
{
    switch (err) {
    case ERR_OK:
        return EXIT_DONE;
    case ERR_REJECT:
    case ERR_DENIED:
    case ERR_LIMIT:
        return EXIT_REFUSED;
    case ERR_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case ERR_USAGE:
        return EXIT_USAGE;
    case ERR_AGAIN:
    case ERR_INTERNAL:
        break;
    }
    return EXIT_INTERNAL;
}

void reply_from(struct reply *r, enum err err, const struct diag *why)
{
    r->exit = exit_of(err);
    r->ok = err == ERR_OK;
    if (!err)
        return;
    memcpy(r->rule, why->rule, sizeof r->rule);
    memcpy(r->message, why->text, sizeof r->message);
    memcpy(r->file, why->file, sizeof r->file);
    r->line = why->line;
}

/* Words that were cut in the middle of a character, or came from a file's name, become valid UTF-8. */
static json_t *json_words(const char *text)
{
    struct buf clean = BUF_EMPTY;
    json_t *out;

    if (!*text)
        return json_null();
    charset_clean_utf8(span_of(text), &clean);
    out = json_string(buf_text(&clean));
    buf_free(&clean);
    return out;
}

json_t *reply_json(const struct reply *r)
{
    json_t *o = json_object();
    char *place = NULL;

    if (r->file[0])
        place = r->line ? mem_printf("%s (%s:%d)", r->message, r->file, r->line)
                        : mem_printf("%s (%s)", r->message, r->file);
    json_object_set_new(o, "ok", json_boolean(r->ok));
    json_object_set_new(o, "rule", json_words(r->rule));
    json_object_set_new(o, "message", json_words(place ? place : r->message));
    json_object_set(o, "data", r->data ? r->data : json_null());
    free(place);
    return o;
}
