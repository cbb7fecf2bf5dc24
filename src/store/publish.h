/*
 * What is public, and what is published of it. The only way by which the site gets at cases: nothing that is under
 * embargo passes here.
 *
 * An advisory's version is released once it was published (advisory_set_released). Of a case that is public or closed,
 * a version counts as released too that was sent after it had become public, and, where none was released, the last
 * that had been sent before: lifting an embargo makes public what people were told. A case that is reopened keeps its
 * released versions and no others.
 */
#ifndef STORE_PUBLISH_H
#define STORE_PUBLISH_H

#include "store/advisories.h"
#include "store/cases.h"

/* The advisory is public from now on; a draft becomes sent. Said again, it keeps its first instant. */
enum err advisory_set_released(struct db *db, int64_t advisory_id, int64_t now_utc_s, struct diag *why);

/* Ids of a list's cases that have something released, newest first; the caller frees. */
enum err public_case_ids(struct db *db, int64_t list_id, int64_t **out, size_t *n, struct diag *why);

struct public_version {
    int64_t advisory_id;
    int64_t version;
    int64_t released_at;
};

/* The released versions, oldest first; none: ERR_OK and n = 0. The caller frees. */
enum err public_versions(struct db *db, int64_t case_id, struct public_version **out, size_t *n, struct diag *why);

/* Who was told before the case became public: the first instant of each tier, in order; the caller frees with n. */
struct public_told {
    char *tier;
    int64_t at;
};
enum err public_told(struct db *db, int64_t case_id, int64_t before_utc_s, struct public_told **out, size_t *n,
                     struct diag *why);
void public_told_free(struct public_told *told, size_t n);

/*
 * The commits as they are shown: of a case that is public or closed those of the case, which are noted; of one that was
 * reopened those noted last. One a line; the caller wipes and frees; NULL: none.
 */
char *public_commits(struct db *db, const struct case_row *c);

/* ---- texts that the list has signed, kept so that they are signed once ---- */

/* name: "advisory:12", "security.txt:1". True where exactly this text was signed by this key; out gets the signed text.
 */
bool signed_text_find(struct db *db, const char *name, const char *fingerprint, struct span text, struct buf *out);
enum err signed_text_put(struct db *db, const char *name, const char *fingerprint, struct span text,
                         struct span signed_text, int64_t now_utc_s, struct diag *why);

/* ---- when a site is wanted, and which one stands ---- */

struct publish_state {
    int64_t wanted;   /* counts the wishes; 0: never */
    int64_t built;    /* the wish that the site fulfils */
    int64_t built_at; /* INSTANT_NONE: never */
};

void publish_state(struct db *db, struct publish_state *out);
/* Within the transaction of what makes the site wrong; *out (may be NULL) is the number of this wish. */
enum err publish_want(struct db *db, int64_t *out, struct diag *why);
enum err publish_set_built(struct db *db, int64_t wish, int64_t now_utc_s, struct diag *why);

#endif
