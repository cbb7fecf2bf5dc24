#include "codec/charset.h"

#include <iconv.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

/* Names that mail uses, and what glibc calls them. Supersets stand for their subsets, as mail readers have it. */
static const struct charset_alias {
    const char *name;
    const char *iconv_name;
} charset_aliases[] = {
    {"iso-8859-1", "WINDOWS-1252"},
    {"latin1", "WINDOWS-1252"},
    {"iso8859-1", "WINDOWS-1252"},
    {"iso_8859-1", "WINDOWS-1252"},
    {"windows-1252", "WINDOWS-1252"},
    {"cp1252", "WINDOWS-1252"},
    {"iso-8859-2", "ISO-8859-2"},
    {"latin2", "ISO-8859-2"},
    {"iso8859-2", "ISO-8859-2"},
    {"iso-8859-3", "ISO-8859-3"},
    {"iso-8859-4", "ISO-8859-4"},
    {"iso-8859-5", "ISO-8859-5"},
    {"iso-8859-6", "ISO-8859-6"},
    {"iso-8859-7", "ISO-8859-7"},
    {"iso-8859-8", "ISO-8859-8"},
    {"iso-8859-8-i", "ISO-8859-8"},
    {"iso-8859-9", "WINDOWS-1254"},
    {"iso-8859-10", "ISO-8859-10"},
    {"iso-8859-11", "ISO-8859-11"},
    {"iso-8859-13", "ISO-8859-13"},
    {"iso-8859-14", "ISO-8859-14"},
    {"iso-8859-15", "ISO-8859-15"},
    {"latin9", "ISO-8859-15"},
    {"iso8859-15", "ISO-8859-15"},
    {"iso-8859-16", "ISO-8859-16"},
    {"windows-1250", "WINDOWS-1250"},
    {"cp1250", "WINDOWS-1250"},
    {"windows-1251", "WINDOWS-1251"},
    {"cp1251", "WINDOWS-1251"},
    {"windows-1253", "WINDOWS-1253"},
    {"windows-1254", "WINDOWS-1254"},
    {"windows-1255", "WINDOWS-1255"},
    {"windows-1256", "WINDOWS-1256"},
    {"windows-1257", "WINDOWS-1257"},
    {"windows-1258", "WINDOWS-1258"},
    {"windows-874", "CP874"},
    {"tis-620", "CP874"},
    {"macintosh", "MACINTOSH"},
    {"ibm437", "CP437"},
    {"ibm850", "CP850"},
    {"cp850", "CP850"},
    {"koi8-r", "KOI8-R"},
    {"koi8-u", "KOI8-U"},
    {"utf-16", "UTF-16"},
    {"utf-16le", "UTF-16LE"},
    {"utf-16be", "UTF-16BE"},
    {"utf-32", "UTF-32"},
    {"utf-7", "UTF-7"},
    {"unicode-1-1-utf-7", "UTF-7"},
    {"gb18030", "GB18030"},
    {"gbk", "GB18030"},
    {"gb2312", "GB18030"},
    {"x-gbk", "GB18030"},
    {"cp936", "GB18030"},
    {"big5", "BIG5-HKSCS"},
    {"big5-hkscs", "BIG5-HKSCS"},
    {"x-big5", "BIG5-HKSCS"},
    {"euc-jp", "EUC-JP"},
    {"x-euc-jp", "EUC-JP"},
    {"iso-2022-jp", "ISO-2022-JP-2"},
    {"iso-2022-jp-2", "ISO-2022-JP-2"},
    {"shift_jis", "CP932"},
    {"shift-jis", "CP932"},
    {"sjis", "CP932"},
    {"x-sjis", "CP932"},
    {"cp932", "CP932"},
    {"windows-31j", "CP932"},
    {"euc-kr", "UHC"},
    {"ks_c_5601-1987", "UHC"},
    {"cp949", "UHC"},
    {"iso-2022-kr", "ISO-2022-KR"},
};

#define CHARSET_ALIASES (sizeof charset_aliases / sizeof charset_aliases[0])

static const char *const charset_utf8_names[] = {"utf-8", "utf8", "unicode-1-1-utf-8", "cp65001"};
static const char *const charset_ascii_names[] = {"",          "us-ascii", "ascii",     "ansi_x3.4-1968",
                                                  "iso646-us", "default",  "x-unknown", "unknown-8bit"};

/* One converter for each alias, shared by those of the same iconv_name; (iconv_t)-1 where the machine lacks it. */
static iconv_t charset_open[CHARSET_ALIASES];
static bool charset_is_open;

void charset_open_all(void)
{
    if (charset_is_open)
        return;
    for (size_t i = 0; i < CHARSET_ALIASES; i++) {
        size_t same = 0;

        while (strcmp(charset_aliases[same].iconv_name, charset_aliases[i].iconv_name))
            same++;
        charset_open[i] = same < i ? charset_open[same] : iconv_open("UTF-8", charset_aliases[i].iconv_name);
    }
    charset_is_open = true;
}

void charset_close_all(void)
{
    if (!charset_is_open)
        return;
    for (size_t i = 0; i < CHARSET_ALIASES; i++) {
        size_t same = 0;

        while (strcmp(charset_aliases[same].iconv_name, charset_aliases[i].iconv_name))
            same++;
        if (same == i && charset_open[i] != (iconv_t)-1)
            iconv_close(charset_open[i]);
    }
    charset_is_open = false;
}

