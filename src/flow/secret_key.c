#include "flow/secret_key.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "flow/cases_flow.h"
#include "flow/member_notices.h"
#include "flow/outgoing.h"
#include "flow/reporter.h"
#include "flow/texts.h"
#include "store/applications.h"
#include "store/audit.h"
#include "store/secret_keys.h"

#include <stdlib.h>
#include <string.h>

#define NOTICES_PER_HOUR        60
#define NOTICES_PER_ADDRESS_DAY 5
#define SUBJECT                 "A secret key came with your mail"

static void list_fingerprints(const struct incoming *in, struct buf *out)
{
    for (size_t i = 0; i < in->secrets.n_keys; i++)
        buf_printf(out, "%s%s", i ? ", " : "", in->secrets.fingerprints[i]);
    if (!in->secrets.n_keys)
        buf_add_str(out, "unknown");
}

void secret_key_words(const struct incoming *in, struct buf *out)
{
    if (!in->secrets.n)
        return;
    buf_add_str(out, "Secret key: one came with this mail, and was wiped: ");
    list_fingerprints(in, out);
    buf_add_str(out, "\n");
}

/* ---- its owner ---- */

static bool may_tell(const struct receiving *r)
{
    int64_t now = clock_now(r->f->clock);
    const char *rule;

    return reporter_may_be_answered(r->list, r->policy, r->in, &rule) &&
           application_answers_since(r->f->db, now - 3600) < NOTICES_PER_HOUR &&
           application_answers_to_since(r->f->db, r->in->sender, now - 86400) < NOTICES_PER_ADDRESS_DAY;
}

static enum err tell_sender(struct receiving *r, const char *text, struct diag *why)
{
    struct outgoing_to to = {.secret_address = r->in->sender};
    struct outgoing mail = {.kind = "receipt",
                            .list = r->list,
                            .list_id = r->list_row.id,
                            .subject = SUBJECT,
                            .text = text,
                            .in_reply_to = r->in->outer.message_id,
                            .automatic = true,
                            .earliest_at = INSTANT_NONE};
    struct content content;
    enum err err = content_cleared(CLEARED_NOTICE, r->policy, NULL, &content, why);

    if (!err)
        err = outgoing_queue(r->f, &mail, content, &to, 1, NULL, why);
    return err ? err : application_answer_note(r->f->db, r->in->sender, clock_now(r->f->clock), why);
}

static enum err tell_owner(struct receiving *r, bool *told, struct diag *why)
{
    const struct tmpl_value values[] = {{"list", r->list->address}};
    struct buf text = BUF_EMPTY;
    size_t n = 0;
    enum err err = text_fill_in(r->f, r->member.id ? r->member.language : NULL, "secret-key", values, 1, &text, why);

    *told = r->admin && r->proved; /* with the rest of the team */
    if (!err && !*told && r->member.id && r->proved)
        err = member_tell(r->f, r->list, &r->member, SUBJECT, buf_text(&text), &n, why);
    *told = *told || n > 0;
    if (!err && !*told && may_tell(r)) {
        *told = true;
        err = tell_sender(r, buf_text(&text), why);
    }
    buf_free(&text);
    return err;
}

/* ---- whose it is ---- */

static enum err note_pinned(struct receiving *r, const char *fingerprint, struct buf *words, struct diag *why)
{
    const struct settings_admin *admin = settings_admin_with_key(r->f->settings, r->list, fingerprint);
    struct member_row m = {0};
    struct diag none;

    if (strcmp(r->list->fingerprint, fingerprint) == 0)
        buf_printf(words,
                   "  %s is this list's own key. Whoever has it reads all mail to the list, and signs for it:\n"
                   "    embargoctl key rotate-list\n",
                   fingerprint);
    else if (admin)
        buf_printf(words,
                   "  %s is the key of %s, who gives orders here with it. Take it out of admins in embargod.conf, and\n"
                   "    put a new one in.\n",
                   fingerprint, admin->address);
    else if (!member_by_fingerprint(r->f->db, r->list_row.id, fingerprint, &m, &none))
        buf_printf(words,
                   "  %s is the key of %s. Whoever has it reads what goes to this member, and speaks for it. Until it\n"
                   "    has another one:\n"
                   "    embargoctl member suspend \"%s\" --reason TEXT\n"
                   "    embargoctl key replace \"%s\" %s NEWKEY\n",
                   fingerprint, m.org, m.org, m.org, fingerprint);
    else
        return ERR_OK;
    member_row_free(&m);
    return audit_append(r->f->db, clock_now(r->f->clock), "embargod", "key.exposed", fingerprint, "key.secret", NULL,
                        why);
}

static enum err tell_team(struct receiving *r, const char *code, bool told, const struct buf *pinned, struct diag *why)
{
    struct buf text = BUF_EMPTY;
    enum err err;

    if ((told && !pinned->len) || flood_rule(r->f, r->list_row.id, r->in, receiving_who(r)))
        return ERR_OK;
    buf_printf(&text, "A mail%s%s held an OpenPGP secret key, which was wiped before anything was stored:\n  ",
               *code ? " that became " : "", code);
    list_fingerprints(r->in, &text);
    buf_printf(&text, "\n%s\n",
               told ? "Its sender has been told."
                    : "Its sender proved nothing, and was not told by this program: tell him that the key counts as\n"
                      "known to others, and is to be revoked and replaced.");
    if (pinned->len)
        buf_printf(
            &text,
            "\nAsk its owner, by another way than this key, whether it is his: a name is easily written on such\n"
            "a key. If it is:\n%s",
            buf_text(pinned));
    err = case_notify_team(r->f, r->list, r->list_row.id, r->c.id ? &r->c : NULL, "A secret key came by mail",
                           buf_text(&text), why);
    buf_free(&text);
    return err;
}

enum err secret_key_report(struct receiving *r, const char *code, struct diag *why)
{
    const struct pgp_secrets *s = &r->in->secrets;
    struct buf names = BUF_EMPTY, pinned = BUF_EMPTY;
    int64_t now = clock_now(r->f->clock);
    bool told = false;
    enum err err;

    if (!s->n)
        return ERR_OK;
    list_fingerprints(r->in, &names);
    err = audit_append(r->f->db, now, "embargod", "mail.secret-key", code, "key.secret", buf_text(&names), why);
    for (size_t i = 0; !err && i < s->n_keys; i++) {
        size_t before = pinned.len;

        err = note_pinned(r, s->fingerprints[i], &pinned, why);
        if (!err)
            err = secret_key_put(r->f->db, r->list_row.id, s->fingerprints[i], pinned.len > before, code, now, why);
    }
    if (!err)
        err = tell_owner(r, &told, why);
    if (!err)
        err = tell_team(r, code, told, &pinned, why);
    if (!err)
        log_event(*code ? code : NULL, "secret-key-wiped", "key.secret", told ? "told" : "not told");
    buf_free(&names);
    buf_free(&pinned);
    return err;
}
