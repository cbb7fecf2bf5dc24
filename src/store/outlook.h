/*
 * What an admin has to know at once: what is wrong now, and what falls due soon. Counts and clear columns alone.
 * scope: "" counts the records of all lists, ",1,3," those of the lists with these ids (flow/command_lists.h).
 */
#ifndef STORE_OUTLOOK_H
#define STORE_OUTLOOK_H

#include "store/db.h"

/* How many there are of each; 0 where all is well. */
struct outlook {
    int64_t held;         /* mails that wait for an admin */
    int64_t failed;       /* copies that will not arrive, to people who are still told things */
    int64_t unsealed;     /* mails that have waited for their signature for five minutes */
    int64_t deferred;     /* copies that were deferred twice or more */
    int64_t untriaged;    /* cases that have been new for a day */
    int64_t undated;      /* pre-disclosed cases without a date */
    int64_t overdue;      /* deadlines of open cases that are chased */
    int64_t keys;         /* members without a usable key */
    int64_t approvals;    /* that wait for further admins */
    int64_t applications; /* that wait for a decision */
};
void outlook_now(struct db *db, const char *scope, int64_t now_utc_s, struct outlook *out);

/* How many there are in each state: rows of state and number; "sealing" of a copy is "queued". The caller ends them. */
enum outlook_what { OUTLOOK_CASES, OUTLOOK_MEMBERS, OUTLOOK_COPIES };
struct db_rows *outlook_states(struct db *db, const char *scope, enum outlook_what what);

/* Deadlines of open cases that have not fired, soonest first, and last the open cases that have none. */
struct outlook_row {
    char *code, *public_id, *state;
    char *clock, *tier, *rule, *force; /* NULL: no deadline */
    int64_t at, until_at;              /* INSTANT_NONE: none */
};
/* before: only what falls due by then (INSTANT_NONE: all, and the cases without). */
enum err outlook_next(struct db *db, const char *scope, int64_t before_utc_s, struct outlook_row **out, size_t *n,
                      struct diag *why);
/* The next instant at which a deadline fires; INSTANT_NONE: none. */
int64_t outlook_next_at(struct db *db, const char *scope);
void outlook_rows_free(struct outlook_row *rows, size_t n);

#endif
