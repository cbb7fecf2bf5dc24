/*
 * The way of one mail: mime worker → (crypto worker → mime worker) → (crypto worker: the signature) → flow. One step
 * for each answer of a worker; the order is that of the design and never changes.
 */
#include "proc/opening.h"

#include "base/frame.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/charset.h"
#include "codec/pgp_scan.h"
#include "codec/pgp_armor.h"
#include "flow/list_rotation.h"
#include "flow/receive.h"
#include "proc/parsing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes that may come out of this mail: the limit, or so many times what went in (never less than a page of text). */
size_t opening_plain_limit(const struct mail *m)
{
    const struct settings_limits *l = &m->core->settings->limits;
    size_t in = m->in.cipher.len ? m->in.cipher.len : m->in.raw.len;
    size_t most = in > SIZE_MAX / l->decrypted_factor ? SIZE_MAX : in * l->decrypted_factor;

    if (most < PGP_BOMB_FLOOR)
        most = PGP_BOMB_FLOOR;
    return most < l->decrypted_bytes ? most : l->decrypted_bytes;
}

static void structure(struct mail *m);

void opening_bad_frame(struct mail *m)
{
    struct diag why;

    diag_set(&why, ERR_AGAIN, "worker.frame", "a worker's answer is damaged");
    m->ends->failed(m, ERR_AGAIN, false, &why);
}

/* Does it begin as a MIME entity does: with a field, or with the empty line that ends a header without fields? */
static bool is_entity(struct span s)
{
    size_t i = 0;

    while (i < s.len && s.data[i] > ' ' && s.data[i] < 0x7f && s.data[i] != ':')
        i++;
    return s.len == 0 || *s.data == '\n' || *s.data == '\r' || (i > 0 && i < s.len && s.data[i] == ':');
}

/*
 * What was inside is read from now on. The text of inline PGP is made an entity of its own; so is what some programs
 * put into a PGP/MIME mail without any header.
 */
void opening_take_plain(struct mail *m, struct span plain)
{
    m->plain_follows = false;
    m->in.unpacked = true;
    buf_clear(&m->in.plain);
    mime_message_free(&m->in.inner);
    if (m->is_inline || !is_entity(plain))
        buf_printf(&m->in.plain, "Content-Type: text/plain; charset=%s\r\n\r\n",
                   charset_is_utf8(plain) ? "utf-8" : "iso-8859-1");
    buf_add(&m->in.plain, plain.data, plain.len);
    structure(m);
}

void opening_read_plain(struct mail *m)
{
    m->in.unpacked = true;
    structure(m);
}

/* ---- decryption ---- */

/* A key that was taken out of embargod.conf opens nothing more, though its secret part may be there still. */
static bool is_retired(struct mail *m, const char *opened_by)
{
    struct diag why;

    if (!list_rotation_retired(m->core->flow.db, opening_list_of(m), opened_by))
        return false;
    diag_set(&why, ERR_REJECT, "not-for-us", "it is encrypted to a key that the list does not use any more");
    m->ends->failed(m, ERR_REJECT, false, &why);
    return true;
}

static void opened(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct mail *m = ctx;
    struct frame_reader r;
    struct span packets, plain;
    char *opened_by;
    bool retired;

    if (err) {
        m->ends->failed(m, err, true, why);
        return;
    }
    frame_reader_init(&r, reply);
    packets = frame_get_bytes(&r);
    plain = frame_get_bytes(&r);
    opened_by = frame_get_str(&r);
    frame_get_u32(&r);
    if (!opened_by || !opening_take_signatures(m, &r)) {
        free(opened_by);
        opening_bad_frame(m);
        return;
    }
    retired = is_retired(m, opened_by);
    free(opened_by);
    if (retired)
        return;
    m->in.encrypted = true;
    if (m->at_part) {
        opening_parts_take(m, plain);
        return;
    }
    m->plain_follows = true;
    buf_add(&m->packets, packets.data, packets.len);
    if (!opening_verify_elsewhere(m))
        opening_take_plain(m, plain);
}

/* Only a whole encrypted message, and nothing but, is given to a key (rules of codec/pgp_scan.h). */
void opening_decrypt(struct mail *m, struct span armored)
{
    struct core *core = m->core;
    struct buf request = BUF_EMPTY, cipher = {.max = armored.len};
    struct pgp_scan scan;
    struct diag why;
    char *home;
    enum err err = pgp_packets_scan(armored, &scan, &cipher, &why);

    m->in.came_encrypted = true;
    if (err) {
        buf_free(&cipher);
        m->ends->failed(m, err, false, &why);
        return;
    }
    pgp_scan_add_ciphertext(buf_span(&cipher), &m->in.cipher);
    home = settings_gnupg(core->settings, opening_list_of(m)->name, "list");
    frame_put_i64(&request, core_gpg_time(core));
    frame_put_str(&request, home);
    frame_put_u64(&request, opening_plain_limit(m));
    frame_put_buf(&request, &cipher);
    buf_free(&cipher);
    pool_submit(core->pool, WORKER_CRYPTO, CRYPTO_OPEN, &request, opened, m);
    free(home);
}

static void decrypt_part(struct mail *m, int part)
{
    struct buf armored = BUF_EMPTY;
    struct diag why;
    enum err err = mime_part_decode(buf_span(&m->in.raw), &m->in.outer.parts[part], &armored, &why);

    if (err)
        m->ends->failed(m, err, false, &why);
    else
        opening_decrypt(m, buf_span(&armored));
    buf_free(&armored);
}

