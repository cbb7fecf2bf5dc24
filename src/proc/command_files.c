#include "proc/command_files.h"

#include "base/mem.h"
#include "flow/import_table.h"
#include "proc/examiner.h"
#include "proc/parsing.h"
#include "proc/table_keys.h"

static void examine_next(struct command_files *f);

static struct command_value *value_of(struct command_files *f)
{
    return &f->command->values[f->at];
}

/* What a worker was asked about a value has been taken, or refused. */
static void taken(struct command_files *f, enum err err, const struct diag *why)
{
    if (err) {
        f->done(f->ctx, err, why);
        return;
    }
    f->at++;
    examine_next(f);
}

/* ---- keys ---- */

static void key_examined(void *ctx, enum err err, const struct pgp_key_info *key, struct span certificate,
                         const struct diag *why)
{
    struct command_files *f = ctx;
    struct command_value *v = value_of(f);

    if (!err) {
        v->key = mem_zero(1, sizeof *v->key);
        *v->key = *key;
        buf_init(&v->certificate, BUF_MAX_DEFAULT);
        buf_add(&v->certificate, certificate.data, certificate.len);
    }
    taken(f, err, why);
}

/* Merged with what its list has; where the command names no list and there are several, its handler asks for one. */
static void examine_key(struct command_files *f)
{
    const struct settings_list *list;
    struct list_row row = {0};
    struct diag none;
    int64_t list_id = flow_list(&f->core->flow, f->command->list, &list, &row, &none) ? 0 : row.id;

    list_row_free(&row);
    examiner_start(f->core, list_id, buf_span(&value_of(f)->bytes), key_examined, f);
}

/* ---- tables ---- */

static void table_examined(void *ctx, enum err err, struct span packed, const struct diag *why)
{
    struct command_files *f = ctx;

    if (!err) {
        buf_add(&value_of(f)->certificate, packed.data, packed.len);
        import_wipe_refused(&value_of(f)->bytes, packed);
    }
    taken(f, err, why);
}

static void examine_table(struct command_files *f)
{
    struct diag why;
    enum err err = table_keys_start(f->core, buf_span(&value_of(f)->bytes), table_examined, f, &why);

    if (err)
        f->done(f->ctx, err, &why);
}

/* ---- mails ---- */

static void mail_parsed(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct command_files *f = ctx;
    struct command_value *v = value_of(f);
    struct parsed p;
    struct diag bad;

    if (!err) {
        v->mail = mem_zero(1, sizeof *v->mail);
        if (!parsing_take(reply, v->bytes.len, v->mail, NULL, &p)) {
            err = diag_set(&bad, ERR_INTERNAL, "worker.frame", "a worker's answer is damaged");
            why = &bad;
        } else {
            v->mail_text = mem_strndup(p.text.data, p.text.len);
            v->mail_secret = p.secret;
        }
    }
    taken(f, err, why);
}

static void parse_mail(struct command_files *f)
{
    const struct core *core = f->core;

    parsing_submit(f->core, MIME_PARSE, core->settings->limits.message_bytes, buf_span(&value_of(f)->bytes),
                   mail_parsed, f);
}

static void examine_next(struct command_files *f)
{
    for (; f->at < f->command->n_values; f->at++) {
        enum command_arg_type type = value_of(f)->type;

        if (type != ARG_KEY && type != ARG_TABLE && type != ARG_MAIL)
            continue;
        if (type == ARG_KEY)
            examine_key(f);
        else if (type == ARG_TABLE)
            examine_table(f);
        else
            parse_mail(f);
        return;
    }
    f->done(f->ctx, ERR_OK, NULL);
}

void command_files_start(struct command_files *f)
{
    examine_next(f);
}
