#include "codec/csv.h"

#include <string.h>

void csv_begin(struct csv_reader *r, struct span in)
{
    memset(r, 0, sizeof *r);
    if (in.len >= 3 && memcmp(in.data, "\xef\xbb\xbf", 3) == 0)
        in = (struct span){in.data + 3, in.len - 3};
    r->in = in;
    r->next_line = 1;
    for (size_t i = 0; i < CSV_FIELDS_MAX; i++)
        buf_init(&r->fields[i], in.len + 1);
}

void csv_end(struct csv_reader *r)
{
    for (size_t i = 0; i < CSV_FIELDS_MAX; i++)
        buf_free(&r->fields[i]);
}

static bool fail(const struct csv_reader *r, const char *words, enum err *err, struct diag *why)
{
    *err = diag_set(why, ERR_REJECT, "csv.bad", "line %d: %s", r->next_line, words);
    return false;
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

static const char *read_field(struct csv_reader *r, struct buf *out)
{
    const char *fault;

    if (peek(r) == '"') {
        r->at++;
        fault = read_quoted(r, out);
        if (fault)
            return fault;
        return peek(r) < 0 || peek(r) == ',' || line_end(r) ? NULL : "something stands behind a closing quote";
    }
    while (peek(r) >= 0 && peek(r) != ',' && !line_end(r)) {
        if (peek(r) == '"' || peek(r) == 0)
            return "a quote or a NUL inside a field that is not quoted";
        buf_add_byte(out, (uint8_t)peek(r));
        r->at++;
    }
    return NULL;
}

bool csv_next(struct csv_reader *r, enum err *err, struct diag *why)
{
    size_t end;

    *err = ERR_OK;
    while ((end = line_end(r))) {
        r->at += end;
        r->next_line++;
    }
    if (peek(r) < 0)
        return false;
    r->line = r->next_line;
    for (size_t i = 0; i < r->n; i++)
        buf_clear(&r->fields[i]);
    for (r->n = 0;; r->at++) {
        const char *fault;

        if (r->n == CSV_FIELDS_MAX)
            return fail(r, "too many fields", err, why);
        fault = read_field(r, &r->fields[r->n++]);
        if (fault)
            return fail(r, fault, err, why);
        if (peek(r) != ',')
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
