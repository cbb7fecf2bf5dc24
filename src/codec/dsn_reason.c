#include "codec/dsn_parts.h"

#include <ctype.h>
#include <string.h>

/*
 * Why: the kind of a reason that a server gives in words. What it says of the mailbox or its host is mostly a few short
 * words in some order ("no such user", "recipient is not known here", "mailbox currently unavailable"), so that a
 * pattern is a row of sets of words, with words that mean nothing between them; the rest are phrases
 * (codec/dsn_words.c). Addresses, and the names of the hosts that speak, are no words: one may hold "spam".
 */

/* ---- what is not said ---- */

static bool is_name_byte(uint8_t c)
{
    return isalnum(c) || c == '.' || c == '-' || c == '_';
}

/* The token at `at` that holds an @: up to a blank, a bracket or a quote. */
static void mask_address(struct buf *text, size_t at)
{
    static const char ends[] = " \t\n<>()[]\"',;:";
    size_t from = at, to = at;

    while (from > 0 && text->data[from - 1] && !strchr(ends, text->data[from - 1]))
        from--;
    while (to < text->len && text->data[to] && !strchr(ends, text->data[to]))
        to++;
    memset(text->data + from, ' ', to - from);
}

/* "[192.0.2.1]", "[2001:db8::1]": and not "[550]". */
static bool is_bracketed_host(const struct buf *text, size_t at)
{
    size_t digits = at + 1;

    if (text->data[at] != '[' && text->data[at] != '(')
        return false;
    while (digits < text->len && digits < at + 5 && isxdigit(text->data[digits]))
        digits++;
    return isdigit(text->data[at + 1]) && digits < text->len &&
           (text->data[digits] == '.' || text->data[digits] == ':');
}

/* "host NAME", "at NAME", or "NAME[192.0.2.1]". */
static void mask_hosts(struct buf *text)
{
    static const char *const before[] = {"host ", "at ", "server ", "talking to ", "dns; ", "dns;", NULL};

    for (const char *const *b = before; *b; b++) {
        const uint8_t *p = text->data, *end = text->data + text->len;

        for (; p && p < end && (p = memmem(p, (size_t)(end - p), *b, strlen(*b))); p++) {
            size_t from = (size_t)(p - text->data) + strlen(*b), to = from;

            if (p > text->data && isalnum(p[-1]))
                continue;
            while (to < text->len && is_name_byte(text->data[to]))
                to++;
            if (to > from && memchr(text->data + from, '.', to - from - 1))
                memset(text->data + from, ' ', to - from);
        }
    }
    for (size_t i = 1; i + 1 < text->len; i++) {
        size_t to = i - (text->data[i - 1] == ' '), from = to;

        if (!is_bracketed_host(text, i))
            continue;
        while (from > 0 && is_name_byte(text->data[from - 1]))
            from--;
        if (to > from && memchr(text->data + from, '.', to - from))
            memset(text->data + from, ' ', to - from);
    }
}

/* Phrases are folded anywhere: lines are joined, and an empty one ends the sentence. */
void dsn_join_lines(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.len;) {
        size_t from = i, lines = 0;

        while (i < text.len && isspace(text.data[i]))
            lines += text.data[i++] == '\n';
        if (i > from)
            buf_add_str(out, lines > 1 ? ". " : " ");
        for (from = i; i < text.len && !isspace(text.data[i]);)
            i++;
        buf_add(out, text.data + from, i - from);
    }
}

static void mask_names(struct span words, struct buf *out)
{
    dsn_join_lines(words, out);
    for (size_t i = 0; i < out->len; i++)
        if (out->data[i] == '@')
            mask_address(out, i);
    mask_hosts(out);
}

/* ---- patterns ---- */

#define USER                                                                                                           \
    " user users username userid login mailbox mailboxes mailaddress recipient recipients address addresses addressee" \
    " account accounts alias customer subscriber person email e-mail destinataire destinatario utilisateur usuario "
#define HOST " host domain hostname domains destination "
#define BAD                                                                                                            \
    " unknown invalid nonexistent non-existent nonexisting inactive bad illegal undefined unrouteable unroutable "     \
    "inconnu inconnue desconocido inexistente "
#define GONE                                                                                                           \
    " unknown invalid nonexistent non-existent inactive undefined disabled suspended deactivated discontinued closed " \
    "expired deleted terminated removed cancelled canceled retired abandoned inconnu desconocido inexistente "
#define NOT                                                                                                            \
    " not no isn't wasn't doesn't didn't don't cannot can't couldn't could never aren't weren't doesnt dosn't dont "   \
    "nicht "                                                                                                           \
    "n'existe "
