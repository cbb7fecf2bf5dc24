#include "codec/markup.h"

#include "base/mem.h"
#include "codec/charset.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What XML 1.0 (section 2.2) and HTML can hold. */
static bool code_ok(uint32_t code)
{
    if (code < 0x20)
        return code == '\t' || code == '\n';
    return !(code >= 0x7f && code < 0xa0) && !(code >= 0xfdd0 && code <= 0xfdef) && (code & 0xfffe) != 0xfffe;
}

static const char *entity(uint32_t code)
{
    switch (code) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void markup_text_n(struct buf *out, const char *text, size_t len)
{
    struct span rest = {(const uint8_t *)text, len};

    while (rest.len) {
        uint32_t code = 0;
        size_t n = charset_utf8_char(rest, &code);
        const char *as = n ? entity(code) : NULL;

        if (as)
            buf_add_str(out, as);
        else if (n && code_ok(code))
            buf_add(out, rest.data, n);
        else if (!n || code != '\r')
            buf_add_str(out, "\xef\xbf\xbd");
        rest.data += n ? n : 1;
        rest.len -= n ? n : 1;
    }
}

void markup_text(struct buf *out, const char *text)
{
    if (text)
        markup_text_n(out, text, strlen(text));
}

static bool is_url_char(unsigned char c)
{
    return isalnum(c) || (c && strchr("-._~:/?#[]@!$&'()*+,;=%", c));
}

static bool starts(const char *text, const char *with)
{
    return strncasecmp(text, with, strlen(with)) == 0;
}

bool markup_link_ok(const char *link)
{
    const char *rest = link;

    for (const char *p = link; *p; p++)
        if (!is_url_char((unsigned char)*p))
            return false;
    if (starts(link, "https://") || starts(link, "http://"))
        return isalnum((unsigned char)strchr(link, ':')[3]) || strchr(link, ':')[3] == '[';
    if (starts(link, "mailto:"))
        return strchr(link, '@') != NULL;
    while (strncmp(rest, "../", 3) == 0)
        rest += 3;
    return *rest && *rest != '/' && !strchr(rest, ':') && !strstr(rest, "..") && !strstr(rest, "//");
}

void markup_add(struct buf *out, const char *format, ...)
{
    const char *text;
    va_list args;

    va_start(args, format);
    for (const char *p = format; *p; p++) {
        if (*p != '%') {
            buf_add_byte(out, (uint8_t)*p);
            continue;
        }
        switch (*++p) {
        case 't':
            markup_text(out, va_arg(args, const char *));
            break;
        case 'a':
            text = va_arg(args, const char *);
            markup_text(out, text && markup_link_ok(text) ? text : "#");
            break;
        case 'h':
            text = va_arg(args, const char *);
            buf_add_str(out, text ? text : "");
            break;
        case 'l':
            buf_printf(out, "%lld", (long long)va_arg(args, int64_t));
            break;
        default:
            buf_add_byte(out, '%');
            p -= *p != '%';
        }
    }
    va_end(args);
}

/* ---- prose ---- */

static size_t link_len(const char *text, size_t len)
{
    size_t n = 0;

    if (!((len > 8 && starts(text, "https://")) || (len > 7 && starts(text, "http://"))))
        return 0;
    while (n < len && is_url_char((unsigned char)text[n]) && text[n] != '\'')
        n++;
    while (n && strchr(".,;:!?)]", text[n - 1]))
        n--;
    return n;
}

static void add_linked(struct buf *out, const char *text, size_t len)
{
    size_t plain = 0;

    for (size_t i = 0; i < len;) {
        bool begins = i == 0 || !isalnum((unsigned char)text[i - 1]);
        size_t n = begins && (text[i] == 'h' || text[i] == 'H') ? link_len(text + i, len - i) : 0;
        char *link = n ? mem_strndup(text + i, n) : NULL;

        if (link && markup_link_ok(link)) {
            markup_text_n(out, text + plain, i - plain);
            markup_add(out, "<a href=\"%a\">%t</a>", link, link);
            plain = i += n;
        } else {
            i++;
        }
        free(link);
    }
    markup_text_n(out, text + plain, len - plain);
}

struct block {
    const char *text;
    size_t len;
};

static bool next_line(struct block *rest, struct block *line)
{
    const char *nl;

    if (!rest->len)
        return false;
    nl = memchr(rest->text, '\n', rest->len);
    line->text = rest->text;
    line->len = nl ? (size_t)(nl - rest->text) : rest->len;
    rest->text += line->len + (nl ? 1 : 0);
    rest->len -= line->len + (nl ? 1 : 0);
    while (line->len && isspace((unsigned char)line->text[line->len - 1]))
        line->len--;
    return true;
}

static bool is_item(struct block line)
{
    return line.len > 2 && (line.text[0] == '-' || line.text[0] == '*') && line.text[1] == ' ';
}

/* Does the block look like something that must keep its lines? */
static bool is_fixed(struct block block)
{
    struct block line;

    while (next_line(&block, &line))
        if (line.len && (isspace((unsigned char)*line.text) || strchr(">|+$#", *line.text)))
            return true;
    return false;
}

/* Items, and further lines of theirs that are indented. */
static bool is_list(struct block block)
{
    struct block line;
    bool first = true;

    for (; next_line(&block, &line); first = false)
        if (!is_item(line) && (first || !line.len || *line.text != ' '))
            return false;
    return true;
}

static void add_list(struct buf *out, struct block block)
{
    struct block line;
    bool open = false;

    buf_add_str(out, "<ul>\n");
    while (next_line(&block, &line)) {
        bool item = is_item(line);

        if (item && open)
            buf_add_str(out, "</li>\n");
        buf_add_str(out, item ? "<li>" : " ");
        add_linked(out, line.text + (item ? 2 : 0), line.len - (item ? 2 : 0));
        open = true;
    }
    buf_add_str(out, "</li>\n</ul>\n");
}

static void add_block(struct buf *out, struct block block)
{
    while (block.len && block.text[block.len - 1] == '\n')
        block.len--;
    if (!block.len)
        return;
    if (is_list(block)) {
        add_list(out, block);
    } else {
        bool fixed = is_fixed(block);

        buf_add_str(out, fixed ? "<pre tabindex=\"0\">" : "<p>");
        add_linked(out, block.text, block.len);
        buf_add_str(out, fixed ? "</pre>\n" : "</p>\n");
    }
}

void markup_prose(struct buf *out, const char *text)
{
    struct block rest = {text, strlen(text)}, line;
    const char *from = text;

    while (next_line(&rest, &line))
        if (!line.len) {
            add_block(out, (struct block){from, (size_t)(line.text - from)});
            from = rest.text;
        }
    add_block(out, (struct block){from, (size_t)(rest.text - from)});
}
