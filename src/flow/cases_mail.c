/* Mail of a case: kept, and told to the team. */
#include "flow/cases_flow.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/outgoing.h"
#include "flow/secret_key.h"
#include "store/audit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the attachments stand in the kept bytes, so that they can be taken out again. */
static json_t *attachment_facts(const struct incoming *in)
{
    const struct mime_message *m = incoming_message(in);
    json_t *list = json_array();

    for (size_t i = 0; i < m->n_parts; i++) {
        const struct mime_part *p = &m->parts[i];
        struct buf bytes = BUF_EMPTY;
        struct diag why;
        int up = (int)i;

        while (up >= 0 && up != in->root)
            up = m->parts[up].parent;
        if (up < 0 || !mime_is_attachment(m, (int)i))
            continue;
        if (!mime_part_decode(incoming_content(in), p, &bytes, &why))
            json_array_append_new(list,
                                  json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:i}", "n", (int)json_array_size(list) + 1,
                                            "name", p->name && *p->name ? p->name : "attachment", "type", p->type,
                                            "size_bytes", (json_int_t)bytes.len, "off", (json_int_t)p->body_off, "len",
                                            (json_int_t)p->body_len, "encoding", (int)p->encoding));
        buf_free(&bytes);
    }
    return list;
}

static const char *first_from(const struct mime_message *m)
{
    return m->from.n ? m->from.items[0].spec : "";
}

/* What was wiped: an array of fingerprints, null where none can be told. */
static json_t *secret_key_facts(const struct incoming *in)
{
    json_t *list = json_array();

    for (size_t i = 0; i < in->secrets.n_keys; i++)
        json_array_append_new(list, json_string(in->secrets.fingerprints[i]));
    if (in->secrets.n && !in->secrets.n_keys)
        json_array_append_new(list, json_null());
    return list;
}

static char *message_facts_json(const struct incoming *in)
{
    const struct mime_message *outer = &in->outer;
    char *subject = incoming_subject(in, NULL), *shown = incoming_shown_text(in);
    json_t *o = json_object();
    char *text;

    json_object_set_new(o, "subject", json_string(subject ? subject : ""));
    json_object_set_new(o, "from", json_string(first_from(outer)));
    json_object_set_new(o, "text", json_string(shown));
    json_object_set_new(o, "attachments", attachment_facts(in));
    json_object_set_new(o, "secret_keys", secret_key_facts(in));
    text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    mem_free_secret(&subject);
    mem_free_secret(&shown);
    return text;
}

enum err case_add_message(struct flow *f, const struct case_row *c, const struct incoming *in, const char *author,
                          bool verified, int64_t *out_n, struct diag *why)
{
    char *facts = message_facts_json(in);
    struct message_row row = {.at = in->received_at,
                              .author = (char *)author,
                              .signed_by = (char *)(incoming_is_signed(in) ? in->signature.fingerprint : NULL),
                              .verified = verified,
                              .encrypted = in->encrypted};
    enum err err;

    if (!facts)
        return diag_set(why, ERR_INTERNAL, "mime.text", "the text of a mail cannot be kept");
    err = message_insert(f->db, c->id, &row, incoming_content(in), span_of(facts), why);
    if (!err && in->outer.message_id)
        err = reference_add(f->db, c->id, in->outer.message_id, why);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), author, "case.message", c->code, "", NULL, why);
    if (out_n)
        *out_n = row.n;
    mem_free_secret(&facts);
    return err;
}

static const char *proof_words(const struct incoming *in, bool verified, char *out, size_t size)
{
    if (incoming_is_signed(in))
        snprintf(out, size, "good signature by %s%s", in->signature.fingerprint,
                 !verified          ? ", a key that nobody here is pinned to"
                 : in->by_loose_key ? ", the participant's own key"
                                    : "");
    else if (in->has_signature)
        snprintf(out, size, "NOT VERIFIED: a signature that proves nothing (%s)",
                 pgp_verdict_name(in->signature.verdict));
    else
        snprintf(out, size, "NOT VERIFIED: unsigned");
    return out;
}

enum err case_tell_team(struct flow *f, const struct settings_list *list, const struct case_row *c,
                        const struct incoming *in, int64_t message_n, const char *author, bool verified,
                        const char *except, struct diag *why)
{
    bool covered;
    char *subject = incoming_subject(in, &covered);
    struct incoming_file *files;
    struct outgoing_file *parts;
    struct outgoing_to *team = NULL;
    size_t n_files = incoming_files(in, &files), n_team = 0;
    char at[INSTANT_TEXT_SIZE], proof[160], *heading, *text, *shown = incoming_shown_text(in);
    struct buf secret = BUF_EMPTY;
    enum err err;

    parts = mem_zero(n_files, sizeof *parts);
    for (size_t i = 0; i < n_files; i++)
        parts[i] = (struct outgoing_file){files[i].name, files[i].type, buf_span(&files[i].bytes)};
    secret_key_words(in, &secret);
    heading = mem_printf("[%s] %s", case_label(c), subject ? subject : "(no subject)");
    text = mem_printf(
        "Case:      %s (%s)\nMessage:   %lld, by %s\nFrom:      %s\nReceived:  %s, %s\nProof:     %s%s\n%s\n"
        "Answer to this mail to write to the rest of the team; the reporter is not told.\n"
        "To the reporter: embargoctl case reply %s FILE --to reporter\n"
        "------------------------------------------------------------------------\n\n%s\n",
        c->code, c->state, (long long)message_n, author, *first_from(&in->outer) ? first_from(&in->outer) : "nobody",
        instant_text(in->received_at, at), in->encrypted ? "encrypted" : "NOT ENCRYPTED",
        proof_words(in, verified, proof, sizeof proof),
        incoming_is_signed(in) && subject && !covered ? "; not of the Subject" : "", buf_text(&secret), c->code, shown);
    err = outgoing_team(f, list, c->list_id, except, &team, &n_team, why);
    if (!err && n_team) {
        struct outgoing mail = {.kind = "team",
                                .list = list,
                                .list_id = c->list_id,
                                .c = c,
                                .subject = heading,
                                .text = text,
                                .files = parts,
                                .n_files = n_files,
                                .earliest_at = INSTANT_NONE};
        err = outgoing_queue(f, &mail, content_sealed(), team, n_team, NULL, why);
    }
    incoming_files_free(files, n_files);
    free(parts);
    free(team);
    mem_free_secret(&subject);
    buf_free(&secret);
    mem_free_secret(&heading);
    mem_free_secret(&text);
    mem_free_secret(&shown);
    return err;
}

enum err case_notify_team(struct flow *f, const struct settings_list *list, int64_t list_id, const struct case_row *c,
                          const char *subject, const char *text, struct diag *why)
{
    struct outgoing_to *team = NULL;
    size_t n = 0;
    enum err err = outgoing_team(f, list, list_id, NULL, &team, &n, why);

    if (!err && n) {
        struct outgoing mail = {.kind = "notice",
                                .list = list,
                                .list_id = list_id,
                                .c = c,
                                .subject = subject,
                                .text = text,
                                .automatic = true,
                                .earliest_at = INSTANT_NONE};
        err = outgoing_queue(f, &mail, content_sealed(), team, n, NULL, why);
    }
    free(team);
    return err;
}
