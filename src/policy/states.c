#include "policy/states.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct case_step case_steps[] = {
    {CASE_NEW, CASE_ACCEPT, CASE_ACCEPTED, EFFECT_ACKNOWLEDGE},
    {CASE_NEW, CASE_REJECT, CASE_REJECTED, EFFECT_CLOSE},
    {CASE_NEW, CASE_MARK_DUPLICATE, CASE_DUPLICATE, EFFECT_CLOSE},
    {CASE_NEW, CASE_EXTEND, CASE_NEW, EFFECT_NONE},
    {CASE_NEW, CASE_LIFT, CASE_PUBLIC, EFFECT_PUBLISH},
    {CASE_NEW, CASE_BREAK, CASE_PUBLIC, EFFECT_PUBLISH},
    {CASE_NEW, CASE_RELEASE, CASE_PUBLIC, EFFECT_PUBLISH},
    {CASE_ACCEPTED, CASE_FIX, CASE_FIX_READY, EFFECT_NONE},
    {CASE_ACCEPTED, CASE_PREDISCLOSE, CASE_PREDISCLOSED, EFFECT_FAN_OUT}, /* what is known is told without a patch */
    {CASE_ACCEPTED, CASE_REJECT, CASE_REJECTED, EFFECT_CLOSE},
    {CASE_ACCEPTED, CASE_MARK_DUPLICATE, CASE_DUPLICATE, EFFECT_CLOSE},
    {CASE_ACCEPTED, CASE_EXTEND, CASE_ACCEPTED, EFFECT_NONE},
    {CASE_ACCEPTED, CASE_LIFT, CASE_PUBLIC, EFFECT_PUBLISH},
    {CASE_ACCEPTED, CASE_BREAK, CASE_PUBLIC, EFFECT_PUBLISH},
    {CASE_ACCEPTED, CASE_RELEASE, CASE_PUBLIC, EFFECT_PUBLISH},
    {CASE_FIX_READY, CASE_PREDISCLOSE, CASE_PREDISCLOSED, EFFECT_FAN_OUT},
    {CASE_FIX_READY, CASE_DEFECT, CASE_ACCEPTED, EFFECT_RESTART},
    {CASE_FIX_READY, CASE_MARK_DUPLICATE, CASE_DUPLICATE, EFFECT_CLOSE},
    {CASE_FIX_READY, CASE_EXTEND, CASE_FIX_READY, EFFECT_NONE},
    {CASE_FIX_READY, CASE_LIFT, CASE_PUBLIC, EFFECT_PUBLISH},
    {CASE_FIX_READY, CASE_BREAK, CASE_PUBLIC, EFFECT_PUBLISH},
    {CASE_FIX_READY, CASE_RELEASE, CASE_PUBLIC, EFFECT_PUBLISH},
    {CASE_PREDISCLOSED, CASE_PREDISCLOSE, CASE_PREDISCLOSED, EFFECT_FAN_OUT}, /* a further version, a later tier */
    {CASE_PREDISCLOSED, CASE_FIX, CASE_PREDISCLOSED, EFFECT_NONE},
    {CASE_PREDISCLOSED, CASE_DEFECT, CASE_PREDISCLOSED, EFFECT_RESTART},
    {CASE_PREDISCLOSED, CASE_EXTEND, CASE_PREDISCLOSED, EFFECT_NOTIFY_DATE},
    {CASE_PREDISCLOSED, CASE_LIFT, CASE_PUBLIC, EFFECT_PUBLISH},
    {CASE_PREDISCLOSED, CASE_BREAK, CASE_PUBLIC, EFFECT_PUBLISH},
    {CASE_PREDISCLOSED, CASE_RELEASE, CASE_PUBLIC, EFFECT_PUBLISH},
    {CASE_PUBLIC, CASE_CLOSE, CASE_CLOSED, EFFECT_CLOSE},
    {CASE_PUBLIC, CASE_REOPEN, CASE_ACCEPTED, EFFECT_REOPEN},
};

