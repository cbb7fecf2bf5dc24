#include "flow/preflight.h"

#include "base/mem.h"
#include "policy/states.h"

#include <stdio.h>
#include <stdlib.h>

static enum pgp_key_state state_of(struct db *db, int64_t list_id, const char *fingerprint, int64_t now_utc_s)
{
    struct key_row *key = mem_zero(1, sizeof *key);
    enum pgp_key_state state = PGP_KEY_MISSING;
    struct diag none;

    if (fingerprint && !key_by_fingerprint(db, list_id, fingerprint, key, &none))
        state = pgp_key_state_at(&key->facts, now_utc_s, NULL, 0);
    free(key);
    return state;
}

/* *served, or the state of the first contact's key. */
static enum err look(struct db *db, const struct member_row *m, int64_t now_utc_s, bool *served,
                     enum pgp_key_state *first, struct diag *why)
{
    struct contact_row *contacts = NULL;
    size_t n = 0;
    enum err err = contact_all(db, m->id, &contacts, &n, why);

    *served = false;
    *first = PGP_KEY_MISSING;
    for (size_t i = 0; i < n && !*served; i++) {
        enum pgp_key_state state = state_of(db, m->list_id, contacts[i].fingerprint, now_utc_s);

        *served = pgp_key_state_sends(state);
        *first = i ? *first : state;
    }
    contact_rows_free(contacts, n);
    return err;
}

enum err preflight_unserved(struct db *db, int64_t list_id, int64_t now_utc_s, json_t *out, struct diag *why)
{
    struct member_row *members = NULL;
    size_t n = 0;
    enum err err = member_all(db, list_id, &members, &n, why);

    for (size_t i = 0; i < n; i++) {
        enum pgp_key_state first;
        enum member_state state;
        char rule[DIAG_RULE_MAX];
        bool served = true;

        if (!err && member_state_parse(members[i].state, &state) &&
            (state == MEMBER_ACTIVE || state == MEMBER_KEY_TROUBLE))
            err = look(db, &members[i], now_utc_s, &served, &first, why);
        if (!err && !served) {
            snprintf(rule, sizeof rule, "key.%s", pgp_key_state_name(first));
            json_array_append_new(out, json_pack("{s:s, s:s}", "org", members[i].org, "rule", rule));
        }
        member_row_free(&members[i]);
    }
    free(members);
    return err;
}
