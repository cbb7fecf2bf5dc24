/*
 * What came for a list, and whether the team has been told of it: the memory of the rate limits (flow/flood.h).
 *
 * Senders and domains stand here as keyed digests alone. Rows of which the team knows are forgotten after a day.
 */
#ifndef STORE_ARRIVALS_H
#define STORE_ARRIVALS_H

#include "store/db.h"

struct arrival_row {
    int64_t list_id;
    int64_t at;         /* UTC seconds */
    const char *kind;   /* "mail", "deadline" */
    const char *sender; /* of a mail: an address, which is not kept; "" of none */
    const char *code;   /* of the case or the held mail */
    const char *rule;   /* that holds it, or a clock's name; "": none */
    bool told;
};

enum err arrival_insert(struct db *db, const struct arrival_row *row, struct diag *why);

/* Mails since an instant, counted up to `most`: of a sender, of a sender's domain, of the list. */
int64_t arrival_count_sender(struct db *db, int64_t list_id, const char *sender, int64_t since, int64_t most);
int64_t arrival_count_domain(struct db *db, int64_t list_id, const char *sender, int64_t since, int64_t most);
int64_t arrival_count_list(struct db *db, int64_t list_id, int64_t since, int64_t most);

/* Notices of a list to its team since an instant, counted up to `most`. */
int64_t arrival_count_notices(struct db *db, int64_t list_id, int64_t since, int64_t most);

/* What the team has not been told of yet. */
struct arrival_sum {
    int64_t mails, deadlines, senders, domains;
    int64_t codes; /* cases and held mails, each once */
    int64_t first_at, last_at;
};

struct arrival_code {
    char *code;
    char *rule;
    char *kind;
    int64_t n;
};

enum err arrival_untold(struct db *db, int64_t list_id, struct arrival_sum *sum, struct diag *why);
/* The first `most` of them by their coming; the caller frees with arrival_codes_free. */
enum err arrival_untold_codes(struct db *db, int64_t list_id, int64_t most, struct arrival_code **out, size_t *n,
                              struct diag *why);
void arrival_codes_free(struct arrival_code *codes, size_t n);
enum err arrival_set_told(struct db *db, int64_t list_id, struct diag *why);

#endif
