/*
 * A policy: the whole process of one project as data, loaded from libconfig texts that are handed in. Pure: nothing
 * here reads a file (but the system's zone data, see zone.h), knows the time, or prints.
 *
 * Every value is a struct policy_value: whether it is stated, unstated ("unstated", or left out), or known to be
 * absent ("none"); the line that says so; and the value itself, in the field that its comment below names:
 *   text      a string                                              v.text
 *   int       an integer                                            v.number
 *   bool      0 or 1                                                v.number
 *   word      a constant of the enum named beside it                v.number (its text in v.text)
 *   set       bits 1 << constant of the enum named beside it        v.number (the words in v.items)
 *   words     free strings                                          v.items, v.n_items
 *   duration  "2 working-weeks"                                     v.number, v.unit (as written in v.text)
 *   time      "15:00"                                               v.number, minutes of the day
 * When enforced, an unstated use counts as deny, an unstated clock sets no deadline, and a step that needs an
 * unstated value is refused with "the policy does not state KEY", until a case's answer states it (policy_answer).
 *
 * Merging: the operational keys (posting, reporting, approvals, sealing, membership.application, release.automatic)
 * come from the defaults' text where the policy does not state them; groups key by key, `posting` as a whole, so
 * that a policy with rules of its own has these and no others.
 *
 * Rules are named after their place: "clocks.embargo.max", "tiers.distros.notice.before_publish",
 * "posting.mail-report", "tracks.public".
 *
 * Ownership: a policy owns all that it points to, and does not change after policy_load but by policy_answer.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "codec/conf.h"

enum policy_has { POLICY_UNSTATED = 0, POLICY_NONE, POLICY_STATED };

enum policy_unit {
    POLICY_UNIT_HOUR,
    POLICY_UNIT_CALENDAR_DAY,
    POLICY_UNIT_CALENDAR_MONTH,
    POLICY_UNIT_BUSINESS_DAY,
    POLICY_UNIT_WORKING_WEEK /* 5 business days */
};

enum policy_origin { POLICY_FROM_POLICY = 0, POLICY_FROM_DEFAULTS, POLICY_FROM_ANSWER };

struct policy_value {
    enum policy_has has;
    enum policy_origin origin;
    int line; /* in the text of its origin; 0 where left out */
    int number;
    enum policy_unit unit;
    char *text;
    char **items;
    size_t n_items;
};

enum policy_mode { POLICY_MODE_FULL, POLICY_MODE_COORDINATED, POLICY_MODE_SEMI_PUBLIC };
enum policy_model { POLICY_MODEL_DISTRO, POLICY_MODEL_CLOUD };
enum policy_severity { POLICY_LOW, POLICY_MEDIUM, POLICY_HIGH, POLICY_CRITICAL, POLICY_UNRATED = 31 };
enum policy_case_origin { POLICY_ORIGIN_ANY, POLICY_ORIGIN_HUMAN, POLICY_ORIGIN_AUTOMATED };
enum policy_use_word { POLICY_ALLOW, POLICY_DENY, POLICY_ASK, POLICY_ADVISORY };
enum policy_force { POLICY_AIM, POLICY_LIMIT, POLICY_HARD };
enum policy_by { POLICY_BY_DISCOVERER, POLICY_BY_TEAM };
enum policy_expiry { POLICY_REMIND, POLICY_ESCALATE, POLICY_EXPIRY_PREDISCLOSE, POLICY_EXPIRY_PUBLISH };
enum policy_weekday { POLICY_SUN, POLICY_MON, POLICY_TUE, POLICY_WED, POLICY_THU, POLICY_FRI, POLICY_SAT };
enum policy_discoverer { POLICY_DISCOVERER_FINAL, POLICY_DISCOVERER_HONOUR, POLICY_DISCOVERER_CONSULTED };
enum policy_reaction { POLICY_PUBLISH_NOW, POLICY_DECIDE };
enum policy_apply {
    POLICY_APPLY_PUBLIC_LIST,
    POLICY_APPLY_PRIVATE_MAIL,
    POLICY_APPLY_PUBLIC_ISSUE,
    POLICY_APPLY_INVITE
};
enum policy_need { POLICY_NEED_REQUIRED, POLICY_NEED_PREFERRED, POLICY_NEED_NO, POLICY_NEED_OPTIONAL };
enum policy_sender { POLICY_TEAM, POLICY_MEMBER, POLICY_PARTICIPANT, POLICY_REPORTER, POLICY_STRANGER };
enum policy_address { POLICY_TO_REPORT, POLICY_TO_CASE, POLICY_TO_MEMBERS, POLICY_TO_APPLY, POLICY_TO_COMMAND };
enum policy_action { POLICY_ACT_ALLOW, POLICY_ACT_HOLD, POLICY_ACT_REFUSE };
enum policy_acknowledge { POLICY_ACK_AUTHENTICATED, POLICY_ACK_ALWAYS, POLICY_ACK_NEVER };
enum policy_plain_text { POLICY_PLAIN_ALLOW, POLICY_PLAIN_NOTICE_ONLY, POLICY_PLAIN_NEVER };
enum policy_cve_required { POLICY_CVE_YES, POLICY_CVE_NO, POLICY_CVE_IF_IMPORTANT };
enum policy_cve_before { POLICY_CVE_BEFORE_PREDISCLOSE, POLICY_CVE_BEFORE_PUBLISH, POLICY_CVE_AFTER_FIX };
enum policy_commits { POLICY_COMMITS_FORBIDDEN, POLICY_COMMITS_NEUTRAL, POLICY_COMMITS_ALLOWED };
enum policy_basis { POLICY_PRIMARY, POLICY_SECONDARY, POLICY_SURVEY };

