#include "codec/pgp_key.h"

#include "base/instant.h"
#include "codec/addr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALGO_RSA_LAST = 3, ALGO_ELGAMAL = 16, ALGO_DSA = 17, ALGO_ELGAMAL_SIGN = 20 };
#define RSA_BITS_MIN 2048

static const char *const state_names[] = {
    [PGP_KEY_USABLE] = "usable",     [PGP_KEY_EXPIRING] = "expiring",           [PGP_KEY_EXPIRED] = "expired",
    [PGP_KEY_REVOKED] = "revoked",   [PGP_KEY_NO_ENCRYPTION] = "no-encryption", [PGP_KEY_WEAK_CIPHER] = "weak-cipher",
    [PGP_KEY_WEAK_KEY] = "weak-key", [PGP_KEY_DUPLICATE] = "duplicate",         [PGP_KEY_MISSING] = "missing",
};
#define STATES (sizeof state_names / sizeof *state_names)

const char *pgp_key_state_name(enum pgp_key_state state)
{
    return (size_t)state < STATES ? state_names[state] : "missing";
}

bool pgp_key_state_parse(const char *name, enum pgp_key_state *out)
{
    for (size_t i = 0; i < STATES; i++)
        if (!strcmp(name, state_names[i])) {
            *out = (enum pgp_key_state)i;
            return true;
        }
    return false;
}

bool pgp_key_state_sends(enum pgp_key_state state)
{
    return state == PGP_KEY_USABLE || state == PGP_KEY_EXPIRING;
}

uint64_t pgp_key_id_number(const char *hex)
{
    size_t n = hex ? strspn(hex, "0123456789ABCDEFabcdef") : 0;

    if ((n != 16 && n != 40) || hex[n])
        return 0;
    return strtoull(hex + n - 16, NULL, 16);
}

static bool is_expired(int64_t expires_at_utc_s, int64_t now_utc_s)
{
    return expires_at_utc_s != INSTANT_NONE && expires_at_utc_s <= now_utc_s;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a == INSTANT_NONE ? b : b == INSTANT_NONE || a < b ? a : b;
}

static bool encrypts(const struct pgp_subkey_info *sub, int64_t now_utc_s)
{
    return sub->can_encrypt && !sub->revoked && !sub->invalid && sub->created_at_utc_s <= now_utc_s &&
           !is_expired(sub->expires_at_utc_s, now_utc_s);
}

/* gpg takes the newest, of equally new ones the first, and the primary key only where no subkey will do. */
const struct pgp_subkey_info *pgp_key_pick_encryption(const struct pgp_key_info *key, int64_t now_utc_s)
{
    const struct pgp_subkey_info *best = NULL;

    if (key->revoked || key->invalid || is_expired(key->expires_at_utc_s, now_utc_s) ||
        key->created_at_utc_s > now_utc_s)
        return NULL;
    for (size_t i = 0; i < key->n_subkeys; i++) {
        const struct pgp_subkey_info *sub = &key->subkeys[i];

        if (!encrypts(sub, now_utc_s))
            continue;
        if (!best || best == &key->subkeys[0] || sub->created_at_utc_s > best->created_at_utc_s)
            best = sub;
    }
    return best;
}

int64_t pgp_key_encrypts_until(const struct pgp_key_info *key, int64_t now_utc_s)
{
    int64_t last = INSTANT_NONE;

    if (!pgp_key_pick_encryption(key, now_utc_s))
        return INSTANT_NONE;
    for (size_t i = 0; i < key->n_subkeys; i++) {
        const struct pgp_subkey_info *sub = &key->subkeys[i];

        if (!encrypts(sub, now_utc_s))
            continue;
        if (sub->expires_at_utc_s == INSTANT_NONE)
            return key->expires_at_utc_s;
        if (last == INSTANT_NONE || sub->expires_at_utc_s > last)
            last = sub->expires_at_utc_s;
    }
    return earlier(key->expires_at_utc_s, last);
}

static bool is_weak(const struct pgp_subkey_info *sub)
{
    if (sub->algo >= 1 && sub->algo <= ALGO_RSA_LAST)
        return sub->bits < RSA_BITS_MIN;
    return sub->algo == ALGO_ELGAMAL || sub->algo == ALGO_DSA || sub->algo == ALGO_ELGAMAL_SIGN;
}

