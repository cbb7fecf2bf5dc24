/* What workers examine of a command mail before it is received: keys, and a table of members with its keys. */
#include "flow/mail_commands.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEYS_MAX 8 /* examined for one mail */

static bool wants_key(const struct mail_order *order, const char *name)
{
    const struct command_verb *const *tables[] = {mail_admin_tables, mail_member_tables};
    bool wanted = false;

    for (size_t t = 0; !wanted && t < 2; t++) {
        struct command c;
        struct diag none;

        if (command_parse_from(tables[t], order->argc, (const char *const *)order->argv, &c, &none))
            continue;
        for (size_t i = 0; i < COMMAND_ARGS_MAX && c.verb->args[i].name; i++)
            wanted = wanted || (c.verb->args[i].type == ARG_KEY && c.verb->args[i].optional && c.n_values == 0);
        for (size_t i = 0; i < c.n_values; i++)
            wanted = wanted || (c.values[i].type == ARG_KEY && strcmp(c.values[i].word, name) == 0);
        command_free(&c);
    }
    return wanted;
}

static bool is_key_file(const struct incoming_file *file)
{
    return strcasecmp(file->type, "application/pgp-keys") == 0 ||
           (file->bytes.len > 40 &&
            memmem(file->bytes.data, 64 < file->bytes.len ? 64 : file->bytes.len, "-----BEGIN PGP PUBLIC KEY", 25));
}

static bool is_wanted(const struct mail_orders *o, const struct incoming_file *file)
{
    for (size_t i = 0; i < o->n; i++)
        for (int k = 0; k < o->items[i].argc; k++)
            if (strcmp(o->items[i].argv[k], file->name) == 0 && wants_key(&o->items[i], file->name))
                return true;
    for (size_t i = 0; is_key_file(file) && i < o->n; i++)
        if (wants_key(&o->items[i], ""))
            return true;
    return false;
}

/* A command mail that may be believed so far: by one good signature over all of it. Its lines are in *o then. */
static bool has_orders(const struct settings *s, const struct incoming *in, struct mail_orders *o)
{
    struct diag none;

    return !in->released && !in->by_loose_key && incoming_is_signed(in) && settings_list_for(s, in->recipient) &&
           in->text && mail_orders_begin(in->text) && !mail_orders_parse(in->text, o, &none);
}

size_t mail_commands_keys(const struct settings *s, struct incoming *in, struct incoming_file **out)
{
    struct incoming_file *files;
    struct mail_orders o;
    size_t n, n_out = 0;

    *out = NULL;
    if (!has_orders(s, in, &o))
        return 0;
    n = incoming_files(in, &files);
    for (size_t i = 0; i < n; i++) {
        if (n_out < KEYS_MAX && is_wanted(&o, &files[i])) {
            struct incoming_file kept = files[i];

            files[i] = files[n_out]; /* those that are wanted to the front */
            files[n_out++] = kept;
        }
    }
    in->keys = mem_zero(n_out, sizeof *in->keys);
    in->n_keys = n_out;
    for (size_t i = 0; i < n_out; i++) {
        in->keys[i].name = mem_strdup(files[i].name);
        in->keys[i].certificate = BUF_EMPTY;
        in->keys[i].err =
            diag_set(&in->keys[i].why, ERR_AGAIN, "worker.key", "the key could not be looked at: try again");
    }
    for (size_t i = n_out; i < n; i++) {
        mem_free_secret(&files[i].name);
        free(files[i].type);
        buf_free(&files[i].bytes);
    }
    *out = files;
    mail_orders_free(&o);
    return n_out;
}

/* The table that this one names. */
static bool find_table(const struct incoming *in, const struct mail_orders *o, const struct mail_order *order,
                       struct incoming_table *table, struct buf *csv)
{
    struct incoming_file *files;
    struct command c;
    bool found = false;
    size_t n;

    if (command_parse_from(mail_admin_tables, order->argc, (const char *const *)order->argv, &c, &table->why))
        return false;
    n = incoming_files(in, &files);
    for (size_t i = 0; !found && i < c.n_values; i++) {
        if (c.values[i].type != ARG_TABLE)
            continue;
        found = true;
        table->name = mem_strdup(c.values[i].word);
        table->err = mail_take_file(in, o, files, n, &c.values[i], &table->why);
        buf_add_buf(csv, &c.values[i].bytes);
    }
    incoming_files_free(files, n);
    command_free(&c);
    return found;
}

bool mail_commands_table(const struct settings *s, struct incoming *in, struct buf *csv)
{
    struct incoming_table *table = &in->table;
    struct mail_orders o;
    bool found = false;

    if (!has_orders(s, in, &o))
        return false;
    if (settings_admin_with_key(s, settings_list_for(s, in->recipient), in->signature.fingerprint))
        for (size_t i = 0; !found && i < o.n; i++)
            found = find_table(in, &o, &o.items[i], table, csv);
    mail_orders_free(&o);
    return found && !table->err;
}