/* What starts and ends clocks. The ends that are no starts come last; both index facts' instants (schedule.h). */
enum policy_event {
    POLICY_AT_REPORT,
    POLICY_AT_ACKNOWLEDGE,
    POLICY_AT_ACCEPTED,
    POLICY_AT_FIX_READY,
    POLICY_AT_RELEASE_START,
    POLICY_AT_LIST_POST,
    POLICY_AT_PREDISCLOSE,
    POLICY_AT_AWARENESS,
    POLICY_AT_EXPLOITED,
    POLICY_AT_PUBLISH_PLANNED, /* counted back from */
    POLICY_AT_TRIAGE,
    POLICY_AT_FIX,
    POLICY_AT_CVE,
    POLICY_AT_FINAL_NOTICE,
    POLICY_AT_PUBLISH,
    POLICY_AT_REPORT_AUTHORITY,
    POLICY_EVENTS
};

/* The fourteen uses, in the order of the manual. */
enum policy_use {
    POLICY_USE_BUILD_TEST,
    POLICY_USE_PLAN_UPGRADE,
    POLICY_USE_INFORM_CUSTOMERS,
    POLICY_USE_DEPLOY_INTERNAL,
    POLICY_USE_DEPLOY_HOSTED,
    POLICY_USE_DISTRIBUTE_BINARY,
    POLICY_USE_PUBLISH_COMMIT,
    POLICY_USE_TELL_EXISTENCE,
    POLICY_USE_TELL_ID,
    POLICY_USE_TELL_DATE,
    POLICY_USE_TELL_CVE,
    POLICY_USE_TELL_IMPACT,
    POLICY_USE_EXPLAIN_REBOOT,
    POLICY_USE_SHARE_MEMBERS,
    POLICY_USES
};

struct policy_use_value {
    struct policy_value value;     /* word policy_use_word */
    struct policy_value condition; /* text; shown wherever the value is */
};

struct policy_when {
    struct policy_value severity;        /* set policy_severity */
    struct policy_value channel;         /* text */
    struct policy_value is_public;       /* bool; key "public" */
    struct policy_value origin;          /* word policy_case_origin */
    struct policy_value scope;           /* text */
    struct policy_value fix_longer_than; /* duration */
};

struct policy_track {
    int line;
    struct policy_value name;  /* text, always stated */
    struct policy_value mode;  /* word policy_mode */
    struct policy_value model; /* word policy_model; NONE: nobody is told early */
    struct policy_when when;
    struct policy_value policy; /* text: the id of another policy whose rules apply */
};

struct policy_tier {
    int line;
    struct policy_value name;           /* text, always stated */
    struct policy_value classes;        /* words */
    struct policy_value tracks;         /* words: names of tracks */
    struct policy_value before_publish; /* duration; key notice.before_publish: the latest instant of telling */
    struct policy_value final;          /* duration; key notice.final */
    struct policy_value hold_until;     /* bool; key notice.hold_until, or hold_until: the earliest instant too */
    struct policy_value stage;          /* int from 1 */
    struct policy_value after;          /* word policy_event: told only once this has happened */
    struct policy_value max;            /* duration from pre-disclosure to publication */
    struct policy_use_value uses[POLICY_USES];
};

struct policy_extend {
    struct policy_value max;    /* int: the new total, never an addition */
    struct policy_value unit;   /* word policy_unit; unstated: the clock's */
    struct policy_value by;     /* word policy_by */
    struct policy_value reason; /* bool */
};

