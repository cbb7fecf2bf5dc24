#include "base/spool.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "base/spool_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The form of a name: 'x' hex digit, 'd' decimal digit, else the character itself. */
static const char name_form[] = "xxxxxxxxxxxxxxxx-xxxxxxxx-xxxxxxxx-xxxxxxxxxxxxxxxx.ddd";

bool spool_name_ok(const char *name)
{
    for (size_t i = 0; i < sizeof name_form; i++) {
        bool digit = name[i] >= '0' && name[i] <= '9';
        bool ok = name_form[i] == 'd'   ? digit
                  : name_form[i] == 'x' ? digit || (name[i] >= 'a' && name[i] <= 'f')
                                        : name[i] == name_form[i];

        if (!ok)
            return false;
    }
    return spool_name_index(name) < SPOOL_RECIPIENTS_MAX;
}

unsigned spool_name_index(const char *name)
{
    const char *digit = name + sizeof name_form - 4;

    return (unsigned)(digit[0] - '0') * 100 + (unsigned)(digit[1] - '0') * 10 + (unsigned)(digit[2] - '0');
}

bool spool_address_ok(const char *bytes, size_t len)
{
    if (len > SPOOL_ADDRESS_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f)
            return false;
    return true;
}

static enum err damaged(struct diag *why, const char *what)
{
    return diag_set(why, ERR_REJECT, "spool.damaged", "a spool file is damaged (%s); it is kept in spool/bad", what);
}

static uint64_t get_be(const uint8_t *from, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | from[i];
    return value;
}

/* Exactly len bytes at off; a shorter file is damaged. */
static enum err read_at(int fd, void *to, size_t len, uint64_t off, struct diag *why)
{
    uint8_t *at = to;

    while (len) {
        ssize_t n = pread(fd, at, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fsx_fail(why, "spool.unreadable", "spool/new");
        if (n == 0)
            return damaged(why, "short");
        at += n;
        off += (uint64_t)n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

/* Takes the next address off the header; `to` may be NULL. False where it leaves the header, or is no address. */
static bool take_address(struct span *header, char *to)
{
    size_t len;

    if (header->len < 2)
        return false;
    len = (size_t)get_be(header->data, 2);
    if (len > header->len - 2 || !spool_address_ok((const char *)header->data + 2, len))
        return false;
    if (to) {
        memcpy(to, header->data + 2, len);
        to[len] = 0;
    }
    header->data += 2 + len;
    header->len -= 2 + len;
    return true;
}

static enum err take_addresses(struct span header, size_t n, struct spool_entry *out, struct diag *why)
{
    unsigned wanted = spool_name_index(out->name);

    if (n < 1 || n > SPOOL_RECIPIENTS_MAX || wanted >= n)
        return damaged(why, "number of recipients");
    if (!take_address(&header, out->sender))
        return damaged(why, "sender");
    for (size_t i = 0; i < n; i++)
        if (!take_address(&header, i == wanted ? out->recipient : NULL))
            return damaged(why, "recipients");
    if (header.len)
        return damaged(why, "bytes after the recipients");
    return out->recipient[0] ? ERR_OK : damaged(why, "empty recipient");
}

static enum err check_fixed(const uint8_t *fixed, uint64_t size, struct spool_entry *out, struct diag *why)
{
    uint64_t header_len = get_be(fixed + SPOOL_AT_HEADER_LEN, 4);

    out->flags = (unsigned)get_be(fixed + SPOOL_AT_FLAGS, 2);
    out->origin = (enum spool_origin)fixed[SPOOL_AT_ORIGIN];
    out->received_at_utc_s = (int64_t)get_be(fixed + SPOOL_AT_RECEIVED, 8);
    out->body_off = header_len;
    out->body_bytes = get_be(fixed + SPOOL_AT_BODY_LEN, 8);
    if (memcmp(fixed, SPOOL_MAGIC, SPOOL_MAGIC_LEN) != 0)
        return damaged(why, "magic");
    if (get_be(fixed + SPOOL_AT_VERSION, 2) != SPOOL_VERSION)
        return damaged(why, "version");
    if (out->body_bytes == SPOOL_INCOMPLETE)
        return damaged(why, "incomplete");
    if (out->flags & ~SPOOL_FLAGS_KNOWN || fixed[SPOOL_AT_ZERO] != 0)
        return damaged(why, "flags");
    if (out->origin < SPOOL_FROM_LMTP || out->origin > SPOOL_FROM_IMAP)
        return damaged(why, "origin");
    if (header_len < SPOOL_FIXED_LEN || header_len > SPOOL_HEADER_LEN_MAX || header_len > size)
        return damaged(why, "length of the header");
    if (out->body_bytes != size - header_len)
        return damaged(why, out->body_bytes > size - header_len ? "short" : "trailing bytes");
    return ERR_OK;
}

static enum err read_header(struct spool_entry *out, struct diag *why)
{
    uint8_t fixed[SPOOL_FIXED_LEN], *rest;
    struct stat st;
    size_t len;
    enum err err;

    if (fstat(out->fd, &st))
        return fsx_fail(why, "spool.unreadable", "spool/new");
    if (!S_ISREG(st.st_mode) || st.st_size < SPOOL_FIXED_LEN)
        return damaged(why, "short");
    err = read_at(out->fd, fixed, sizeof fixed, 0, why);
    if (!err)
        err = check_fixed(fixed, (uint64_t)st.st_size, out, why);
    if (err)
        return err;
    len = (size_t)out->body_off - SPOOL_FIXED_LEN;
    rest = mem_zero(len + 1, 1);
    err = read_at(out->fd, rest, len, SPOOL_FIXED_LEN, why);
    if (!err)
        err = take_addresses((struct span){rest, len}, (size_t)get_be(fixed + SPOOL_AT_RECIPIENTS, 2), out, why);
    free(rest);
    return err;
}

enum err spool_read(const struct spool *spool, const char *name, struct spool_entry *out, struct diag *why)
{
    enum err err;

    *out = (struct spool_entry){.fd = -1};
    if (!spool_name_ok(name))
        return diag_set(why, ERR_USAGE, "spool.name", "not the name of a spool entry");
    memcpy(out->name, name, strlen(name));
    out->fd = openat(spool->new_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (out->fd < 0)
        return errno == ELOOP ? damaged(why, "a link") : fsx_fail(why, "spool.unreadable", "spool/new");
    err = read_header(out, why);
    if (err)
        spool_entry_close(out);
    return err;
}

void spool_entry_close(struct spool_entry *entry)
{
    fsx_close(&entry->fd);
}

enum err spool_entry_load(const struct spool_entry *entry, struct buf *out, struct diag *why)
{
    uint8_t *room;
    enum err err;

    buf_clear(out);
    if (entry->body_bytes > out->max || !(room = buf_room(out, (size_t)entry->body_bytes))) {
        buf_clear(out);
        return diag_set(why, ERR_LIMIT, "spool.too-large", "a message is larger than %zu bytes", out->max);
    }
    err = read_at(entry->fd, room, (size_t)entry->body_bytes, entry->body_off, why);
    if (!err)
        buf_grown(out, (size_t)entry->body_bytes);
    return err;
}
