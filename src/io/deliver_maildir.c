#include "io/deliver_maildir.h"

#include "base/buf.h"
#include "base/fsx.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID_MAX     128
#define BLOCK_SIZE 16384

struct maildir_delivery {
    int tmp_fd;
    int new_fd;
    int fd;
    bool after_cr; /* a CR is kept back until it is known what follows */
    bool broken;
    struct buf block; /* at most BLOCK_SIZE bytes and one CR */
    char id[ID_MAX + 1];
};

static bool address_ok(const char *address)
{
    return fsx_name_ok(address) && address[0] != '.';
}

static bool id_ok(const char *id)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(id);

    return len > 0 && len <= ID_MAX && strchr(letters, id[0]) && strspn(id, all) == len;
}

static bool sender_ok(const char *sender)
{
    for (; *sender; sender++)
        if ((unsigned char)*sender < 0x20 || *sender == 0x7f)
            return false;
    return true;
}

static enum err check_words(const char *address, const char *id, const char *sender, struct diag *why)
{
    if (!address_ok(address))
        return diag_set(why, ERR_USAGE, "maildir.address",
                        "an address cannot be a folder's name: it is empty or too long, begins with a dot, or holds a "
                        "slash or a control character");
    if (!id_ok(id))
        return diag_set(why, ERR_USAGE, "maildir.id", "a delivery's id has letters, digits and ._- only, at most %d",
                        ID_MAX);
    if (!sender_ok(sender))
        return diag_set(why, ERR_USAGE, "maildir.sender", "a sender holds a control character");
    return ERR_OK;
}

/* The errors of fsx name the object, which here would be somebody's address. */
static enum err nameless(struct diag *why, enum err err)
{
    if (!err)
        return ERR_OK;
    if (err == ERR_LIMIT)
        return diag_set(why, err, "disk.full", "no room for a delivery into a Maildir");
    return diag_set(why, ERR_AGAIN, "maildir.unwritable", "a delivery's Maildir cannot be written; look at its rights");
}

static enum err open_folders(struct maildir_delivery *d, const char *root, const char *address)
{
    int root_fd = -1, box_fd = -1, cur_fd = -1;
    /* Not made where it is there: to make it durable is to open what holds it, which a confined courier may not. */
    enum err err = fsx_open_dir(AT_FDCWD, root, &root_fd, NULL);

    if (err == ERR_NOT_FOUND)
        err = fsx_make_dir(AT_FDCWD, root, 0700, &root_fd, NULL);
    if (!err)
        err = fsx_make_dir(root_fd, address, 0700, &box_fd, NULL);
    if (!err)
        err = fsx_make_dir(box_fd, "cur", 0700, &cur_fd, NULL);
    if (!err)
        err = fsx_make_dir(box_fd, "tmp", 0700, &d->tmp_fd, NULL);
    if (!err)
        err = fsx_make_dir(box_fd, "new", 0700, &d->new_fd, NULL);
    fsx_close(&cur_fd);
    fsx_close(&box_fd);
    fsx_close(&root_fd);
    return err;
}

/* What an earlier try has left under this name in tmp/ was never delivered. */
static enum err open_file(struct maildir_delivery *d)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;

    if (unlinkat(d->tmp_fd, d->id, 0) && errno != ENOENT)
        return ERR_AGAIN;
    d->fd = openat(d->tmp_fd, d->id, flags, 0600);
    return d->fd < 0 ? fsx_fail(NULL, "", "") : ERR_OK;
}

static void delivery_free(struct maildir_delivery **delivery)
{
    struct maildir_delivery *d = *delivery;

    fsx_close(&d->fd);
    fsx_close(&d->tmp_fd);
    fsx_close(&d->new_fd);
    buf_free(&d->block);
    free(d);
    *delivery = NULL;
}

enum err deliver_maildir_begin(const char *root, const char *address, const char *id, const char *sender,
                               struct maildir_delivery **out, struct diag *why)
{
    enum err err = check_words(address, id, sender, why);
    struct maildir_delivery *d;

    *out = NULL;
    if (err)
        return err;
    d = mem_zero(1, sizeof *d);
    d->fd = d->tmp_fd = d->new_fd = -1;
    memcpy(d->id, id, strlen(id));
    buf_init(&d->block, BLOCK_SIZE + 1);
    err = open_folders(d, root, address);
    if (!err)
        err = open_file(d);
    if (err) {
        delivery_free(&d);
        return nameless(why, err);
    }
    *out = d;
    err = deliver_maildir_write(d, "Return-Path: <", 14, why);
    if (!err)
        err = deliver_maildir_write(d, sender, strlen(sender), why);
    if (!err)
        err = deliver_maildir_write(d, ">\nDelivered-To: ", 16, why);
    if (!err)
        err = deliver_maildir_write(d, address, strlen(address), why);
    if (!err)
        err = deliver_maildir_write(d, "\n", 1, why);
    if (err)
        deliver_maildir_abandon(out);
    return err;
}

static enum err flush_block(struct maildir_delivery *d)
{
    enum err err = fsx_write_all(d->fd, d->block.data, d->block.len, "", NULL);

    if (err)
        d->broken = true;
    buf_clear(&d->block);
    return err;
}

/* Adds text without its CR LF's CR; a CR at the end waits for what follows. */
static void add_text(struct maildir_delivery *d, const uint8_t *bytes, size_t len)
{
    if (d->after_cr && bytes[0] != '\n')
        buf_add_byte(&d->block, '\r');
    d->after_cr = bytes[len - 1] == '\r';
    buf_add(&d->block, bytes, len - d->after_cr);
}

enum err deliver_maildir_write(struct maildir_delivery *delivery, const void *bytes, size_t len, struct diag *why)
{
    const uint8_t *at = bytes;

    if (delivery->broken)
        return nameless(why, ERR_AGAIN);
    while (len) {
        size_t take = len < BLOCK_SIZE ? len : BLOCK_SIZE;
        const uint8_t *cr = memchr(at, '\r', take);
        enum err err;

        if (cr)
            take = (size_t)(cr - at) + 1;
        if (take + 1 > delivery->block.max - delivery->block.len && (err = flush_block(delivery)))
            return nameless(why, err);
        add_text(delivery, at, take);
        at += take;
        len -= take;
    }
    return ERR_OK;
}

enum err deliver_maildir_commit(struct maildir_delivery **delivery, struct diag *why)
{
    struct maildir_delivery *d = *delivery;
    enum err err = d->broken ? ERR_AGAIN : ERR_OK;

    if (!err && d->after_cr) {
        err = flush_block(d);
        buf_add_byte(&d->block, '\r');
    }
    if (!err)
        err = flush_block(d);
    if (!err)
        err = fsx_sync(d->fd, "", NULL);
    if (!err)
        err = fsx_rename(d->tmp_fd, d->id, d->new_fd, d->id, NULL);
    if (err)
        unlinkat(d->tmp_fd, d->id, 0);
    delivery_free(delivery);
    return nameless(why, err);
}

void deliver_maildir_abandon(struct maildir_delivery **delivery)
{
    if (!*delivery)
        return;
    unlinkat((*delivery)->tmp_fd, (*delivery)->id, 0);
    delivery_free(delivery);
}
