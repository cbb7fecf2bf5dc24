#include "flow/apply_welcome.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_armor.h"
#include "flow/outgoing.h"
#include "flow/texts.h"

#include <stdlib.h>
#include <string.h>

/* In words: "build_test" is written as in a policy, so that it can be looked up. */
static void write_uses(const struct policy_tier *tier, enum policy_use_word word, enum policy_use_word or_word,
                       struct buf *out)
{
    struct decide_use uses[POLICY_USES];

    decide_uses(tier, 0, 0, uses);
    for (int i = 0; i < POLICY_USES; i++) {
        if (uses[i].word != word && uses[i].word != or_word)
            continue;
        buf_printf(out, "  - %s%s%s%s\n", policy_use_name((enum policy_use)i), *uses[i].condition ? " (" : "",
                   uses[i].condition, *uses[i].condition ? ")" : "");
    }
    if (!out->len && word != POLICY_ASK)
        buf_add_str(out, "  - nothing\n");
}

static enum err list_key(struct apply *a, struct buf *out)
{
    struct buf key = BUF_EMPTY;
    struct pgp_armor armor;
    char *name = mem_printf("list-key:%s", a->list->name);

    if (db_meta_get(a->f->db, name, &key)) {
        pgp_armor_begin(&armor, PGP_ARMOR_PUBLIC_KEY, "\n", out);
        pgp_armor_update(&armor, buf_span(&key), out);
        pgp_armor_end(&armor, out);
    }
    buf_free(&key);
    free(name);
    return ERR_OK;
}

enum err apply_welcome(struct apply *a, const struct member_row *m, const char *role, struct diag *why)
{
    const struct policy_tier *tier = policy_tier_find(a->policy, m->tier);
    struct buf allowed = BUF_EMPTY, denied = BUF_EMPTY, asked = BUF_EMPTY, key_file = BUF_EMPTY, text = BUF_EMPTY;
    struct key_row *key = mem_zero(1, sizeof *key);
    struct outgoing_to to = {.member_id = m->id, .org = m->org, .address = role, .fingerprint = a->row.fingerprint};
    struct outgoing_file file = {.name = "list-key.asc", .type = "application/pgp-keys"};
    enum err err = key_by_fingerprint(a->f->db, m->list_id, a->row.fingerprint, key, why);

    to.key_row = key->id;
    free(key);
    if (!err && !tier)
        err = diag_set(why, ERR_NOT_FOUND, "tier.unknown", "the list's policy has no such tier");
    if (!err) {
        write_uses(tier, POLICY_ALLOW, POLICY_ALLOW, &allowed);
        write_uses(tier, POLICY_DENY, POLICY_DENY, &denied);
        write_uses(tier, POLICY_ASK, POLICY_ADVISORY, &asked);
        err = list_key(a, &key_file);
    }
    if (!err) {
        struct tmpl_value values[] = {
            {"list", a->list->address},
            {"organisation", a->org},
            {"tier", m->tier},
            {"role", role},
            {"fingerprint", a->row.fingerprint},
            {"key", a->list->fingerprint},
            {"notice", tier->before_publish.has == POLICY_STATED ? policy_value_text(&tier->before_publish) : ""},
            {"allowed", buf_text(&allowed)},
            {"denied", buf_text(&denied)},
            {"asked", buf_text(&asked)}};
        err = text_fill_in(a->f, m->language, "application-welcome", values, sizeof values / sizeof values[0], &text,
                           why);
    }
    if (!err) {
        struct outgoing mail = {.kind = "application",
                                .list = a->list,
                                .list_id = m->list_id,
                                .subject = "Welcome",
                                .text = buf_text(&text),
                                .files = &file,
                                .n_files = key_file.len ? 1 : 0,
                                .to_members = true,
                                .earliest_at = INSTANT_NONE};
        file.bytes = buf_span(&key_file);
        err = outgoing_queue(a->f, &mail, content_sealed(), &to, 1, NULL, why);
    }
    buf_free(&allowed);
    buf_free(&denied);
    buf_free(&asked);
    buf_free(&key_file);
    buf_free(&text);
    return err;
}
