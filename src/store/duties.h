/*
 * What is to be done at an instant besides a case's own deadlines: reminders, warnings, expiries, rounds.
 *
 * A duty is named by its kind, the object (a row id; 0: none) and a detail ("7d", a fingerprint; "": none). It waits
 * until its instant, is carried out once (flow/duty_kinds.c), and stays as done until it is put again. Nothing secret
 * may stand in the detail.
 */
#ifndef STORE_DUTIES_H
#define STORE_DUTIES_H

#include "store/db.h"

struct duty_row {
    int64_t id;
    int64_t list_id; /* 0: of no list */
    char *kind;
    int64_t object;
    char *detail;
    int64_t at; /* UTC seconds */
};

void duty_row_free(struct duty_row *row);

/* One that waits moves to the new instant; one that is done waits again only where the new instant is later than it. */
enum err duty_put(struct db *db, int64_t list_id, const char *kind, int64_t object, const char *detail, int64_t at,
                  struct diag *why);
/* The same, but one that waits already keeps its instant. */
enum err duty_want(struct db *db, int64_t list_id, const char *kind, int64_t object, const char *detail, int64_t at,
                   struct diag *why);
/* Removes those of a kind and object; detail NULL: all of them. */
enum err duty_end(struct db *db, const char *kind, int64_t object, const char *detail, struct diag *why);
/* Those due at now, oldest first. The caller frees rows and array. */
/* Those of an object that are still to come are due at once; *n: how many there are. */
enum err duty_hasten(struct db *db, const char *kind, int64_t object, int64_t now_utc_s, int64_t *n, struct diag *why);
enum err duty_due(struct db *db, int64_t now_utc_s, struct duty_row **out, size_t *n, struct diag *why);
/* Only one that is still due then: db_changes tells. */
enum err duty_set_done(struct db *db, int64_t id, int64_t now_utc_s, struct diag *why);
/* Of one of this name, done or not; INSTANT_NONE: there is none. */
int64_t duty_instant(struct db *db, const char *kind, int64_t object, const char *detail);
/* Whether one of this name is there and not done. */
bool duty_is_put(struct db *db, const char *kind, int64_t object, const char *detail);
/* Whether another of its kind and object that is later, and whose detail begins the same, is due as well. */
bool duty_is_overtaken(struct db *db, const struct duty_row *row, const char *begins, int64_t now_utc_s);
int64_t duty_count_due(struct db *db, int64_t now_utc_s);

#endif
