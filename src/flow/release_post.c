/* A duty to post elsewhere, that falls on others than this list: chased until someone records the link. */
#include "flow/release.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/policies.h"
#include "policy/schedule.h"

#include <stdlib.h>
#include <string.h>

#define DAY_S 86400

enum err post_run(struct flow *f, const struct duty_row *d, struct diag *why)
{
    const struct settings_list *list;
    struct case_row c = {0};
    char at[INSTANT_TEXT_SIZE], *subject, *text;
    enum err err = case_by_id(f->db, d->object, &c, why);

    list = err ? NULL : flow_list_of_row(f, c.list_id, why);
    if (err || !list) {
        case_row_free(&c);
        return err ? err : ERR_NOT_FOUND;
    }
    subject = mem_printf("[%s] to be posted to %s", case_label(&c), d->detail);
    text =
        mem_printf("Case %s is public since %s. The policy asks for a post to %s, by whoever reported it, and no link "
                   "to one\nis known. See to it, then:  embargoctl case set %s published=URL\n\n"
                   "This is said every day until it is done.\n",
                   c.code, instant_text(c.public_at, at), d->detail, c.code);
    err = case_notify_team(f, list, c.list_id, &c, subject, text, why);
    if (!err)
        err = duty_put(f->db, d->list_id, d->kind, d->object, d->detail, clock_now(f->clock) + DAY_S, why);
    mem_free_secret(&subject);
    mem_free_secret(&text);
    case_row_free(&c);
    return err;
}

enum err release_posted(struct flow *f, const struct case_row *c, const char *link, struct diag *why)
{
    struct release_row row;
    struct release_step *steps = NULL;
    size_t n = 0;
    enum err err;

    if (strncmp(link, "https://", 8) != 0 && strncmp(link, "http://", 7) != 0)
        return diag_set(why, ERR_USAGE, "case.published", "published is a link: https://…");
    err = release_of_case(f->db, c->id, &row, why);
    if (!err)
        err = duty_end(f->db, "post", c->id, NULL, why);
    if (!err)
        err = release_steps(f->db, row.id, &steps, &n, why);
    for (size_t i = 0; i < n; i++) {
        if (!err && strcmp(steps[i].kind, "duty") == 0) {
            mem_free_secret(&steps[i].state);
            steps[i].state = mem_strdup("done");
            steps[i].done_at = clock_now(f->clock);
            err = release_step_set(f->db, &steps[i], why);
            if (!err)
                err = release_step_set_text(f->db, steps[i].id, span_of(link), why);
        }
        release_step_free(&steps[i]);
    }
    free(steps);
    release_row_free(&row);
    return err;
}
