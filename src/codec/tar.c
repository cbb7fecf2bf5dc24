#include "codec/tar.h"

#include "base/fsx.h"

#include <stdio.h>
#include <string.h>

/* Offsets and sizes of a head's fields. */
enum {
    NAME = 0,
    MODE = 100,
    UID = 108,
    GID = 116,
    SIZE = 124,
    MTIME = 136,
    SUM = 148,
    TYPE = 156,
    LINK = 157,
    MAGIC = 257,
    PREFIX = 345,
    PREFIX_END = 500
};
#define NUMBER_BYTES  8
#define LONG_BYTES    12
#define SUM_BYTES     8
#define MAGIC_VERSION "ustar\00000"

/* Components of fsx_name_ok with '/' between them. */
static bool is_name(const char *name)
{
    char part[TAR_NAME_MAX + 1];
    size_t n = strlen(name);

    if (!n || n > TAR_NAME_MAX)
        return false;
    for (;;) {
        n = strcspn(name, "/");
        memcpy(part, name, n);
        part[n] = 0;
        if (!fsx_name_ok(part))
            return false;
        if (!name[n])
            return true;
        name += n + 1;
    }
}

static unsigned sum_of(const uint8_t head[TAR_BLOCK])
{
    unsigned sum = 0;

    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += i >= SUM && i < SUM + SUM_BYTES ? ' ' : head[i];
    return sum;
}

static void put_octal(uint8_t *field, int size, uint64_t value)
{
    char text[32];

    snprintf(text, sizeof text, "%0*llo", size - 1, (unsigned long long)value);
    memcpy(field, text, (size_t)size);
}

enum err tar_head(const char *name, uint64_t size, int64_t at_utc_s, uint8_t out[TAR_BLOCK], struct diag *why)
{
    char sum[SUM_BYTES + 1];

    if (!is_name(name))
        return diag_set(why, ERR_USAGE, "archive.name", "a file's name is longer than %d bytes, or is no name: %.120s",
                        TAR_NAME_MAX, name);
    if (size > TAR_SIZE_MAX)
        return diag_set(why, ERR_LIMIT, "archive.size", "a file is larger than 8 GiB: %s", name);
    memset(out, 0, TAR_BLOCK);
    memcpy(out + NAME, name, strlen(name));
    put_octal(out + MODE, NUMBER_BYTES, 0600);
    put_octal(out + UID, NUMBER_BYTES, 0);
    put_octal(out + GID, NUMBER_BYTES, 0);
    put_octal(out + SIZE, LONG_BYTES, size);
    put_octal(out + MTIME, LONG_BYTES, at_utc_s > 0 ? (uint64_t)at_utc_s & TAR_SIZE_MAX : 0);
    out[TYPE] = '0';
    memcpy(out + MAGIC, MAGIC_VERSION, 8);
    snprintf(sum, sizeof sum, "%06o", sum_of(out));
    memcpy(out + SUM, sum, 7);
    out[SUM + 7] = ' ';
    return ERR_OK;
}

size_t tar_padding(uint64_t size)
{
    return (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

/* Octal digits, then NUL or a blank. */
static bool get_octal(const uint8_t *field, size_t size, uint64_t *out)
{
    size_t i = 0;

    for (*out = 0; i < size && field[i] >= '0' && field[i] <= '7'; i++)
        *out = *out << 3 | (uint64_t)(field[i] - '0');
    return i > 0 && i < size && (field[i] == 0 || field[i] == ' ');
}

static enum err damaged(struct diag *why)
{
    return diag_set(why, ERR_REJECT, "archive.damaged", "the archive is damaged");
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i])
            return false;
    return true;
}

static enum err read_head(struct tar_reader *t, struct diag *why)
{
    char name[TAR_NAME_MAX + 1];
    uint64_t sum;

    if (is_zero(t->head, TAR_BLOCK)) {
        t->zero_blocks++;
        return ERR_OK;
    }
    if (t->zero_blocks || !get_octal(t->head + SUM, SUM_BYTES, &sum) || sum != sum_of(t->head) ||
        memcmp(t->head + MAGIC, MAGIC_VERSION, 8) != 0 || !get_octal(t->head + SIZE, LONG_BYTES, &t->left) ||
        t->head[NAME + TAR_NAME_MAX])
        return damaged(why);
    if (t->head[TYPE] != '0' || t->head[LINK] || !is_zero(t->head + PREFIX, PREFIX_END - PREFIX))
        return diag_set(why, ERR_REJECT, "archive.entry", "the archive holds something that is no plain file");
    memcpy(name, t->head, sizeof name);
    if (!is_name(name))
        return diag_set(why, ERR_REJECT, "archive.name", "the archive holds a file whose name is none");
    t->padding = tar_padding(t->left);
    t->in_file = true;
    return t->begin(t->ctx, name, t->left, why);
}

/* Takes what it can of in; *used says how much. */
static enum err step(struct tar_reader *t, struct span in, size_t *used, struct diag *why)
{
    size_t n = in.len;
    enum err err = ERR_OK;

    if (t->in_file) {
        *used = n = n < t->left ? n : (size_t)t->left;
        if (n)
            err = t->bytes(t->ctx, (struct span){in.data, n}, why);
        t->left -= n;
        if (!err && !t->left) {
            t->in_file = false;
            err = t->end(t->ctx, why);
        }
        return err;
    }
    if (t->padding) {
        *used = n = n < t->padding ? n : t->padding;
        t->padding -= n;
        return is_zero(in.data, n) ? ERR_OK : damaged(why);
    }
    *used = n = n < TAR_BLOCK - t->have ? n : TAR_BLOCK - t->have;
    memcpy(t->head + t->have, in.data, n);
    t->have += n;
    if (t->have < TAR_BLOCK)
        return ERR_OK;
    t->have = 0;
    return read_head(t, why);
}

enum err tar_feed(struct tar_reader *t, struct span in, struct diag *why)
{
    enum err err = ERR_OK;

    while (!err && (in.len || (t->in_file && !t->left))) {
        size_t used = 0;

        err = step(t, in, &used, why);
        in.data += used;
        in.len -= used;
    }
    return err;
}

bool tar_is_whole(const struct tar_reader *t)
{
    return t->zero_blocks >= 2 && !t->have;
}
