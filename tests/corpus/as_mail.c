#include "tests/corpus/as_mail.h"

#include "base/instant.h"
#include "codec/addr.h"
#include "codec/header.h"
#include "codec/mime.h"
#include "codec/pgp_armor.h"
#include "codec/pgp_scan.h"

#include <stdio.h>
#include <string.h>

#define HEAD "From: sender@example.net\r\nTo: " CORPUS_LIST "\r\nSubject: a bare message\r\nMIME-Version: 1.0\r\n"

/* Does it begin with a header field? */
static bool is_mail(struct span s)
{
    size_t i = 0;

    while (i < s.len && i < 200 && s.data[i] > ' ' && s.data[i] < 127 && s.data[i] != ':')
        i++;
    while (i > 0 && i < s.len && (s.data[i] == ' ' || s.data[i] == '\t'))
        i++;
    return i > 0 && i < s.len && s.data[i] == ':' && s.data[0] != '-';
}

static void find_sender(struct span mail, char *sender)
{
    struct span header = {mail.data, header_block_len(mail)};
    const char *const fields[] = {"Return-Path", "Sender", "From"};
    struct buf value = BUF_EMPTY;

    *sender = 0;
    for (size_t i = 0; i < sizeof fields / sizeof *fields && !*sender; i++) {
        struct addr_list list = {0};

        buf_clear(&value);
        if (!mime_field(header, fields[i], &value))
            continue;
        addr_list_parse(buf_span(&value), &list);
        if (list.n)
            addr_check(span_of(list.items[0].spec), sender, NULL);
        addr_list_free(&list);
        if (i == 0 && strstr(buf_text(&value), "<>")) {
            buf_free(&value);
            return;
        }
    }
    if (!*sender)
        snprintf(sender, ADDR_MAX_BYTES + 1, "%s", "sender@example.net");
    buf_free(&value);
}

static int64_t find_date(struct span mail)
{
    struct span header = {mail.data, header_block_len(mail)};
    struct buf value = BUF_EMPTY;
    int64_t at = INSTANT_NONE;

    if (mime_field(header, "Date", &value) && !header_parse_date(buf_span(&value), &at))
        at = INSTANT_NONE;
    buf_free(&value);
    return at;
}

/* From the first line that begins armor to the end of the last one that ends it; else all of it. */
static struct span armor_alone(struct span s)
{
    static const char begin[] = "-----BEGIN PGP ", end[] = "-----END PGP ";
    const uint8_t *a = s.len ? memmem(s.data, s.len, begin, sizeof begin - 1) : NULL, *b = NULL, *lf;

    if (!a || (a > s.data && a[-1] != '\n'))
        return s;
    for (const uint8_t *at = a; (at = memmem(at, s.len - (size_t)(at - s.data), end, sizeof end - 1)); at++)
        b = at;
    if (!b)
        return s;
    lf = memchr(b, '\n', s.len - (size_t)(b - s.data));
    return (struct span){a, (size_t)((lf ? lf + 1 : s.data + s.len) - a)};
}

static void add_armored(struct span packets, enum pgp_armor_kind kind, struct buf *out)
{
    struct pgp_armor armor;

    pgp_armor_begin(&armor, kind, "\r\n", out);
    pgp_armor_update(&armor, packets, out);
    pgp_armor_end(&armor, out);
}

static void add_encrypted(struct span packets, struct buf *out)
{
    buf_add_str(out,
                HEAD "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=\"xx\"\r\n"
                     "\r\n--xx\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--xx\r\n"
                     "Content-Type: application/octet-stream\r\n\r\n");
    add_armored(packets, PGP_ARMOR_MESSAGE, out);
    buf_add_str(out, "\r\n--xx--\r\n");
}

static void add_bare(struct span file, struct buf *out)
{
    bool is_packets = file.len && file.data[0] & 0x80;
    struct pgp_scan scan = {.kind = PGP_SCAN_LITERAL};

    if (is_packets)
        pgp_scan_message(file, &scan, NULL);
    if (is_packets && scan.kind == PGP_SCAN_ENCRYPTED) {
        add_encrypted(file, out);
        return;
    }
    buf_add_str(out, HEAD "Content-Type: text/plain\r\n\r\n");
    if (is_packets)
        add_armored(file, scan.kind == PGP_SCAN_SIGNATURES ? PGP_ARMOR_SIGNATURE : PGP_ARMOR_MESSAGE, out);
    else
        buf_add(out, armor_alone(file).data, armor_alone(file).len);
}

void as_mail(struct span file, struct buf *out, char *sender, int64_t *sent_at)
{
    buf_add(out, file.data, file.len);
    mime_mend_line_ends(out); /* as proc/opening.c does */
    mime_mend_start(out);
    if (!is_mail(buf_span(out))) {
        buf_clear(out);
        add_bare(file, out);
    }
    find_sender(buf_span(out), sender);
    *sent_at = find_date(buf_span(out));
}
