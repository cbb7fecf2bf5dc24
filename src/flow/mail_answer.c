/* The answer to a command mail. */
#include "flow/mail_commands.h"

#include "base/mem.h"
#include "codec/pgp_key.h"
#include "flow/outgoing.h"
#include "store/audit.h"

#include <stdlib.h>
#include <string.h>

void mail_answer_free(struct mail_answer *a)
{
    buf_free(&a->text);
    incoming_files_free(a->files, a->n_files);
    *a = (struct mail_answer){.text = BUF_EMPTY};
}

static void add_file(struct mail_answer *a, struct buf *bytes, const char *name)
{
    struct incoming_file *file;

    a->files = mem_resize(a->files, a->n_files + 1, sizeof *a->files);
    file = &a->files[a->n_files++];
    *file = (struct incoming_file){.name = mem_strdup(name), .type = mem_strdup("application/octet-stream")};
    file->bytes = BUF_EMPTY;
    buf_add_buf(&file->bytes, bytes);
}

void mail_answer_add(struct mail_answer *a, const struct mail_order *order, struct reply *r, const char *out_name)
{
    char *data = r->data ? json_dumps(r->data, JSON_INDENT(2) | JSON_ENCODE_ANY) : NULL;

    buf_printf(&a->text, "Command:  %s\nResult:   %s%s%s\n", order->line, r->ok ? "done" : "refused",
               *r->rule ? ", " : "", r->rule);
    if (*r->message)
        buf_printf(&a->text, "          %s", r->message);
    if (*r->message && *r->file)
        buf_printf(&a->text, " (%s:%d)", r->file, r->line);
    if (*r->message)
        buf_printf(&a->text, "\n");
    if (data)
        buf_printf(&a->text, "%s\n", data);
    buf_printf(&a->text, "\n");
    if (r->out.len)
        add_file(a, &r->out, out_name ? out_name : "file");
    mem_free_secret(&data);
}

/* The contact whose key signed. */
static char *address_of_member(struct receiving *r, const char *fingerprint)
{
    struct contact_row *contacts = NULL;
    char *address = NULL;
    struct diag none;
    size_t n = 0;

    contact_all(r->f->db, r->member.id, &contacts, &n, &none);
    for (size_t i = 0; i < n && !address; i++)
        if (contacts[i].fingerprint && strcmp(contacts[i].fingerprint, fingerprint) == 0)
            address = mem_strdup(contacts[i].address);
    contact_rows_free(contacts, n);
    return address;
}

static enum err find_recipient(struct receiving *r, const struct actor *actor, struct outgoing_to *to, char **address,
                               struct diag *why)
{
    struct key_row *key = mem_zero(1, sizeof *key);
    enum err err = key_by_fingerprint(r->f->db, r->list_row.id, actor->fingerprint, key, why);

    if (!err && !pgp_key_state_sends(pgp_key_state_at(&key->facts, clock_now(r->f->clock), NULL, 0)))
        err = ERR_NOT_FOUND;
    *address = actor->admin ? mem_strdup(actor->admin->address) : address_of_member(r, actor->fingerprint);
    *to = (struct outgoing_to){.member_id = r->admin ? 0 : r->member.id,
                               .key_row = key->id,
                               .org = r->admin ? NULL : r->member.org,
                               .address = *address,
                               .fingerprint = actor->fingerprint,
                               .admin = actor->admin,
                               .nonce_owner = actor->name};
    free(key);
    return !err && !*address ? ERR_NOT_FOUND : err;
}

enum err mail_answer_send(struct receiving *r, const struct actor *actor, const struct mail_answer *a, struct diag *why)
{
    struct outgoing_file *files = mem_zero(a->n_files, sizeof *files);
    struct outgoing_to to;
    char *address;
    struct outgoing mail = {.kind = "answer",
                            .list = r->list,
                            .list_id = r->list_row.id,
                            .subject = "Your commands",
                            .text = buf_text(&a->text),
                            .files = files,
                            .n_files = a->n_files,
                            .in_reply_to = r->in->outer.message_id,
                            .to_members = !r->admin,
                            .automatic = true,
                            .earliest_at = INSTANT_NONE};
    enum err err = find_recipient(r, actor, &to, &address, why);

    for (size_t i = 0; i < a->n_files; i++)
        files[i] = (struct outgoing_file){a->files[i].name, a->files[i].type, buf_span(&a->files[i].bytes)};
    if (!err)
        err = outgoing_queue(r->f, &mail, content_sealed(), &to, 1, NULL, why);
    else if (err == ERR_NOT_FOUND)
        err = audit_append(r->f->db, clock_now(r->f->clock), actor->name, "command.unanswered", "", "key.missing", NULL,
                           why);
    free(files);
    free(address);
    return err;
}
