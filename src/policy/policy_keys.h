/*
 * The vocabulary as tables: one entry for each key, which serves the check of a file (as conf's schema), the loading,
 * policy_get, policy_each and policy_answer alike. Part of policy.
 *
 * conf_key.offset is that of the value within its structure; for groups, of the group within its parent (0 where the
 * group's values stand in the parent itself).
 */
#ifndef POLICY_POLICY_KEYS_H
#define POLICY_POLICY_KEYS_H

#include "policy/policy.h"

enum policy_kind {
    KIND_TEXT = 1,
    KIND_NAME, /* as text, of [A-Za-z0-9_.-] */
    KIND_INT,
    KIND_BOOL,
    KIND_WORD,     /* number = index in words */
    KIND_SET,      /* number = bits of indexes in words */
    KIND_WORDS,    /* items */
    KIND_DURATION, /* "2 working-weeks"; an integer counts calendar-days */
    KIND_TIME,     /* "15:00" */
    KIND_USE,      /* struct policy_use_value; a word, or { value; if; } */
    KIND_WHOLE,    /* only "unstated" or "none": the whole structure */
    KIND_GROUP,
    KIND_LIST
};

/* A list of structures: where its parts lie within the parent. The first value of an element is its name. */
struct policy_list {
    const struct conf_key *keys; /* of an element; names the list, as key->keys does */
    size_t stated;               /* struct policy_value */
    size_t items;                /* pointer */
    size_t n;                    /* size_t */
    size_t size;                 /* of an element */
    size_t line;                 /* int, within an element */
    size_t name;                 /* struct policy_value, within an element */
    const char *element;         /* for messages: "track" */
};

extern const struct conf_key policy_keys[];
extern const struct conf_schema policy_schema;
extern const struct conf_schema policy_defaults_schema; /* the operational keys alone */

const struct policy_list *policy_list_of(const struct conf_key *key);

/* A copy of n words as the items and the text of a value; words of a set must be known (conf has checked them). */
void policy_value_set_items(struct policy_value *value, const struct conf_key *key, const char *const *words, size_t n);

/* A value of a kind from text, as in a file without quotes. False (why, without file) where it is none. */
bool policy_value_set(struct policy_value *value, const struct conf_key *key, const char *text, struct diag *why);
void policy_value_free(struct policy_value *value);

/* Visits every value of a structure; key holds the path so far and is restored. */
struct buf;
typedef bool policy_step(void *context, const char *path, const struct conf_key *key, struct policy_value *value);
bool policy_walk(const struct conf_key *keys, void *base, struct buf *path, policy_step *step, void *context);

extern const char *const policy_unit_words[];
extern const char *const policy_force_words[];
extern const char *const policy_event_words[];
extern const char *const policy_weekday_words[];
extern const char *const policy_severity_words[];
extern const char *const policy_sender_words[];
extern const char *const policy_address_words[];
extern const char *const policy_action_words[];
extern const char *const policy_use_words[]; /* allow, deny, … */

/* Adds a fault for each impossible combination. */
void policy_check(const struct policy *policy, struct conf_faults *faults);
void policy_check_clocks(const struct policy *policy, struct conf_faults *faults);
void policy_check_release(const struct policy *policy, struct conf_faults *faults);

#endif
