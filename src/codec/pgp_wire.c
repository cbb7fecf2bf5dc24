#include "codec/pgp_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void get_text(struct frame_reader *r, char *out, size_t size)
{
    struct span s = frame_get_bytes(r);

    if (s.len >= size || (s.len && memchr(s.data, 0, s.len))) {
        r->bad = true;
        s.len = 0;
    }
    if (s.len)
        memcpy(out, s.data, s.len);
    out[s.len] = 0;
}

/* Five flags; a bit beyond them is none that we write. */
static uint32_t get_flags(struct frame_reader *r)
{
    uint32_t flags = frame_get_u32(r);

    if (flags >> 5)
        r->bad = true;
    return flags;
}

static void subkey_put(const struct pgp_subkey_info *s, struct buf *out)
{
    frame_put_str(out, s->fingerprint);
    frame_put_str(out, s->key_id);
    frame_put_u32(
        out, (uint32_t)(s->can_encrypt | s->can_sign << 1 | s->can_certify << 2 | s->revoked << 3 | s->invalid << 4));
    frame_put_i64(out, s->created_at_utc_s);
    frame_put_i64(out, s->expires_at_utc_s);
    frame_put_u32(out, (uint32_t)s->algo);
    frame_put_str(out, s->algo_name);
    frame_put_u32(out, s->bits);
}

static void subkey_get(struct frame_reader *r, struct pgp_subkey_info *s)
{
    uint32_t flags;

    get_text(r, s->fingerprint, sizeof s->fingerprint);
    get_text(r, s->key_id, sizeof s->key_id);
    flags = get_flags(r);
    s->can_encrypt = flags & 1;
    s->can_sign = flags >> 1 & 1;
    s->can_certify = flags >> 2 & 1;
    s->revoked = flags >> 3 & 1;
    s->invalid = flags >> 4 & 1;
    s->created_at_utc_s = frame_get_i64(r);
    s->expires_at_utc_s = frame_get_i64(r);
    s->algo = (int)frame_get_u32(r);
    get_text(r, s->algo_name, sizeof s->algo_name);
    s->bits = frame_get_u32(r);
}

void pgp_key_info_put(const struct pgp_key_info *key, struct buf *out)
{
    frame_put_str(out, key->fingerprint);
    frame_put_u32(out, (uint32_t)key->n_uids);
    for (size_t i = 0; i < key->n_uids; i++)
        frame_put_str(out, key->uids[i]);
    frame_put_i64(out, key->created_at_utc_s);
    frame_put_i64(out, key->expires_at_utc_s);
    frame_put_u32(out, (uint32_t)(key->revoked | key->invalid << 1 | key->prefers_aes << 2 | key->prefers_seipd2 << 3 |
                                  key->only_weak_digests << 4));
    frame_put_u32(out, (uint32_t)key->n_subkeys);
    for (size_t i = 0; i < key->n_subkeys; i++)
        subkey_put(&key->subkeys[i], out);
}

enum err pgp_key_info_get(struct span in, struct pgp_key_info *out, struct diag *why)
{
    struct frame_reader r;
    uint32_t flags;

    memset(out, 0, sizeof *out);
    frame_reader_init(&r, in);
    get_text(&r, out->fingerprint, sizeof out->fingerprint);
    out->n_uids = frame_get_u32(&r);
    if (out->n_uids > PGP_KEY_UIDS_MAX)
        r.bad = true;
    for (size_t i = 0; !r.bad && i < out->n_uids; i++)
        get_text(&r, out->uids[i], sizeof out->uids[i]);
    out->created_at_utc_s = frame_get_i64(&r);
    out->expires_at_utc_s = frame_get_i64(&r);
    flags = get_flags(&r);
    out->revoked = flags & 1;
    out->invalid = flags >> 1 & 1;
    out->prefers_aes = flags >> 2 & 1;
    out->prefers_seipd2 = flags >> 3 & 1;
    out->only_weak_digests = flags >> 4 & 1;
    out->n_subkeys = frame_get_u32(&r);
    if (out->n_subkeys > PGP_KEY_SUBKEYS_MAX)
        r.bad = true;
    for (size_t i = 0; !r.bad && i < out->n_subkeys; i++)
        subkey_get(&r, &out->subkeys[i]);
    if (frame_done(&r))
        return ERR_OK;
    memset(out, 0, sizeof *out);
    return diag_set(why, ERR_REJECT, "frame.bad", "the facts about a key are damaged");
}

void pgp_signature_put(const struct pgp_signature *sig, struct buf *out)
{
    frame_put_str(out, sig->fingerprint);
    frame_put_str(out, sig->issuer);
    frame_put_i64(out, sig->made_at_utc_s);
    frame_put_i64(out, sig->expires_at_utc_s);
    frame_put_u32(out, sig->verdict);
    frame_put_str(out, sig->hash);
}

void pgp_signature_get(struct frame_reader *r, struct pgp_signature *out)
{
    uint32_t verdict;

    memset(out, 0, sizeof *out);
    get_text(r, out->fingerprint, sizeof out->fingerprint);
    get_text(r, out->issuer, sizeof out->issuer);
    out->made_at_utc_s = frame_get_i64(r);
    out->expires_at_utc_s = frame_get_i64(r);
    verdict = frame_get_u32(r);
    if (verdict > PGP_SIG_ERROR)
        r->bad = true;
    out->verdict = (enum pgp_verdict)verdict;
    get_text(r, out->hash, sizeof out->hash);
    if (r->bad)
        out->verdict = PGP_SIG_ERROR;
}