static enum pgp_key_state say(enum pgp_key_state state, char *reason, size_t size, const char *text)
{
    if (reason && size)
        snprintf(reason, size, "%s", text);
    return state;
}

/* Why there is no encryption key: expired ones can be made to last longer, others must be made. */
static enum pgp_key_state no_encryption(const struct pgp_key_info *key, int64_t now_utc_s, char *reason, size_t size)
{
    if (key->created_at_utc_s > now_utc_s)
        return say(PGP_KEY_NO_ENCRYPTION, reason, size, "the key is dated in the future; check the owner's clock");
    for (size_t i = 0; i < key->n_subkeys; i++) {
        const struct pgp_subkey_info *sub = &key->subkeys[i];

        if (sub->can_encrypt && !sub->revoked && !sub->invalid && is_expired(sub->expires_at_utc_s, now_utc_s))
            return say(PGP_KEY_EXPIRED, reason, size,
                       "the encryption subkey has expired; extend it, and import the key again");
    }
    return say(PGP_KEY_NO_ENCRYPTION, reason, size,
               "the key has no usable encryption subkey; add one, and import the key again");
}

enum pgp_key_state pgp_key_state_at(const struct pgp_key_info *key, int64_t now_utc_s, char *reason, size_t reason_size)
{
    const struct pgp_subkey_info *pick;
    char text[96], when[INSTANT_TEXT_SIZE];
    int64_t end;

    if (!key->n_subkeys)
        return say(PGP_KEY_MISSING, reason, reason_size, "there is no key; import one");
    if (key->revoked)
        return say(PGP_KEY_REVOKED, reason, reason_size, "the key is revoked by its owner; ask for a new one");
    if (is_expired(key->expires_at_utc_s, now_utc_s))
        return say(PGP_KEY_EXPIRED, reason, reason_size, "the key has expired; extend it, and import it again");
    if (key->invalid)
        return say(PGP_KEY_NO_ENCRYPTION, reason, reason_size, "gpg finds the key invalid; export it again");
    pick = pgp_key_pick_encryption(key, now_utc_s);
    if (!pick)
        return no_encryption(key, now_utc_s, reason, reason_size);
    if (is_weak(&key->subkeys[0]) || is_weak(pick))
        return say(PGP_KEY_WEAK_KEY, reason, reason_size,
                   "RSA below 2048 bits, DSA and Elgamal are not taken; make a new key");
    if (key->only_weak_digests)
        return say(PGP_KEY_WEAK_KEY, reason, reason_size,
                   "the key is bound to its owner by SHA-1 or older alone; sign it anew (gpg: change its expiry)");
    if (!key->prefers_aes)
        return say(PGP_KEY_WEAK_CIPHER, reason, reason_size,
                   "the key's preferences do not name AES; set them (gpg --edit-key, setpref), import it again");
    end = pgp_key_encrypts_until(key, now_utc_s);
    if (end != INSTANT_NONE && end - now_utc_s <= PGP_KEY_EXPIRING_S) {
        snprintf(text, sizeof text, "the key expires at %s; extend it, and import it again", instant_text(end, when));
        return say(PGP_KEY_EXPIRING, reason, reason_size, text);
    }
    return say(PGP_KEY_USABLE, reason, reason_size, "");
}

bool pgp_key_shares_subkey(const struct pgp_key_info *a, const struct pgp_key_info *b)
{
    if (!strcmp(a->fingerprint, b->fingerprint))
        return false;
    for (size_t i = 0; i < a->n_subkeys; i++)
        for (size_t j = 0; j < b->n_subkeys; j++)
            if (!strcmp(a->subkeys[i].fingerprint, b->subkeys[j].fingerprint))
                return true;
    return false;
}

bool pgp_key_names(const struct pgp_key_info *key, const char *address)
{
    for (size_t i = 0; *address && i < key->n_uids; i++) {
        const char *uid = key->uids[i], *open = strrchr(uid, '<');
        size_t len = open ? strcspn(open + 1, ">") : strlen(uid);
        char spec[PGP_KEY_UID_SIZE];

        if (open && strcmp(open + 1 + len, ">") != 0)
            continue;
        snprintf(spec, sizeof spec, "%.*s", (int)len, open ? open + 1 : uid);
        if (addr_equal(spec, address))
            return true;
    }
    return false;
}
