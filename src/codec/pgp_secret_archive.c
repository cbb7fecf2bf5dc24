#include "codec/pgp_secret_archive.h"

#include <string.h>
#include <zlib.h>

#define GZIP_WINDOW  (15 + 16) /* zlib: a gzip header is expected */
#define RAW_WINDOW   (-15)
#define OUT_STEP     ((size_t)64 << 10)
#define TAR_BLOCK    512
#define ZIP_END      22 /* bytes of the end record without its comment */
#define ZIP_ENTRY    46
#define ZIP_LOCAL    30
#define ZIP_LOCKED   1 /* flag: it has a password */
#define ZIP_STORED   0
#define ZIP_DEFLATED 8

static bool in_archive(struct span bytes, int depth, struct archive_budget *left, struct pgp_secrets *found);

struct archive_budget archive_budget(void)
{
    return (struct archive_budget){ARCHIVE_BUDGET, ARCHIVE_FILES_MAX};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t take(struct archive_budget *left, size_t n)
{
    n = least(n, left->bytes);
    left->bytes -= n;
    return n;
}

static bool begins(struct span b, const char *magic, size_t n)
{
    return b.len >= n && memcmp(b.data, magic, n) == 0;
}

static bool is_gzip(struct span b)
{
    return begins(b, "\x1f\x8b\x08", 3);
}

static bool is_zip(struct span b)
{
    return begins(b, "PK\3\4", 4);
}

static bool is_tar(struct span b)
{
    return b.len >= TAR_BLOCK && memcmp(b.data + 257, "ustar", 5) == 0;
}

bool pgp_secret_is_archive(struct span bytes)
{
    return is_gzip(bytes) || is_zip(bytes) || is_tar(bytes);
}

/* A file of an archive. */
static bool in_file(struct span bytes, int depth, struct archive_budget *left, struct pgp_secrets *found)
{
    return pgp_secret_in_packets(bytes, found) ||
           (pgp_secret_is_archive(bytes) ? in_archive(bytes, depth, left, found) : pgp_secret_in_text(bytes, found));
}

/* ---- gzip, and deflate as ZIP has it ---- */

/* All that comes out of it, up to most bytes. False: it is none, or the budget is spent; *out has what came so far. */
static void unpack(struct span in, int window, size_t most, struct archive_budget *left, struct buf *out)
{
    size_t n = least(in.len, left->bytes);
    z_stream z = {.next_in = (Bytef *)in.data, .avail_in = (uInt)n};
    int result = Z_OK;

    out->max = most + OUT_STEP;
    if (inflateInit2(&z, window) != Z_OK)
        return;
    while (out->len < most && out->len < left->bytes) {
        size_t step = least(OUT_STEP, least(most, left->bytes) - out->len);

        z.next_out = buf_room(out, step);
        z.avail_out = (uInt)step;
        result = inflate(&z, Z_NO_FLUSH);
        buf_grown(out, step - z.avail_out);
        /* Several may stand one behind the other (RFC 1952, 2.2). */
        if (result == Z_STREAM_END && window == GZIP_WINDOW && z.avail_in && inflateReset(&z) == Z_OK)
            continue;
        if (result != Z_OK)
            break;
    }
    inflateEnd(&z);
    take(left, n - z.avail_in);
    take(left, out->len);
}

static bool in_gzip(struct span in, int depth, struct archive_budget *left, struct pgp_secrets *found)
{
    struct buf out = BUF_EMPTY;
    bool is;

    unpack(in, GZIP_WINDOW, ARCHIVE_BUDGET, left, &out);
    is = out.len && in_file(buf_span(&out), depth, left, found);
    buf_free(&out);
    return is;
}

/* ---- ZIP: by its directory, which stands at the end ---- */

static size_t little(const uint8_t *p, size_t n)
{
    size_t value = 0;

    while (n--)
        value = value << 8 | p[n];
    return value;
}

/* Where the directory begins; false: there is none. */
static bool find_directory(struct span in, size_t *at)
{
    size_t first = in.len > ZIP_END + 0xffff ? in.len - ZIP_END - 0xffff : 0;

    if (in.len < ZIP_END)
        return false;
    for (size_t i = in.len - ZIP_END + 1; i-- > first;)
        if (memcmp(in.data + i, "PK\5\6", 4) == 0) {
            *at = little(in.data + i + 16, 4);
            return *at < i;
        }
    return false;
}

static bool in_entry(struct span in, const uint8_t *entry, int depth, struct archive_budget *left,
                     struct pgp_secrets *found)
{
    size_t method = little(entry + 10, 2), packed = little(entry + 20, 4), size = little(entry + 24, 4);
    size_t at = little(entry + 42, 4);
    struct buf out = BUF_EMPTY;
    struct span bytes;
    bool is = false;