static const struct application_step application_steps[] = {
    {APPLICATION_RECEIVED, APPLICATION_FIND_COMPLETE, APPLICATION_COMPLETE, EFFECT_VOTE},
    {APPLICATION_RECEIVED, APPLICATION_FIND_INCOMPLETE, APPLICATION_INCOMPLETE, EFFECT_ASK_APPLICANT},
    {APPLICATION_RECEIVED, APPLICATION_ASK, APPLICATION_INCOMPLETE, EFFECT_ASK_APPLICANT},
    {APPLICATION_RECEIVED, APPLICATION_DECLINE, APPLICATION_DECLINED, EFFECT_DECLINE},
    {APPLICATION_RECEIVED, APPLICATION_WITHDRAW, APPLICATION_WITHDRAWN, EFFECT_CLOSE},
    {APPLICATION_INCOMPLETE, APPLICATION_AMEND, APPLICATION_RECEIVED, EFFECT_NONE},
    {APPLICATION_INCOMPLETE, APPLICATION_ASK, APPLICATION_INCOMPLETE, EFFECT_ASK_APPLICANT},
    {APPLICATION_INCOMPLETE, APPLICATION_DECLINE, APPLICATION_DECLINED, EFFECT_DECLINE},
    {APPLICATION_INCOMPLETE, APPLICATION_WITHDRAW, APPLICATION_WITHDRAWN, EFFECT_CLOSE},
    {APPLICATION_COMPLETE, APPLICATION_ASK, APPLICATION_INCOMPLETE, EFFECT_ASK_APPLICANT},
    {APPLICATION_COMPLETE, APPLICATION_APPROVE, APPLICATION_VOTED, EFFECT_CHALLENGE},
    {APPLICATION_COMPLETE, APPLICATION_DECLINE, APPLICATION_DECLINED, EFFECT_DECLINE},
    {APPLICATION_COMPLETE, APPLICATION_WITHDRAW, APPLICATION_WITHDRAWN, EFFECT_CLOSE},
    {APPLICATION_VOTED, APPLICATION_CHALLENGE, APPLICATION_CHALLENGED, EFFECT_NONE},
    {APPLICATION_VOTED, APPLICATION_DECLINE, APPLICATION_DECLINED, EFFECT_DECLINE},
    {APPLICATION_VOTED, APPLICATION_WITHDRAW, APPLICATION_WITHDRAWN, EFFECT_CLOSE},
    {APPLICATION_CHALLENGED, APPLICATION_CHALLENGE, APPLICATION_CHALLENGED, EFFECT_NONE}, /* sent once more */
    {APPLICATION_CHALLENGED, APPLICATION_ANSWER, APPLICATION_ACTIVE, EFFECT_ADMIT},
    {APPLICATION_CHALLENGED, APPLICATION_DECLINE, APPLICATION_DECLINED, EFFECT_DECLINE},
    {APPLICATION_CHALLENGED, APPLICATION_WITHDRAW, APPLICATION_WITHDRAWN, EFFECT_CLOSE},
    {APPLICATION_DECLINED, APPLICATION_APPEAL, APPLICATION_APPEALED, EFFECT_TELL_ADMINS},
    {APPLICATION_APPEALED, APPLICATION_APPROVE, APPLICATION_VOTED, EFFECT_CHALLENGE},
    {APPLICATION_APPEALED, APPLICATION_DECLINE, APPLICATION_DECLINED, EFFECT_DECLINE},
    {APPLICATION_APPEALED, APPLICATION_WITHDRAW, APPLICATION_WITHDRAWN, EFFECT_CLOSE},
};

static const struct member_step member_steps[] = {
    {MEMBER_ACTIVE, MEMBER_KEY_FAIL, MEMBER_KEY_TROUBLE, EFFECT_TELL_ADMINS},
    {MEMBER_ACTIVE, MEMBER_SUSPEND, MEMBER_SUSPENDED, EFFECT_STOP},
    {MEMBER_ACTIVE, MEMBER_REMOVE, MEMBER_REMOVED, EFFECT_STOP},
    {MEMBER_KEY_TROUBLE, MEMBER_KEY_MEND, MEMBER_ACTIVE, EFFECT_RESUME},
    {MEMBER_KEY_TROUBLE, MEMBER_SUSPEND, MEMBER_SUSPENDED, EFFECT_STOP},
    {MEMBER_KEY_TROUBLE, MEMBER_REMOVE, MEMBER_REMOVED, EFFECT_STOP},
    {MEMBER_SUSPENDED, MEMBER_REINSTATE, MEMBER_ACTIVE, EFFECT_RESUME},
    {MEMBER_SUSPENDED, MEMBER_REMOVE, MEMBER_REMOVED, EFFECT_STOP},
};

static const char *const case_state_names[CASE_STATES] = {"new",    "accepted", "fix-ready", "predisclosed",
                                                          "public", "closed",   "rejected",  "duplicate"};
static const char *const case_event_names[CASE_EVENTS] = {"accept",      "reject",   "duplicate", "fix-ready",
                                                          "predisclose", "set-date", "lift",      "broken",
                                                          "release",     "close",    "reopen",    "patch-defect"};
static const char *const application_state_names[APPLICATION_STATES] = {
    "received", "incomplete", "complete", "voted", "challenged", "active", "declined", "withdrawn", "appealed"};
static const char *const application_event_names[APPLICATION_EVENTS] = {
    "find-complete", "find-incomplete", "amend",  "ask",      "approve",
    "decline",       "challenge",       "answer", "withdraw", "appeal"};
