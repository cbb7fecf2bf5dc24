/*
 * The public site: what is released, as static pages, feeds and files.
 *
 * It reads only through store/publish.h and what settings and policies say, so that nothing of a case under embargo can
 * come in: no title, no state, no number of cases, no address of a member, no reporter who is not credited in a
 * released text. What it writes depends on what is public alone, so that a build tells nothing by having happened.
 *
 * Files, from the root of the site (several lists of an instance have a folder each, named as the list):
 *   index.html style.css atom.xml advisories.json published.txt
 *   .well-known/security.txt .well-known/openpgpkey/…
 *   LIST/index.html LIST/policy.html LIST/report.html LIST/atom.xml LIST/advisories.json LIST/key.asc
 *   LIST/key-transition.txt LIST/key-previous.asc (flow/list_rotation.h)
 *   LIST/ID.html LIST/ID.json LIST/ID/vN.txt LIST/ID/vN/PATCH
 *
 * Order of calls: site_new; site_load until done; for each of site_texts: site_text, then site_set_signed with what the
 * list has signed; site_page for each of site_pages; site_free. Each call is short, so that core is not held up.
 */
#ifndef FLOW_SITE_H
#define FLOW_SITE_H

#include "flow/flow.h"

struct site;

enum err site_new(struct flow *f, struct site **out, struct diag *why);
void site_free(struct site **s);

/* Loads the next advisory; *done when none is left. */
enum err site_load(struct site *s, bool *done, struct diag *why);

/*
 * Texts that the list signs. name: under which the signature is kept (store/publish.h). Borrowed until site_free.
 * is_signed: a kept one was found.
 */
struct site_text {
    char name[64];
    const struct settings_list *list;
    struct span text;
    bool is_signed;
};
size_t site_texts(const struct site *s);
enum err site_text(struct site *s, size_t i, struct site_text *out, struct diag *why);
/* Keeps what was signed, in the database too. */
enum err site_set_signed(struct site *s, size_t i, struct span signed_text, struct diag *why);

/* Where a file goes; path from the root of the site. */
typedef enum err site_put(void *ctx, const char *path, struct span bytes, struct diag *why);
size_t site_pages(const struct site *s);
enum err site_page(struct site *s, size_t i, site_put *put, void *ctx, struct diag *why);

/* Until when the site stays right by itself: security.txt is made anew each month. */
int64_t site_fresh_until(int64_t now_utc_s);

/* A name that a patch may have on the site: .patch .diff .txt .json .asc, and harmless characters. Pure. */
bool site_name_ok(const char *name);

#endif
