#include "policy/explain.h"

#include <string.h>

#include "policy/zone.h"

#define COLUMNS   60
#define SVG_WIDTH 800
#define SVG_LEFT  180
#define SVG_ROW   34
#define TIER_NAME 20

/* From the first to the last instant that is known, in columns or pixels. */
struct frame {
    int64_t from_utc_s;
    int64_t to_utc_s;
    int64_t release_utc_s;
};

static void stretch(struct frame *frame, int64_t at_utc_s)
{
    if (at_utc_s == INSTANT_NONE)
        return;
    if (at_utc_s < frame->from_utc_s)
        frame->from_utc_s = at_utc_s;
    if (at_utc_s > frame->to_utc_s)
        frame->to_utc_s = at_utc_s;
}

static struct frame frame_of(const struct explain *explain, int64_t now_utc_s)
{
    struct frame frame = {now_utc_s, now_utc_s, INSTANT_NONE};
    for (size_t i = 0; i < explain->schedule.n; i++) {
        const struct schedule_deadline *d = &explain->schedule.items[i];
        if (d->kind == SCHEDULE_RELEASE)
            frame.release_utc_s = d->at_utc_s;
        if (d->end == POLICY_AT_PUBLISH || d->tier != NULL)
            stretch(&frame, d->at_utc_s);
    }
    for (size_t i = 0; i < explain->n_tiers; i++)
        stretch(&frame, explain->tiers[i].told ? explain->tiers[i].earliest_at_utc_s : INSTANT_NONE);
    if (frame.to_utc_s == frame.from_utc_s)
        frame.to_utc_s = frame.from_utc_s + 86400;
    return frame;
}

static int place(const struct frame *frame, int64_t at_utc_s, int width)
{
    return (int)((at_utc_s - frame->from_utc_s) * width / (frame->to_utc_s - frame->from_utc_s));
}

static void mark(char *row, const struct frame *frame, int64_t at_utc_s, char sign)
{
    if (at_utc_s != INSTANT_NONE && at_utc_s >= frame->from_utc_s && at_utc_s <= frame->to_utc_s)
        row[place(frame, at_utc_s, COLUMNS - 1)] = sign;
}

static void text_row(const struct frame *frame, const struct decide_tier *tier, struct buf *out)
{
    char row[COLUMNS + 1];
    memset(row, '.', COLUMNS);
    row[COLUMNS] = '\0';
    if (tier->told && tier->earliest_at_utc_s != INSTANT_NONE && frame->release_utc_s > tier->earliest_at_utc_s) {
        int begin = place(frame, tier->earliest_at_utc_s, COLUMNS - 1);
        memset(row + begin, '=', (size_t)(place(frame, frame->release_utc_s, COLUMNS - 1) - begin));
    }
    if (tier->told) {
        mark(row, frame, tier->earliest_at_utc_s, '>');
        mark(row, frame, tier->notice_at_utc_s, 'N');
        mark(row, frame, tier->final_at_utc_s, 'F');
    }
    mark(row, frame, frame->release_utc_s, 'P');
    buf_printf(out, "%-*.*s %s%s\n", TIER_NAME, TIER_NAME, policy_value_text(&tier->tier->name), row,
               tier->told ? "" : " not told");
}

bool explain_has_embargo(const struct explain *explain)
{
    bool found = false;
    for (size_t i = 0; i < explain->n_tiers; i++)
        found = found || explain->tiers[i].told;
    for (size_t i = 0; i < explain->schedule.n; i++)
        found = found || explain->schedule.items[i].kind == SCHEDULE_RELEASE;
    return found;
}

void explain_write_timeline(const struct explain *explain, int64_t now_utc_s, struct buf *out)
{
    struct frame frame = frame_of(explain, now_utc_s);
    char from[INSTANT_TEXT_SIZE], to[INSTANT_TEXT_SIZE];
    buf_printf(out, "%*s %-40s%20s\n", TIER_NAME, "", instant_text(frame.from_utc_s, from),
               instant_text(frame.to_utc_s, to));
    for (size_t i = 0; i < explain->n_tiers; i++)
        text_row(&frame, &explain->tiers[i], out);
    char row[COLUMNS + 1];
    memset(row, '.', COLUMNS);
    row[COLUMNS] = '\0';
    mark(row, &frame, frame.release_utc_s, 'P');
    buf_printf(out, "%-*s %s\n", TIER_NAME, "everybody", row);
    buf_add_str(out, "> told from  N latest notice  F final notice  P public  = embargo known to the tier\n");
}

