#include "flow/key_warnings.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/member_notices.h"
#include "flow/policies.h"
#include "policy/states.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S    ((int64_t)86400)
#define LOST_MAX 4 /* weekly notices after the first */

static const struct {
    int64_t days;
    const char *detail;
} warnings[] = {{60, "60d"}, {30, "30d"}, {14, "14d"}, {7, "7d"}, {1, "1d"}, {0, "0d"}};
#define WARNINGS (sizeof warnings / sizeof warnings[0])

/* Those of a key that ended once, and does not now. */
static enum err end_lost(struct flow *f, int64_t key_row, struct diag *why)
{
    char detail[32];
    enum err err = ERR_OK;

    for (int i = 1; !err && i <= LOST_MAX; i++) {
        snprintf(detail, sizeof detail, "lost-%d", i);
        err = duty_end(f->db, KEY_WARNING_DUTY, key_row, detail, why);
    }
    return err;
}

enum err key_warnings_put(struct flow *f, int64_t list_id, int64_t key_row, const struct pgp_key_info *key,
                          struct diag *why)
{
    int64_t now = clock_now(f->clock), end = pgp_key_encrypts_until(key, now);
    enum err err =
        end == INSTANT_NONE ? duty_end(f->db, KEY_WARNING_DUTY, key_row, NULL, why) : end_lost(f, key_row, why);

    for (size_t i = 0; !err && end != INSTANT_NONE && i < WARNINGS; i++) {
        int64_t at = end - warnings[i].days * DAY_S;
        bool last_past = i + 1 == WARNINGS || end - warnings[i + 1].days * DAY_S > now;

        if (duty_instant(f->db, KEY_WARNING_DUTY, key_row, warnings[i].detail) == at)
            continue; /* it waits, or was given */
        err = duty_end(f->db, KEY_WARNING_DUTY, key_row, warnings[i].detail, why);
        /* Of those that are past already, the last one is given now. */
        if (!err && (at > now || last_past))
            err = duty_put(f->db, list_id, KEY_WARNING_DUTY, key_row, warnings[i].detail, at, why);
    }
    return err;
}

/* One that has ended meanwhile is said to have. */
static enum err put_again(struct flow *f, int64_t list_id, const struct key_row *key, struct diag *why)
{
    int64_t now = clock_now(f->clock);
    bool has_ended = !key->facts.revoked && pgp_key_state_at(&key->facts, now, NULL, 0) == PGP_KEY_EXPIRED;
    enum err err = key_warnings_put(f, list_id, key->id, &key->facts, why);

    return err || !has_ended ? err : duty_put(f->db, list_id, KEY_WARNING_DUTY, key->id, "0d", now, why);
}

enum err key_warnings_put_again(struct flow *f, const struct member_row *m, struct diag *why)
{
    struct key_row *key = mem_zero(1, sizeof *key);
    struct contact_row *contacts = NULL;
    struct diag none;
    size_t n = 0;
    enum err err = contact_all(f->db, m->id, &contacts, &n, why);

    for (size_t i = 0; !err && i < n; i++)
        if (contacts[i].fingerprint && !key_by_fingerprint(f->db, m->list_id, contacts[i].fingerprint, key, &none))
            err = put_again(f, m->list_id, key, why);
    contact_rows_free(contacts, n);
    free(key);
    return err;
}

/* ---- what is said ---- */

struct warned {
    const struct settings_list *list;
    struct policy *policy;
    struct key_row *key;
    struct member_row member;           /* id 0: none */
    const struct settings_admin *admin; /* NULL: none */
};

static enum err load(struct flow *f, const struct duty_row *duty, struct warned *w, struct diag *why)
{
    struct diag none;
    enum err err = ERR_OK;

    w->list = flow_list_of_row(f, duty->list_id, why);
    if (!w->list)
        return ERR_NOT_FOUND;
    err = policies_of_list(f, w->list, &w->policy, why);
    if (!err)
        err = key_by_id(f->db, duty->object, w->key, why);
    if (!err && member_by_fingerprint(f->db, duty->list_id, w->key->facts.fingerprint, &w->member, &none))
        w->admin = settings_admin_with_key(f->settings, w->list, w->key->facts.fingerprint);
    return err;
}

/* when: until when it can be used; NULL: no longer. */
static enum err tell_team(struct flow *f, const struct duty_row *duty, const struct warned *w, const char *when,
                          const char *words, struct diag *why)
{
    const char *who = w->member.id ? w->member.org : w->admin ? w->admin->address : "nobody";
    char *subject = mem_printf("The key of %s %s", who, words);
    char *text = mem_printf(
        "Key:        %s\nOf:         %s\nUsable to:  %s\n\n%s A renewed certificate is taken by\n"
        "`embargoctl key import FILE`, from a signed mail with it attached, and from the weekly\nlook-ups.\n",
        w->key->facts.fingerprint, who, when ? when : "it has ended",
        when ? "When it ends, nothing can be sent to it." : "Nothing can be sent to it.");
    enum err err = case_notify_team(f, w->list, duty->list_id, NULL, subject, text, why);

    free(subject);
    free(text);
    return err;
}