static const char *const member_state_names[MEMBER_STATES] = {"active", "key-trouble", "suspended", "removed"};
static const char *const member_event_names[MEMBER_EVENTS] = {"key-fail", "key-mend", "suspend", "reinstate", "remove"};
static const char *const effect_names[] = {
    "none",          "acknowledge", "fan-out",   "notify-date", "restart", "publish",     "close", "reopen",
    "ask-applicant", "vote",        "challenge", "admit",       "decline", "tell-admins", "stop",  "resume"};

static const char *name_at(const char *const *names, size_t n, size_t i)
{
    return i < n ? names[i] : "unknown";
}

static bool name_parse(const char *const *names, size_t n, const char *name, size_t *out)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* "accept, reject": what the state allows, for the refusal. */
static void list_add(char *list, size_t size, const char *word)
{
    size_t len = strlen(list);
    if (strstr(list, word) == NULL)
        snprintf(list + len, size - len, "%s%s", len > 0 ? ", " : "", word);
}

static enum err refuse(struct diag *why, const char *rule, const char *what, const char *state, const char *event,
                       const char *possible)
{
    return diag_set(why, ERR_DENIED, rule, "the %s is %s, which does not allow %s; possible: %s", what, state, event,
                    *possible != '\0' ? possible : "nothing, this is its end");
}

enum err case_step_find(enum case_state from, enum case_event on, const struct case_step **out, struct diag *why)
{
    char possible[256] = "";
    for (size_t i = 0; i < COUNT(case_steps); i++) {
        if (case_steps[i].from != from)
            continue;
        if (case_steps[i].on == on) {
            *out = &case_steps[i];
            return ERR_OK;
        }
        list_add(possible, sizeof(possible), case_event_name(case_steps[i].on));
    }
    *out = NULL;
    return refuse(why, "state.case", "case", case_state_name(from), case_event_name(on), possible);
}

enum err application_step_find(enum application_state from, enum application_event on,
                               const struct application_step **out, struct diag *why)
{
    char possible[256] = "";
    for (size_t i = 0; i < COUNT(application_steps); i++) {
        if (application_steps[i].from != from)
            continue;
        if (application_steps[i].on == on) {
            *out = &application_steps[i];
            return ERR_OK;
        }
        list_add(possible, sizeof(possible), application_event_name(application_steps[i].on));
    }
    *out = NULL;
    return refuse(why, "state.application", "application", application_state_name(from), application_event_name(on),
                  possible);
}

enum err member_step_find(enum member_state from, enum member_event on, const struct member_step **out,
                          struct diag *why)
{
    char possible[256] = "";
    for (size_t i = 0; i < COUNT(member_steps); i++) {
        if (member_steps[i].from != from)
            continue;
        if (member_steps[i].on == on) {
            *out = &member_steps[i];
            return ERR_OK;
        }
        list_add(possible, sizeof(possible), member_event_name(member_steps[i].on));
    }
    *out = NULL;
    return refuse(why, "state.member", "member", member_state_name(from), member_event_name(on), possible);
}

const struct case_step *case_steps_all(size_t *out_n)
{
    *out_n = COUNT(case_steps);
    return case_steps;
}

const struct application_step *application_steps_all(size_t *out_n)
{
    *out_n = COUNT(application_steps);
    return application_steps;
}

const struct member_step *member_steps_all(size_t *out_n)
{
    *out_n = COUNT(member_steps);
    return member_steps;
}

bool case_is_open(enum case_state state)
{
    return state == CASE_NEW || state == CASE_ACCEPTED || state == CASE_FIX_READY || state == CASE_PREDISCLOSED;
}

const char *case_state_name(enum case_state state)
{
    return name_at(case_state_names, CASE_STATES, state);
}

const char *case_event_name(enum case_event event)
{
    return name_at(case_event_names, CASE_EVENTS, event);
}

const char *application_state_name(enum application_state state)
{
    return name_at(application_state_names, APPLICATION_STATES, state);
}

const char *application_event_name(enum application_event event)
{
    return name_at(application_event_names, APPLICATION_EVENTS, event);
}

const char *member_state_name(enum member_state state)
{
    return name_at(member_state_names, MEMBER_STATES, state);
}

const char *member_event_name(enum member_event event)
{
    return name_at(member_event_names, MEMBER_EVENTS, event);
}

const char *effect_name(enum effect effect)
{
    return name_at(effect_names, COUNT(effect_names), effect);
}

bool case_state_parse(const char *name, enum case_state *out)
{
    size_t i;
    if (!name_parse(case_state_names, CASE_STATES, name, &i))
        return false;
    *out = (enum case_state)i;
    return true;
}

bool application_state_parse(const char *name, enum application_state *out)
{
    size_t i;
    if (!name_parse(application_state_names, APPLICATION_STATES, name, &i))
        return false;
    *out = (enum application_state)i;
    return true;
}

bool member_state_parse(const char *name, enum member_state *out)
{
    size_t i;
    if (!name_parse(member_state_names, MEMBER_STATES, name, &i))
        return false;
    *out = (enum member_state)i;
    return true;
}
