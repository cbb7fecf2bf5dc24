#include "flow/outgoing.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "codec/compose.h"
#include "flow/nonces.h"
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct content content_sealed(void)
{
    return (struct content){.is_sealed = true};
}

enum err content_cleared(enum cleared_reason reason, const struct policy *policy, const struct case_row *c,
                         struct content *out, struct diag *why)
{
    *out = (struct content){.is_sealed = false, .reason = reason};
    if (reason == CLEARED_PUBLIC && !(c && c->public_at != INSTANT_NONE))
        return diag_set(why, ERR_DENIED, "outgoing.not-public", "the case is not public: nothing of it goes in clear");
    if (reason == CLEARED_PLAIN_REPORTER && !policy_is(&policy->reporting.plain_text, POLICY_PLAIN_ALLOW))
        return policy_diag(
            why, ERR_DENIED, policy, &policy->reporting.plain_text, "reporting.plain_text",
            "the policy does not let mail with content go to a reporter in clear: ask for an OpenPGP key");
    return ERR_OK;
}

/* Fields that both layers have in their own way. subject: the real one, or "[...]". */
static enum err add_common(struct compose *c, const struct outgoing *m, const char *subject, const char *to,
                           const char *message_id, int64_t now, struct diag *why)
{
    enum err err = compose_address_field(c, "From", NULL, m->list->address, why);

    if (!err)
        err = compose_address_field(c, "To", NULL, to, why);
    if (!err)
        err = compose_text_field(c, "Subject", subject, why);
    if (!err)
        err = compose_date_field(c, now, why);
    return err ? err : compose_raw_field(c, "Message-ID", message_id, why);
}

/* What a program wrote without having been asked is no answer (RFC 3834, 5). */
static enum err add_thread(struct compose *c, const struct outgoing *m, struct diag *why)
{
    enum err err = ERR_OK;

    if (m->in_reply_to)
        err = compose_raw_field(c, "In-Reply-To", m->in_reply_to, why);
    if (!err && m->in_reply_to)
        err = compose_raw_field(c, "References", m->in_reply_to, why);
    if (!err && m->automatic)
        err = compose_raw_field(c, "Auto-Submitted", m->in_reply_to ? "auto-replied" : "auto-generated", why);
    return err;
}

/*
 * What mail software and filters need outside (RFC 2369, RFC 2919, RFC 3834), and what gives nothing away; the payload
 * has the same, since a field that stands outside alone is not protected (RFC 9788, 2.1). Outside of a mail to members
 * nothing tells what it is about from what another is about: what says that a program wrote it stands inside.
 */
static enum err add_beside(struct flow *f, struct compose *c, const struct outgoing *m, bool is_inside,
                           struct diag *why)
{
    char *id = mem_strdup(m->list->address), *post = mem_printf("<mailto:%s>", m->list->address);
    char owner_suffix[ADDR_MAX_BYTES + 16];
    char *at = strchr(id, '@');
    enum err err;

    *at = '.';
    snprintf(owner_suffix, sizeof owner_suffix, "<mailto:%.*s-owner@%s>", (int)(at - id), id, at + 1);
    {
        char *bracketed = mem_printf("<%s>", id);
        err = compose_raw_field(c, "List-Id", bracketed, why);
        free(bracketed);
    }
    if (!err)
        err = compose_address_field(c, "Reply-To", NULL, m->reply_to ? m->reply_to : m->list->address, why);
    if (!err && m->to_members) {
        err = compose_raw_field(c, "List-Post", post, why);
        if (!err)
            err = compose_raw_field(c, "List-Help", owner_suffix, why);
        if (!err)
            err = compose_raw_field(c, "List-Owner", owner_suffix, why);
        if (!err && f->settings->outer_embargo_header)
            err = compose_raw_field(c, "X-Embargo", "active", why);
    }
    if (!err && (is_inside || !m->to_members))
        err = add_thread(c, m, why);
    free(id);
    free(post);
    return err;
}

