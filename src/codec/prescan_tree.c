#include "codec/prescan_tree.h"

#include "base/mem.h"
#include "codec/header.h"
#include "codec/xfer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BOUNDARY_MAX 200 /* RFC 2046 allows 70; mailers exceed it */

struct open_entity {
    size_t index;
    size_t boundary_len; /* 0: not a multipart, or closed by its last boundary */
    uint8_t boundary[BOUNDARY_MAX];
};

struct scan {
    struct span raw;
    const struct mime_limits *limits;
    struct prescan_tree *tree;
    struct open_entity *stack; /* each inside the one before */
    size_t n_stack;
    size_t at; /* begin of the next line */
    struct diag *why;
};

static struct span line_at(struct span raw, size_t at)
{
    const uint8_t *lf = memchr(raw.data + at, '\n', raw.len - at);
    size_t end = lf ? (size_t)(lf - raw.data) + 1 : raw.len;

    return (struct span){raw.data + at, end - at};
}

static struct span line_text(struct span line)
{
    if (line.len && line.data[line.len - 1] == '\n')
        line.len--;
    if (line.len && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* ---- boundaries ---- */

static bool blanks_only(struct span s, size_t from)
{
    while (from < s.len && (s.data[from] == ' ' || s.data[from] == '\t'))
        from++;
    return from == s.len;
}

/* Which open multipart's boundary is this line? Its place on the stack, or SIZE_MAX; *last: the closing one. */
static size_t match_boundary(const struct scan *s, struct span line, bool *last)
{
    struct span text = line_text(line);

    if (text.len < 3 || text.data[0] != '-' || text.data[1] != '-')
        return SIZE_MAX;
    for (size_t i = 0; i < s->n_stack; i++) {
        const struct open_entity *e = &s->stack[i];
        size_t len = e->boundary_len + 2;

        if (!e->boundary_len || text.len < len || memcmp(text.data + 2, e->boundary, e->boundary_len))
            continue;
        *last = text.len >= len + 2 && text.data[len] == '-' && text.data[len + 1] == '-';
        if (blanks_only(text, *last ? len + 2 : len))
            return i;
    }
    return SIZE_MAX;
}

static enum err boundary_check(struct span value, struct span boundary, struct diag *why)
{
    bool bad = boundary.len == 0 || boundary.len > BOUNDARY_MAX || boundary.data[boundary.len - 1] == ' ';

    /* An escape is never needed in a boundary, and libetpan unquotes one twice. */
    bad = bad || memchr(value.data, '\\', value.len);
    for (size_t i = 0; i < boundary.len && !bad; i++)
        bad = boundary.data[i] < ' ' || boundary.data[i] > 126 || boundary.data[i] == '"';
    return bad ? diag_set(why, ERR_REJECT, "bad-boundary",
                          "a multipart has a boundary that RFC 2046, 5.1.1 forbids; send it again from another program")
               : ERR_OK;
}

static enum err comments_check(struct span value, const struct mime_limits *limits, struct diag *why)
{
    size_t depth = 0;

    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '(' && ++depth > limits->comments)
            return diag_set(why, ERR_LIMIT, "too-deep", "a Content-Type field has more than %zu comments in each other",
                            limits->comments);
        if (value.data[i] == ')' && depth)
            depth--;
    }
    return ERR_OK;
}

/* ---- header blocks ---- */

/* RFC 5322, 2.2: a name of printable ASCII, then a colon (blanks before it: the old form of 4.5). */
static bool is_field(struct span line)
{
    size_t i = 0;

    while (i < line.len && line.data[i] > ' ' && line.data[i] < 127 && line.data[i] != ':')
        i++;
    if (i == 0)
        return false;
    while (i < line.len && (line.data[i] == ' ' || line.data[i] == '\t'))
        i++;
    return i < line.len && line.data[i] == ':';
}

static bool is_mbox_line(struct span line)
{
    return (line.len > 5 && !memcmp(line.data, "From ", 5)) || (line.len > 6 && !memcmp(line.data, ">From ", 6));
}

static enum err header_line_check(const struct scan *s, size_t from, struct span line)
{
    if (line_text(line).len > s->limits->header_line_bytes)
        return diag_set(s->why, ERR_LIMIT, "too-deep", "a header line is over %zu bytes", s->limits->header_line_bytes);
    if (s->at + line.len - from > s->limits->header_block_bytes)
        return diag_set(s->why, ERR_LIMIT, "too-deep", "a header block is over %zu bytes",
                        s->limits->header_block_bytes);
    if (memchr(line.data, 0, line.len))
        return diag_set(s->why, ERR_REJECT, "nul-bytes", "a header block holds a NUL");
    return ERR_OK;
}

/* Moves s->at behind the block that begins there (with its empty line). */
static enum err scan_header(struct scan *s)
{
    size_t from = s->at;
    bool last;

