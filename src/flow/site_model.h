/*
 * What the parts of the site share: the model that site_load.c fills and the others write pages from. Internal.
 */
#ifndef FLOW_SITE_MODEL_H
#define FLOW_SITE_MODEL_H

#include "codec/tmpl.h"
#include "flow/advisory_view.h"
#include "flow/site.h"
#include "store/publish.h"

struct site_file {
    int64_t patch_id;
    char *name;
    int64_t size_bytes;
    char sha256[65];
    bool offered; /* its name is on the list of those allowed */
};

struct site_version {
    struct public_version row;
    struct advisory_view view;
    struct site_file *files;
    size_t n_files;
    struct buf text; /* as signed text begins: clear, public */
    struct buf signed_text;
};

struct site_advisory {
    const struct site_list *list;
    char *id;   /* what people call it */
    char *slug; /* the same as a name of files; unique in its list */
    int64_t reported_at, public_at, updated_at;
    struct public_told *told;
    size_t n_told;
    char *commits;                 /* one a line; NULL */
    struct site_version *versions; /* oldest first, at least one */
    size_t n_versions;
};

struct site_list {
    const struct site *site;
    const struct settings_list *list;
    int64_t row_id;
    struct policy *policy;
    struct buf key;        /* the list's certificate, binary */
    struct buf key_before; /* the one of previous_key, as long as that is in use */
    struct buf statement;  /* of the last change of the key, signed by both */
    char **members;        /* organisations; only where the policy publishes them */
    size_t n_members;
    bool members_published;
    int64_t *case_ids; /* still to be loaded: from n_advisories on */
    size_t n_cases, next_case;
    struct site_advisory *advisories; /* newest first */
    size_t n_advisories;
};

struct site {
    struct flow *f;
    int64_t now;
    struct site_list *lists;
    size_t n_lists;
    struct tmpl *page;
    char *title;
    struct buf security_txt, security_signed;
};

const struct site_version *site_newest(const struct site_advisory *a);

/* "22 November 2026", "22 November 2026, 15:00 UTC"; out has 64 bytes. Returns out. */
const char *site_day(int64_t at_utc_s, char *out);
const char *site_moment(int64_t at_utc_s, char *out);

/* What a page is framed with. path: from the site's root; body is taken and freed. */
struct site_frame {
    const char *path;
    const char *title;
    const char *description;
    const struct site_list *list; /* whose navigation is shown; NULL: of the whole site */
};
enum err site_put_page(struct site *s, const struct site_frame *frame, struct buf *body, site_put *put, void *ctx,
                       struct diag *why);
/* "../" as often as the path has folders; static storage. */
const char *site_root_of(const char *path);

/* A template of templates/web with its values; markup in those named &…. */
enum err site_fill(const char *name, const struct tmpl_value *values, size_t n, struct buf *out, struct diag *why);

/* Pages. */
enum err site_put_advisory(struct site *s, const struct site_advisory *a, site_put *put, void *ctx, struct diag *why);
enum err site_put_list(struct site *s, const struct site_list *l, site_put *put, void *ctx, struct diag *why);
enum err site_put_root(struct site *s, site_put *put, void *ctx, struct diag *why);
enum err site_put_policy(struct site *s, const struct site_list *l, site_put *put, void *ctx, struct diag *why);
enum err site_put_contact(struct site *s, const struct site_list *l, site_put *put, void *ctx, struct diag *why);
enum err site_put_keys(struct site *s, site_put *put, void *ctx, struct diag *why);

/* The table of advisories; from: the folder of the page below the root ("" or "main/"). */
void site_write_table(const struct site *s, const struct site_list *l, const char *from, size_t max, struct buf *out);

/* Feeds and records; l NULL: of all lists. */
enum err site_put_feeds(struct site *s, const struct site_list *l, site_put *put, void *ctx, struct diag *why);
json_t *site_advisory_json(const struct site_advisory *a);

/* The time line as an SVG picture with title and description (id: what its parts are named by). */
void site_write_picture(const struct site_advisory *a, struct buf *out);

/* The text of security.txt (RFC 9116) at this instant; the same for a whole month. */
void site_write_security_txt(const struct site *s, struct buf *out);

#endif