static enum err tell_member(struct flow *f, const struct warned *w, const char *when, const char *words,
                            struct diag *why)
{
    char *subject = mem_printf("Your OpenPGP key %s", words);
    char *text = mem_printf(
        "%s encrypts to this key of yours, which can be used until %s:\n\n    %s\n\nPlease make it last "
        "longer (gpg --quick-set-expire, for the subkey that encrypts too), and send it in\na mail that it "
        "signs, attached, with a nonce and the line\n\n    Embargo-Command: key refresh\n\nIf you have a new "
        "key, send that one in a mail signed by the old one, with\n\n    Embargo-Command: key "
        "replace\n\nWhen the key has ended, nothing can be sent to you.\n",
        w->list->address, when, w->key->facts.fingerprint);
    enum err err = member_tell(f, w->list, &w->member, subject, text, NULL, why);

    free(subject);
    free(text);
    return err;
}

/* The key has ended: whoever has no other is told in clear that one is needed. */
static enum err tell_lost(struct flow *f, const struct duty_row *duty, const struct warned *w, int64_t times,
                          struct diag *why)
{
    int64_t now = clock_now(f->clock);
    char detail[32];
    size_t n = 0;
    enum err err;

    if (!w->member.id || member_is_reachable(f, &w->member))
        return ERR_OK;
    err = member_judge_keys(f, w->list, w->member.id, why);
    if (!err)
        err = member_tell_plain(f, w->list, w->policy, &w->member, &n, why);
    snprintf(detail, sizeof detail, "lost-%lld", (long long)times + 1);
    if (!err && times < LOST_MAX)
        err = duty_put(f->db, duty->list_id, KEY_WARNING_DUTY, duty->object, detail, now + 7 * DAY_S, why);
    return err;
}

static bool is_member_here(const struct warned *w)
{
    return w->member.id && (strcmp(w->member.state, member_state_name(MEMBER_ACTIVE)) == 0 ||
                            strcmp(w->member.state, member_state_name(MEMBER_KEY_TROUBLE)) == 0);
}

static bool is_suspended(const struct warned *w)
{
    return w->member.id && strcmp(w->member.state, member_state_name(MEMBER_SUSPENDED)) == 0;
}

static enum err warn(struct flow *f, const struct duty_row *duty, const struct warned *w, struct diag *why)
{
    int64_t now = clock_now(f->clock), end = pgp_key_encrypts_until(&w->key->facts, now);
    char when[INSTANT_TEXT_SIZE], words[64];
    enum err err;

    /* It is given when he is back, if none that is more urgent is due by then. */
    if (is_suspended(w))
        return duty_end(f->db, KEY_WARNING_DUTY, duty->object, duty->detail, why);
    if (w->key->facts.revoked || (!is_member_here(w) && !w->admin))
        return ERR_OK;
    if (duty_is_overtaken(f->db, duty, "", now))
        return ERR_OK; /* the clock has jumped over several: the last says it all */
    if (strncmp(duty->detail, "lost-", 5) == 0)
        return tell_lost(f, duty, w, strtoll(duty->detail + 5, NULL, 10), why);
    instant_text(end, when);
    if (strcmp(duty->detail, "0d") != 0 && (end == INSTANT_NONE || end <= now))
        return ERR_OK; /* too late for a warning: the day itself says it */
    if (end == INSTANT_NONE || end <= now) {
        err = tell_team(f, duty, w, NULL, "has expired", why);
        return err ? err : tell_lost(f, duty, w, 0, why);
    }
    snprintf(words, sizeof words, "expires on %.10s", when);
    err = tell_team(f, duty, w, when, words, why);
    return err || !w->member.id ? err : tell_member(f, w, when, words, why);
}

enum err key_warning_run(struct flow *f, const struct duty_row *duty, struct diag *why)
{
    struct warned w = {.key = mem_zero(1, sizeof *w.key)};
    struct diag gone;
    enum err err = load(f, duty, &w, &gone);

    if (!err)
        err = warn(f, duty, &w, why);
    else if (err == ERR_NOT_FOUND)
        err = ERR_OK; /* the key, or the list, is no longer there */
    else
        *why = gone;
    member_row_free(&w.member);
    policy_free(&w.policy);
    free(w.key);
    return err;
}
