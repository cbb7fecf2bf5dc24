#include "codec/challenge.h"

#include <string.h>

static bool field_has(struct span header, const char *name, const char *word)
{
    struct buf value = BUF_EMPTY;
    bool found = mime_field(header, name, &value) && strcasestr(buf_text(&value), word);

    buf_free(&value);
    return found;
}

bool challenge_is(struct span header, const struct mime_message *m, bool robot)
{
    static const char *const subjects[] = {"action required",
                                           "confirm your message",
                                           "confirm your e-mail",
                                           "confirm your email",
                                           "please confirm",
                                           "verify your message",
                                           "message verification",
                                           "sender verification",
                                           "verification required",
                                           "your message requires",
                                           "challenge",
                                           NULL};
    static const char *const fields[] = {
        "X-Challenge", "X-ChoiceMail-Registration-Request", "X-Spamarrest", "X-TMDA-Confirm", "X-ASK-Info", NULL};
    static const char *const from[] = {
        "@boxbe.com", "@spamarrest.com", "@bitbounce.com", "@knowspam.net", "@mailblocks.com", "@sendio.", NULL};

    for (const char *const *f = fields; *f; f++)
        if (mime_field_count(header, *f))
            return true;
    for (const char *const *f = from; *f; f++)
        if (field_has(header, "From", *f))
            return true;
    for (const char *const *s = subjects; robot && m->subject && *s; s++)
        if (strcasestr(m->subject, *s))
            return true;
    return false;
}
