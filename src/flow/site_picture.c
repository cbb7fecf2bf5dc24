/*
 * The time line of an advisory as a picture: a bar for the team and for each tier, from the instant at which it knew
 * to the one at which everybody did. Its colours come from the page's style, so that it is right by day and by night.
 */
#include "flow/site_model.h"

#include "base/instant.h"
#include "codec/markup.h"

#include <string.h>

#define WIDTH 440
#define LEFT  5
#define ROW   40

struct scale {
    int64_t from, to;
};

static int64_t place(const struct scale *s, int64_t at_utc_s)
{
    int64_t span = s->to - s->from;

    if (span <= 0 || at_utc_s >= s->to)
        return WIDTH - LEFT;
    return at_utc_s <= s->from ? LEFT : LEFT + (at_utc_s - s->from) * (WIDTH - 2 * LEFT) / span;
}

/* "13 days", "4 hours": how long before the public. */
static void write_lead(int64_t seconds, struct buf *out)
{
    int64_t n = seconds >= 2 * 86400 ? seconds / 86400 : seconds >= 3600 ? seconds / 3600 : seconds / 60;
    const char *unit = seconds >= 2 * 86400 ? "day" : seconds >= 3600 ? "hour" : "minute";

    if (seconds > 0)
        markup_add(out, "%l %h%h before the public", n, unit, n == 1 ? "" : "s");
    else
        buf_add_str(out, "with everybody");
}

static void write_bar(const struct scale *s, const char *class, const char *name, int64_t at_utc_s, int64_t y,
                      struct buf *out)
{
    int64_t x = place(s, at_utc_s);

    markup_add(out, "<text x=\"0\" y=\"%l\">%t: ", y + 12, name);
    write_lead(s->to - at_utc_s, out);
    buf_add_str(out, "</text>\n");
    markup_add(out, "<line class=\"axis\" x1=\"%l\" y1=\"%l\" x2=\"%l\" y2=\"%l\"/>\n", (int64_t)LEFT, y + 24,
               (int64_t)(WIDTH - LEFT), y + 24);
    markup_add(out, "<line class=\"%h\" x1=\"%l\" y1=\"%l\" x2=\"%l\" y2=\"%l\"/>\n", class, x, y + 24, place(s, s->to),
               y + 24);
    markup_add(out, "<circle class=\"%h\" cx=\"%l\" cy=\"%l\" r=\"4\"/>\n", class, x, y + 24);
}

static void write_words(const struct site_advisory *a, struct buf *out)
{
    char words[64];

    markup_add(out, "Reported %t; ", site_moment(a->reported_at, words));
    for (size_t i = 0; i < a->n_told; i++) {
        markup_add(out, "%t told ", a->told[i].tier);
        markup_add(out, "%t; ", site_moment(a->told[i].at, words));
    }
    markup_add(out, "public %t.", site_moment(a->public_at, words));
}

void site_write_picture(const struct site_advisory *a, struct buf *out)
{
    struct scale s = {a->reported_at < a->public_at ? a->reported_at : a->public_at, a->public_at};
    int64_t height = (int64_t)(a->n_told + 1) * ROW + 26;
    char day[64];

    markup_add(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"timeline\" viewBox=\"0 0 %l %l\" role=\"img\" "
               "aria-labelledby=\"line-title line-words\">\n<title id=\"line-title\">Time line of %t</title>\n"
               "<desc id=\"line-words\">",
               (int64_t)WIDTH, height, a->id);
    write_words(a, out);
    buf_add_str(out, "</desc>\n");
    write_bar(&s, "team", "The team", a->reported_at, 0, out);
    for (size_t i = 0; i < a->n_told; i++)
        write_bar(&s, "told", a->told[i].tier, a->told[i].at, (int64_t)(i + 1) * ROW, out);
    markup_add(out, "<line class=\"public\" x1=\"%l\" y1=\"16\" x2=\"%l\" y2=\"%l\"/>\n", (int64_t)(WIDTH - LEFT),
               (int64_t)(WIDTH - LEFT), height - 20);
    markup_add(out, "<text x=\"0\" y=\"%l\">%t</text>\n", height - 4, site_day(s.from, day));
    markup_add(out, "<text x=\"%l\" y=\"%l\" text-anchor=\"end\">%t</text>\n</svg>\n", (int64_t)(WIDTH - LEFT),
               height - 4, site_day(s.to, day));
}
