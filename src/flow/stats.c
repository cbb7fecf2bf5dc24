#include "flow/stats_model.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/policies.h"
#include "flow/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const steps[] = {"acknowledge", "triage", "notice", "public", "embargo"};

static int step_index(const char *step)
{
    int i = 0;

    while (i < 4 && strcmp(steps[i], step) != 0)
        i++;
    return i;
}

static int compare_seconds(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

void stats_summarise(int64_t *seconds, size_t n, struct stats_summary *out)
{
    qsort(seconds, n, sizeof *seconds, compare_seconds);
    *out = (struct stats_summary){n, seconds[(n - 1) / 2], seconds[(n * 9 + 9) / 10 - 1], seconds[n - 1]};
}

const char *stats_words(int64_t seconds, char *out)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t i = 0;

    while (i < 3 && seconds < units[i].seconds)
        i++;
    if (i < 3 && seconds % units[i].seconds / units[i + 1].seconds)
        snprintf(out, 32, "%lld %s %lld %s", (long long)(seconds / units[i].seconds), units[i].name,
                 (long long)(seconds % units[i].seconds / units[i + 1].seconds), units[i + 1].name);
    else
        snprintf(out, 32, "%lld %s", (long long)(seconds / units[i].seconds), units[i].name);
    return out;
}

/* ---- times ---- */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

/* By step and tier, so that what belongs together lies together; then by severity. */
static int compare_spans(const void *a, const void *b)
{
    const struct stats_span *x = a, *y = b;
    int order = step_index(x->step) - step_index(y->step);

    if (!order)
        order = compare_text(x->tier, y->tier);
    return order ? order : compare_text(x->severity, y->severity);
}

static void add_time(struct stats_time **out, size_t *n, const struct stats_span *spans, size_t from, size_t to,
                     const char *severity)
{
    int64_t *seconds = mem_zero(to - from, sizeof *seconds);

    for (size_t i = from; i < to; i++)
        seconds[i - from] = spans[i].seconds;
    *out = mem_resize(*out, *n + 1, sizeof **out);
    (*out)[*n] = (struct stats_time){spans[from].step, severity, spans[from].tier, {0, 0, 0, 0}};
    stats_summarise(seconds, to - from, &(*out)[(*n)++].summary);
    free(seconds);
}

struct stats_time *stats_times(struct stats_span *spans, size_t n, size_t *n_out)
{
    struct stats_time *out = NULL;

    *n_out = 0;
    if (n)
        qsort(spans, n, sizeof *spans, compare_spans);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from;
             to < n && !strcmp(spans[to].step, spans[from].step) && !compare_text(spans[to].tier, spans[from].tier);)
            to++;
        add_time(&out, n_out, spans, from, to, NULL);
        for (size_t at = from, end; at < to; at = end) {
            for (end = at; end < to && !compare_text(spans[end].severity, spans[at].severity);)
                end++;
            add_time(&out, n_out, spans, at, end, spans[at].severity ? spans[at].severity : "unrated");
        }
    }
    return out;
}

/* ---- what was missed ---- */

/* When what the clock leads to happened; INSTANT_NONE: not, or nobody can tell. */
static int64_t end_of(const struct policy *policy, const struct stats_deadline *d)
{
    char name[96];
    const struct policy_clock *clock;

    snprintf(name, sizeof name, "%.90s", d->clock);
    if (strrchr(name, '.'))
        *strrchr(name, '.') = 0;
    clock = policy_clock_find(policy, name);
    switch (clock && clock->end.has == POLICY_STATED ? clock->end.number : POLICY_EVENTS) {
    case POLICY_AT_ACKNOWLEDGE:
        return d->acknowledged_at;
    case POLICY_AT_TRIAGE:
        return d->accepted_at;
    case POLICY_AT_FIX:
        return d->fix_ready_at;
    case POLICY_AT_PREDISCLOSE:
        return d->predisclosed_at;
    case POLICY_AT_PUBLISH:
        return d->public_at;
    default:
        return INSTANT_NONE;
    }
}

/* Only what has a bound can be missed: a least time and a notice that goes out by itself cannot. */
static bool is_missed(const struct policy *policy, const struct stats_deadline *d)
{
    const char *dot = strrchr(d->clock, '.');
    int64_t end = end_of(policy, d);

    return dot && (!strcmp(dot, ".max") || !strcmp(dot, ".target")) && (end == INSTANT_NONE || end > d->at);
}

void stats_missed_free(struct stats_missed *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rows[i].clock);
        free(rows[i].force);
    }
    free(rows);
}

enum err stats_missed(struct flow *f, int64_t list_id, const struct settings_list *list, bool only_public,
                      struct stats_missed **out, size_t *n, struct diag *why)
{
    struct stats_deadline *rows = NULL;
    struct policy *policy = NULL;
    size_t n_rows = 0;
    enum err err = policies_of_list(f, list, &policy, why);