#define KNOWN                                                                                                          \
    " exist exists existing found find known recognized recognised valid active activated listed registered present "  \
    "located defined resolved handled local ours longer existiert bekannt "
#define FILL                                                                                                           \
    " is was are were be been has have a an the this that such valid active local virtual known mail email e-mail or " \
    "name user mailbox recipient recipient's address addresses account currently temporarily permanently temporary "   \
    "does do did in our any your here to of for and at with on by you tried reach smtp yet domain may might allowed "  \
    "permitted able "
#define RELAY   " relay relayed relaying "
#define DENIED  " denied prohibited forbidden refused rejected disallowed disabled not "
#define MAY_NOT " not no cannot can't don't doesn't won't unable refuse refusing refuses "
#define OURS    " sender sender's from sending ip client envelope-from "

static bool in_set(const char *set, struct span token)
{
    size_t n = strlen(set);
    const uint8_t *p = (const uint8_t *)set, *end = p + n;

    if (!token.len || token.len > 20)
        return false;
    for (; (p = memmem(p, (size_t)(end - p), token.data, token.len)); p++)
        if (p[-1] == ' ' && p[token.len] == ' ') /* a set begins with a blank, a word does not */
            return true;
    return false;
}

static bool is_word_byte(uint8_t c)
{
    return isalnum(c) || c == '\'' || c == '-' || c >= 0x80;
}

/* The next word at or behind *at; false at the end of a sentence (once), and of the text. */
static bool next_word(struct span t, size_t *at, struct span *out)
{
    size_t i = *at, from;

    while (i < t.len && !is_word_byte(t.data[i])) {
        if (t.data[i] == '.' && (i + 1 == t.len || isspace(t.data[i + 1]))) {
            *at = i + 1;
            return false;
        }
        i++;
    }
    for (from = i; i < t.len && is_word_byte(t.data[i]);)
        i++;
    *at = i;
    *out = (struct span){t.data + from, i - from};
    return i > from;
}

/* Do words at `at`, of one sentence, go through the sets? The first must be there; up to four that mean nothing may
 * stand between two. */
static bool goes_through(struct span t, size_t at, const char *const *sets)
{
    struct span word;

    for (size_t n = 0; *sets; sets++, n++) {
        size_t skipped = 0;

        if (!next_word(t, &at, &word))
            return false;
        while (!in_set(*sets, word)) {
            if (!n || ++skipped > 4 || !in_set(FILL, word) || !next_word(t, &at, &word))
                return false;
        }
    }
    return true;
}

static bool has_pattern(struct span t)
{
    static const char *const rows[][4] = {{BAD, USER},         {USER, GONE},       {USER, NOT, KNOWN}, {BAD, HOST},
                                          {HOST, " unknown "}, {HOST, NOT, KNOWN}, {" no ", USER},     {" no ", HOST},
                                          {RELAY, DENIED},     {MAY_NOT, RELAY}};
    struct span word;
    bool ours = false; /* "sender address unknown", "ip address not found" */

    for (size_t at = 0; at < t.len;) {
        size_t start = at;

        if (!next_word(t, &at, &word)) {
            ours = false;
            continue;
        }
        ours = in_set(OURS, word) || (ours && (in_set(USER, word) || in_set(HOST, word) || in_set(FILL, word)));
        for (size_t i = 0; !ours && i < sizeof rows / sizeof rows[0]; i++)
            if (goes_through(t, start, rows[i]))
                return true;
    }
    return false;
}

/* ---- the kind ---- */

static enum dsn_reason reason_of(struct span t)
{
    bool full = dsn_says(t, dsn_words_full);

    if (dsn_says(t, dsn_words_unknown) || dsn_says(t, dsn_words_host))
        return DSN_REASON_UNKNOWN;
    if (!full && has_pattern(t))
        return DSN_REASON_UNKNOWN;
    if (full)
        return DSN_REASON_FULL;
    if (dsn_says(t, dsn_words_large))
        return DSN_REASON_LARGE;
    if (dsn_says(t, dsn_words_refused))
        return DSN_REASON_REFUSED;
    if (dsn_says(t, dsn_words_unknown_perhaps))
        return DSN_REASON_UNKNOWN_PERHAPS;
    /* a server that calls it permanent is believed */
    return dsn_says(t, dsn_words_time) && !dsn_says(t, dsn_words_final) ? DSN_REASON_TIME : DSN_REASON_NONE;
}

enum dsn_reason dsn_find_reason(struct span words_lower)
{
    struct buf masked = BUF_EMPTY;
    enum dsn_reason reason;

    if (!words_lower.len)
        return DSN_REASON_NONE;
    mask_names(words_lower, &masked);
    reason = reason_of(buf_span(&masked));
    buf_free(&masked);
    return reason;
}
