/* The steps of a release, as they are written when it starts. */
#include "flow/release.h"

#include "base/instant.h"
#include "codec/addr.h"
#include "flow/policies.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DAY_S 86400

bool release_channel(struct flow *f, const char *name, char *address, bool *plain)
{
    const struct settings_channel *c = settings_channel_named(f->settings, name);
    char word[64];
    size_t n = 0;

    *address = 0;
    if (c)
        snprintf(address, ADDR_MAX_BYTES + 1, "%s", c->address);
    else if (strchr(name, '@') && addr_check(span_of(name), address, NULL) == ERR_OK)
        address[ADDR_MAX_BYTES] = 0;
    else if (clock_is_rehearsal(f->clock)) {
        /* Nothing leaves a rehearsal: a name that no address is known of is seen all the same (RFC 2606). */
        for (const char *p = name; *p && n < sizeof word - 1; p++)
            word[n++] = isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '-';
        word[n] = 0;
        snprintf(address, ADDR_MAX_BYTES + 1, "%s@channel.invalid", word);
    }
    *plain = c ? c->is_plain : strcmp(settings_style_of(name, address), "plain") == 0;
    return *address != 0;
}

static bool is_mail(const struct policy_channel *c)
{
    return c->kind.has == POLICY_STATED && strcmp(c->kind.text, "mail") == 0 && c->to.has == POLICY_STATED;
}

/* A channel on which others have to post is not ours to post to. */
static bool is_others(const struct policy *policy, const struct policy_channel *c)
{
    const char *list = policy_words(&policy->publication.duty_list, NULL);

    return list && strcasecmp(list, c->to.text) == 0;
}

static enum err add(struct releasing *g, const char *kind, const char *target, const char *state, struct diag *why)
{
    return release_add_step(g->f->db, g->row.id, kind, target, state, clock_now(g->f->clock), why);
}

static enum err put_signatures(struct releasing *g, struct diag *why)
{
    bool styles[2] = {false, false}, plain;
    char address[ADDR_MAX_BYTES + 1];
    const char *state = g->has_text ? "pending" : "waiting";
    enum err err = ERR_OK;

    for (size_t i = 0; i < g->policy->publication.n_channels; i++) {
        const struct policy_channel *c = &g->policy->publication.channels[i];

        if (is_mail(c) && !is_others(g->policy, c)) {
            release_channel(g->f, c->to.text, address, &plain);
            styles[plain] = true;
        }
    }
    /* The announcement is what the web shows as well, so that it is signed whoever gets it by mail. */
    err = add(g, "sign", "announce", state, why);
    return err || !styles[1] ? err : add(g, "sign", "plain", state, why);
}

static enum err put_channels(struct releasing *g, struct diag *why)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < g->policy->publication.n_channels; i++) {
        const struct policy_channel *c = &g->policy->publication.channels[i];

        if (is_mail(c) && !is_others(g->policy, c))
            err = add(g, "mail", c->to.text, "pending", why);
    }
    return err;
}

static enum err put_duty(struct releasing *g, struct diag *why)
{
    const char *list = policy_words(&g->policy->publication.duty_list, NULL);
    const struct policy_value *within = &g->policy->publication.duty_within;
    int64_t now = clock_now(g->f->clock), from = now + DAY_S;
    struct schedule_holidays holidays;
    enum err err;

    if (!list)
        return ERR_OK;
    if (within->has == POLICY_STATED) {
        err = policies_holidays(g->f->policies, g->policy, &holidays, why);
        if (err)
            return err;
        from = schedule_add_duration(g->policy, &holidays, now, within, false);
        schedule_holidays_free(&holidays);
        /* Chased from the day before its end. */
        from = from - DAY_S > now ? from - DAY_S : now + DAY_S;
    }
    err = add(g, "duty", list, "waiting", why);
    return err ? err : duty_put(g->f->db, g->c->list_id, "post", g->c->id, list, from, why);
}

/* A further version of what is public: nobody is told a second time that the embargo is over. */
static bool is_further(struct releasing *g)
{
    struct release_step step;
    struct diag none;
    bool further = !release_step_find(g->f->db, g->row.id, "members", "", &step, &none);

    release_step_free(&step);
    return further;
}

enum err release_put_steps(struct releasing *g, struct diag *why)
{
    bool further = is_further(g);
    enum err err = release_clear_steps(g->f->db, g->row.id, why);

    if (!err)
        err = put_signatures(g, why);
    if (!err)
        err = put_channels(g, why);
    if (!err)
        err = add(g, "site", "", "pending", why);
    if (!err)
        err = add(g, "members", "", further ? "done" : "pending", why);
    if (!err)
        err = add(g, "reporter", "", further ? "done" : "pending", why);
    return err || further ? err : put_duty(g, why);
}