    *out = NULL;
    *n = 0;
    if (!err)
        err = stats_deadlines(f->db, list_id, only_public, &rows, &n_rows, why);
    for (size_t i = 0; !err && i < n_rows; i++) {
        if (!is_missed(policy, &rows[i]))
            continue;
        /* They come sorted by clock. */
        if (!*n || strcmp((*out)[*n - 1].clock, rows[i].clock) != 0) {
            *out = mem_resize(*out, *n + 1, sizeof **out);
            (*out)[(*n)++] = (struct stats_missed){mem_strdup(rows[i].clock), mem_strdup(rows[i].force), 0};
        }
        (*out)[*n - 1].n++;
    }
    stats_deadlines_free(rows, n_rows);
    policy_free(&policy);
    return err;
}

/* ---- JSON ---- */

static json_t *times_json(struct stats_span *spans, size_t n)
{
    size_t n_times;
    struct stats_time *times = stats_times(spans, n, &n_times);
    json_t *all = json_array();

    for (size_t i = 0; i < n_times; i++) {
        const struct stats_summary *s = &times[i].summary;
        char median[32], p90[32];

        json_array_append_new(all, json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:s, s:s}", "step", times[i].step,
                                             "severity", view_text(times[i].severity), "tier", view_text(times[i].tier),
                                             "n", (json_int_t)s->n, "median_s", (json_int_t)s->median_s, "p90_s",
                                             (json_int_t)s->p90_s, "max_s", (json_int_t)s->max_s, "median",
                                             stats_words(s->median_s, median), "p90", stats_words(s->p90_s, p90)));
    }
    free(times);
    return all;
}

static void add_count(void *ctx, const char *word, int64_t n)
{
    json_object_set_new(ctx, word, json_integer(n));
}

static enum err missed_json(struct flow *f, int64_t list_id, json_t *all, struct diag *why)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < f->settings->n_lists; i++) {
        struct stats_missed *rows = NULL;
        struct list_row row = {0};
        size_t n = 0;

        err = list_by_name(f->db, f->settings->lists[i].name, &row, why);
        if (!err && (!list_id || row.id == list_id))
            err = stats_missed(f, row.id, &f->settings->lists[i], false, &rows, &n, why);
        for (size_t k = 0; k < n; k++)
            json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:I}", "list", row.name, "clock", rows[k].clock,
                                                 "force", rows[k].force, "n", (json_int_t)rows[k].n));
        stats_missed_free(rows, n);
        list_row_free(&row);
    }
    return err;
}

static enum err cases_json(struct flow *f, int64_t list_id, json_t *all, struct diag *why)
{
    struct stats_case *rows;
    size_t n;
    enum err err = stats_cases(f->db, list_id, clock_now(f->clock), &rows, &n, why);

    for (size_t i = 0; i < n; i++) {
        const struct stats_case *c = &rows[i];

        json_array_append_new(
            all, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "case", c->code, "sent",
                           (json_int_t)c->sent, "waiting", (json_int_t)c->waiting, "failed", (json_int_t)c->failed,
                           "told", (json_int_t)c->told, "acknowledged", (json_int_t)c->acknowledged, "affected",
                           (json_int_t)c->affected, "not_affected", (json_int_t)c->not_affected, "fixed_by",
                           (json_int_t)c->fixed_by, "missing", (json_int_t)(c->told - c->acknowledged)));
    }
    stats_cases_free(rows, n);
    return err;
}

enum err stats_json(struct flow *f, int64_t list_id, json_t **out, struct diag *why)
{
    json_t *o = json_object(), *delivery = json_object(), *members = json_object(), *published = json_object();
    json_t *missed = json_array(), *acks = json_object(), *cases = json_array();
    struct stats_span *spans = NULL;
    size_t n = 0;
    enum err err = stats_spans(f->db, list_id, false, &spans, &n, why);

    json_object_set_new(o, "published", published);
    json_object_set_new(o, "times", times_json(spans, n));
    json_object_set_new(o, "missed", missed);
    json_object_set_new(o, "delivery", delivery);
    json_object_set_new(o, "acknowledgements", acks);
    json_object_set_new(o, "cases", cases);
    json_object_set_new(o, "members", members);
    if (!err)
        err = missed_json(f, list_id, missed, why);
    if (!err)
        err = stats_copies(f->db, list_id, false, add_count, delivery, why);
    if (!err)
        err = stats_acks(f->db, list_id, false, clock_now(f->clock), add_count, acks, why);
    if (!err)
        err = cases_json(f, list_id, cases, why);
    if (!err)
        err = stats_members(f->db, list_id, add_count, members, why);
    if (!err)
        err = stats_published(f->db, list_id, add_count, published, why);
    stats_spans_free(spans, n);
    *out = o;
    if (err) {
        json_decref(o);
        *out = NULL;
    }
    return err;
}
