#include "flow/command.h"

#include "base/mem.h"
#include "codec/charset.h"
#include "codec/conf.h"
#include "flow/command_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Words of a verb are one or two, parted by a blank. */
static bool verb_matches(const struct command_verb *v, int argc, const char *const *argv, int *used)
{
    const char *blank = strchr(v->words, ' ');
    size_t first = blank ? (size_t)(blank - v->words) : strlen(v->words);

    if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], v->words, first) != 0)
        return false;
    if (blank && (argc < 2 || strcmp(argv[1], blank + 1) != 0))
        return false;
    *used = blank ? 2 : 1;
    return true;
}

/* The next row of all tables; NULL: none. */
static const struct command_verb *following(const struct command_verb *const **tables, const struct command_verb *v)
{
    while (!(++v)->words) {
        if (!*++*tables)
            return NULL;
        v = **tables - 1;
    }
    return v;
}

/* "case" alone: its second words; false where no verb begins with it. */
static bool second_words(const struct command_verb *const *tables, const char *first, struct buf *out)
{
    size_t len = strlen(first);

    for (const struct command_verb *v = *tables; v; v = following(&tables, v))
        if (len && strncmp(v->words, first, len) == 0 && v->words[len] == ' ')
            buf_printf(out, "%s%s", out->len ? " " : "", v->words + len + 1);
    return out->len > 0;
}

static enum err unknown_verb(const struct command_verb *const *tables, int argc, const char *const *argv,
                             struct diag *why)
{
    const char *names[COMMAND_VERBS_MAX + 1], *nearest;
    struct buf words = BUF_EMPTY;
    size_t n = 0;

    if (argc < 1)
        return diag_set(why, ERR_USAGE, "command.unknown", "no command was given; `embargoctl help` lists them");
    if (argc == 1 && second_words(tables, argv[0], &words)) {
        diag_set(why, ERR_USAGE, "command.unknown", "%.40s what? %s", argv[0], buf_text(&words));
    } else {
        for (const struct command_verb *v = *tables; v && n < COMMAND_VERBS_MAX; v = following(&tables, v))
            names[n++] = v->words;
        names[n] = NULL;
        buf_printf(&words, "%.40s", argv[0]);
        if (argc > 1 && argv[1][0] != '-')
            buf_printf(&words, " %.40s", argv[1]);
        nearest = conf_nearest(buf_text(&words), names);
        diag_set(why, ERR_USAGE, "command.unknown",
                 "no such command; did you mean `%s`? (`embargoctl help` lists them)", nearest ? nearest : "help");
    }
    buf_free(&words);
    return ERR_USAGE;
}

const struct command_verb *command_find_verb(const char *words)
{
    for (const struct command_verb *v = command_verbs; v->words; v++)
        if (strcmp(v->words, words) == 0)
            return v;
    return NULL;
}

const struct command_arg *command_find_arg(const struct command_verb *v, const char *name, size_t len, bool *option)
{
    for (size_t i = 0; i < COMMAND_ARGS_MAX && v->args[i].name; i++)
        if (strlen(v->args[i].name) == len && strncmp(v->args[i].name, name, len) == 0) {
            *option = false;
            return &v->args[i];
        }
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && v->options[i].name; i++)
        if (strlen(v->options[i].name) == len && strncmp(v->options[i].name, name, len) == 0) {
            *option = true;
            return &v->options[i];
        }
    return NULL;
}

bool command_is_file(enum command_arg_type type)
{
    return type == ARG_FILE || type == ARG_KEY || type == ARG_TABLE || type == ARG_MAIL;
}

/* The words of ARG_WORDS are joined by line ends, so that none of them may hold one. */
enum err command_check_word(const struct command_arg *arg, const char *word, struct diag *why)
{
    size_t len = strlen(word);

    if (len > COMMAND_WORD_MAX)
        return diag_set(why, ERR_USAGE, "command.argument", "%s is longer than %d bytes", arg->name, COMMAND_WORD_MAX);
    for (const char *p = word; *p; p++)
        if (((unsigned char)*p < 0x20 && !(arg->type == ARG_WORDS && *p == '\n')) || *p == 0x7f)
            return diag_set(why, ERR_USAGE, "command.argument", "%s must not hold control characters", arg->name);
    if (!charset_is_utf8((struct span){(const uint8_t *)word, len}))
        return diag_set(why, ERR_USAGE, "command.argument", "%s must be UTF-8", arg->name);
    return ERR_OK;
}

