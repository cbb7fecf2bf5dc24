#include "codec/pgp_probe.h"

#include "base/buf.h"
#include "base/mem.h"
#include "codec/pgp_home.h"
#include "codec/pgp_key.h"
#include "codec/pgp_key_store.h"
#include "codec/pgp_open.h"
#include "codec/pgp_seal.h"

#include <stdlib.h>
#include <string.h>

static const char probe_text[] = "Does gpg open what it has sealed?\r\n";

/* What is said of a message that is known to be good is said of gpg. */
static enum err broken(struct diag *why)
{
    struct diag of_good = *why;

    return diag_set(why, ERR_AGAIN, "pgp.engine",
                    "gpg refuses a message that is known to be good (%s): try gpg --version and embargoctl check",
                    of_good.rule);
}

static enum err read_again(const char *home, struct span sealed, struct diag *why)
{
    struct buf packets = BUF_EMPTY, plain = BUF_EMPTY;
    struct pgp_signature sig;
    size_t n;
    enum err err = pgp_decrypt(home, sealed, &packets, NULL, why);

    if (!err)
        err = pgp_verify_inline(home, buf_span(&packets), &plain, &sig, 1, &n, why);
    if (!err && (plain.len != sizeof probe_text - 1 || memcmp(plain.data, probe_text, plain.len) != 0))
        err = diag_set(why, ERR_REJECT, "corrupt", "other bytes came out");
    if (err == ERR_REJECT || err == ERR_LIMIT)
        err = broken(why);
    buf_free(&packets);
    buf_free(&plain);
    return err;
}

/* gpg says no more than that it failed: is it that the key has expired, or was revoked? */
static bool key_is_to_blame(const char *home, const char *fingerprint)
{
    struct pgp_key_info *key = mem_zero(1, sizeof *key);
    enum err err = pgp_key_lookup(home, fingerprint, key, NULL);
    bool usable = !err && pgp_key_state_sends(pgp_key_state_at(key, pgp_home_now(home), NULL, 0));

    free(key);
    return err == ERR_NOT_FOUND || (!err && !usable);
}

enum err pgp_probe(const char *list_home, const char *fingerprint, struct diag *why)
{
    const char *const keys[] = {fingerprint};
    struct buf sealed = BUF_EMPTY;
    enum err err = pgp_encrypt_plain(list_home, span_of(probe_text), keys, 1, &sealed, why);

    if (err == ERR_REJECT && !key_is_to_blame(list_home, fingerprint))
        err = broken(why);
    if (!err)
        err = read_again(list_home, buf_span(&sealed), why);
    buf_free(&sealed);
    return err;
}

bool pgp_probe_blames_gpg(enum err err, const struct diag *why)
{
    return err && strncmp(why->rule, "key.", 4) != 0;
}
