#include "codec/pgp_split.h"

#include "base/mem.h"
#include "codec/pgp_packet.h"

#include <stdlib.h>
#include <string.h>

static enum err refuse(struct diag *why, const char *text)
{
    return diag_set(why, ERR_REJECT, "pgp.split", "the encrypted message cannot be split: %s", text);
}

void pgp_split_free(struct pgp_split *split)
{
    free(split->pkesk);
    *split = (struct pgp_split){0};
}

uint64_t pgp_pkesk_number(const struct pgp_pkesk *pkesk)
{
    return pgp_be(pkesk->key_id, sizeof pkesk->key_id);
}

static enum err add_pkesk(struct span message, const struct pgp_packet *packet, size_t max, struct pgp_split *out,
                          struct diag *why)
{
    struct span body = pgp_packet_body(message, packet);
    struct pgp_pkesk *pkesk;

    if (out->n >= max)
        return refuse(why, "more session keys than recipients");
    if (body.len < 11 || body.data[0] != 3)
        return refuse(why, "a session key is not of version 3");
    if (!(out->n & (out->n - 1)))
        out->pkesk = mem_resize(out->pkesk, out->n ? out->n * 2 : 1, sizeof *out->pkesk);
    pkesk = &out->pkesk[out->n++];
    *pkesk = (struct pgp_pkesk){.off = packet->off, .len = packet->len, .version = 3, .algo = body.data[9]};
    memcpy(pkesk->key_id, body.data + 1, sizeof pkesk->key_id);
    return ERR_OK;
}

/* The body is the last packet, and nothing but SEIPD version 1 or the AEAD packet of gpg 2.4. */
static enum err set_body(struct span message, const struct pgp_packet *packet, struct pgp_split *out, struct diag *why)
{
    struct span body = pgp_packet_body(message, packet);

    if (packet->tag != PGP_TAG_SEIPD && packet->tag != PGP_TAG_AEAD)
        return refuse(why, "a packet that is neither a session key nor an encrypted body");
    if (!out->n)
        return refuse(why, "no session key");
    if (body.len < 2 || body.data[0] != 1)
        return refuse(why, "the body is not of version 1");
    if (packet->off + packet->len != message.len)
        return refuse(why, "bytes after the body");
    out->body_off = packet->off;
    out->body_len = packet->len;
    out->body_tag = packet->tag;
    out->body_version = body.data[0];
    return ERR_OK;
}

static enum err parse(struct span message, size_t max_pkesk, struct pgp_split *out, struct diag *why)
{
    struct pgp_packet packet;
    size_t pos = 0;
    enum err err;

    for (;;) {
        switch (pgp_packet_next(message, &pos, &packet)) {
        case PGP_PACKET_OK:
            break;
        case PGP_PACKET_END:
            return refuse(why, "no encrypted body");
        case PGP_PACKET_TRUNCATED:
            return refuse(why, "it ends early");
        default:
            return refuse(why, "a packet's header is off");
        }
        if (packet.tag != PGP_TAG_PKESK)
            return set_body(message, &packet, out, why);
        err = add_pkesk(message, &packet, max_pkesk, out, why);
        if (err)
            return err;
    }
}

enum err pgp_split_parse(struct span message, size_t max_pkesk, struct pgp_split *out, struct diag *why)
{
    enum err err;

    *out = (struct pgp_split){0};
    err = parse(message, max_pkesk, out, why);
    if (err)
        pgp_split_free(out);
    return err;
}

struct numbered {
    uint64_t id;
    size_t index;
};

static int by_id(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

static bool match(const struct numbered *wanted, const struct numbered *found, size_t n, size_t *pkesk_of_recipient)
{
    for (size_t i = 0; i < n; i++) {
        if (!wanted[i].id || wanted[i].id != found[i].id || (i && wanted[i].id == wanted[i - 1].id))
            return false;
        pkesk_of_recipient[wanted[i].index] = found[i].index;
    }
    return true;
}

enum err pgp_split_map(const struct pgp_split *split, const uint64_t *subkey_ids, size_t n, size_t *pkesk_of_recipient,
                       struct diag *why)
{
    struct numbered *wanted, *found;
    bool matched;

    if (n != split->n)
        return refuse(why, "the number of session keys is not that of the recipients");
    wanted = mem_zero(n, sizeof *wanted);
    found = mem_zero(n, sizeof *found);
    for (size_t i = 0; i < n; i++) {
        wanted[i] = (struct numbered){subkey_ids[i], i};
        found[i] = (struct numbered){pgp_pkesk_number(&split->pkesk[i]), i};
    }
    qsort(wanted, n, sizeof *wanted, by_id);
    qsort(found, n, sizeof *found, by_id);
    matched = match(wanted, found, n, pkesk_of_recipient);
    free(wanted);
    free(found);
    if (!matched)
        return refuse(why, "session keys and recipients are not one to one");
    return ERR_OK;
}