struct policy_grace {
    struct policy_value reported_on; /* set policy_weekday */
    struct policy_value publish_on;  /* set policy_weekday */
    struct policy_value max;         /* int in the clock's unit */
};

struct policy_clock {
    int line;
    struct policy_value name;      /* text, always stated */
    struct policy_value whole;     /* STATED, or the whole clock is UNSTATED or NONE (key value) */
    struct policy_value start;     /* word policy_event */
    struct policy_value end;       /* word policy_event */
    struct policy_value unit;      /* word policy_unit */
    struct policy_value min;       /* int */
    struct policy_value target;    /* int */
    struct policy_value max;       /* int */
    struct policy_value force;     /* word policy_force: of max */
    struct policy_value force_min; /* word policy_force; unstated: aim */
    struct policy_extend extend;
    struct policy_grace grace;
    struct policy_value restart_on; /* text: "patch-defect"; NONE */
    struct policy_value on_expiry;  /* word policy_expiry */
};

struct policy_release {
    struct policy_value time;            /* time */
    struct policy_value zone;            /* text: an IANA name */
    struct policy_value force;           /* word policy_force; unstated: see schedule.h */
    struct policy_value forbid_weekdays; /* set policy_weekday */
    struct policy_value prefer_weekdays; /* set policy_weekday */
    struct policy_value holidays;  /* text: name of a calendar, "file" (named as the policy) or "excluded" (unnamed) */
    struct policy_value automatic; /* bool */
    struct policy_value approvals; /* int */
};

struct policy_authority {
    struct policy_value discoverer; /* word policy_discoverer; NONE */
    struct policy_value exploited;  /* word policy_reaction */
    struct policy_value leak;       /* word policy_reaction */
};

struct policy_criterion {
    int line;
    struct policy_value id;       /* text */
    struct policy_value text;     /* text */
    struct policy_value evidence; /* bool */
};

struct policy_membership {
    struct policy_value apply;           /* word policy_apply; NONE */
    struct policy_value criteria_stated; /* has and line of the list as a whole; NONE where it is empty */
    struct policy_criterion *criteria;
    size_t n_criteria;
    struct policy_value application;     /* words: fields of the form */
    struct policy_value role_address;    /* word policy_need */
    struct policy_value key;             /* word policy_need */
    struct policy_value vouchers;        /* int */
    struct policy_value approvals;       /* int */
    struct policy_value discretion;      /* bool */
    struct policy_value decide_within;   /* duration */
    struct policy_value appeal;          /* text */
    struct policy_value publish_members; /* text: "organisations"; NONE */
    struct policy_value reattest;        /* duration */
    struct policy_value on_breach;       /* text */
};

struct policy_posting {
    int line;
    struct policy_value name;           /* text, always stated */
    struct policy_value who;            /* set policy_sender; unstated: anybody */
    struct policy_value tiers;          /* words; unstated: any */
    struct policy_value to;             /* word policy_address; unstated: any */
    struct policy_value signature;      /* word policy_need (required, optional) */
    struct policy_value encrypted;      /* word policy_need (required, optional) */
    struct policy_value subject_prefix; /* text */
    struct policy_value action;         /* word policy_action; unstated: refuse */
};

struct policy_reporting {
    struct policy_value acknowledge; /* word policy_acknowledge */
    struct policy_value plain_text;  /* word policy_plain_text */
    struct policy_value credit;      /* bool */
};

struct policy_channel {
    int line;
    struct policy_value kind; /* text: mail, web, file */
    struct policy_value to;   /* text */
};

struct policy_publication {
    struct policy_value channels_stated; /* has and line of the list as a whole */
    struct policy_channel *channels;
    size_t n_channels;
    struct policy_value id;          /* text with {n} {n:3} {yyyy} {cve} */
    struct policy_value versioned;   /* bool */
    struct policy_value archive;     /* bool */
    struct policy_value formats;     /* words */
    struct policy_value duty_list;   /* text; key duty.list */
    struct policy_value duty_within; /* duration; key duty.within */
};

struct policy_cve {
    struct policy_value required; /* word policy_cve_required */
    struct policy_value assigner; /* text */
    struct policy_value before;   /* word policy_cve_before */
};

struct policy_commit {
    struct policy_value tag;            /* text with {id} {bug} {cve} */
    struct policy_value before_publish; /* word policy_commits */
};

struct policy_audit {
    struct policy_value disclose_decisions; /* bool */
    struct policy_value statistics;         /* bool */
};

struct policy_approvals {
    struct policy_value member_add, key_change, lift, publish, backup_with_keys; /* int each */
};

struct policy_zone; /* zone.h */