static enum err add_content(struct compose *c, const struct outgoing *m, struct diag *why)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < m->n_fields; i++)
        err = compose_text_field(c, m->fields[i].name, m->fields[i].value, why);
    compose_text(c, span_of(m->text));
    for (size_t i = 0; !err && i < m->n_files; i++)
        err = compose_attach(c, m->files[i].type, m->files[i].name, m->files[i].bytes, why);
    return err;
}

struct made {
    struct buf payload, prefix, suffix;
    char *message_id;
    const char *form;
};

static void made_free(struct made *made)
{
    buf_free(&made->payload);
    buf_free(&made->prefix);
    buf_free(&made->suffix);
    free(made->message_id);
}

static enum err write_sealed(struct flow *f, const struct outgoing *m, const char *to, int64_t now, struct made *made,
                             struct diag *why)
{
    struct compose *outer = compose_new(), *inner = compose_new();
    char boundary[40], *hidden = mem_printf("%s[...]", m->prefix ? m->prefix : "");
    char *subject = mem_printf("%s%s", m->prefix ? m->prefix : "", m->subject);
    enum err err = add_common(outer, m, hidden, to, made->message_id, now, why);

    if (!err)
        err = add_beside(f, outer, m, false, why);
    if (!err)
        err = add_common(inner, m, subject, to, made->message_id, now, why);
    /* A reader that keeps to RFC 9788 answers to the protected Reply-To alone. */
    if (!err)
        err = add_beside(f, inner, m, true, why);
    if (!err)
        err = compose_add_outer(inner, outer, why);
    if (!err)
        err = add_content(inner, m, why);
    compose_protect(inner, true);
    flow_boundary(boundary);
    if (!err)
        err = compose_write_payload(inner, boundary, &made->payload, why);
    flow_boundary(boundary);
    if (!err)
        err = compose_write_encrypted(outer, boundary, &made->prefix, &made->suffix, why);
    compose_free(&outer);
    compose_free(&inner);
    free(hidden);
    mem_free_secret(&subject);
    return err;
}

static enum err write_cleared(struct flow *f, const struct outgoing *m, const char *to, int64_t now, struct made *made,
                              struct diag *why)
{
    struct compose *c = compose_new();
    char boundary[40];
    enum err err = add_common(c, m, m->subject, to, made->message_id, now, why);

    if (!err)
        err = add_beside(f, c, m, true, why);
    if (!err)
        err = add_content(c, m, why);
    flow_boundary(boundary);
    if (!err)
        err = compose_write(c, boundary, &made->payload, why);
    compose_free(&c);
    return err;
}

static enum err insert_copies(struct flow *f, const struct outgoing *m, const struct mail_row *mail, bool sealed,
                              const struct outgoing_to *to, size_t n, int64_t now, struct diag *why)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < n; i++) {
        struct copy_row copy = {.mail_id = mail->id,
                                .member_id = to[i].member_id,
                                .participant_id = to[i].participant_id,
                                .application_id = to[i].application_id,
                                .key_row = to[i].key_row,
                                .org = (char *)to[i].org,
                                .address = (char *)to[i].address,
                                .fingerprint = (char *)to[i].fingerprint,
                                .state = (char *)(sealed ? "sealing" : "queued"),
                                .earliest_at = m->earliest_at,
                                .next_at = m->earliest_at == INSTANT_NONE ? now : m->earliest_at};

        if (sealed && !to[i].fingerprint)
            return diag_set(why, ERR_INTERNAL, "outgoing.no-key", "a sealed mail needs a key for each recipient");
        err = copy_insert(f->db, &copy, to[i].secret_address, why);
    }
    return err;
}

