#include "codec/dsn_parts.h"

#include "codec/lower.h"
#include "codec/vacation.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Who wrote it, and what sort of mail its Subject says that it is. */

bool dsn_field_has(const struct dsn_mail *mail, const char *name, const char *const *words)
{
    struct buf value = BUF_EMPTY, lower = BUF_EMPTY;
    bool found = false;

    if (mime_field(mail->header, name, &value)) {
        lower_add(buf_span(&value), &lower);
        found = dsn_has_any(buf_span(&lower), words);
    }
    buf_free(&value);
    buf_free(&lower);
    return found;
}

enum dsn_speaker dsn_speaker_of(const struct dsn_mail *mail)
{
    static const char *const servers[] = {"mailer-daemon", "mailer_daemon", "mailerdaemon", "mailer daemon", NULL};
    static const char *const offices[] = {"postmaster",
                                          "mdaemon",
                                          "mail delivery",
                                          "mail-delivery",
                                          "maildelivery",
                                          "delivery subsystem",
                                          "delivery system",
                                          "administrator",
                                          "mail system",
                                          "mailsystem",
                                          "mail_service",
                                          "bounce@",
                                          "bounces@",
                                          "mta@",
                                          "imss@",
                                          "antivirus",
                                          "smtp_gateway",
                                          "mail server",
                                          "mailserver",
                                          "listserv",
                                          "majordomo",
                                          "microsoft exchange",
                                          "microsoftexchange",
                                          "system attendant",
                                          "e-mail system",
                                          "microsoft outlook",
                                          "no-reply@",
                                          "noreply@",
                                          "post_master@",
                                          "sysadmin@",
                                          "content-filter",
                                          "content filter",
                                          NULL};
    static const char *const nobody[] = {"<>", NULL}, *const list[] = {"-admin@", NULL};
    struct buf path = BUF_EMPTY;
    bool null_path = false;

    if (mime_field(mail->header, "Return-Path", &path)) {
        const char *s = buf_text(&path) + strspn(buf_text(&path), " \t");

        null_path = strncmp(s, "<>", 2) == 0 || strncasecmp(s, "<mailer-daemon", 14) == 0;
    }
    buf_free(&path);
    if (null_path || dsn_field_has(mail, "From", servers) ||
        (mail->m->from.n == 0 && dsn_field_has(mail, "From", nobody)))
        return DSN_SPEAKER_SERVER;
    if (mime_field_count(mail->header, "X-MLServer") && dsn_field_has(mail, "From", list)) /* fml */
        return DSN_SPEAKER_OFFICE;
    return dsn_field_has(mail, "From", offices) ? DSN_SPEAKER_OFFICE : DSN_SPEAKER_ANYONE;
}

bool dsn_has_failing_subject(const struct dsn_mail *mail)
{
    return dsn_has_any(buf_span(&mail->subject), dsn_words_subject);
}

/* A person's or a robot's answer to a mail that did arrive. */
bool dsn_is_answer(const struct dsn_mail *mail)
{
    static const char *const within[] = {"automatic reply", "auto-reply",        "autoreply",
                                         "out of office",   "out of the office", "autorespons",
                                         "auto response",   "abwesenheit",       NULL};

    return vacation_has_field(mail->header) || vacation_is_subject(mail->m->subject) ||
           dsn_has_any(buf_span(&mail->subject), within);
}

/* Of nothing but what servers write, up to a colon, a bracket or the end. */
bool dsn_has_servers_subject(const struct dsn_mail *mail)
{
    static const char words[] =
        " undeliverable undelivered undeliver undeliverd delivery deliver delivered delivering mail e-mail email "
        "message "
        "messages failure failed fail failing returned return returning returns to sender status notification notice "
        "report "
        "system error errors could not be unable warning permanent fatal problem problems non nondelivery non-delivery "
        "nondeliverable notify your the has have was been is are of for in with could cannot can't couldn't delayed "
        "delay "
        "transient local remote postmaster administrator mailer-daemon mdaemon smtp server bounce bounced from "
        "recipient "
        "recipients address user unknown reason and or a an by you member members not rejected blocked reject service "
        "auto automatic transaction eater nonexistent could during occurred while trying attempt attempted temporary "
        "temporarily permanently unsuccessful mailbox full invalid ";
    struct span s = buf_span(&mail->subject);
    size_t n_words = 0, at = 0;

    while (at < s.len && s.data[at] == '[')
        at++;
    while (at < s.len && !strchr(":([\"<]", s.data[at])) {
        size_t from = at;

        while (at < s.len && !isspace(s.data[at]) && !strchr(":([\"<]", s.data[at]))
            at++;
        if (at - from > 1 && !memchr(s.data + from, '@', at - from)) {
            char word[24];

            if (at - from > sizeof word - 3)
                return false;
            snprintf(word, sizeof word, " %.*s ", (int)(at - from), (const char *)s.data + from);
            if (!strstr(words, word))
                return false;
        }
        n_words++;
        while (at < s.len && isspace(s.data[at]))
            at++;
    }
    return n_words > 0;
}

/* Nothing but good news, without fields. */
bool dsn_is_of_success(const struct dsn_mail *mail)
{
    static const char *const words[] = {"successfully delivered",   "delivered successfully",  "has been successful",
                                        "successful mail delivery", "delivery was successful", NULL};

    return !mail->failed && !mail->delayed && mail->said.reason == DSN_REASON_NONE &&
           (dsn_says(buf_span(&mail->subject), words) || dsn_says(buf_span(&mail->lower), words));
}
