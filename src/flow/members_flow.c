#include "flow/members_flow.h"

#include "base/mem.h"
#include "codec/addr.h"
#include "flow/key_warnings.h"
#include "policy/states.h"
#include "store/audit.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES 100

enum err member_check_name(const char *org, struct diag *why)
{
    size_t n = strlen(org);
    bool ok = n >= 1 && n <= NAME_MAX_BYTES && org[0] != ' ' && org[n - 1] != ' ';

    for (size_t i = 0; ok && i < n; i++)
        ok = (unsigned char)org[i] >= 0x20 && org[i] != 0x7f;
    return ok ? ERR_OK
              : diag_set(why, ERR_USAGE, "member.name", "an organisation's name is 1 to 100 printable characters");
}

enum err member_check_tier(const struct policy *policy, const char *class_name, const char *tier, struct diag *why)
{
    const struct policy_tier *t = policy_tier_find(policy, tier);

    if (!t)
        return diag_set(why, ERR_NOT_FOUND, "tier.unknown", "the list's policy has no tier `%.40s`: see policy show",
                        tier);
    if (!policy_holds(&t->classes, class_name))
        return policy_diag(why, ERR_DENIED, policy, &t->classes, "tiers.classes",
                           "tier `%s` does not take members of class `%.40s`", tier, class_name);
    return ERR_OK;
}

static enum err check_address(struct flow *f, const struct member_row *m, const char *address, struct diag *why)
{
    const struct settings_list *own = flow_list_of_row(f, m->list_id, why);
    struct member_row other;
    struct diag none;
    bool taken;

    if (!own)
        return ERR_NOT_FOUND;
    if (settings_list_for(f->settings, address) == own)
        return diag_set(why, ERR_DENIED, "contact.of-list",
                        "this is an address of the list itself, whose mails would come back to it: ask for one of the "
                        "member's own");
    taken = !member_by_address(f->db, m->list_id, address, &other, &none) && other.id != m->id;

    member_row_free(&other);
    return taken ? diag_set(why, ERR_DENIED, "contact.taken",
                            "another member of the list has this address: each has its own")
                 : ERR_OK;
}

enum err members_check_not_lists(struct flow *f, int64_t list_id, const struct pgp_key_info *key, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, list_id, why);

    if (!list)
        return ERR_NOT_FOUND;
    if (strcasecmp(list->fingerprint, key->fingerprint) != 0 &&
        (!list->previous_key || strcasecmp(list->previous_key, key->fingerprint) != 0))
        return ERR_OK;
    return diag_set(why, ERR_DENIED, "key.duplicate",
                    "this is the key of the list itself: ask for a key of the member's own");
}

/* One that is no key of its own is refused; several addresses of one member may have the same. */
static enum err add_key(struct flow *f, const struct member_row *m, const struct pgp_key_info *key,
                        struct span certificate, struct diag *why)
{
    struct key_row *known = mem_zero(1, sizeof *known);
    struct member_row owner = {0};
    struct diag none;
    bool taken = !key_by_fingerprint(f->db, m->list_id, key->fingerprint, known, &none);
    bool own = taken && !member_by_fingerprint(f->db, m->list_id, key->fingerprint, &owner, &none) && owner.id == m->id;
    int64_t id;
    enum err err;

    free(known);
    member_row_free(&owner);
    if (taken && !own)
        return diag_set(why, ERR_DENIED, "key.duplicate",
                        "this key belongs to another member or admin of the list: ask for a key of its own");
    if (own)
        return ERR_OK;
    err = members_check_not_lists(f, m->list_id, key, why);
    if (!err)
        err = key_insert(f->db, m->list_id, false, key, certificate, clock_now(f->clock), &id, why);
    return err ? err : key_warnings_put(f, m->list_id, id, key, why);
}

enum err member_add_contact(struct flow *f, const struct member_row *m, const char *address,
                            const struct pgp_key_info *key, struct span certificate, struct diag *why)
{
    char checked[ADDR_MAX_BYTES + 1];
    struct contact_row contact = {.member_id = m->id, .address = checked};
    enum err err = addr_check(span_of(address), checked, why);

    if (!err)
        err = check_address(f, m, checked, why);
    if (!err && key)
        err = add_key(f, m, key, certificate, why);
    contact.fingerprint = key ? (char *)key->fingerprint : NULL;
    return err ? err : contact_insert(f->db, &contact, clock_now(f->clock), why);
}

enum err member_admit(struct flow *f, const struct policy *policy, const struct admission *a, struct member_row *m,
                      struct diag *why)
{
    enum err err = member_check_tier(policy, m->class_name, m->tier, why);

    if (!err)
        err = member_check_name(m->org, why);
    if (!err)
        err = member_insert(f->db, m, why);
    if (!err)
        err = member_add_contact(f, m, a->address, a->key, a->certificate, why);
    if (err == ERR_REJECT)
        err = ERR_USAGE; /* an address that is none */
    return err ? err
               : audit_append(f->db, clock_now(f->clock), a->actor, "member.add", m->org, a->rule, a->address, why);
}

bool member_is_published(const struct member_row *m)
{
    return strcmp(m->state, member_state_name(MEMBER_SUSPENDED)) != 0 &&
           strcmp(m->state, member_state_name(MEMBER_REMOVED)) != 0;
}
