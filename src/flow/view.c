#include "flow/view.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/acks.h"
#include "store/bounces.h"
#include "store/deadlines.h"
#include "store/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *view_text(const char *text)
{
    json_t *s = text ? json_string(text) : NULL;

    return s ? s : json_null();
}

json_t *view_instant(int64_t at_utc_s)
{
    char text[INSTANT_TEXT_SIZE];

    return at_utc_s == INSTANT_NONE ? json_null() : json_string(instant_text(at_utc_s, text));
}

static json_t *secret_text(struct flow *f, int64_t id, const char *column)
{
    char *text = db_unseal_text(f->db, "cases", id, column);
    json_t *o = view_text(text);

    mem_free_secret(&text);
    return o;
}

/* Lines of a sealed column as an array. */
static json_t *secret_lines(struct flow *f, int64_t id, const char *column)
{
    char *text = db_unseal_text(f->db, "cases", id, column), *rest = text, *line;
    json_t *a = json_array();

    while (rest && (line = strsep(&rest, "\n")))
        if (*line)
            json_array_append_new(a, json_string(line));
    mem_free_secret(&text);
    return a;
}

static void add_facts(struct flow *f, json_t *o, int64_t message_id)
{
    struct buf facts = BUF_EMPTY;
    struct diag why;
    json_t *parsed = NULL;
    json_t *files, *list = json_array();
    size_t i;
    json_t *file;

    if (!message_facts(f->db, message_id, &facts, &why))
        parsed = json_loadb(buf_text(&facts), facts.len, 0, NULL);
    json_object_set_new(o, "subject", view_text(json_string_value(json_object_get(parsed, "subject"))));
    json_object_set_new(o, "from", view_text(json_string_value(json_object_get(parsed, "from"))));
    json_object_set_new(o, "text", view_text(json_string_value(json_object_get(parsed, "text"))));
    files = json_object_get(parsed, "attachments");
    json_array_foreach(files, i, file)
    {
        json_array_append_new(list, json_pack("{s:O, s:O, s:O}", "n", json_object_get(file, "n"), "name",
                                              json_object_get(file, "name"), "size_bytes",
                                              json_object_get(file, "size_bytes")));
    }
    json_object_set_new(o, "attachments", list);
    files = json_object_get(parsed, "secret_keys");
    json_object_set_new(o, "secret_keys", files ? json_incref(files) : json_array());
    json_decref(parsed);
    buf_free(&facts);
}

static json_t *messages(struct flow *f, const struct case_row *c, bool with_text)
{
    struct message_row *rows;
    json_t *a = json_array();
    struct diag why;
    size_t n;

    message_all(f->db, c->id, &rows, &n, &why);
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        json_object_set_new(o, "n", json_integer(rows[i].n));
        json_object_set_new(o, "at", view_instant(rows[i].at));
        json_object_set_new(o, "author", view_text(rows[i].author));
        json_object_set_new(o, "signed_by", view_text(rows[i].signed_by));
        json_object_set_new(o, "verified", json_boolean(rows[i].verified));
        json_object_set_new(o, "encrypted", json_boolean(rows[i].encrypted));
        if (with_text)
            add_facts(f, o, rows[i].id);
        json_array_append_new(a, o);
        message_row_free(&rows[i]);
    }
    free(rows);
    return a;
}

/* The clock's own name: the record tells its least, aimed at and greatest apart, as the rule does. */
json_t *view_clock(const char *clock)
{
    static const char *const ends[] = {".min", ".target", ".max"};
    size_t len = strlen(clock);

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t end = strlen(ends[i]);

        if (len > end && strcmp(clock + len - end, ends[i]) == 0)
            return json_stringn(clock, len - end);
    }
    return json_string(clock);
}

