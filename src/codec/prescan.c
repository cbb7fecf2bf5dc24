#include "codec/prescan.h"

#include "codec/prescan_tree.h"
#include "codec/xfer.h"

#include <string.h>

enum err prescan_check(struct span raw, const struct mime_limits *limits, struct diag *why)
{
    struct prescan_tree tree;
    enum err err = prescan_tree_build(raw, limits, &tree, why);

    prescan_tree_free(&tree);
    return err;
}

/* ---- OpenPGP: is it all there? ---- */

static enum err truncated(struct diag *why, const char *what)
{
    return diag_set(why, ERR_REJECT, "truncated", "the encrypted message ends early (%s); send it again", what);
}

struct packet_walk {
    struct span s;
    size_t at;
};

/* Bytes of a big-endian number of n octets; false at the end. */
static bool walk_number(struct packet_walk *w, size_t n, size_t *out)
{
    *out = 0;
    if (w->s.len - w->at < n)
        return false;
    while (n--)
        *out = *out << 8 | w->s.data[w->at++];
    return true;
}

static bool walk_body(struct packet_walk *w, size_t len)
{
    if (w->s.len - w->at < len)
        return false;
    w->at += len;
    return true;
}

/* RFC 9580, 4.2.1: lengths of the current format, in parts where it says so. */
static bool walk_new_packet(struct packet_walk *w)
{
    size_t first, rest;

    for (;;) {
        if (!walk_number(w, 1, &first))
            return false;
        if (first < 192)
            return walk_body(w, first);
        if (first < 224)
            return walk_number(w, 1, &rest) && walk_body(w, ((first - 192) << 8) + rest + 192);
        if (first == 255)
            return walk_number(w, 4, &rest) && walk_body(w, rest);
        if (!walk_body(w, (size_t)1 << (first & 31)))
            return false;
    }
}

static bool walk_old_packet(struct packet_walk *w, uint8_t tag)
{
    size_t len;

    if ((tag & 3) == 3) { /* up to the end, whatever that is */
        w->at = w->s.len;
        return true;
    }
    return walk_number(w, (size_t)1 << (tag & 3), &len) && walk_body(w, len);
}

/* The packets that an encrypted message begins with: PKESK, SKESK, symmetrically encrypted, SEIPD, AEAD, marker. */
static bool begins_as_message(struct span s)
{
    static const uint8_t tags[] = {1, 3, 9, 10, 18, 20};
    uint8_t tag;

    if (!s.len || !(s.data[0] & 0x80))
        return false;
    tag = s.data[0] & 0x40 ? s.data[0] & 63 : s.data[0] >> 2 & 15;
    return memchr(tags, tag, sizeof tags) != NULL;
}

static enum err walk_packets(struct span s, struct diag *why)
{
    struct packet_walk w = {s, 0};

    if (!begins_as_message(s))
        return ERR_OK;
    while (w.at < s.len) {
        uint8_t tag = s.data[w.at++];

        if (!(tag & 0x80)) /* not a packet: bytes behind the message are for the decrypter to judge */
            return ERR_OK;
        if (!(tag & 0x40 ? walk_new_packet(&w) : walk_old_packet(&w, tag)))
            return truncated(why, "a packet is longer than what is left");
    }
    return ERR_OK;
}

static const uint8_t *find_text(const uint8_t *from, const uint8_t *end, const char *text)
{
    return memmem(from, (size_t)(end - from), text, strlen(text));
}

/* Behind the armor's header lines, at its base64; NULL where no empty line ends them. */
static const uint8_t *armor_data(const uint8_t *at, const uint8_t *end)
{
    for (;;) {
        const uint8_t *lf = memchr(at, '\n', (size_t)(end - at)), *text = at;

        if (!lf)
            return NULL;
        while (text < lf && (*text == ' ' || *text == '\t' || *text == '\r'))
            text++;
        at = lf + 1;
        if (text == lf)
            return at;
    }
}

enum err prescan_pgp(struct span message, struct diag *why)
{
    const uint8_t *end = message.data + message.len, *begin, *stop, *data, *crc;
    struct buf bytes = BUF_EMPTY;
    enum err err;

    if (!message.len)
        return truncated(why, "it is empty");
    begin = find_text(message.data, end, "-----BEGIN PGP MESSAGE-----");
    if (!begin)
        return walk_packets(message, why);
    stop = find_text(begin, end, "-----END PGP MESSAGE-----");
    if (!stop)
        return truncated(why, "the armor has no END line");
    data = memchr(begin, '\n', (size_t)(stop - begin));
    data = data ? armor_data(data + 1, stop) : NULL;
    if (!data) /* mangled, but not cut short */
        return ERR_OK;
    crc = find_text(data, stop, "\n=");
    xfer_base64_decode_mail((struct span){data, (size_t)((crc ? crc : stop) - data)}, &bytes);
    err = bytes.len ? walk_packets(buf_span(&bytes), why) : truncated(why, "the armor is empty");
    buf_free(&bytes);
    return err;
}