struct policy {
    char *file;                                     /* as handed in, for messages: "xen@2026.conf" */
    char *defaults_file;                            /* "" where there are none */
    struct policy_value id, edition, source, title; /* text */
    struct policy_value basis;                      /* word policy_basis */
    struct policy_value tracks_stated;
    struct policy_track *tracks;
    size_t n_tracks;
    struct policy_value tiers_stated;
    struct policy_tier *tiers;
    size_t n_tiers;
    struct policy_tier everyone; /* only its uses: the key `uses` of the file, for tiers that state none of their own */
    struct policy_value clocks_stated;
    struct policy_clock *clocks;
    size_t n_clocks;
    struct policy_release release;
    struct policy_authority authority;
    struct policy_membership membership;
    struct policy_value posting_stated;
    struct policy_posting *posting;
    size_t n_posting;
    struct policy_reporting reporting;
    struct policy_value watermark; /* bool; key sealing.watermark */
    struct policy_publication publication;
    struct policy_cve cve;
    struct policy_commit commits;
    struct policy_audit audit;
    struct policy_approvals approvals;
    struct policy_zone *zone; /* of release.zone; UTC where that is not stated; never NULL */
};

struct policy_text {
    const char *file; /* for messages: the name without directories */
    const char *text;
    size_t len;
};

/*
 * Loads and checks a policy. defaults may be NULL (then nothing is taken from there). All faults of either text are
 * added to *faults; the policy is given only where there are none, else NULL. The caller frees it.
 *
 * Faults of meaning: policy.id policy.name (missing, twice, or not of [A-Za-z0-9_.-]) policy.min-max
 * policy.tier-unused policy.tier-track policy.last-track policy.clock-never-starts policy.zone policy.release-hour
 * policy.release-days policy.duration policy.time policy.scheme policy.expiry policy.grace policy.extend.
 */
struct policy *policy_load(const struct policy_text *policy, const struct policy_text *defaults,
                           struct conf_faults *faults);
void policy_free(struct policy **policy);

/*
 * States what the policy leaves unstated, for one case: key as in rules ("release.zone",
 * "clocks.embargo.max", "tiers.distros.uses.tell_cve"), value as in a file without quotes ("15:00", "[mon, fri]").
 * A clock or tier must exist. What the policy states cannot be answered away.
 *
 * ERR_USAGE   no such key (why names the nearest), or not a value for it
 * ERR_DENIED  the policy states it (why carries file and line)
 */
enum err policy_answer(struct policy *policy, const char *key, const char *value, struct diag *why);

/* The value at a key as above; NULL where no such key. Borrowed. */
const struct policy_value *policy_get(const struct policy *policy, const char *key);

/* Visits every value with its key, in the order of the manual. */
typedef void policy_visit(void *context, const char *key, const struct policy_value *value);
void policy_each(const struct policy *policy, policy_visit *visit, void *context);

/* The file in which a value stands ("case" for an answer). */
const char *policy_value_file(const struct policy *policy, const struct policy_value *value);

/* Sets rule, file and line of why, beside words; returns err. */
enum err policy_diag(struct diag *why, enum err err, const struct policy *policy, const struct policy_value *value,
                     const char *rule, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* "the policy does not state KEY": fills why (rule = the key) and returns ERR_DENIED. */
enum err policy_unstated(struct diag *why, const struct policy *policy, const struct policy_value *value,
                         const char *key);

/* The value as text for people and JSON: "14", "true", "mon, fri", "2 working-weeks", "unstated", "none". Borrowed. */
const char *policy_value_text(const struct policy_value *value);

/* True where stated and equal to the constant (words, ints, bools). */
bool policy_is(const struct policy_value *value, int number);
/* The number where stated, else the fallback. */
int policy_number(const struct policy_value *value, int fallback);
/* The text where stated, else the fallback. */
const char *policy_words(const struct policy_value *value, const char *fallback);
/* True where a stated list of words holds it. */
bool policy_holds(const struct policy_value *value, const char *word);

const struct policy_track *policy_track_find(const struct policy *policy, const char *name);
const struct policy_tier *policy_tier_find(const struct policy *policy, const char *name);
const struct policy_clock *policy_clock_find(const struct policy *policy, const char *name);

/* Names of constants as the files write them; NULL beyond. */
const char *policy_use_name(enum policy_use use);
const char *policy_use_word_name(enum policy_use_word word);
const char *policy_event_name(enum policy_event event);
const char *policy_action_name(enum policy_action action);
const char *policy_unit_name(enum policy_unit unit);
const char *policy_weekday_name(enum policy_weekday day);

/* Reads one of the names above; false for others. */
bool policy_severity_parse(const char *text, enum policy_severity *out);

#endif