/* Takes the word over. */
static struct command_value *add_value(struct command *c, const struct command_arg *arg, char *word)
{
    struct command_value *v;

    c->values = mem_resize(c->values, c->n_values + 1, sizeof *c->values);
    v = &c->values[c->n_values++];
    *v = (struct command_value){.name = arg->name, .type = arg->type, .word = word};
    buf_init(&v->bytes, COMMAND_FILE_MAX);
    buf_init(&v->certificate, COMMAND_FILE_MAX);
    return v;
}

enum err command_add(struct command *c, const struct command_arg *arg, const char *word, struct command_value **out,
                     struct diag *why)
{
    enum err err = command_check_word(arg, word, why);

    if (err)
        return err;
    if (!arg->many && command_value(c, arg->name))
        return diag_set(why, ERR_USAGE, "command.option", "%s is given twice", arg->name);
    if (c->n_values >= COMMAND_VALUES_MAX)
        return diag_set(why, ERR_USAGE, "command.option", "more than %d arguments and options", COMMAND_VALUES_MAX);
    *out = add_value(c, arg, mem_strdup(word));
    return ERR_OK;
}

/* A reason of blanks is none, and neither is a date, a tier or an organisation. */
static enum err check_not_blank(const struct command *c, struct diag *why)
{
    const struct command_arg *options = c->verb->options;

    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && options[i].name; i++) {
        const struct command_value *v = command_value(c, options[i].name);

        if (v && v->type == ARG_WORD && !v->word[strspn(v->word, " ")])
            return diag_set(why, ERR_USAGE, "command.option", "--%s must not be empty", options[i].name);
    }
    return ERR_OK;
}

enum err command_check_complete(const struct command *c, struct diag *why)
{
    const struct command_verb *v = c->verb;

    for (size_t i = 0; i < COMMAND_ARGS_MAX && v->args[i].name; i++)
        if (!v->args[i].optional && !command_value(c, v->args[i].name))
            return diag_set(why, ERR_USAGE, "command.argument", "%s needs %s; see `embargoctl help %s`", v->words,
                            v->args[i].name, v->words);
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && v->options[i].name; i++)
        if (!v->options[i].optional && !command_value(c, v->options[i].name))
            return diag_set(why, ERR_USAGE, "command.option", "%s needs --%s; see `embargoctl help %s`", v->words,
                            v->options[i].name, v->words);
    return check_not_blank(c, why);
}

static enum err unknown_option(const struct command_verb *v, const char *name, struct diag *why)
{
    static const char *const global[] = {"json", "list", "as", "config", NULL};
    const char *names[COMMAND_OPTIONS_MAX + 1];
    const char *nearest;
    size_t n = 0;

    for (size_t i = 0; global[i]; i++)
        if (strcmp(global[i], name) == 0)
            return diag_set(why, ERR_USAGE, "command.option", "--%s stands before the command", global[i]);
    for (; n < COMMAND_OPTIONS_MAX && v->options[n].name; n++)
        names[n] = v->options[n].name;
    names[n] = NULL;
    nearest = n ? conf_nearest(name, names) : NULL;
    if (!nearest)
        return diag_set(why, ERR_USAGE, "command.option", "%s has no options", v->words);
    return diag_set(why, ERR_USAGE, "command.option", "%s has no such option; did you mean --%s?", v->words, nearest);
}

/* One option at argv[*i], which begins with "--"; *i moves on to its value where that is a word of its own. */
static enum err parse_option(struct command *c, int argc, const char *const *argv, int *i, struct diag *why)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '='), *word;
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    struct command_value *value;
    bool option = false;
    const struct command_arg *arg = command_find_arg(c->verb, name, len, &option);

    if (!arg || !option) {
        char *copy = mem_strndup(name, len < 40 ? len : 40);
        enum err err = unknown_option(c->verb, copy, why);

        free(copy);
        return err;
    }
    if (arg->type == ARG_FLAG && equals)
        return diag_set(why, ERR_USAGE, "command.option", "--%s takes no value", arg->name);
    if (arg->type != ARG_FLAG && !equals && *i + 1 >= argc)
        return diag_set(why, ERR_USAGE, "command.option", "--%s needs a value", arg->name);
    if (arg->type == ARG_FLAG)
        word = "";
    else
        word = equals ? equals + 1 : argv[++*i];
    return command_add(c, arg, word, &value, why);
}

