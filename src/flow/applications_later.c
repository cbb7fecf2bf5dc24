/* What comes to an application by itself: a key that was looked up, and instants. */
#include "flow/applications.h"

#include "base/mem.h"
#include "codec/addr.h"
#include "flow/lookup_kinds.h"
#include "store/secret_keys.h"

#include <stdlib.h>
#include <string.h>

#define KEY_SOUGHT_EACH_S ((int64_t)6 * 3600) /* where nobody could be asked */
#define KEY_SOUGHT_FOR_S  ((int64_t)14 * 86400)

/* ---- a key by WKD ---- */

/* A directory answers for an address; the key says for itself whom it is for. "": it will do. */
static const char *refusal(const struct apply *a, const struct pgp_key_info *key)
{
    char role[ADDR_MAX_BYTES + 1];

    apply_role_address(a, role);
    if (!pgp_key_names(key, role))
        return "key.other-address";
    return secret_key_came_with(a->f->db, a->row.list_id, key->fingerprint, a->row.code) ? "key.exposed" : "";
}

static enum err key_refused(struct apply *a, const char *rule, bool sought, struct diag *why)
{
    enum err err;

    free(a->row.key_rule);
    a->row.key_rule = mem_strdup(rule);
    err = application_update(a->f->db, &a->row, why);
    return !err && sought && a->state == APPLICATION_RECEIVED ? apply_settle(a, why) : err;
}

static enum err key_looked_up(struct apply *a, const struct lookup_result *result, struct diag *why)
{
    bool sought = a->row.key_rule && strcmp(a->row.key_rule, "key.sought") == 0;
    const char *rule;
    enum err err;

    if (a->key || (a->state != APPLICATION_RECEIVED && a->state != APPLICATION_INCOMPLETE))
        return ERR_OK; /* it has come by another way, or is not wanted any more */
    rule = result->outcome == LOOKUP_FOUND     ? refusal(a, result->key)
           : result->outcome == LOOKUP_OFFLINE ? "key.offline"
                                               : "key.missing";
    if (!*rule) {
        err = application_set_key(a->f->db, &a->row, result->key, result->certificate, why);
        a->key = mem_zero(1, sizeof *a->key);
        *a->key = *result->key;
        if (!err && a->state == APPLICATION_INCOMPLETE)
            err = apply_step(a, APPLICATION_AMEND, "embargod", "key.wkd", NULL, why);
        return err ? err : apply_settle(a, why);
    }
    /* Being off line is a state: the applicant is told that the key is missing, and it is looked for again. */
    return key_refused(a, rule, sought, why);
}

enum err apply_key_found(struct flow *f, const struct lookup_row *row, const struct lookup_result *result,
                         struct diag *why)
{
    struct application_row application = {0};
    struct apply a;
    enum err err = application_by_id(f->db, row->object, &application, why);

    if (err)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    err = apply_load(f, &application, &a, why);
    if (!err) {
        err = key_looked_up(&a, result, why);
        if (!err && result->outcome == LOOKUP_OFFLINE && a.state == APPLICATION_INCOMPLETE && !a.key &&
            clock_now(f->clock) < a.row.received_at + KEY_SOUGHT_FOR_S)
            err = duty_put(f->db, row->list_id, APPLY_KEY_DUTY, row->object, "",
                           clock_now(f->clock) + KEY_SOUGHT_EACH_S, why);
        apply_free(&a);
    }
    return err;
}

/* ---- instants ---- */

static enum err of_duty(struct flow *f, const struct duty_row *duty, struct apply *a, struct diag *why)
{
    struct application_row row = {0};
    enum err err = application_by_id(f->db, duty->object, &row, why);

    return err ? err : apply_load(f, &row, a, why);
}

enum err apply_duty_decide(struct flow *f, const struct duty_row *duty, struct diag *why)
{
    struct apply a;
    enum err err = of_duty(f, duty, &a, why);

    if (err)
        return err;
    if ((a.state == APPLICATION_COMPLETE || a.state == APPLICATION_APPEALED) &&
        !duty_is_overtaken(f->db, duty, "", clock_now(f->clock)))
        err = apply_tell_team(&a, *duty->detail ? "An application waits" : "An application is overdue",
                              *duty->detail ? "An application for membership waits for your decision."
                                            : "The time that the policy gives for a decision "
                                              "(membership.decide_within) is over.",
                              true, why);
    apply_free(&a);
    return err;
}

enum err apply_duty_challenge(struct flow *f, const struct duty_row *duty, struct diag *why)
{
    struct apply a;
    enum err err = of_duty(f, duty, &a, why);

    if (err)
        return err;
    if (a.state == APPLICATION_CHALLENGED)
        err = apply_tell_team(&a, "A challenge was not answered",
                              "The applicant has not shown in time that the key is his. Send a new challenge with "
                              "application approve, or decline it.",
                              false, why);
    apply_free(&a);
    return err;
}

/* Nobody could be asked for the key; now somebody may. */
enum err apply_duty_key(struct flow *f, const struct duty_row *duty, struct diag *why)
{
    char role[ADDR_MAX_BYTES + 1];
    struct apply a;
    enum err err = of_duty(f, duty, &a, why);

    if (err)
        return err;
    apply_role_address(&a, role);
    if (a.state == APPLICATION_INCOMPLETE && !a.key && *role)
        err = lookup_put(f->db, a.row.list_id, APPLY_LOOKUP, a.row.id, role, clock_now(f->clock), why);
    apply_free(&a);
    return err;
}