    while (s->at < s->raw.len) {
        struct span line = line_at(s->raw, s->at), text = line_text(line);
        bool folded = line.data[0] == ' ' || line.data[0] == '\t';
        enum err err;

        if (text.len && match_boundary(s, line, &last) != SIZE_MAX)
            break;
        if (text.len && !(folded && s->at > from) && !is_field(line) &&
            !(s->at == from && s->tree->n == 1 && is_mbox_line(line))) {
            /* A line that is no field ends the message's own header too, but not because a NUL hid its colon. */
            if (s->tree->n == 1 && memchr(line.data, 0, line.len))
                return diag_set(s->why, ERR_REJECT, "nul-bytes", "a header block holds a NUL");
            break;
        }
        err = header_line_check(s, from, line);
        if (err != ERR_OK)
            return err;
        s->at += line.len;
        if (!text.len)
            break;
    }
    return ERR_OK;
}

/* ---- entities ---- */

static bool starts_with(const struct buf *b, const char *text)
{
    return b->len >= strlen(text) && !memcmp(b->data, text, strlen(text));
}

/* What the header says it is; a multipart's boundary goes to *open. */
static enum err classify(const struct scan *s, struct prescan_entity *e, struct open_entity *open)
{
    struct span block = {s->raw.data + e->header_off, e->header_len}, value, encoding;
    struct buf type = BUF_EMPTY, boundary = BUF_EMPTY;
    bool has_type = header_find(block, "Content-Type", 0, &value), message;
    enum xfer_encoding how;
    enum err err = ERR_OK;

    e->kind = PRESCAN_LEAF;
    open->boundary_len = 0;
    header_find(block, "Content-Transfer-Encoding", 0, &encoding);
    how = xfer_from_name(encoding);
    if (has_type)
        header_token(value, &type);
    message = has_type ? !strcmp(buf_text(&type), "message/rfc822") || !strcmp(buf_text(&type), "message/global")
                       : e->in_digest;
    if (message && how != XFER_BASE64 && how != XFER_QUOTED_PRINTABLE) {
        e->kind = PRESCAN_MESSAGE;
    } else if (starts_with(&type, "multipart/") && header_param_raw(value, "boundary", &boundary)) {
        e->kind = PRESCAN_MULTIPART;
        err = boundary_check(value, buf_span(&boundary), s->why);
    }
    if (err == ERR_OK && e->kind != PRESCAN_LEAF && has_type)
        err = comments_check(value, s->limits, s->why);
    if (err == ERR_OK && e->kind == PRESCAN_MULTIPART) {
        memcpy(open->boundary, boundary.data, boundary.len);
        open->boundary_len = boundary.len;
    }
    buf_free(&type);
    buf_free(&boundary);
    return err;
}

static bool is_digest(const struct scan *s, int index)
{
    const struct prescan_entity *e;
    struct buf type = BUF_EMPTY;
    struct span value;
    bool digest;

    if (index < 0)
        return false;
    e = &s->tree->items[index];
    if (e->kind == PRESCAN_MULTIPART &&
        header_find((struct span){s->raw.data + e->header_off, e->header_len}, "Content-Type", 0, &value))
        header_token(value, &type);
    digest = !strcmp(buf_text(&type), "multipart/digest");
    buf_free(&type);
    return digest;
}

static size_t containers_open(const struct scan *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_stack; i++)
        n += s->tree->items[s->stack[i].index].kind != PRESCAN_LEAF;
    return n;
}

/* Opens the entity whose header begins at s->at. */
static enum err open_one(struct scan *s)
{
    int parent = s->n_stack ? (int)s->stack[s->n_stack - 1].index : -1;
    struct prescan_entity *e;
    enum err err;

    if (s->tree->n >= s->limits->parts)
        return diag_set(s->why, ERR_LIMIT, "too-deep", "the message has more than %zu parts", s->limits->parts);
    s->tree->items = mem_resize(s->tree->items, s->tree->n + 1, sizeof *s->tree->items);
    e = &s->tree->items[s->tree->n++];
    *e = (struct prescan_entity){.parent = parent, .depth = (int)s->n_stack, .header_off = s->at, .end = s->raw.len};
    e->in_digest = is_digest(s, parent);
    err = scan_header(s);
    if (err != ERR_OK)
        return err;
    e->header_len = s->at - e->header_off;
    e->body_off = s->at;
    s->stack[s->n_stack].index = s->tree->n - 1;
    err = classify(s, e, &s->stack[s->n_stack]);
    s->n_stack++;
    if (err == ERR_OK && containers_open(s) > s->limits->depth)
        err = diag_set(s->why, ERR_LIMIT, "too-deep", "more than %zu containers stand in each other", s->limits->depth);
    return err;
}

/* Opens an entity, and what begins with it: the message inside a message part. */
static enum err open_entity(struct scan *s)
{
    enum err err = open_one(s);

    while (err == ERR_OK && s->tree->items[s->tree->n - 1].kind == PRESCAN_MESSAGE)
        err = open_one(s);
    return err;
}

