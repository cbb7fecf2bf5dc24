/* HTML to text: for a person to read what a sender wrote, never to render it. One pass, nothing fetched. */
#include "codec/mime.h"

#include "codec/charset.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TAG_NAME_MAX 16
#define ENTITY_MAX   10
#define HREF_MAX     1000

struct html {
    struct span s;
    size_t at;
    struct buf *out;
    struct buf href;   /* of the open link */
    bool blank;        /* a blank is due before the next character */
    bool no_more_tags; /* no '>' is left: the rest is text */
    int pre;
};

static bool is_white(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool at_line_start(const struct html *h)
{
    return h->out->len == 0 || h->out->data[h->out->len - 1] == '\n';
}

static void add_bytes(struct html *h, const void *bytes, size_t len)
{
    if (h->blank && !at_line_start(h))
        buf_add_byte(h->out, ' ');
    h->blank = false;
    buf_add(h->out, bytes, len);
}

static void new_line(struct html *h)
{
    h->blank = false;
    if (!at_line_start(h))
        buf_add_byte(h->out, '\n');
}

static void new_paragraph(struct html *h)
{
    new_line(h);
    if (h->out->len > 1 && h->out->data[h->out->len - 2] != '\n')
        buf_add_byte(h->out, '\n');
}

/* ---- entities ---- */

/* Controls of ISO 6429, what turns the direction of text, and no character at all. */
static bool is_control(unsigned long code)
{
    return (code >= 0x7f && code <= 0x9f) || (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code > 0x10ffff;
}

static uint32_t entity_code(const char *name)
{
    static const struct {
        const char *name;
        uint32_t code;
    } known[] = {{"amp", '&'},      {"lt", '<'},       {"gt", '>'},       {"quot", '"'},      {"apos", '\''},
                 {"nbsp", ' '},     {"copy", 0xa9},    {"reg", 0xae},     {"hellip", 0x2026}, {"mdash", 0x2014},
                 {"ndash", 0x2013}, {"lsquo", 0x2018}, {"rsquo", 0x2019}, {"ldquo", 0x201c},  {"rdquo", 0x201d},
                 {"bull", 0x2022},  {"euro", 0x20ac},  {"auml", 0xe4},    {"ouml", 0xf6},     {"uuml", 0xfc},
                 {"Auml", 0xc4},    {"Ouml", 0xd6},    {"Uuml", 0xdc},    {"szlig", 0xdf},    {"eacute", 0xe9}};

    if (name[0] == '#') {
        bool hex = name[1] == 'x' || name[1] == 'X';
        char *end;
        unsigned long code = strtoul(name + 1 + hex, &end, hex ? 16 : 10);

        if (*end || end == name + 1 + hex)
            return 0;
        if (code < ' ')
            return ' ';
        return is_control(code) ? 0xfffd : (uint32_t)code;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strcmp(known[i].name, name))
            return known[i].code;
    return 0;
}

static void read_entity(struct html *h)
{
    char name[ENTITY_MAX + 1];
    struct buf utf8 = BUF_EMPTY;
    uint32_t code = 0;
    size_t n = 0;

    while (n < ENTITY_MAX && h->at + 1 + n < h->s.len && h->s.data[h->at + 1 + n] > ' ' &&
           h->s.data[h->at + 1 + n] != ';' && h->s.data[h->at + 1 + n] != '<') {
        name[n] = (char)h->s.data[h->at + 1 + n];
        n++;
    }
    name[n] = 0;
    if (h->at + 1 + n < h->s.len && h->s.data[h->at + 1 + n] == ';')
        code = entity_code(name);
    if (code) {
        charset_add_code(&utf8, code);
        add_bytes(h, utf8.data, utf8.len);
        h->at += n + 2;
    } else {
        add_bytes(h, "&", 1);
        h->at++;
    }
    buf_free(&utf8);
}

/* ---- tags ---- */

/* The end of a tag: its '>', outside quotes where the quotes are closed. SIZE_MAX when there is none. */
static size_t tag_end(const struct html *h)
{
    const uint8_t *plain = memchr(h->s.data + h->at, '>', h->s.len - h->at);
    uint8_t quote = 0;

    if (!plain)
        return SIZE_MAX;
    for (size_t i = h->at; i < h->s.len && i < h->at + 4 * HREF_MAX; i++) {
        uint8_t c = h->s.data[i];

        if (quote ? c == quote : c == '"' || c == '\'')
            quote = quote ? 0 : c;
        else if (c == '>' && !quote)
            return i;
    }
    return (size_t)(plain - h->s.data);
}

static void read_href(struct html *h, struct span tag)
{
    const uint8_t *end = tag.data + tag.len;

    buf_clear(&h->href);
    for (const uint8_t *p = tag.data; end - p > 6; p++) {
        uint8_t quote;

        if (strncasecmp((const char *)p, "href=", 5))
            continue;
        quote = p[5] == '"' || p[5] == '\'' ? p[5] : 0;
        for (p += 5 + (quote != 0); p < end && h->href.len < HREF_MAX; p++) {
            if (quote ? *p == quote : *p <= ' ')
                break;
            if (*p > 126)
                buf_printf(&h->href, "%%%02X", *p);
            else if (*p > ' ')
                buf_add_byte(&h->href, *p);
        }
        break;
    }
}

static void end_link(struct html *h)
{
    const char *url = buf_text(&h->href);
    bool shown = h->href.len && h->out->len >= h->href.len &&
                 !memcmp(h->out->data + h->out->len - h->href.len, h->href.data, h->href.len);

    if (!shown && (!strncasecmp(url, "http://", 7) || !strncasecmp(url, "https://", 8))) {
        add_bytes(h, " <", 2);
        add_bytes(h, url, h->href.len);
        add_bytes(h, ">", 1);
    }
    buf_clear(&h->href);
}

/* To the closing tag of an element whose content is no text. */
static void skip_element(struct html *h, const char *name)
{
    size_t len = strlen(name);

    while (h->at < h->s.len) {
        const uint8_t *open = memchr(h->s.data + h->at, '<', h->s.len - h->at);

        if (!open) {
            h->at = h->s.len;
            return;
        }
        h->at = (size_t)(open - h->s.data);
        if (h->s.len - h->at > len + 2 && open[1] == '/' && !strncasecmp((const char *)open + 2, name, len))
            return;
        h->at++;
    }
}

static bool one_of(const char *name, const char *const *list)
{
    while (*list && strcmp(*list, name))
        list++;
    return *list != NULL;
}

static void act_on_tag(struct html *h, const char *name, bool closing, struct span tag)
{
    static const char *const paragraphs[] = {"p",          "h1", "h2", "h3",    "h4",  "h5", "h6",
                                             "blockquote", "ul", "ol", "table", "pre", NULL};
    static const char *const lines[] = {"br", "div", "tr", "hr", "section", "article", "dt", "dd", NULL};
    static const char *const hidden[] = {"script", "style", "head", "title", NULL};

    if (!strcmp(name, "pre"))
        h->pre += closing ? (h->pre > 0 ? -1 : 0) : 1;
    if (one_of(name, paragraphs)) {
        new_paragraph(h);
    } else if (!strcmp(name, "br")) {
        h->blank = false;
        buf_add_byte(h->out, '\n');
    } else if (one_of(name, lines)) {
        new_line(h);
    } else if (!strcmp(name, "li") && !closing) {
        new_line(h);
        add_bytes(h, "* ", 2);
    } else if (!strcmp(name, "td") || !strcmp(name, "th")) {
        h->blank = true;
    } else if (!strcmp(name, "a")) {
        if (closing)
            end_link(h);
        else
            read_href(h, tag);
    } else if (one_of(name, hidden) && !closing) {
        skip_element(h, name);
    }
}

static void skip_comment(struct html *h)
{
    const uint8_t *end = memmem(h->s.data + h->at, h->s.len - h->at, "-->", 3);

    h->at = end ? (size_t)(end - h->s.data) + 3 : h->s.len;
}

/* "a < b" is text. */
static bool begins_tag(const struct html *h)
{
    uint8_t c = h->at + 1 < h->s.len ? h->s.data[h->at + 1] : 0;

    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' || c == '!' || c == '?';
}

static void read_tag(struct html *h)
{
    size_t end, from = h->at + 1, n = 0;
    char name[TAG_NAME_MAX + 1];
    bool closing;

    if (h->s.len - h->at > 3 && !memcmp(h->s.data + h->at, "<!--", 4)) {
        skip_comment(h);
        return;
    }
    end = h->no_more_tags || !begins_tag(h) ? SIZE_MAX : tag_end(h);
    if (end == SIZE_MAX) {
        h->no_more_tags = h->no_more_tags || begins_tag(h);
        add_bytes(h, "<", 1);
        h->at++;
        return;
    }
    closing = from < end && h->s.data[from] == '/';
    from += closing;
    while (n < TAG_NAME_MAX && from + n < end && h->s.data[from + n] > ' ' && h->s.data[from + n] != '/') {
        uint8_t c = h->s.data[from + n];

        name[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 32 : c);
    }
    name[n] = 0;
    h->at = end + 1;
    act_on_tag(h, name, closing, (struct span){h->s.data + from, end - from});
}

void mime_html_text(struct span html, struct buf *out)
{
    struct buf text = BUF_EMPTY;
    struct html h = {.s = html, .out = &text, .href = BUF_EMPTY};

    text.max = out->max;
    while (h.at < html.len && !text.over) {
        uint8_t c = html.data[h.at];

        if (c == '<') {
            read_tag(&h);
        } else if (c == '&') {
            read_entity(&h);
        } else if (is_white(c) && !h.pre) {
            h.blank = true;
            h.at++;
        } else {
            add_bytes(&h, &c, 1);
            h.at++;
        }
    }
    new_line(&h);
    buf_add_buf(out, &text);
    buf_free(&text);
    buf_free(&h.href);
}
