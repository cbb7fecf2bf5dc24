#include "policy/policy_keys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

void policy_value_free(struct policy_value *value)
{
    free(value->text);
    for (size_t i = 0; i < value->n_items; i++)
        free(value->items[i]);
    free(value->items);
    *value = (struct policy_value){0};
}

static int word_index(const char *const *words, const char *word)
{
    for (int i = 0; words != NULL && words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    return -1;
}

static bool fail(struct diag *why, const char *rule, const char *key, const char *wanted)
{
    diag_set(why, ERR_USAGE, rule, "`%s` must be %s", key, wanted);
    return false;
}

static bool set_name(struct policy_value *value, const struct conf_key *key, const char *text, struct diag *why)
{
    bool sound = isalnum((unsigned char)*text) && strlen(text) <= 64;
    for (const char *p = text; *p != '\0'; p++)
        sound = sound && (isalnum((unsigned char)*p) || strchr("_.@-", *p) != NULL);
    if (!sound)
        return fail(why, "policy.name", key->name,
                    "of letters, digits and _ . @ -, and begin with one of the first two");
    value->number = 0;
    return true;
}

static bool set_integer(struct policy_value *value, const struct conf_key *key, const char *text, struct diag *why)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end != '\0' || number < key->min || number > key->max) {
        diag_set(why, ERR_USAGE, "conf.range", "`%s` must be an integer from %d to %d", key->name, key->min, key->max);
        return false;
    }
    value->number = (int)number;
    return true;
}

static bool set_bool(struct policy_value *value, const struct conf_key *key, const char *text, struct diag *why)
{
    value->number = strcmp(text, "true") == 0;
    return value->number != 0 || strcmp(text, "false") == 0 || fail(why, "conf.type", key->name, "true or false");
}

static bool set_word(struct policy_value *value, const struct conf_key *key, const char *text, struct diag *why)
{
    value->number = word_index(key->words, text);
    if (value->number >= 0)
        return true;
    diag_set(why, ERR_USAGE, "conf.word", "`%s` cannot be \"%.64s\"; did you mean \"%s\"?", key->name, text,
             conf_nearest(text, key->words));
    return false;
}

static bool set_time(struct policy_value *value, const struct conf_key *key, const char *text, struct diag *why)
{
    int hour, minute;
    char rest;
    bool form = strlen(text) == 5 && isdigit((unsigned char)text[0]) && isdigit((unsigned char)text[1]) &&
                text[2] == ':' && isdigit((unsigned char)text[3]);
    if (!form || sscanf(text, "%2d:%2d%c", &hour, &minute, &rest) != 2 || hour > 23 || minute > 59)
        return fail(why, "policy.time", key->name, "a time of day as \"15:00\"");
    value->number = hour * 60 + minute;
    return true;
}

/* The unit's name, singular or plural; "months" is short for calendar-months. */
static int unit_of(const char *word)
{
    char name[32];
    size_t len = strlen(word);
    if (len == 0 || len >= sizeof(name))
        return -1;
    snprintf(name, sizeof(name), "%s", word);
    if (name[len - 1] == 's')
        name[len - 1] = '\0';
    if (strcmp(name, "month") == 0)
        return POLICY_UNIT_CALENDAR_MONTH;
    return word_index(policy_unit_words, name);
}

static bool set_duration(struct policy_value *value, const struct conf_key *key, const char *text, struct diag *why)
{
    char *end = NULL;
    long number = isdigit((unsigned char)*text) ? strtol(text, &end, 10) : -1;
    int unit = -1;
    if (end != NULL && *end == '\0')
        unit = POLICY_UNIT_CALENDAR_DAY;
    else if (end != NULL && *end == ' ')
        unit = unit_of(end + 1);
    if (number < key->min || number > key->max || unit < 0)
        return fail(why, "policy.duration", key->name,
                    "a duration as \"N hours\", calendar-days, business-days, working-weeks or calendar-months");
    value->number = (int)number;
    value->unit = (enum policy_unit)unit;
    return true;
}

void policy_value_set_items(struct policy_value *value, const struct conf_key *key, const char *const *words, size_t n)
{
    struct buf joined = BUF_EMPTY;
    value->items = mem_zero(n + 1, sizeof(*value->items));
    value->n_items = n;
    for (size_t i = 0; i < n; i++) {
        int index = key->kind == KIND_SET ? word_index(key->words, words[i]) : -1;
        value->items[i] = mem_strdup(words[i]);
        value->number |= index >= 0 ? 1 << index : 0;
        buf_add_str(&joined, i > 0 ? ", " : "");
        buf_add_str(&joined, words[i]);
    }
    value->text = buf_take(&joined);
    value->has = POLICY_STATED;
}

/* "[mon, fri]", with or without brackets and quotes. */
static bool set_items(struct policy_value *value, const struct conf_key *key, const char *text, struct diag *why)
{
    char *words[64];
    size_t n = 0;
    bool sound = true;
    while (sound && *text != '\0' && n < 64) {
        text += strspn(text, " ,[]\"");
        size_t len = strcspn(text, ",[]\"");
        while (len > 0 && text[len - 1] == ' ')
            len--;
        if (len == 0)
            break;
        words[n] = mem_strndup(text, len);
        text += len;
        struct policy_value ignored = {0};
        sound = key->words == NULL || set_word(&ignored, key, words[n], why);
        n++;
    }
    if (sound)
        policy_value_set_items(value, key, (const char *const *)words, n);
    for (size_t i = 0; i < n; i++)
        free(words[i]);
    return sound;
}

static bool set_by_kind(struct policy_value *value, const struct conf_key *key, const char *text, struct diag *why)
{
    switch (key->kind) {
    case KIND_NAME:
        return set_name(value, key, text, why);
    case KIND_INT:
        return set_integer(value, key, text, why);
    case KIND_BOOL:
        return set_bool(value, key, text, why);
    case KIND_TIME:
        return set_time(value, key, text, why);
    case KIND_DURATION:
        return set_duration(value, key, text, why);
    case KIND_WORD:
    case KIND_USE:
        return set_word(value, key, text, why);
    case KIND_TEXT:
        return key->words == NULL || word_index(key->words, text) >= 0 || set_word(value, key, text, why);
    default:
        return fail(why, "conf.type", key->name, "\"unstated\" or \"none\"");
    }
}

bool policy_value_set(struct policy_value *value, const struct conf_key *key, const char *text, struct diag *why)
{
    if (key->kind == KIND_SET || key->kind == KIND_WORDS)
        return set_items(value, key, text, why);
    if (!set_by_kind(value, key, text, why))
        return false;
    value->text = mem_strdup(text);
    value->has = POLICY_STATED;
    return true;
}

const char *policy_value_text(const struct policy_value *value)
{
    if (value->has == POLICY_STATED)
        return value->text != NULL ? value->text : "";
    return value->has == POLICY_NONE ? "none" : "unstated";
}

bool policy_is(const struct policy_value *value, int number)
{
    return value->has == POLICY_STATED && value->number == number;
}

int policy_number(const struct policy_value *value, int fallback)
{
    return value->has == POLICY_STATED ? value->number : fallback;
}

const char *policy_words(const struct policy_value *value, const char *fallback)
{
    return value->has == POLICY_STATED && value->text != NULL ? value->text : fallback;
}

bool policy_holds(const struct policy_value *value, const char *word)
{
    for (size_t i = 0; value->has == POLICY_STATED && i < value->n_items; i++) {
        if (strcmp(value->items[i], word) == 0)
            return true;
    }
    return false;
}
