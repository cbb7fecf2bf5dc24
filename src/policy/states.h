/*
 * The states of cases, applications and members: tables of (state, event, next, effect). A pair that is not listed is
 * refused; the manual's tables are made from the rows. Pure.
 */
#ifndef POLICY_STATES_H
#define POLICY_STATES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum case_state {
    CASE_NEW,
    CASE_ACCEPTED,
    CASE_FIX_READY,
    CASE_PREDISCLOSED,
    CASE_PUBLIC,
    CASE_CLOSED,
    CASE_REJECTED,
    CASE_DUPLICATE,
    CASE_STATES
};

enum case_event {
    CASE_ACCEPT,
    CASE_REJECT,
    CASE_MARK_DUPLICATE,
    CASE_FIX,
    CASE_PREDISCLOSE,
    CASE_EXTEND,  /* a date is set or moved */
    CASE_LIFT,    /* the embargo ends before its date, by decision */
    CASE_BREAK,   /* the embargo is broken: exploited or leaked */
    CASE_RELEASE, /* the day of release */
    CASE_CLOSE,
    CASE_REOPEN,
    CASE_DEFECT, /* the patch is defective */
    CASE_EVENTS
};

enum application_state {
    APPLICATION_RECEIVED,
    APPLICATION_INCOMPLETE,
    APPLICATION_COMPLETE,
    APPLICATION_VOTED,
    APPLICATION_CHALLENGED,
    APPLICATION_ACTIVE,
    APPLICATION_DECLINED,
    APPLICATION_WITHDRAWN,
    APPLICATION_APPEALED,
    APPLICATION_STATES
};

enum application_event {
    APPLICATION_FIND_COMPLETE,
    APPLICATION_FIND_INCOMPLETE,
    APPLICATION_AMEND,   /* the applicant sends what was missing */
    APPLICATION_ASK,     /* an admin asks */
    APPLICATION_APPROVE, /* the last vote that was needed */
    APPLICATION_DECLINE,
    APPLICATION_CHALLENGE, /* the challenge is sent */
    APPLICATION_ANSWER,    /* the challenge is answered, signed */
    APPLICATION_WITHDRAW,
    APPLICATION_APPEAL,
    APPLICATION_EVENTS
};

enum member_state { MEMBER_ACTIVE, MEMBER_KEY_TROUBLE, MEMBER_SUSPENDED, MEMBER_REMOVED, MEMBER_STATES };

enum member_event {
    MEMBER_KEY_FAIL, /* no contact has a usable key any more */
    MEMBER_KEY_MEND,
    MEMBER_SUSPEND, /* by admins, or `pause` by the member */
    MEMBER_REINSTATE,
    MEMBER_REMOVE, /* by admins, or `leave` */
    MEMBER_EVENTS
};

enum effect {
    EFFECT_NONE,
    EFFECT_ACKNOWLEDGE, /* the reporter is told */
    EFFECT_FAN_OUT,     /* the tiers are told */
    EFFECT_NOTIFY_DATE, /* those who were told are told the date */
    EFFECT_RESTART,     /* clocks with restart_on start again */
    EFFECT_PUBLISH,
    EFFECT_CLOSE,
    EFFECT_REOPEN,
    EFFECT_ASK_APPLICANT,
    EFFECT_VOTE,
    EFFECT_CHALLENGE,
    EFFECT_ADMIT,
    EFFECT_DECLINE,
    EFFECT_TELL_ADMINS,
    EFFECT_STOP, /* queue, participation, tokens and nonces end at once */
    EFFECT_RESUME
};

struct case_step {
    enum case_state from;
    enum case_event on;
    enum case_state to;
    enum effect effect;
};

struct application_step {
    enum application_state from;
    enum application_event on;
    enum application_state to;
    enum effect effect;
};

struct member_step {
    enum member_state from;
    enum member_event on;
    enum member_state to;
    enum effect effect;
};

/*
 * The row for a pair. ERR_DENIED (rule state.case, state.application, state.member) where none is listed: why names
 * the state, the event and what is possible instead.
 */
enum err case_step_find(enum case_state from, enum case_event on, const struct case_step **out, struct diag *why);
enum err application_step_find(enum application_state from, enum application_event on,
                               const struct application_step **out, struct diag *why);
enum err member_step_find(enum member_state from, enum member_event on, const struct member_step **out,
                          struct diag *why);

/* All rows, for the manual. */
const struct case_step *case_steps_all(size_t *out_n);
const struct application_step *application_steps_all(size_t *out_n);
const struct member_step *member_steps_all(size_t *out_n);

/* New, accepted, fix-ready or predisclosed: an embargo may run. */
bool case_is_open(enum case_state state);

const char *case_state_name(enum case_state state);
const char *case_event_name(enum case_event event);
const char *application_state_name(enum application_state state);
const char *application_event_name(enum application_event event);
const char *member_state_name(enum member_state state);
const char *member_event_name(enum member_event event);
const char *effect_name(enum effect effect);

bool case_state_parse(const char *name, enum case_state *out);
bool application_state_parse(const char *name, enum application_state *out);
bool member_state_parse(const char *name, enum member_state *out);

#endif
