#include "base/spool.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "base/spool_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STEM_LEN   51 /* a name without ".III" */
#define BLOCK_SIZE 32768

struct spool_file {
    struct spool *spool;
    int fd;
    size_t n_recipients;
    uint32_t header_len;
    uint64_t body_bytes;
    bool broken; /* a write failed: nothing but abandoning is left */
    char temp[SPOOL_NAME_SIZE];
    struct buf block; /* collects small writes; at most BLOCK_SIZE bytes */
};

/* A stem for names; microseconds first, never behind the one before, so that names sort by arrival. */
static void make_stem(struct spool *spool, char *out)
{
    struct timespec now;
    char random[17];
    uint64_t us;

    clock_gettime(CLOCK_REALTIME, &now);
    us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    if (us > spool->last_us) {
        spool->last_us = us;
        spool->counter = 0;
    }
    fsx_random_hex(8, random);
    snprintf(out, SPOOL_NAME_SIZE, "%016llx-%08x-%08x-%s", (unsigned long long)spool->last_us, spool->counter++,
             (unsigned)getpid(), random);
}

static void put_be(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        to[i] = (uint8_t)value;
}

static void add_address(struct buf *b, const char *address)
{
    size_t len = strlen(address);
    uint8_t prefix[2];

    put_be(prefix, len, 2);
    buf_add(b, prefix, 2);
    buf_add(b, address, len);
}

static enum err check_envelope(const struct spool_envelope *envelope, struct diag *why)
{
    bool ok = envelope->n_recipients >= 1 && envelope->n_recipients <= SPOOL_RECIPIENTS_MAX &&
              spool_address_ok(envelope->sender, strlen(envelope->sender));

    for (size_t i = 0; ok && i < envelope->n_recipients; i++) {
        size_t len = strlen(envelope->recipients[i]);

        ok = len > 0 && spool_address_ok(envelope->recipients[i], len);
    }
    if (ok)
        return ERR_OK;
    return diag_set(why, ERR_USAGE, "spool.envelope",
                    "an envelope has no recipient or more than %d, or an address with control characters or of more "
                    "than %d bytes",
                    SPOOL_RECIPIENTS_MAX, SPOOL_ADDRESS_MAX);
}

static void build_header(const struct spool_envelope *envelope, struct buf *out)
{
    uint8_t fixed[SPOOL_FIXED_LEN] = {0};

    memcpy(fixed, SPOOL_MAGIC, SPOOL_MAGIC_LEN);
    put_be(fixed + SPOOL_AT_VERSION, SPOOL_VERSION, 2);
    put_be(fixed + SPOOL_AT_BODY_LEN, SPOOL_INCOMPLETE, 8);
    put_be(fixed + SPOOL_AT_RECEIVED, (uint64_t)envelope->received_at_utc_s, 8);
    fixed[SPOOL_AT_ORIGIN] = (uint8_t)envelope->origin;
    put_be(fixed + SPOOL_AT_RECIPIENTS, envelope->n_recipients, 2);
    buf_add(out, fixed, sizeof fixed);
    add_address(out, envelope->sender);
    for (size_t i = 0; i < envelope->n_recipients; i++)
        add_address(out, envelope->recipients[i]);
    put_be(out->data + SPOOL_AT_HEADER_LEN, out->len, 4);
}

static void free_file(struct spool_file **file)
{
    struct spool_file *f = *file;

    /* A disk that fails for once must not leave a clear report behind until the next start sweeps it. */
    for (int tries = 0; tries < 3 && unlinkat(f->spool->tmp_fd, f->temp, 0) && errno != ENOENT; tries++)
        ;
    fsx_close(&f->fd);
    buf_free(&f->block);
    free(f);
    *file = NULL;
}

enum err spool_begin(struct spool *spool, const struct spool_envelope *envelope, struct spool_file **out,
                     struct diag *why)
{
    enum err err = check_envelope(envelope, why);
    struct buf header = BUF_EMPTY;
    struct spool_file *f;