static enum err queue_one(struct flow *f, const struct outgoing *m, struct content content,
                          const struct outgoing_to *to, size_t n, int64_t *mail_id, struct diag *why)
{
    struct made made = {BUF_EMPTY, BUF_EMPTY, BUF_EMPTY, flow_message_id(m->list),
                        content.is_sealed ? "sealed" : "cleared"};
    const char *visible_to = n == 1 && to[0].secret_address ? to[0].secret_address : m->list->address;
    int64_t now = clock_now(f->clock);
    struct mail_row mail = {.list_id = m->list_id,
                            .case_id = m->c ? m->c->id : 0,
                            .version = m->version,
                            .kind = (char *)m->kind,
                            .form = (char *)made.form,
                            .message_id = made.message_id,
                            .state = (char *)(content.is_sealed ? "sealing" : "ready"),
                            .made_at = now};
    enum err err = ERR_OK;

    if (!content.is_sealed && n != 1)
        err = diag_set(why, ERR_INTERNAL, "outgoing.cleared", "a cleared mail has one recipient");
    else if (!content.is_sealed && !to[0].secret_address)
        visible_to = to[0].address;
    if (!err && n)
        err = content.is_sealed ? write_sealed(f, m, visible_to, now, &made, why)
                                : write_cleared(f, m, visible_to, now, &made, why);
    if (!err && n)
        err = mail_insert(f->db, &mail, buf_span(&made.payload), buf_span(&made.prefix), buf_span(&made.suffix), why);
    if (!err && n)
        err = insert_copies(f, m, &mail, content.is_sealed, to, n, now, why);
    if (!err && n && m->c)
        err = reference_add(f->db, m->c->id, made.message_id, why);
    if (mail_id)
        *mail_id = err ? 0 : mail.id;
    made_free(&made);
    return err;
}

/* With a nonce behind the text: what is good once cannot be shared. */
static enum err queue_with_nonce(struct flow *f, const struct outgoing *m, const struct outgoing_to *to,
                                 int64_t *mail_id, struct diag *why)
{
    struct outgoing own = *m;
    struct actor owner = {.name = ""};
    struct buf text = BUF_EMPTY;
    size_t len = strlen(m->text);
    enum err err;

    /* The nonce's own empty line is enough. */
    while (len > 1 && m->text[len - 1] == '\n' && m->text[len - 2] == '\n')
        len--;
    buf_add(&text, m->text, len);
    if (to->admin)
        actor_of_admin(&owner, to->admin);
    err = nonce_write(f, m->list, m->list_id, to->admin ? owner.name : to->nonce_owner, to->fingerprint, &text, why);
    own.text = buf_text(&text);
    if (!err)
        err = queue_one(f, &own, content_sealed(), to, 1, mail_id, why);
    buf_free(&text);
    return err;
}

enum err outgoing_queue(struct flow *f, const struct outgoing *m, struct content content, const struct outgoing_to *to,
                        size_t n, int64_t *mail_id, struct diag *why)
{
    struct outgoing_to *others = mem_zero(n, sizeof *others);
    size_t n_others = 0;
    enum err err = ERR_OK;

    if (mail_id)
        *mail_id = 0;
    for (size_t i = 0; !err && i < n; i++) {
        if (content.is_sealed && (to[i].admin || to[i].nonce_owner) && to[i].fingerprint)
            err = queue_with_nonce(f, m, &to[i], mail_id, why);
        else
            others[n_others++] = to[i];
    }
    if (!err && (n_others || !n))
        err = queue_one(f, m, content, others, n_others, mail_id, why);
    free(others);
    return err;
}

enum err outgoing_team(struct flow *f, const struct settings_list *list, int64_t list_id, const char *except,
                       struct outgoing_to **out, size_t *n, struct diag *why)
{
    *out = mem_zero(f->settings->n_admins, sizeof **out);
    *n = 0;
    for (size_t i = 0; i < f->settings->n_admins; i++) {
        const struct settings_admin *a = &f->settings->admins[i];
        struct key_row key;

        if (!settings_admin_serves(a, list) || (except && addr_equal(a->address, except)))
            continue;
        if (key_by_fingerprint(f->db, list_id, a->fingerprint, &key, why)) {
            /* An admin who cannot be reached must not silence the others; check shows it. */
            log_event(NULL, "admin-without-key", "key.missing", "an admin of list %s has no key imported", list->name);
            continue;
        }
        (*out)[(*n)++] =
            (struct outgoing_to){.key_row = key.id, .address = a->address, .fingerprint = a->fingerprint, .admin = a};
    }
    if (*n || except)
        return ERR_OK;
    return diag_set(why, ERR_INTERNAL, "admin.unreachable", "no admin of this list has a key: run embargoctl check");
}