static json_t *deadlines(struct flow *f, const struct case_row *c)
{
    struct deadline_row *rows;
    json_t *a = json_array();
    struct diag why;
    size_t n;

    deadline_all(f->db, c->id, &rows, &n, &why);
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        json_object_set_new(o, "clock", view_clock(rows[i].clock));
        json_object_set_new(o, "tier", view_text(rows[i].tier));
        json_object_set_new(o, "at", view_instant(rows[i].at));
        json_object_set_new(o, "rule", view_text(rows[i].rule));
        json_object_set_new(o, "force", view_text(rows[i].force));
        json_object_set_new(o, "fired_at", view_instant(rows[i].fired_at));
        json_array_append_new(a, o);
        deadline_row_free(&rows[i]);
    }
    free(rows);
    return a;
}

static json_t *notes(struct flow *f, const struct case_row *c)
{
    struct note_row *rows;
    json_t *a = json_array();
    struct diag why;
    size_t n;

    note_all(f->db, c->id, &rows, &n, &why);
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();

        json_object_set_new(o, "at", view_instant(rows[i].at));
        json_object_set_new(o, "actor", view_text(rows[i].actor));
        json_object_set_new(o, "text", view_text(rows[i].text));
        json_array_append_new(a, o);
        note_row_free(&rows[i]);
    }
    free(rows);
    return a;
}

json_t *view_case(struct flow *f, const struct case_row *c, bool with_text)
{
    json_t *o = json_object();

    json_object_set_new(o, "id", json_string(c->code));
    json_object_set_new(o, "public_id", view_text(c->public_id));
    json_object_set_new(o, "state", view_text(c->state));
    json_object_set_new(o, "title", secret_text(f, c->id, "sealed_title"));
    json_object_set_new(o, "track", view_text(c->track));
    json_object_set_new(o, "mode", view_text(c->mode));
    json_object_set_new(o, "model", view_text(c->model));
    json_object_set_new(o, "severity", view_text(c->severity));
    json_object_set_new(o, "channel", view_text(c->channel));
    json_object_set_new(o, "origin", view_text(c->origin));
    json_object_set_new(o, "scope", view_text(c->scope));
    json_object_set_new(o, "cves", secret_lines(f, c->id, "sealed_cves"));
    json_object_set_new(o, "commits", secret_lines(f, c->id, "sealed_commits"));
    json_object_set_new(o, "until", view_instant(c->until_at));
    json_object_set_new(o, "policy", view_text(c->policy));
    json_object_set_new(o, "embargo_status", view_text(c->embargo_status));
    json_object_set_new(o, "duplicate_of", view_text(c->duplicate_of));
    json_object_set_new(o, "version", c->version ? json_integer(c->version) : json_null());
    json_object_set_new(o, "opened_at", view_instant(c->opened_at));
    json_object_set_new(o, "acknowledged_at", view_instant(c->acknowledged_at));
    json_object_set_new(o, "accepted_at", view_instant(c->accepted_at));
    json_object_set_new(o, "fix_ready_at", view_instant(c->fix_ready_at));
    json_object_set_new(o, "predisclosed_at", view_instant(c->predisclosed_at));
    json_object_set_new(o, "public_at", view_instant(c->public_at));
    json_object_set_new(o, "closed_at", view_instant(c->closed_at));
    json_object_set_new(o, "discoverer_date", view_instant(c->discoverer_at));
    json_object_set_new(o, "messages", messages(f, c, with_text));
    json_object_set_new(o, "deadlines", deadlines(f, c));
    if (with_text)
        json_object_set_new(o, "acknowledgements", ack_table(f, c->id));
    if (with_text)
        json_object_set_new(o, "notes", notes(f, c));
    return o;
}

const char *view_key_state(struct flow *f, int64_t list_id, const char *fingerprint, char *reason, size_t reason_size)
{
    struct key_row *key = mem_zero(1, sizeof *key);
    const char *state;
    struct diag why;

    if (reason)
        snprintf(reason, reason_size, "no key is known: import it with member add --key or key import");
    if (!fingerprint || key_by_fingerprint(f->db, list_id, fingerprint, key, &why))
        state = pgp_key_state_name(PGP_KEY_MISSING);
    else
        state = pgp_key_state_name(pgp_key_state_at(&key->facts, clock_now(f->clock), reason, reason_size));
    free(key);
    return state;
}