/* A positional word; ARG_WORDS takes all that follow. */
static enum err parse_positional(struct command *c, size_t *place, const char *word, struct diag *why)
{
    const struct command_arg *arg = *place < COMMAND_ARGS_MAX ? &c->verb->args[*place] : NULL;
    struct command_value *value;

    if (!arg || !arg->name)
        return diag_set(why, ERR_USAGE, "command.argument", "%s takes no further argument; see `embargoctl help %s`",
                        c->verb->words, c->verb->words);
    if (arg->type != ARG_WORDS) {
        ++*place;
        return command_add(c, arg, word, &value, why);
    }
    value = (struct command_value *)command_value(c, arg->name);
    if (strchr(word, '\n'))
        return diag_set(why, ERR_USAGE, "command.argument", "%s must not hold control characters", arg->name);
    if (value) {
        char *joined = mem_printf("%s\n%s", value->word, word);

        mem_free_secret(&value->word);
        value->word = joined;
        return command_check_word(arg, joined, why);
    }
    return command_add(c, arg, word, &value, why);
}

static enum err parse_rest(int argc, const char *const *argv, struct command *c, struct diag *why)
{
    size_t place = 0;
    bool options = true;
    enum err err = ERR_OK;

    for (int i = 0; !err && i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0)
            options = false;
        else if (options && strncmp(argv[i], "--", 2) == 0)
            err = parse_option(c, argc, argv, &i, why);
        else if (options && argv[i][0] == '-' && argv[i][1])
            err = diag_set(why, ERR_USAGE, "command.option",
                           "options of a command are written --NAME; write -- before a word that begins with -");
        else
            err = parse_positional(c, &place, argv[i], why);
    }
    return err ? err : command_check_complete(c, why);
}

enum err command_parse_from(const struct command_verb *const *tables, int argc, const char *const *argv,
                            struct command *out, struct diag *why)
{
    const struct command_verb *const *at = tables;
    int used = 0;
    enum err err;

    *out = (struct command){0};
    for (const struct command_verb *v = *at; v && !out->verb; v = following(&at, v))
        if (verb_matches(v, argc, argv, &used))
            out->verb = v;
    if (!out->verb)
        return unknown_verb(tables, argc, argv, why);
    err = parse_rest(argc - used, argv + used, out, why);
    if (err)
        command_free(out);
    return err;
}

enum err command_parse(int argc, const char *const *argv, struct command *out, struct diag *why)
{
    static const struct command_verb *const tables[] = {command_verbs, NULL};

    return command_parse_from(tables, argc, argv, out, why);
}

void command_free(struct command *c)
{
    for (size_t i = 0; i < c->n_values; i++) {
        struct command_value *v = &c->values[i];

        mem_free_secret(&v->word);
        buf_free(&v->bytes);
        free(v->key);
        buf_free(&v->certificate);
        if (v->mail)
            mime_message_free(v->mail);
        free(v->mail);
        mem_free_secret(&v->mail_text);
    }
    free(c->values);
    free(c->list);
    *c = (struct command){0};
}

const struct command_value *command_value_nth(const struct command *c, const char *name, size_t n)
{
    for (size_t i = 0; i < c->n_values; i++)
        if (strcmp(c->values[i].name, name) == 0 && n-- == 0)
            return &c->values[i];
    return NULL;
}

const struct command_value *command_value(const struct command *c, const char *name)
{
    return command_value_nth(c, name, 0);
}

const char *command_word(const struct command *c, const char *name)
{
    const struct command_value *v = command_value(c, name);

    return v ? v->word : NULL;
}

bool command_flag(const struct command *c, const char *name)
{
    return command_value(c, name) != NULL;
}