    *out = NULL;
    if (err)
        return err;
    f = mem_zero(1, sizeof *f);
    f->spool = spool;
    f->n_recipients = envelope->n_recipients;
    buf_init(&f->block, BLOCK_SIZE);
    make_stem(spool, f->temp);
    memcpy(f->temp + STEM_LEN, ".000", 5);
    f->fd = openat(spool->tmp_fd, f->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f->fd < 0 || fchmod(f->fd, spool->file_mode) || flock(f->fd, LOCK_EX | LOCK_NB))
        err = fsx_fail(why, "spool.unwritable", "tmp");
    build_header(envelope, &header);
    f->header_len = (uint32_t)header.len;
    if (!err)
        err = fsx_write_all(f->fd, header.data, header.len, "spool/tmp", why);
    buf_free(&header);
    if (err)
        free_file(&f);
    *out = f;
    return err;
}

/* Asked for each block: a mail may be larger than was said, and so may all that come beside it. */
static enum err flush_block(struct spool_file *f, struct diag *why)
{
    enum err err = ERR_OK;

    if (!spool_has_room(f->spool, f->block.len))
        err = diag_set(why, ERR_LIMIT, "disk.full", "the disk has no more room than is kept for the database");
    if (!err)
        err = fsx_write_all(f->fd, f->block.data, f->block.len, "spool/tmp", why);
    if (err)
        f->broken = true;
    buf_clear(&f->block);
    return err;
}

enum err spool_write(struct spool_file *file, const void *bytes, size_t len, struct diag *why)
{
    const uint8_t *at = bytes;

    if (file->broken)
        return diag_set(why, ERR_AGAIN, "spool.unwritable", "a write before this one failed");
    while (len) {
        size_t room = BLOCK_SIZE - file->block.len;
        size_t take = len < room ? len : room;
        enum err err;

        buf_add(&file->block, at, take);
        at += take;
        len -= take;
        file->body_bytes += take;
        if (file->block.len == BLOCK_SIZE && (err = flush_block(file, why)))
            return err;
    }
    return ERR_OK;
}

uint64_t spool_written_bytes(const struct spool_file *file)
{
    return file->body_bytes;
}

/* Writes what was not known at the beginning; from here on the file is complete. */
static enum err finish_header(struct spool_file *f, unsigned flags, struct diag *why)
{
    uint8_t bytes[SPOOL_AT_RECEIVED - SPOOL_AT_FLAGS];

    put_be(bytes, flags, 2);
    put_be(bytes + (SPOOL_AT_HEADER_LEN - SPOOL_AT_FLAGS), f->header_len, 4);
    put_be(bytes + (SPOOL_AT_BODY_LEN - SPOOL_AT_FLAGS), f->body_bytes, 8);
    if (lseek(f->fd, SPOOL_AT_FLAGS, SEEK_SET) < 0)
        return fsx_fail(why, "spool.unwritable", "spool/tmp");
    return fsx_write_all(f->fd, bytes, sizeof bytes, "spool/tmp", why);
}

/* Gives the file its names in new/; those that could not be given are false in committed. */
static enum err link_entries(struct spool_file *f, bool *committed, struct diag *why)
{
    char name[SPOOL_NAME_SIZE];
    enum err err = ERR_OK;
    struct diag first = {0};

    make_stem(f->spool, name);
    for (size_t i = 0; i < f->n_recipients; i++) {
        snprintf(name + STEM_LEN, sizeof name - STEM_LEN, ".%03u", (unsigned)i);
        committed[i] = linkat(f->spool->tmp_fd, f->temp, f->spool->new_fd, name, 0) == 0;
        if (!committed[i] && !err)
            err = fsx_fail(&first, "spool.unwritable", "spool/new");
    }
    if (err && why)
        *why = first;
    return err;
}

enum err spool_commit(struct spool_file **file, unsigned flags, bool *committed, struct diag *why)
{
    struct spool_file *f = *file;
    enum err err = ERR_OK, synced;

    memset(committed, 0, f->n_recipients * sizeof *committed);
    if (f->broken)
        err = diag_set(why, ERR_AGAIN, "spool.unwritable", "a write before this one failed");
    if (!err)
        err = flush_block(f, why);
    if (!err)
        err = finish_header(f, flags, why);
    if (!err)
        err = fsx_sync(f->fd, "spool/tmp", why);
    if (!err) {
        err = link_entries(f, committed, why);
        synced = fsx_sync(f->spool->new_fd, "spool/new", err ? NULL : why);
        /* The names may be there or not: no promise, and what is there is a redelivery that core recognises. */
        if (synced) {
            memset(committed, 0, f->n_recipients * sizeof *committed);
            err = synced;
        }
    }
    free_file(file);
    return err;
}

void spool_abandon(struct spool_file **file)
{
    if (*file)
        free_file(file);
}