/* What speaks against a contact besides its key: its newest mail came back. */
static void add_trouble(struct flow *f, const struct contact_row *contact, char *reason, size_t reason_size)
{
    struct bounce_row b;
    struct diag none;
    size_t used = strlen(reason);

    if (!bounce_of_contact(f->db, contact->member_id, contact->address, &b, &none) && b.given_up) {
        char at[INSTANT_TEXT_SIZE];

        snprintf(reason + used, reason_size - used, "%sdelivery trouble: the last mail came back on %.10s (%s, %s)",
                 used ? "; " : "", instant_text(b.at, at), b.class_name, b.code);
    }
    bounce_row_free(&b);
}

json_t *view_member(struct flow *f, const struct member_row *m)
{
    json_t *o = json_object(), *a = json_array();
    struct contact_row *contacts;
    struct diag why;
    size_t n;

    contact_all(f->db, m->id, &contacts, &n, &why);
    for (size_t i = 0; i < n; i++) {
        char reason[256] = "";
        json_t *k = json_object();

        json_object_set_new(k, "address", view_text(contacts[i].address));
        json_object_set_new(k, "fingerprint", view_text(contacts[i].fingerprint));
        json_object_set_new(k, "key_state",
                            json_string(view_key_state(f, m->list_id, contacts[i].fingerprint, reason, sizeof reason)));
        add_trouble(f, &contacts[i], reason, sizeof reason);
        json_object_set_new(k, "reason", *reason ? json_string(reason) : json_null());
        json_array_append_new(a, k);
    }
    contact_rows_free(contacts, n);
    json_object_set_new(o, "org", view_text(m->org));
    json_object_set_new(o, "class", view_text(m->class_name));
    json_object_set_new(o, "tier", view_text(m->tier));
    json_object_set_new(o, "state", view_text(m->state));
    json_object_set_new(o, "language", json_string(m->language ? m->language : "en"));
    json_object_set_new(o, "added_at", view_instant(m->added_at));
    json_object_set_new(o, "contacts", a);
    view_member_life(f, m, o);
    return o;
}

json_t *view_key(const struct key_row *key, int64_t now_utc_s)
{
    char reason[256] = "";
    json_t *o = json_object(), *subkeys = json_array();

    json_object_set_new(o, "fingerprint", json_string(key->facts.fingerprint));
    json_object_set_new(
        o, "key_state",
        json_string(pgp_key_state_name(pgp_key_state_at(&key->facts, now_utc_s, reason, sizeof reason))));
    json_object_set_new(o, "reason", *reason ? json_string(reason) : json_null());
    json_object_set_new(o, "created_at", view_instant(key->facts.created_at_utc_s));
    json_object_set_new(o, "expires_at", view_instant(key->facts.expires_at_utc_s));
    json_object_set_new(o, "shard", json_integer(key->shard));
    for (size_t i = 0; i < key->facts.n_subkeys; i++) {
        const struct pgp_subkey_info *s = &key->facts.subkeys[i];

        json_array_append_new(subkeys,
                              json_pack("{s:s, s:s, s:b, s:b, s:b, s:o}", "fingerprint", s->fingerprint, "algorithm",
                                        s->algo_name, "can_encrypt", s->can_encrypt, "can_sign", s->can_sign, "revoked",
                                        s->revoked, "expires_at", view_instant(s->expires_at_utc_s)));
    }
    json_object_set_new(o, "subkeys", subkeys);
    return o;
}

/* What the MTA's or the recipient's server said after it was handed over. */
static json_t *bounce_of(struct flow *f, int64_t copy_id)
{
    struct bounce_row b;
    struct diag none;
    json_t *o = NULL;

    if (!bounce_of_copy(f->db, copy_id, &b, &none) && b.copy_id)
        o = json_pack("{s:s, s:s, s:b, s:o, s:I}", "class", b.class_name, "code", b.code, "given_up", b.given_up, "at",
                      view_instant(b.at), "times", (json_int_t)b.times);
    bounce_row_free(&b);
    return o ? o : json_null();
}

