#include "codec/vacation.h"

#include "codec/lower.h"
#include "codec/mime.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- fields ---- */

bool vacation_has_field(struct span header)
{
    /* value: what it must hold; NULL: anything but "no" */
    static const struct {
        const char *name, *value;
    } fields[] = {{"X-Autoreply", NULL},
                  {"X-Auto-Reply", NULL},
                  {"X-Auto-Reply-From", NULL},
                  {"X-AutoReply-From", NULL},
                  {"X-Mail-Autoreply", NULL},
                  {"X-Autorespond", NULL},
                  {"X-Autoresponder", NULL},
                  {"X-Autoresponse", NULL},
                  {"X-Auto-Response", NULL},
                  {"X-Vacation", NULL},
                  {"Auto-Submitted-By", NULL},
                  {"X-Cron-Env", NULL},
                  {"X-FC-MachineGenerated", "true"},
                  {"X-POST-MessageClass", "autorespond"},
                  {"X-Apple-Action", "vacation"},
                  {"X-Sieve-Action", "vacation"},
                  {"Delivered-To", "autoresponder"},
                  {"Precedence", "auto"},
                  {"X-Precedence", "auto"}};
    struct buf value = BUF_EMPTY;
    bool found = false;

    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && !found; i++) {
        buf_clear(&value);
        if (mime_field(header, fields[i].name, &value))
            found = fields[i].value ? strcasestr(buf_text(&value), fields[i].value) != NULL
                                    : strcasestr(buf_text(&value), "no") == NULL;
    }
    buf_free(&value);
    return found;
}

/* ---- the Subject ---- */

/* In lower case, as their makers write them in each language. */
static const char *const phrases[] = {"auto",
                                      "automatic reply",
                                      "automatic response",
                                      "automatic answer",
                                      "automated reply",
                                      "automated response",
                                      "auto reply",
                                      "auto-reply",
                                      "autoreply",
                                      "auto response",
                                      "auto-response",
                                      "autoresponse",
                                      "autorespons",
                                      "auto generated",
                                      "auto-generated",
                                      "yahoo! auto response",
                                      "out of office",
                                      "out of the office",
                                      "out-of-office",
                                      "out of office reply",
                                      "ooo",
                                      "away",
                                      "away from the office",
                                      "away from my mail",

                                      "vacation reply",
                                      "vacation response",
                                      "on vacation",
                                      "on holiday",
                                      "absent",
                                      "abwesenheitsnotiz",
                                      "abwesenheitsnachricht",
                                      "abwesenheitsmeldung",
                                      "abwesenheitsassistent",
                                      "abwesenheit",
                                      "abwesend",
                                      "automatische antwort",
                                      "automatische rückantwort",
                                      "automatische rückmeldung",
                                      "automatische eingangsbestätigung",
                                      "nicht im büro",
                                      "réponse automatique",
                                      "reponse automatique",
                                      "message d'absence",
                                      "message d’absence",
                                      "absence du bureau",
                                      "absent du bureau",
                                      "absence",
                                      "risposta automatica",
                                      "fuori ufficio",
                                      "fuori sede",
                                      "assenza",
                                      "assente",
                                      "respuesta automática",
                                      "respuesta automatica",
                                      "contestación automática",
                                      "fuera de la oficina",
                                      "fuera de oficina",
                                      "ausente",
                                      "ausencia",
                                      "resposta automática",
                                      "resposta automatica",
                                      "resposta de ausência",
                                      "fora do escritório",
                                      "ausência",
                                      "automatisch antwoord",
                                      "automatische reactie",
                                      "afwezig",
                                      "afwezigheid",
                                      "afwezigheidsbericht",
                                      "afwezigheidsmelding",
                                      "niet op kantoor",
                                      "autosvar",
                                      "automatiskt svar",
                                      "automatisk svar",
                                      "frånvaro",
                                      "frånvarande",
                                      "fravær",
                                      "fraværende",
                                      "ikke til stede",
                                      "ikke på kontoret",
                                      "inte på kontoret",
                                      "automaattinen vastaus",
                                      "poissa",
                                      "poissa toimistosta",
                                      "automatyczna odpowiedź",
                                      "automatyczna odpowiedz",
                                      "odpowiedź automatyczna",
                                      "nieobecność",
                                      "poza biurem",
                                      "automatická odpověď",
                                      "automatická odpoveď",
                                      "mimo kancelář",
                                      "nepřítomnost",
                                      "automatikus válasz",
                                      "házon kívül",
                                      "răspuns automat",
                                      "automatski odgovor",
                                      "samodejni odgovor",
                                      "автоматичен отговор",
                                      "otomatik yanıt",
                                      "ofis dışında",
                                      "автоответ",
                                      "автоответчик",
                                      "автоматический ответ",
                                      "автоматична відповідь",
                                      "нет на месте",
                                      "αυτόματη απάντηση",
                                      "תשובה אוטומטית",
                                      "رد تلقائي",
                                      "自动回复",
                                      "自动答复",
                                      "自動回覆",
                                      "自動回复",
                                      "自動返信",
                                      "自動応答",
                                      "自動返答",
                                      "不在通知",
                                      "不在",
                                      "不在办公室",
                                      "자동 회신",
                                      "자동 응답",
                                      "부재 중",
                                      NULL};

/* What a person who is away writes into his program, whatever follows. */
static const char *const openings[] = {"i am out of ",
                                       "i'm out of ",
                                       "i am away",
                                       "i'm away",
                                       "i am on vacation",
                                       "i am on holiday",
                                       "i am on leave",
                                       "i am currently out of",
                                       "i will be out of",
                                       "i am currently away",
                                       NULL};

static const char *begins(const char *s, const char *with)
{
    size_t n = strlen(with);

    return strncmp(s, with, n) == 0 ? s + n : NULL;
}

static const char *behind_blanks(const char *s)
{
    while (*s == ' ' || *s == '\t' ||
           strncmp(s, "\xc2\xa0", 2) == 0) /* a French colon stands behind a blank of its own */
        s += *s == '\xc2' ? 2 : 1;
    return s;
}

/* What the programs put behind their words. */
static bool is_end(const char *rest)
{
    static const char *const ends[] = {
        ":",     "：",    "]",    "(",     "!",     ".",       "re:",       "aw:",        "was:",         "until ",
        "till ", "from ", "bis ", "jusqu", "reply", "message", "autoreply", "auto-reply", "notification", NULL};
    const char *s = behind_blanks(rest);

    if (!*s || (s > rest + 1 && rest[1] == ' ')) /* two blanks: the words were put before a Subject */
        return true;
    for (const char *const *e = ends; *e; e++)
        if (begins(s, *e) && (s > rest || !isalpha((unsigned char)**e)))
            return true;
    return false;
}

static bool is_vacation(const char *subject)
{
    const char *s = behind_blanks(subject), *rest;

    while ((rest = begins(s, "re:")) || (rest = begins(s, "aw:")) || (rest = begins(s, "[")))
        s = behind_blanks(rest);
    for (const char *const *o = openings; *o; o++)
        if (begins(s, *o))
            return true;
    for (const char *const *p = phrases; *p; p++)
        if ((rest = begins(s, *p)) && is_end(rest))
            return true;
    return false;
}

bool vacation_is_subject(const char *subject)
{
    struct buf lower = BUF_EMPTY;
    bool found;

    if (!subject)
        return false;
    lower_add(span_of(subject), &lower);
    found = is_vacation(buf_text(&lower));
    buf_free(&lower);
    return found;
}
