#include "codec/dsn_parts.h"

#include "base/mem.h"
#include "codec/challenge.h"
#include "codec/header.h"
#include "codec/lower.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what it is ---- */

/* RFC 5429: a receipt whose disposition is that the mail was deleted unread, and whose words say why. */
static bool is_refusal_receipt(const struct dsn_mail *mail)
{
    static const char *const rejected[] = {"reject", "refus", NULL};

    return mime_reports(mail->m, "message/disposition-notification") &&
           (dsn_has_any(buf_span(&mail->subject), rejected) || dsn_field_has(mail, "Auto-Submitted", rejected)) &&
           mail->failed;
}

static bool is_plain_receipt(const struct dsn_mail *mail)
{
    return mime_reports(mail->m, "message/disposition-notification") && !is_refusal_receipt(mail);
}

static bool is_reported(const struct dsn_mail *mail)
{
    static const char *const report[] = {"delivery-status", NULL};

    return mime_reports(mail->m, "message/delivery-status") ||
           mime_reports(mail->m, "message/global-delivery-status") ||
           mime_reports(mail->m, "message/xdelivery-status") || dsn_field_has(mail, "Content-Type", report);
}

/* Worth reading at all; most mail is not, and its text is not looked at. */
static bool may_be_a_bounce(const struct dsn_mail *mail)
{
    static const char *const service[] = {"amazonaws", "amazonses", NULL};
    bool reported = is_reported(mail) || mime_reports(mail->m, "message/disposition-notification");

    if (mime_reports(mail->m, "message/feedback-report") || challenge_is(mail->header, mail->m, reported))
        return false;
    return reported || mime_field_count(mail->header, "X-Failed-Recipients") ||
           dsn_speaker_of(mail) != DSN_SPEAKER_ANYONE || dsn_has_failing_subject(mail) ||
           dsn_field_has(mail, "From", service);
}

static bool is_declared(const struct dsn_mail *mail)
{
    static const char *const report[] = {"delivery-status", NULL};

    return mime_field_count(mail->header, "X-Failed-Recipients") || dsn_field_has(mail, "Content-Type", report);
}

/*
 * Not of a report with fields. Prose is a bounce only where both who wrote it and what is said speak for it, the more
 * of the one the less of the other: a report of a hole in a mail program must not be taken for one.
 */
static bool is_bounce_in_prose(const struct dsn_mail *mail)
{
    static const char *const daemon[] = {"mailer-daemon", "mailer_daemon", NULL};
    bool failing = dsn_has_failing_subject(mail), says = mail->failed || mail->delayed;
    bool why = mail->said.reason != DSN_REASON_NONE, coded = *mail->said.status || mail->said.reply;

    if (is_declared(mail))
        return true;
    if ((dsn_is_answer(mail) && !failing) || dsn_is_of_success(mail))
        return false;
    switch (dsn_speaker_of(mail)) {
    case DSN_SPEAKER_SERVER:
        return failing || says ||
               ((coded || dsn_field_has(mail, "From", daemon)) && (mail->returned.len || dsn_lists_address(mail)));
    case DSN_SPEAKER_OFFICE: /* the codes and the address speak where no words are known */
        return !mime_field_count(mail->header, "User-Agent") &&
               (failing || (says && why) || (coded && dsn_lists_address(mail)));
    default:
        return !mime_field_count(mail->header, "User-Agent") && failing && (says || why) &&
               dsn_has_servers_subject(mail) && dsn_lists_address(mail);
    }
}

/* Another of the server's programs was the recipient ("local; \\name"): the notice may say for whom. */
static void name_by_notice(const struct dsn_mail *mail, struct dsn *out)
{
    struct dsn_recipient *r = out->recipients;
    struct dsn named = {0};

    if (out->n != 1 || (r->address && strchr(r->address, '@')))
        return;
    dsn_read_text(mail, &named);
    if (named.n == 1 && named.recipients[0].address) {
        mem_free_secret(&r->address);
        r->address = mem_strdup(named.recipients[0].address);
    }
    dsn_free(&named);
}

/* Fields that stand in the text, as gateways leave a report, are one of a server alone. */
static bool read_fields(const struct dsn_mail *mail, struct dsn *out)
{
    bool by_server = dsn_speaker_of(mail) == DSN_SPEAKER_SERVER;

    /* a person attached one */
    if (!is_reported(mail) && !is_declared(mail) && dsn_speaker_of(mail) == DSN_SPEAKER_ANYONE)
        return false;
    if (!dsn_read_fields(mail, is_declared(mail) || by_server, out))
        return false;
    name_by_notice(mail, out);
    return true;
}