    if ((entry[8] & ZIP_LOCKED) || size > ARCHIVE_FILE_MAX || at > in.len || in.len - at < ZIP_LOCAL ||
        memcmp(in.data + at, "PK\3\4", 4) != 0)
        return false;
    at += ZIP_LOCAL + little(in.data + at + 26, 2) + little(in.data + at + 28, 2);
    if (at >= in.len)
        return false;
    bytes = (struct span){in.data + at, least(packed, in.len - at)};
    if (method == ZIP_STORED) {
        bytes.len = take(left, bytes.len);
        is = in_file(bytes, depth, left, found);
    } else if (method == ZIP_DEFLATED) {
        unpack(bytes, RAW_WINDOW, ARCHIVE_FILE_MAX, left, &out);
        is = out.len && in_file(buf_span(&out), depth, left, found);
    }
    buf_free(&out);
    return is;
}

static bool in_zip(struct span in, int depth, struct archive_budget *left, struct pgp_secrets *found)
{
    size_t at;
    bool any = false;

    if (!find_directory(in, &at))
        return false;
    while (left->files && left->bytes && at < in.len && in.len - at >= ZIP_ENTRY &&
           memcmp(in.data + at, "PK\1\2", 4) == 0) {
        const uint8_t *entry = in.data + at;

        left->files--;
        any = in_entry(in, entry, depth, left, found) || any;
        at += ZIP_ENTRY + little(entry + 28, 2) + little(entry + 30, 2) + little(entry + 32, 2);
    }
    return any;
}

/* ---- tar ---- */

/* Octal digits, up to what is none. What is larger than a tar can be is larger than what there is. */
static size_t octal(const uint8_t *p, size_t n)
{
    size_t value = 0;

    while (n && *p == ' ')
        p++, n--;
    for (; n && *p >= '0' && *p <= '7'; p++, n--)
        value = value << 3 | (size_t)(*p - '0');
    return value;
}

static bool in_tar(struct span in, int depth, struct archive_budget *left, struct pgp_secrets *found)
{
    size_t at = 0;
    bool any = false;

    while (left->files && left->bytes && in.len - at >= TAR_BLOCK && in.data[at]) {
        const uint8_t *head = in.data + at;
        size_t size = octal(head + 124, 12), there = in.len - at - TAR_BLOCK, len = least(size, there);

        left->files--;
        at += TAR_BLOCK;
        if (len && len <= ARCHIVE_FILE_MAX)
            any = in_file((struct span){in.data + at, take(left, len)}, depth, left, found) || any;
        len = least((len + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK, there);
        at += len;
    }
    return any;
}

/* Recursion ends at ARCHIVE_DEPTH. */
static bool in_archive(struct span bytes, int depth, struct archive_budget *left, struct pgp_secrets *found)
{
    if (depth >= ARCHIVE_DEPTH)
        return false;
    if (is_gzip(bytes))
        return in_gzip(bytes, depth + 1, left, found);
    if (is_zip(bytes))
        return in_zip(bytes, depth + 1, left, found);
    return is_tar(bytes) && in_tar(bytes, depth + 1, left, found);
}

bool pgp_secret_in_archive(struct span bytes, struct archive_budget *left, struct pgp_secrets *found)
{
    return in_archive(bytes, 0, left, found);
}