json_t *view_copy(struct flow *f, const struct copy_row *copy)
{
    struct mail_row mail = {0};
    struct case_row c = {0};
    json_t *o = json_object();
    struct diag why;

    if (!mail_by_id(f->db, copy->mail_id, &mail, &why) && mail.case_id)
        case_by_id(f->db, mail.case_id, &c, &why);
    json_object_set_new(o, "id", json_integer(copy->id));
    json_object_set_new(o, "case", c.id ? json_string(c.code) : json_null());
    json_object_set_new(o, "version", mail.version ? json_integer(mail.version) : json_null());
    json_object_set_new(o, "kind", view_text(mail.kind));
    json_object_set_new(o, "org", view_text(copy->org));
    json_object_set_new(o, "address", view_text(copy->address));
    /* A copy that waits for its encryption is queued for whoever asks. */
    json_object_set_new(o, "state",
                        view_text(copy->state && strcmp(copy->state, "sealing") == 0 ? "queued" : copy->state));
    json_object_set_new(o, "tries", json_integer(copy->tries));
    json_object_set_new(o, "next_at", view_instant(copy->next_at));
    json_object_set_new(o, "earliest_at", view_instant(copy->earliest_at));
    json_object_set_new(o, "code", view_text(copy->code));
    json_object_set_new(o, "queue_id", view_text(copy->queue_id));
    json_object_set_new(o, "bounce", bounce_of(f, copy->id));
    json_object_set_new(o, "message_id", view_text(mail.message_id));
    json_object_set_new(o, "group", json_integer(copy->mail_id));
    mail_row_free(&mail);
    case_row_free(&c);
    return o;
}

json_t *view_held(const struct held_row *held)
{
    json_t *o = json_object();

    json_object_set_new(o, "id", json_string(held->code));
    json_object_set_new(o, "at", view_instant(held->at));
    json_object_set_new(o, "rule", view_text(held->rule));
    json_object_set_new(o, "size_bytes", json_integer(held->size_bytes));
    json_object_set_new(o, "state", view_text(held->state));
    return o;
}

/* An admin by his address alone, others by their kind too. */
static const char *actor_shown(const char *actor)
{
    return strncmp(actor, "admin:", 6) == 0 ? actor + 6 : actor;
}

static json_t *votes_of(struct flow *f, int64_t id)
{
    struct vote_row *votes;
    struct diag why;
    size_t n;
    json_t *out = json_array();

    if (vote_all(f->db, id, &votes, &n, &why))
        n = 0, votes = NULL;
    for (size_t i = 0; i < n; i++)
        json_array_append_new(out, json_pack("{s:s, s:s, s:o}", "admin", votes[i].admin, "vote", votes[i].vote, "at",
                                             view_instant(votes[i].at)));
    vote_rows_free(votes, n);
    return out;
}

json_t *view_approval(struct flow *f, const struct approval_row *a, bool whole)
{
    json_t *o = json_object();

    json_object_set_new(o, "id", json_string(a->code));
    json_object_set_new(o, "action", view_text(a->action));
    json_object_set_new(o, "object", view_text(a->object));
    json_object_set_new(o, "by", view_text(actor_shown(a->by)));
    json_object_set_new(o, "at", view_instant(a->at));
    json_object_set_new(o, "needs", json_integer(a->needs));
    json_object_set_new(o, "votes", votes_of(f, a->id));
    if (!whole)
        return o;
    json_object_set_new(o, "state", view_text(a->state));
    json_object_set_new(o, "not_before", view_instant(a->not_before_at ? a->not_before_at : INSTANT_NONE));
    json_object_set_new(o, "until", view_instant(a->until_at));
    return o;
}

json_t *view_site(struct flow *f)
{
    struct publish_state state;
    char *folder = settings_path(f->settings, "public");
    json_t *o = json_object();

    publish_state(f->db, &state);
    json_object_set_new(o, "wanted", json_integer(state.wanted));
    json_object_set_new(o, "built", json_integer(state.built));
    json_object_set_new(o, "built_at", view_instant(state.built_at));
    json_object_set_new(o, "folder", view_text(folder));
    json_object_set_new(o, "url", view_text(f->settings->site_url));
    free(folder);
    return o;
}
