/* A command mail may bring keys, or a table of members with its keys: workers look at them before it is received. */
#include "proc/opening.h"

#include "base/mem.h"
#include "flow/mail_commands.h"
#include "proc/examiner.h"
#include "proc/table_keys.h"

static void examine_next(struct mail *m);

static void table_examined(void *ctx, enum err err, struct span packed, const struct diag *why)
{
    struct mail *m = ctx;

    m->in.table.err = err;
    if (err)
        m->in.table.why = *why;
    buf_add(&m->in.table.packed, packed.data, packed.len);
    examine_next(m);
}

/* True: it will be called. */
static bool examine_table(struct mail *m)
{
    struct buf csv = BUF_EMPTY;
    bool started = false;

    if (mail_commands_table(m->core->settings, &m->in, &csv)) {
        m->in.table.err = table_keys_start(m->core, buf_span(&csv), table_examined, m, &m->in.table.why);
        started = !m->in.table.err;
    }
    buf_free(&csv);
    return started;
}

static void key_examined(void *ctx, enum err err, const struct pgp_key_info *key, struct span certificate,
                         const struct diag *why)
{
    struct mail *m = ctx;
    struct incoming_key *to = &m->in.keys[m->at_key++];

    to->err = err;
    if (err) {
        to->why = *why;
    } else {
        to->info = mem_zero(1, sizeof *to->info);
        *to->info = *key;
        buf_add(&to->certificate, certificate.data, certificate.len);
    }
    examine_next(m);
}

static void examine_next(struct mail *m)
{
    struct list_row row = {0};
    struct diag why;

    if (m->at_key < m->n_key_files && !list_by_name(m->core->flow.db, opening_list_of(m)->name, &row, &why)) {
        examiner_start(m->core, row.id, buf_span(&m->key_files[m->at_key].bytes), key_examined, m);
        list_row_free(&row);
        return;
    }
    if (!m->looked_for_table) {
        m->looked_for_table = true;
        if (examine_table(m))
            return;
    }
    m->examined(m);
}

void opening_examine(struct mail *m, void (*then)(struct mail *m))
{
    m->examined = then;
    if (!m->looked_for_keys)
        m->n_key_files = mail_commands_keys(m->core->settings, &m->in, &m->key_files);
    m->looked_for_keys = true;
    examine_next(m);
}
