#include "base/mem.h"
#include "codec/header.h"
#include "io/maildir_in.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* "<ADDRESS>", or the bare word that some programs write; false where it is neither. */
static bool take_address(const char *text, struct span *out)
{
    const char *end;

    if (*text == '<') {
        text++;
        end = strrchr(text, '>');
        if (!end || end[1 + strspn(end + 1, " \t")])
            return false;
    } else {
        end = text + strcspn(text, " \t");
        if (end == text || end[strspn(end, " \t")])
            return false;
    }
    *out = (struct span){(const uint8_t *)text, (size_t)(end - text)};
    for (size_t i = 0; i < out->len; i++)
        if (out->data[i] < 0x20 || out->data[i] == 0x7f)
            return false;
    return out->len <= SPOOL_ADDRESS_MAX;
}

static void take_sender(const char *text, struct maildir_envelope *out)
{
    struct span address;

    if (out->has_sender || !take_address(text, &address))
        return;
    memcpy(out->sender, address.data, address.len);
    out->sender[address.len] = 0;
    out->has_sender = true;
}

/* Up to the '+' of the local part, or the '@'. */
static size_t base_len(const char *address)
{
    return strcspn(address, "+@");
}

/* Whether both belong to one list: the same local part before the suffix, the same domain. */
static bool same_list(const char *a, const char *b)
{
    const char *a_at = strrchr(a, '@'), *b_at = strrchr(b, '@');

    return a_at && b_at && strcasecmp(a_at, b_at) == 0 && base_len(a) == base_len(b) &&
           strncasecmp(a, b, base_len(a)) == 0;
}

/* A server that takes suffixes away says the whole address in one field, and the bare one in another. */
static void add_recipient(const char *address, size_t len, const struct lmtp_settings *settings,
                          struct maildir_envelope *out)
{
    char *copy;

    if (!lmtp_recipient_known(settings, address, len))
        return;
    copy = mem_strndup(address, len);
    for (size_t i = 0; i < out->n_recipients; i++) {
        if (!same_list(out->recipients[i], copy))
            continue;
        if (!strchr(out->recipients[i], '+') && strchr(copy, '+')) {
            free(out->recipients[i]);
            out->recipients[i] = copy;
        } else {
            free(copy);
        }
        return;
    }
    if (out->n_recipients < SPOOL_RECIPIENTS_MAX)
        out->recipients[out->n_recipients++] = copy;
    else
        free(copy);
}

/* Exim's field names all recipients of one delivery, with commas between. */
static void take_recipients(char *text, const struct lmtp_settings *settings, struct maildir_envelope *out)
{
    char *rest = text, *item;

    while ((item = strsep(&rest, ","))) {
        struct span address;

        item += strspn(item, " \t");
        if (take_address(item, &address))
            add_recipient((const char *)address.data, address.len, settings, out);
    }
}

static bool names_recipient(struct span name)
{
    static const char *const names[] = {"X-Original-To", "Delivered-To", "X-Delivered-To", "Envelope-To",
                                        "X-Envelope-To"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (header_name_is(name, names[i]))
            return true;
    return false;
}

void maildir_envelope_read(struct span head, const struct lmtp_settings *settings, struct maildir_envelope *out)
{
    struct header_iter it = {{head.data, head.len}};
    struct span name, value;

    memset(out, 0, sizeof *out);
    it.rest.len = header_block_len(it.rest);
    while (header_next(&it, &name, &value) && !header_name_is(name, "Received")) {
        bool sender = header_name_is(name, "Return-Path");
        struct buf text = BUF_EMPTY;

        if (!sender && !names_recipient(name))
            continue;
        header_unfold(value, &text);
        if (text.len && !memchr(text.data, 0, text.len)) {
            if (sender)
                take_sender(buf_text(&text), out);
            else
                take_recipients((char *)text.data, settings, out);
        }
        buf_free(&text);
    }
}

void maildir_envelope_free(struct maildir_envelope *e)
{
    for (size_t i = 0; i < e->n_recipients; i++)
        free(e->recipients[i]);
    e->n_recipients = 0;
}
