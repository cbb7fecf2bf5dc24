#include "flow/key_refresh.h"

#include "base/log.h"
#include "base/mem.h"
#include "flow/key_news.h"
#include "policy/states.h"

#include <stdlib.h>
#include <string.h>

#define WEEK_S   ((int64_t)7 * 86400)
#define JITTER_S ((int64_t)86400)
#define ROUND_S  ((int64_t)6 * 3600)

/* 0 .. span - 1, from the system's randomness. */
static int64_t random_below(int64_t span)
{
    uint32_t r;

    box_random(&r, sizeof r);
    return span > 0 ? (int64_t)(r % (uint64_t)span) : 0;
}

static int64_t next_round(int64_t now)
{
    return now + WEEK_S - JITTER_S / 2 + random_below(JITTER_S);
}

enum err key_round_begin(struct flow *f, int64_t list_id, struct diag *why)
{
    return duty_is_put(f->db, KEY_ROUND_DUTY, list_id, "")
               ? ERR_OK
               : duty_put(f->db, list_id, KEY_ROUND_DUTY, list_id, "", next_round(clock_now(f->clock)), why);
}

static enum err put_contacts(struct flow *f, const struct member_row *m, int64_t spread_s, int64_t *n, struct diag *why)
{
    struct contact_row *contacts = NULL;
    size_t count = 0;
    enum err err = contact_all(f->db, m->id, &contacts, &count, why);

    for (size_t i = 0; i < count && !err; i++) {
        if (contacts[i].fingerprint) {
            err = lookup_put(f->db, m->list_id, KEY_ROUND_LOOKUP, contacts[i].id, contacts[i].address,
                             clock_now(f->clock) + random_below(spread_s), why);
            ++*n;
        }
    }
    contact_rows_free(contacts, count);
    return err;
}

enum err key_round_put(struct flow *f, int64_t list_id, int64_t spread_s, int64_t *n, struct diag *why)
{
    struct member_row *members = NULL;
    size_t count = 0;
    enum err err = member_all(f->db, list_id, &members, &count, why);

    *n = 0;
    for (size_t i = 0; i < count; i++) {
        enum member_state state;

        if (!err && member_state_parse(members[i].state, &state) && state != MEMBER_REMOVED)
            err = put_contacts(f, &members[i], spread_s, n, why);
        member_row_free(&members[i]);
    }
    free(members);
    return err;
}

enum err key_round_run(struct flow *f, const struct duty_row *duty, struct diag *why)
{
    int64_t n;
    enum err err = key_round_put(f, duty->list_id, ROUND_S, &n, why);

    return err ? err
               : duty_put(f->db, duty->list_id, KEY_ROUND_DUTY, duty->object, "", next_round(clock_now(f->clock)), why);
}

enum err key_round_found(struct flow *f, const struct lookup_row *row, const struct lookup_result *result,
                         struct diag *why)
{
    struct contact_row contact = {0};
    struct key_row *known;
    enum err err;

    /* Off line, or nothing there: the next round comes in a week anyway. */
    if (result->outcome != LOOKUP_FOUND)
        return ERR_OK;
    known = mem_zero(1, sizeof *known);
    err = contact_by_id(f->db, row->object, &contact, why);
    if (err == ERR_NOT_FOUND) {
        err = ERR_OK;
    } else if (!err && (!contact.fingerprint || strcmp(contact.fingerprint, result->key->fingerprint) != 0)) {
        log_event(NULL, "key-other", "key.other-fingerprint", "contact=%lld", (long long)row->object);
    } else if (!err) {
        struct diag refused;

        err = key_by_fingerprint(f->db, row->list_id, contact.fingerprint, known, why);
        if (!err)
            err = key_news_take(f, row->list_id, known, result->key, result->certificate, "embargod", "wkd", NULL, NULL,
                                &refused);
        if (err == ERR_DENIED) {
            log_event(NULL, "key-news-refused", refused.rule, "contact=%lld", (long long)row->object);
            err = ERR_OK;
        } else if (err) {
            *why = refused;
        }
    }
    contact_row_free(&contact);
    free(known);
    return err;
}
