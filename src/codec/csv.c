#include "codec/csv.h"

#include "codec/charset.h"

#include <string.h>

/* A first line "sep=;", by which Excel is told: its separator; 0: none. *n: its bytes, with the line end. */
static uint8_t told_separator(struct span in, size_t *n)
{
    const uint8_t *end = memchr(in.data, '\n', in.len < 16 ? in.len : 16);
    size_t quoted = in.len && in.data[0] == '"', length = end ? (size_t)(end - in.data) : 0;

    if (length && end[-1] == '\r')
        length--;
    *n = end ? (size_t)(end - in.data) + 1 : 0;
    if (length != 5 + 2 * quoted || strncasecmp((const char *)in.data + quoted, "sep=", 4) != 0)
        return 0;
    return memchr(",;\t", in.data[4 + quoted], 3) ? in.data[4 + quoted] : 0;
}

/* Of comma, semicolon and tab what the first record holds most of. */
static uint8_t separator_of(struct span in)
{
    static const uint8_t known[] = ",;\t";
    size_t n[sizeof known] = {0}, best = 0, at = 0;
    bool quoted = false;

    while (at < in.len && (in.data[at] == '\n' || in.data[at] == '\r'))
        at++;
    for (; at < in.len && (quoted || in.data[at] != '\n'); at++) {
        const uint8_t *is = memchr(known, in.data[at], sizeof known - 1);

        quoted ^= in.data[at] == '"';
        if (is && !quoted)
            n[is - known]++;
    }
    for (size_t i = 1; i < sizeof known - 1; i++)
        if (n[i] > n[best])
            best = i;
    return known[best];
}

void csv_begin(struct csv_reader *r, struct span in)
{
    size_t told;

    memset(r, 0, sizeof *r);
    if (in.len >= 3 && memcmp(in.data, "\xef\xbb\xbf", 3) == 0)
        in = (struct span){in.data + 3, in.len - 3};
    r->in = in;
    r->next_line = 1;
    r->separator = in.len ? told_separator(in, &told) : 0;
    if (r->separator) {
        r->at = told;
        r->next_line = 2;
    } else {
        r->separator = separator_of(in);
    }
    for (size_t i = 0; i < CSV_FIELDS_MAX; i++)
        buf_init(&r->fields[i], in.len + 1);
}

void csv_end(struct csv_reader *r)
{
    for (size_t i = 0; i < CSV_FIELDS_MAX; i++)
        buf_free(&r->fields[i]);
}

static int peek(const struct csv_reader *r)
{
    return r->at < r->in.len ? r->in.data[r->at] : -1;
}

/* A line end at `at`: its length; 0: none. */
static size_t line_end(const struct csv_reader *r)
{
    if (peek(r) == '\n')
        return 1;
    return peek(r) == '\r' && r->at + 1 < r->in.len && r->in.data[r->at + 1] == '\n' ? 2 : 0;
}

/* Behind the opening quote, up to and with the closing one. NULL, or what is wrong. */
static const char *read_quoted(struct csv_reader *r, struct buf *out)
{
    for (;;) {
        int c = peek(r);

        if (c < 0)
            return "a quote is not closed";
        r->at++;
        if (c == '"' && peek(r) != '"')
            return NULL;
        if (c == '"')
            r->at++;
        if (c == '\n')
            r->next_line++;
        if (c == 0)
            return "a NUL";
        buf_add_byte(out, (uint8_t)c);
    }
}

static bool at_end(const struct csv_reader *r)
{
    return peek(r) < 0 || peek(r) == r->separator || line_end(r);
}

static const char *read_field(struct csv_reader *r, struct buf *out)
{
    const char *fault = NULL;

    if (peek(r) == '"') {
        r->at++;
        fault = read_quoted(r, out);
        if (!fault && !at_end(r))
            fault = "something stands behind a closing quote";
    }
    for (; !fault && !at_end(r); r->at++) {
        if (peek(r) == '"')
            fault = "a quote stands inside a field that is not quoted";
        else if (peek(r) == 0)
            fault = "a NUL";
        else
            buf_add_byte(out, (uint8_t)peek(r));
    }
    if (!charset_is_utf8(buf_span(out))) {
        struct buf clean = {.max = out->max * 3};

        charset_clean_utf8(buf_span(out), &clean);
        buf_move(out, &clean);
        buf_free(&clean);
        fault = fault ? fault : "it is not in UTF-8: save the table as that";
    }
    return fault;
}

/* Where a record is not well formed, the next one is taken to begin behind the line. */
static void pass_line(struct csv_reader *r)
{
    while (peek(r) >= 0 && !line_end(r))
        r->at++;
}

bool csv_next(struct csv_reader *r)
{
    size_t end;

    while ((end = line_end(r))) {
        r->at += end;
        r->next_line++;
    }
    if (peek(r) < 0)
        return false;
    r->line = r->next_line;
    r->fault = NULL;
    for (size_t i = 0; i < CSV_FIELDS_MAX; i++)
        buf_clear(&r->fields[i]);
    for (r->n = 0;; r->at++) {
        if (r->n == CSV_FIELDS_MAX)
            r->fault = "it has too many fields";
        else
            r->fault = read_field(r, &r->fields[r->n++]);
        if (r->fault)
            pass_line(r);
        if (peek(r) != r->separator)
            break;
    }
    end = line_end(r);
    r->at += end;
    r->next_line += end > 0;
    return true;
}

void csv_put(struct buf *out, bool first, const char *field)
{
    bool quoted = strpbrk(field, ",\"\r\n") != NULL;

    if (!first)
        buf_add_byte(out, ',');
    if (!quoted) {
        buf_add_str(out, field);
        return;
    }
    buf_add_byte(out, '"');
    for (const char *p = field; *p; p++) {
        if (*p == '"')
            buf_add_byte(out, '"');
        buf_add_byte(out, (uint8_t)*p);
    }
    buf_add_byte(out, '"');
}

void csv_put_end(struct buf *out)
{
    buf_add_str(out, "\r\n");
}