/* ---- inline PGP ---- */

static bool is_clear_signed(const char *block)
{
    return strncmp(block + strspn(block, " \t\r\n"), "-----BEGIN PGP SIGNED MESSAGE-----", 34) == 0;
}

static void verify_clear(struct mail *m)
{
    m->is_inline = m->is_clearsigned = m->plain_follows = true;
    buf_clear(&m->packets);
    buf_add_str(&m->packets, m->in.text);
    opening_verify(m);
}

/* "gpg --armor --sign": armor that holds no encryption, but a signature, or nothing but the text. */
static bool verify_armored(struct mail *m, struct span block)
{
    struct pgp_scan scan;
    enum pgp_armor_kind kind;
    struct diag why;

    buf_clear(&m->packets);
    if (pgp_dearmor(block, &kind, &m->packets, &why) || pgp_scan_message(buf_span(&m->packets), &scan, &why) ||
        (scan.kind != PGP_SCAN_SIGNED && scan.kind != PGP_SCAN_LITERAL && scan.kind != PGP_SCAN_COMPRESSED)) {
        buf_clear(&m->packets);
        return false;
    }
    m->plain_follows = true;
    opening_verify(m);
    return true;
}

/* The worker has sent the block itself as the text. */
static void open_inline(struct mail *m)
{
    m->is_inline = true;
    if (is_clear_signed(m->in.text))
        verify_clear(m);
    else if (!verify_armored(m, span_of(m->in.text)))
        opening_decrypt(m, span_of(m->in.text));
}

/* ---- structure ---- */

/* What follows from the shape of the mail as it came. */
static void parsed_outer(struct mail *m)
{
    struct diag why;

    if (!m->in.released && receive_automatic_rule(&m->core->flow, &m->in)) {
        opening_finish(m); /* before any cryptography */
    } else if (m->shape == MIME_PGP_ENCRYPTED) {
        m->outside = m->in.text;
        m->in.text = NULL;
        decrypt_part(m, m->part_b);
    } else if (m->shape == MIME_INLINE_PGP) {
        open_inline(m);
    } else if (m->shape == MIME_INLINE_PARTS) {
        opening_parts(m);
    } else if (m->shape == MIME_PGP_SIGNED) {
        m->in.root = m->part_a;
        opening_verify(m);
    } else if (m->shape == MIME_SMIME && m->part_b >= 0) {
        /* Anyone can read it; whether it is right, nobody here can say. */
        m->in.root = m->part_a;
        m->in.has_signature = true;
        m->in.signature = (struct pgp_signature){.verdict = PGP_SIG_ERROR};
        opening_look_for_key(m);
    } else if (m->shape == MIME_SMIME) {
        diag_set(&why, ERR_REJECT, "smime", "S/MIME is not read: ask for OpenPGP");
        m->ends->failed(m, ERR_REJECT, false, &why);
    } else {
        opening_look_for_key(m);
    }
}

/* And of what was inside it. */
static void parsed_inner(struct mail *m)
{
    struct diag why;

    if (m->shape == MIME_PGP_ENCRYPTED || m->shape == MIME_INLINE_PARTS ||
        (m->shape == MIME_INLINE_PGP && !is_clear_signed(m->in.text))) {
        diag_set(&why, ERR_REJECT, "nested-encryption", "an encrypted mail inside an encrypted one is not opened");
        m->ends->failed(m, ERR_REJECT, false, &why);
    } else if (m->shape == MIME_PGP_SIGNED && !m->in.has_signature) {
        m->in.root = m->part_a;
        opening_verify(m);
    } else if (m->shape == MIME_INLINE_PGP && !m->in.has_signature) {
        verify_clear(m);
    } else {
        opening_look_for_key(m);
    }
}

static void parsed(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct mail *m = ctx;
    bool of_plain = m->in.unpacked;
    struct parsed p;

    if (err) {
        m->ends->failed(m, err, false, why);
        return;
    }
    if (!parsing_take(reply, incoming_content(&m->in).len, of_plain ? &m->in.inner : &m->in.outer,
                      of_plain ? NULL : &m->in.dsn, &p)) {
        opening_bad_frame(m);
        return;
    }
    m->shape = p.shape;
    m->part_a = p.part_a;
    m->part_b = p.part_b;
    *(of_plain ? &m->in.inner_secret : &m->in.outer_secret) = p.secret;
    mem_free_secret(&m->in.text);
    m->in.text = mem_strndup(p.text.data, p.text.len);
    if (of_plain)
        parsed_inner(m);
    else
        parsed_outer(m);
}

static void structure(struct mail *m)
{
    const struct settings_limits *l = &m->core->settings->limits;

    if (m->in.unpacked)
        parsing_submit(m->core, MIME_PARSE, l->decrypted_bytes, incoming_content(&m->in), parsed, m);
    else
        parsing_submit(m->core, MIME_PARSE_CAME, l->message_bytes, incoming_content(&m->in), parsed, m);
}

void opening_finish(struct mail *m)
{
    struct diag why;

    if (m->in.unpacked && m->outside && *m->outside) {
        m->in.outside = m->outside;
        m->outside = NULL;
    }
    if (!m->in.released && m->in.outer.several_from && incoming_is_signed(&m->in)) {
        diag_set(&why, ERR_REJECT, "several-from", "a signed mail that names several senders proves none of them");
        m->ends->failed(m, ERR_REJECT, false, &why);
        return;
    }
    m->ends->open(m);
}

void opening_begin_steps(struct mail *m)
{
    structure(m);
}