/* ---- the whole ---- */

/* The fields and JSON of anyone may hold any byte. */
static void clean_text(char *s)
{
    for (; s && *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            *s = '?';
}

static bool has_address(const struct dsn *d, const char *address)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->recipients[i].address && strcasecmp(d->recipients[i].address, address) == 0)
            return true;
    return false;
}

struct dsn_recipient *dsn_add(struct dsn *d, struct span address)
{
    char *clean = address.len ? mem_strndup(address.data, address.len) : NULL;

    clean_text(clean);
    if (d->n >= DSN_RECIPIENTS_MAX || (clean && has_address(d, clean))) {
        mem_free_secret(&clean);
        return NULL;
    }
    d->recipients = mem_resize(d->recipients, d->n + 1, sizeof *d->recipients);
    d->recipients[d->n] = (struct dsn_recipient){.address = clean};
    return &d->recipients[d->n++];
}

void dsn_sum_up(struct dsn *d)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->recipients[i].class > d->class)
            d->class = d->recipients[i].class;
    for (size_t i = 0; i < d->n; i++)
        d->given_up |= d->recipients[i].class == d->class && d->recipients[i].given_up;
}

static void find_message_id(const struct dsn_mail *mail, struct dsn *out)
{
    struct span value, id, block = buf_span(&mail->returned);

    for (size_t at = 0, end; at < block.len && !out->original_message_id; at = end) {
        struct span line = dsn_line(block, at, &end);

        if (line.len < 14 || strncasecmp((const char *)line.data, "message-id:", 11) != 0)
            continue;
        value = (struct span){line.data + 11, line.len - 11};
        if (header_next_msg_id(&value, &id))
            out->original_message_id = mem_strndup(id.data, id.len);
    }
}

/* Nobody is named: a gateway has wrapped another's report, or only the words are there. */
static void read_unnamed(const struct dsn_mail *mail, struct dsn *out)
{
    struct dsn_facts facts = {.words = mail->said, .status = "", .delayed = mail->delayed};
    struct buf lower = BUF_EMPTY;
    struct dsn_recipient *r;

    lower_add(buf_span(&mail->returned), &lower);
    if (dsn_has(buf_span(&lower), "\nfinal-recipient:") && dsn_has(buf_span(&lower), "\naction:"))
        dsn_read_block(mail, buf_span(&mail->returned), out);
    buf_free(&lower);
    if (out->n || !(r = dsn_add(out, (struct span){0})))
        return;
    dsn_judge(&facts, r);
}

static void clean(struct dsn *d)
{
    for (size_t i = 0; i < d->n; i++)
        clean_text(d->recipients[i].original);
    clean_text(d->original_message_id);
}

void dsn_read(struct span raw, const struct mime_message *m, struct dsn *out)
{
    struct dsn_mail mail;

    *out = (struct dsn){0};
    dsn_mail_begin(&mail, raw, m);
    if (!may_be_a_bounce(&mail)) {
        dsn_mail_free(&mail);
        return;
    }
    dsn_mail_read(&mail);
    if (!is_plain_receipt(&mail) && !read_fields(&mail, out) && !dsn_read_json(&mail, out) &&
        is_bounce_in_prose(&mail)) {
        dsn_read_text(&mail, out);
        if (!out->n)
            read_unnamed(&mail, out);
    }
    if (out->n)
        find_message_id(&mail, out);
    clean(out);
    dsn_sum_up(out);
    dsn_mail_free(&mail);
}

void dsn_free(struct dsn *d)
{
    for (size_t i = 0; i < d->n; i++) {
        mem_free_secret(&d->recipients[i].address);
        mem_free_secret(&d->recipients[i].original);
    }
    free(d->recipients);
    free(d->original_message_id);
    *d = (struct dsn){0};
}

const char *dsn_class_name(enum dsn_class class)
{
    static const char *const names[] = {[DSN_NOT] = "not-a-bounce",
                                        [DSN_DELAY] = "delay",
                                        [DSN_TEMPORARY] = "temporary",
                                        [DSN_FULL] = "full",
                                        [DSN_PERMANENT] = "permanent"};

    return names[class];
}

const char *dsn_verdict(const struct dsn *d)
{
    if (d->class == DSN_FULL) {
        for (size_t i = 0; i < d->n; i++)
            if (d->recipients[i].class == DSN_FULL &&
                (!dsn_status_is_general(d->recipients[i].status) || *d->recipients[i].status == '4' ||
                 d->recipients[i].reply || !d->recipients[i].given_up))
                return "temporary";
        return "permanent";
    }
    return d->class == DSN_DELAY ? "temporary" : dsn_class_name(d->class);
}