/* Names are of letters, digits and _ . @ -, so that nothing needs escaping; see policy.name. */
static void svg_mark(const struct frame *frame, int64_t at_utc_s, int y, const char *class, const char *title,
                     struct buf *out)
{
    char text[INSTANT_TEXT_SIZE];
    if (at_utc_s == INSTANT_NONE || at_utc_s < frame->from_utc_s || at_utc_s > frame->to_utc_s)
        return;
    buf_printf(out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"6\"><title>%s %s</title></circle>\n", class,
               SVG_LEFT + place(frame, at_utc_s, SVG_WIDTH), y, title, instant_text(at_utc_s, text));
}

static void svg_row(const struct frame *frame, const struct decide_tier *tier, int y, struct buf *out)
{
    buf_printf(out, "<text x=\"8\" y=\"%d\">%s</text>\n", y + 4, policy_value_text(&tier->tier->name));
    buf_printf(out, "<line class=\"axis\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", SVG_LEFT, y,
               SVG_LEFT + SVG_WIDTH, y);
    if (!tier->told)
        return;
    if (tier->earliest_at_utc_s != INSTANT_NONE && frame->release_utc_s > tier->earliest_at_utc_s)
        buf_printf(out, "<line class=\"told\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n",
                   SVG_LEFT + place(frame, tier->earliest_at_utc_s, SVG_WIDTH), y,
                   SVG_LEFT + place(frame, frame->release_utc_s, SVG_WIDTH), y);
    svg_mark(frame, tier->earliest_at_utc_s, y, "from", "told from", out);
    svg_mark(frame, tier->notice_at_utc_s, y, "notice", "latest notice", out);
    svg_mark(frame, tier->final_at_utc_s, y, "final", "final notice", out);
}

/* What the marks mean, on a line of its own below the instants. */
static void svg_legend(int y, struct buf *out)
{
    static const struct {
        const char *class, *words;
    } marks[] = {{"from", "told from"}, {"notice", "latest notice"}, {"final", "final notice"}};
    int x = SVG_LEFT;

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++, x += 160)
        buf_printf(out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"6\"/>\n<text x=\"%d\" y=\"%d\">%s</text>\n",
                   marks[i].class, x + 6, y - 5, x + 18, y, marks[i].words);
    buf_printf(
        out,
        "<line class=\"public\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n<text x=\"%d\" y=\"%d\">public</text>\n",
        x + 6, y - 14, x + 6, y + 4, x + 18, y);
}

void explain_write_svg(const struct explain *explain, int64_t now_utc_s, struct buf *out)
{
    struct frame frame = frame_of(explain, now_utc_s);
    char from[INSTANT_TEXT_SIZE], to[INSTANT_TEXT_SIZE];
    int height = ((int)explain->n_tiers + 2) * SVG_ROW;
    buf_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" role=\"img\">\n",
               SVG_LEFT + SVG_WIDTH + 20, height + SVG_ROW);
    buf_add_str(out, "<title>Time line of the embargo</title>\n<style>text{font:14px sans-serif}.axis{stroke:#bbb}"
                     ".told{stroke:#36c;stroke-width:6}.from{fill:#36c}.notice{fill:#e80}.final{fill:#c33}"
                     ".public{stroke:#080;stroke-width:2}</style>\n");
    for (size_t i = 0; i < explain->n_tiers; i++)
        svg_row(&frame, &explain->tiers[i], ((int)i + 1) * SVG_ROW, out);
    if (frame.release_utc_s != INSTANT_NONE) {
        int x = SVG_LEFT + place(&frame, frame.release_utc_s, SVG_WIDTH);
        buf_printf(out, "<line class=\"public\" x1=\"%d\" y1=\"8\" x2=\"%d\" y2=\"%d\"/>\n", x, x, height - SVG_ROW);
    }
    buf_printf(out, "<text x=\"%d\" y=\"%d\">%s</text>\n", SVG_LEFT, height - 10, instant_text(frame.from_utc_s, from));
    buf_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", SVG_LEFT + SVG_WIDTH, height - 10,
               instant_text(frame.to_utc_s, to));
    svg_legend(height + SVG_ROW - 14, out);
    buf_add_str(out, "</svg>\n");
}