/* Ends all that is inside stack[keep - 1] before the boundary line at s->at; the line break before it is not theirs. */
static void close_to(struct scan *s, size_t keep)
{
    size_t end = s->at;

    if (end && s->raw.data[end - 1] == '\n')
        end -= end > 1 && s->raw.data[end - 2] == '\r' ? 2 : 1;
    while (s->n_stack > keep) {
        struct prescan_entity *e = &s->tree->items[s->stack[--s->n_stack].index];

        e->end = end;
        if (e->header_off > end) /* two boundaries in a row */
            e->header_off = end;
        if (e->body_off > end)
            e->body_off = end;
        e->header_len = e->header_len < e->body_off - e->header_off ? e->header_len : e->body_off - e->header_off;
    }
}

static enum err scan_body(struct scan *s)
{
    while (s->at < s->raw.len) {
        struct span line = line_at(s->raw, s->at);
        bool last = false;
        size_t found = match_boundary(s, line, &last);
        enum err err;

        if (found == SIZE_MAX) {
            s->at += line.len;
            continue;
        }
        close_to(s, found + 1);
        s->at += line.len;
        if (last || s->at == s->raw.len) { /* a last boundary that lost its dashes opens nothing */
            s->stack[found].boundary_len = 0;
            continue;
        }
        err = open_entity(s);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static bool is_white(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] != ' ' && s.data[i] != '\t' && s.data[i] != '\r' && s.data[i] != '\n')
            return false;
    return true;
}

static enum err check_empty(const struct scan *s)
{
    const struct prescan_entity *root = &s->tree->items[0];
    struct span value;
    struct header_iter it = {{s->raw.data + root->header_off, root->header_len}};

    if (!header_next(&it, &value, &value))
        return diag_set(s->why, ERR_REJECT, "empty", "the message has no header");
    if (is_white((struct span){s->raw.data + root->body_off, s->raw.len - root->body_off}))
        return diag_set(s->why, ERR_REJECT, "empty", "the message has nothing behind its header");
    return ERR_OK;
}

/* Files that people saved begin with a byte order mark or empty lines; neither is a header, nor the end of one. */
static size_t skip_lead(struct span raw)
{
    size_t at = raw.len >= 3 && !memcmp(raw.data, "\xef\xbb\xbf", 3) ? 3 : 0;

    while (at < raw.len &&
           (raw.data[at] == ' ' || raw.data[at] == '\t' || raw.data[at] == '\r' || raw.data[at] == '\n'))
        at++;
    return at;
}

enum err prescan_tree_build(struct span raw, const struct mime_limits *limits, struct prescan_tree *out,
                            struct diag *why)
{
    struct scan s = {.raw = raw, .limits = limits, .tree = out, .why = why};
    enum err err;

    *out = (struct prescan_tree){0};
    if (raw.len > limits->message_bytes)
        return diag_set(why, ERR_LIMIT, "too-large", "the message is over %zu bytes", limits->message_bytes);
    s.at = skip_lead(raw);
    if (s.at == raw.len)
        return diag_set(why, ERR_REJECT, "empty", "the message is empty");
    s.stack = mem_zero(limits->depth + 3, sizeof *s.stack);
    err = open_entity(&s);
    if (err == ERR_OK)
        err = check_empty(&s);
    if (err == ERR_OK)
        err = scan_body(&s);
    free(s.stack);
    if (err != ERR_OK)
        prescan_tree_free(out);
    return err;
}

void prescan_tree_free(struct prescan_tree *tree)
{
    free(tree->items);
    *tree = (struct prescan_tree){0};
}

/* ---- the copy for libetpan ---- */

static void blank_line(uint8_t *line, size_t len)
{
    if (len > 8 && (line[0] | 32) == 'c' && !strncasecmp((const char *)line, "content-", 8))
        line[0] = 'X';
    for (size_t i = 0; i < len; i++)
        if (line[i] == '(' || line[i] == '"' || line[i] == '\\' || line[i] == '<' || line[i] == 0)
            line[i] = 'x';
}

static void restore(struct buf *out, struct span raw, struct span block, const char *name)
{
    struct span value;
    size_t from, end;

    if (!header_find(block, name, 0, &value))
        return;
    end = (size_t)(value.data + value.len - raw.data);
    for (from = (size_t)(value.data - raw.data); from > 0 && raw.data[from - 1] != '\n'; from--)
        ;
    memcpy(out->data + from, raw.data + from, end - from);
}

void prescan_tree_skeleton(struct span raw, const struct prescan_tree *tree, struct buf *out)
{
    buf_clear(out);
    buf_add(out, raw.data, raw.len);
    for (size_t at = 0; at < out->len;) {
        struct span line = line_at(raw, at);

        if (line.len < 2 || line.data[0] != '-' || line.data[1] != '-')
            blank_line(out->data + at, line.len);
        at += line.len;
    }
    for (size_t i = 0; i < tree->n; i++) {
        const struct prescan_entity *e = &tree->items[i];
        struct span block = {raw.data + e->header_off, e->header_len};

        if (e->kind == PRESCAN_LEAF)
            continue;
        restore(out, raw, block, "Content-Type");
        restore(out, raw, block, "Content-Transfer-Encoding");
    }
    if (out->len > 5 && !memcmp(out->data, "From ", 5))
        out->data[4] = ':';
}
