#include "main/ctl_out.h"

#include "base/mem.h"
#include "codec/charset.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

static const char *const style_on[] = {"", "\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[31m"};

void out_open(struct out *o, FILE *file)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    struct winsize size;

    *o = (struct out){.file = file};
    if (!isatty(fileno(file)))
        return;
    o->colour = !(none && *none) && term && strcmp(term, "dumb") != 0;
    o->width = ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : 80;
}

static bool is_harmful(uint32_t code, bool lines)
{
    if (code < 0x20)
        return !(lines && (code == '\n' || code == '\t'));
    return (code >= 0x7f && code < 0xa0) || code == 0x061c || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff;
}

void out_clean(const char *text, bool lines, struct buf *clean)
{
    struct span left = span_of(text);

    while (left.len) {
        uint32_t code = 0;
        size_t n = charset_utf8_char(left, &code);

        if (!lines && (code == '\n' || code == '\t'))
            buf_add_byte(clean, ' ');
        else if (lines && code == '\r' && left.len > 1 && left.data[1] == '\n')
            ;
        else if (!n || is_harmful(code, lines))
            buf_add_str(clean, "\xef\xbf\xbd");
        else
            buf_add(clean, left.data, n);
        left.data += n ? n : 1;
        left.len -= n ? n : 1;
    }
}

void out_words(const struct out *o, enum out_style style, const char *text)
{
    struct buf clean = BUF_EMPTY;
    bool styled = o->colour && style != OUT_PLAIN;

    out_clean(text, false, &clean);
    fprintf(o->file, "%s%s%s", styled ? style_on[style] : "", buf_text(&clean), styled ? "\033[0m" : "");
    buf_free(&clean);
}

void out_text(const struct out *o, const char *indent, const char *text)
{
    struct buf clean = BUF_EMPTY;
    const char *line, *end;

    out_clean(text, true, &clean);
    for (line = buf_text(&clean); *line; line = *end ? end + 1 : end) {
        end = line + strcspn(line, "\n");
        fprintf(o->file, "%s%.*s\n", end > line ? indent : "", (int)(end - line), line);
    }
    buf_free(&clean);
}

static int columns_of(struct span text)
{
    int columns = 0;

    while (text.len) {
        uint32_t code = 0;
        size_t n = charset_utf8_char(text, &code);
        int width = n ? wcwidth((wchar_t)code) : 1;

        columns += width > 0 ? width : 0;
        text.data += n ? n : 1;
        text.len -= n ? n : 1;
    }
    return columns;
}

int out_columns(const char *text)
{
    return columns_of(span_of(text));
}

enum out_style out_style_of(const char *word)
{
    static const struct {
        const char *word;
        enum out_style style;
    } known[] = {
        {"ok", OUT_GOOD},          {"usable", OUT_GOOD},       {"sent", OUT_GOOD},       {"send", OUT_GOOD},
        {"allow", OUT_GOOD},       {"active", OUT_GOOD},       {"warn", OUT_WARN},       {"expiring", OUT_WARN},
        {"deferred", OUT_WARN},    {"skip", OUT_WARN},         {"hold", OUT_WARN},       {"suspended", OUT_WARN},
        {"key-trouble", OUT_WARN}, {"ask", OUT_WARN},          {"fail", OUT_BAD},        {"failed", OUT_BAD},
        {"expired", OUT_BAD},      {"revoked", OUT_BAD},       {"refuse", OUT_BAD},      {"dropped", OUT_BAD},
        {"missing", OUT_BAD},      {"no-encryption", OUT_BAD}, {"weak-cipher", OUT_BAD}, {"weak-key", OUT_BAD},
        {"duplicate", OUT_BAD},    {"deny", OUT_BAD},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].word, word) == 0)
            return known[i].style;
    return OUT_PLAIN;
}