static bool charset_in(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strcasecmp(name, list[i]))
            return true;
    return false;
}

static bool charset_is_named_utf8(const char *name)
{
    return charset_in(name, charset_utf8_names, sizeof charset_utf8_names / sizeof charset_utf8_names[0]);
}

static bool charset_is_ascii(const char *name)
{
    return !name || charset_in(name, charset_ascii_names, sizeof charset_ascii_names / sizeof charset_ascii_names[0]);
}

static bool charset_is_latin1(const char *name)
{
    return name && charset_in(name, (const char *const[]){"iso-8859-1", "latin1", "iso8859-1", "iso_8859-1"}, 4);
}

static iconv_t charset_find(const char *name)
{
    for (size_t i = 0; charset_is_open && i < CHARSET_ALIASES; i++)
        if (!strcasecmp(name, charset_aliases[i].name))
            return charset_open[i];
    return (iconv_t)-1;
}

bool charset_known(const char *name)
{
    return charset_is_ascii(name) || charset_is_named_utf8(name) || charset_is_latin1(name) ||
           charset_find(name) != (iconv_t)-1;
}

/* ---- UTF-8 (RFC 3629, 4) ---- */

size_t charset_utf8_char(struct span in, uint32_t *out_code)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

    for (size_t n = 1; n <= 4 && n <= in.len; n++) {
        uint32_t code;

        if ((in.data[0] & forms[n - 1].mask) != forms[n - 1].lead)
            continue;
        code = in.data[0] & (uint8_t)~forms[n - 1].mask;
        for (size_t i = 1; i < n; i++) {
            if ((in.data[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (in.data[i] & 0x3f);
        }
        if (code < forms[n - 1].least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
            return 0;
        *out_code = code;
        return n;
    }
    return 0;
}

void charset_add_code(struct buf *out, uint32_t code)
{
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        code = 0xfffd;
    if (code < 0x80)
        buf_add_byte(out, (uint8_t)code);
    else if (code < 0x800)
        buf_add(out, (uint8_t[]){(uint8_t)(0xc0 | code >> 6), (uint8_t)(0x80 | (code & 63))}, 2);
    else if (code < 0x10000)
        buf_add(out,
                (uint8_t[]){(uint8_t)(0xe0 | code >> 12), (uint8_t)(0x80 | (code >> 6 & 63)),
                            (uint8_t)(0x80 | (code & 63))},
                3);
    else
        buf_add(out,
                (uint8_t[]){(uint8_t)(0xf0 | code >> 18), (uint8_t)(0x80 | (code >> 12 & 63)),
                            (uint8_t)(0x80 | (code >> 6 & 63)), (uint8_t)(0x80 | (code & 63))},
                4);
}

bool charset_is_utf8(struct span in)
{
    uint32_t code;
    size_t n;

    for (size_t at = 0; at < in.len; at += n) {
        n = charset_utf8_char((struct span){in.data + at, in.len - at}, &code);
        if (!n)
            return false;
    }
    return true;
}

void charset_clean_utf8(struct span in, struct buf *out)
{
    size_t from = 0, at = 0;
    uint32_t code;

    while (at < in.len) {
        size_t n = charset_utf8_char((struct span){in.data + at, in.len - at}, &code);

        if (n) {
            at += n;
            continue;
        }
        buf_add(out, in.data + from, at - from);
        charset_add_code(out, 0xfffd);
        from = ++at;
    }
    if (from < at)
        buf_add(out, in.data + from, at - from);
}

/* The five bytes that Windows-1252 leaves undefined stay undefined here. */
static void charset_latin1(struct span in, struct buf *out)
{
    static const uint16_t high[32] = {0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                      0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd,
                                      0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                      0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178};

    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.data[i];

        charset_add_code(out, c >= 0x80 && c < 0xa0 ? high[c - 0x80] : c);
    }
}

/* ---- conversion ---- */

static void charset_guess(struct span in, struct buf *out)
{
    if (charset_is_utf8(in))
        buf_add(out, in.data, in.len);
    else
        charset_latin1(in, out);
}

/* Every step either consumes input or drops one byte, so that the loop ends. */
static void charset_iconv(iconv_t cd, struct span in, struct buf *out)
{
    char *from = (char *)(uintptr_t)in.data;
    size_t left = in.len;

    iconv(cd, NULL, NULL, NULL, NULL);
    while (left) {
        char chunk[4096];
        char *to = chunk;
        size_t room = sizeof chunk, done;

        errno = 0;
        done = iconv(cd, &from, &left, &to, &room);
        buf_add(out, chunk, (size_t)(to - chunk));
        if (done != (size_t)-1 || errno == E2BIG)
            continue;
        charset_add_code(out, 0xfffd);
        if (!left)
            break;
        from++;
        left--;
        iconv(cd, NULL, NULL, NULL, NULL);
    }
}

bool charset_convert(const char *name, struct span in, struct buf *out)
{
    iconv_t cd;

    if (!in.len)
        return charset_known(name);
    if (charset_is_ascii(name)) {
        charset_guess(in, out);
        return true;
    }
    if (charset_is_named_utf8(name)) {
        charset_clean_utf8(in, out);
        return true;
    }
    if (charset_is_latin1(name)) {
        charset_latin1(in, out);
        return true;
    }
    cd = charset_find(name);
    if (cd == (iconv_t)-1) {
        charset_guess(in, out);
        return false;
    }
    charset_iconv(cd, in, out);
    return true;
}
