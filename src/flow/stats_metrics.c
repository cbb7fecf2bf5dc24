/*
 * OpenMetrics 1.0 (prometheus.io/docs/specs/om). What is counted is public, but for how the daemon itself is doing.
 * Everything is a gauge: a case that is reopened is no longer public, so that nothing here only grows.
 */
#include "flow/stats_model.h"

#include "base/instant.h"
#include "store/publish.h"

#include <stdlib.h>

static void head(struct buf *out, const char *name, const char *unit, const char *help)
{
    buf_printf(out, "# TYPE %s gauge\n", name);
    if (unit)
        buf_printf(out, "# UNIT %s %s\n", name, unit);
    buf_printf(out, "# HELP %s %s\n", name, help);
}

/* A label's value: backslash, quote and line end are escaped. */
static void label(struct buf *out, const char *before, const char *name, const char *value)
{
    buf_printf(out, "%s%s=\"", before, name);
    for (const char *p = value ? value : ""; *p; p++) {
        if (*p == '\\' || *p == '"')
            buf_add_byte(out, '\\');
        if (*p == '\n')
            buf_add_str(out, "\\n");
        else
            buf_add_byte(out, (uint8_t)*p);
    }
    buf_add_byte(out, '"');
}

struct writer {
    struct buf *out;
    const char *metric, *list, *label;
};

static void write_count(void *ctx, const char *word, int64_t n)
{
    const struct writer *w = ctx;

    buf_add_str(w->out, w->metric);
    label(w->out, "{", "list", w->list);
    label(w->out, ",", w->label, word);
    buf_printf(w->out, "} %lld\n", (long long)n);
}

static void write_time(struct buf *out, const char *list, const struct stats_time *t, const char *stat, int64_t value,
                       const char *metric)
{
    buf_add_str(out, metric);
    label(out, "{", "list", list);
    label(out, ",", "step", t->step);
    label(out, ",", "severity", t->severity);
    label(out, ",", "tier", t->tier);
    if (stat)
        label(out, ",", "stat", stat);
    buf_printf(out, "} %lld\n", (long long)value);
}

/* Rows of all lists are gathered first, since a metric's lines must stand together. */
struct parts {
    struct buf published, seconds, counts, missed, copies, acks, members;
};

static enum err write_times(struct flow *f, int64_t list_id, const char *name, struct parts *p, struct diag *why)
{
    struct stats_span *spans;
    struct stats_time *times;
    size_t n, n_times;
    enum err err = stats_spans(f->db, list_id, true, &spans, &n, why);

    times = stats_times(spans, n, &n_times);
    for (size_t i = 0; i < n_times; i++) {
        if (!times[i].severity)
            continue; /* the sum over all of them */
        write_time(&p->seconds, name, &times[i], "median", times[i].summary.median_s, "embargod_step_seconds");
        write_time(&p->seconds, name, &times[i], "p90", times[i].summary.p90_s, "embargod_step_seconds");
        write_time(&p->counts, name, &times[i], NULL, (int64_t)times[i].summary.n, "embargod_step_cases");
    }
    free(times);
    stats_spans_free(spans, n);
    return err;
}

static enum err write_list(struct flow *f, const struct settings_list *list, struct parts *p, struct diag *why)
{
    struct stats_missed *missed = NULL;
    struct list_row row = {0};
    size_t n = 0;
    enum err err = list_by_name(f->db, list->name, &row, why);

    if (!err)
        err = stats_published(f->db, row.id, write_count,
                              &(struct writer){&p->published, "embargod_published_cases", list->name, "severity"}, why);
    if (!err)
        err = write_times(f, row.id, list->name, p, why);
    if (!err)
        err = stats_missed(f, row.id, list, true, &missed, &n, why);
    for (size_t i = 0; i < n; i++)
        write_count(&(struct writer){&p->missed, "embargod_missed_deadlines", list->name, "clock"}, missed[i].clock,
                    missed[i].n);
    if (!err)
        err = stats_copies(f->db, row.id, true, write_count,
                           &(struct writer){&p->copies, "embargod_advisory_copies", list->name, "state"}, why);
    if (!err)
        err = stats_acks(f->db, row.id, true, clock_now(f->clock), write_count,
                         &(struct writer){&p->acks, "embargod_acknowledgements", list->name, "value"}, why);
    if (!err)
        err = stats_members(f->db, row.id, write_count,
                            &(struct writer){&p->members, "embargod_members", list->name, "state"}, why);
    stats_missed_free(missed, n);
    list_row_free(&row);
    return err;
}

static void write_site(struct flow *f, struct buf *out)
{
    struct publish_state state;

    publish_state(f->db, &state);
    if (state.built_at == INSTANT_NONE)
        return;
    head(out, "embargod_site_built_timestamp_seconds", "seconds", "When the public site was built.");
    buf_printf(out, "embargod_site_built_timestamp_seconds %lld\n", (long long)state.built_at);
}

static void put(struct buf *out, struct buf *rows, const char *name, const char *unit, const char *help)
{
    if (rows->len) {
        head(out, name, unit, help);
        buf_add_buf(out, rows);
    }
    buf_free(rows);
}

enum err stats_openmetrics(struct flow *f, struct buf *out, struct diag *why)
{
    struct parts p = {BUF_EMPTY, BUF_EMPTY, BUF_EMPTY, BUF_EMPTY, BUF_EMPTY, BUF_EMPTY, BUF_EMPTY};
    enum err err = ERR_OK;

    buf_printf(out, "# TYPE embargod info\n# HELP embargod The program.\nembargod_info{version=\"%s\"} 1\n",
               PACKAGE_VERSION);
    for (size_t i = 0; !err && i < f->settings->n_lists; i++)
        err = write_list(f, &f->settings->lists[i], &p, why);
    put(out, &p.published, "embargod_published_cases", NULL, "Cases that are public.");
    put(out, &p.seconds, "embargod_step_seconds", "seconds",
        "Time from the report to a step of public cases; of embargo: from a tier's notice to the public.");
    put(out, &p.counts, "embargod_step_cases", NULL, "Public cases behind embargod_step_seconds.");
    put(out, &p.missed, "embargod_missed_deadlines", NULL, "Deadlines of public cases that had passed unmet.");
    put(out, &p.copies, "embargod_advisory_copies", NULL, "Copies of the advisories of public cases.");
    put(out, &p.acks, "embargod_acknowledgements", NULL,
        "What members have said of public cases that they were told of.");
    put(out, &p.members, "embargod_members", NULL, "Members.");
    write_site(f, out);
    buf_add_str(out, "# EOF\n");
    return err;
}
