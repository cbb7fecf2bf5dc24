#include "main/ctl_restore.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "codec/box.h"
#include "codec/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONF_MAX     ((size_t)4 << 20)
#define MANIFEST_MAX ((size_t)128 << 20)

struct unpack {
    const char *home;
    bool keys_only;
    struct buf conf, manifest;
    json_t *seen; /* name: {size, sha256} */
    struct tar_reader tar;
    /* the file under way */
    char name[TAR_NAME_MAX + 1];
    uint64_t size;
    struct box_sha256 *hash;
    struct buf *text; /* or */
    int fd;
    enum err err;
    struct diag why;
};

/* ---- what may be in a backup, and where it goes ---- */

/* One component of a pattern: "*" is any, else it ends in "*" or is the same. */
static bool part_fits(const char *pattern, size_t n, const char *part, size_t len)
{
    if (n && pattern[n - 1] == '*')
        return len >= n - 1 && memcmp(pattern, part, n - 1) == 0;
    return n == len && memcmp(pattern, part, n) == 0;
}

static bool fits(const char *pattern, const char *name)
{
    for (;;) {
        size_t n = strcspn(pattern, "/"), len = strcspn(name, "/");

        if (!part_fits(pattern, n, name, len) || !pattern[n] != !name[len])
            return false;
        if (!pattern[n])
            return true;
        pattern += n + 1;
        name += len + 1;
    }
}

static bool is_one_of(const char *const *patterns, const char *name)
{
    for (; *patterns; patterns++)
        if (fits(*patterns, name))
            return true;
    return false;
}

static bool is_secret(const char *name)
{
    static const char *const patterns[] = {"gnupg/*/list/private-keys-v1.d/*", "gnupg/*/list/openpgp-revocs.d/*",
                                           "gnupg/*/storage/private-keys-v1.d/*", "gnupg/*/storage/openpgp-revocs.d/*",
                                           NULL};

    return is_one_of(patterns, name);
}

static bool is_file(const char *name)
{
    static const char *const patterns[] = {"policy/*",
                                           "policy/holidays/*",
                                           "state/db.sqlite",
                                           "state/bodies/*",
                                           "gnupg/*/list/pubring.kbx",
                                           "gnupg/*/storage/pubring.kbx",
                                           "gnupg/*/quarantine/pubring.kbx",
                                           "gnupg/*/member-*/pubring.kbx",
                                           NULL};

    return is_one_of(patterns, name) || is_secret(name);
}

/* ---- a file ---- */

static enum err open_file(struct unpack *u, struct diag *why)
{
    char *path = mem_printf("%s/%s", u->home, u->name);
    enum err err = ERR_OK;

    for (char *p = path + strlen(u->home) + 1; !err && (p = strchr(p, '/')); p++) {
        *p = 0;
        if (mkdir(path, 0700) && errno != EEXIST)
            err = fsx_fail(why, "restore.write", "making a folder");
        *p = '/';
    }
    if (!err) {
        u->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (u->fd < 0)
            err = fsx_fail(why, "restore.write", u->name);
    }
    free(path);
    return err;
}

static enum err begin(void *ctx, const char *name, uint64_t size, struct diag *why)
{
    struct unpack *u = ctx;

    memcpy(u->name, name, strlen(name) + 1);
    u->size = size;
    u->text = NULL;
    if (json_object_get(u->seen, name))
        return diag_set(why, ERR_REJECT, "backup.entry", "the backup holds a file twice: %s", name);
    u->hash = box_sha256_begin();
    if (strcmp(name, "README") == 0 || (u->keys_only && is_file(name) && !is_secret(name)))
        return ERR_OK;
    if (strcmp(name, "embargod.conf") == 0 || strcmp(name, "manifest.json") == 0) {
        u->text = *name == 'e' ? &u->conf : &u->manifest;
        return ERR_OK;
    }
    if (!is_file(name))
        return diag_set(why, ERR_REJECT, "backup.entry", "the backup holds a file that none has: %s", name);
    return open_file(u, why);
}

static enum err bytes(void *ctx, struct span in, struct diag *why)
{
    struct unpack *u = ctx;

    box_sha256_add(u->hash, in);
    if (u->text) {
        buf_add(u->text, in.data, in.len);
        return u->text->over ? diag_set(why, ERR_LIMIT, "backup.entry", "too large: %s", u->name) : ERR_OK;
    }
    return u->fd < 0 ? ERR_OK : fsx_write_all(u->fd, in.data, in.len, u->name, why);
}

static enum err end(void *ctx, struct diag *why)
{
    struct unpack *u = ctx;
    char digest[65];
    int fd = u->fd;

    u->fd = -1;
    box_sha256_end(&u->hash, digest);
    json_object_set_new(u->seen, u->name, json_pack("{s:I, s:s}", "size", (json_int_t)u->size, "sha256", digest));
    return fd >= 0 && close(fd) ? fsx_fail(why, "restore.write", u->name) : ERR_OK;
}

static bool push(void *ctx, struct span in)
{
    struct unpack *u = ctx;

    u->err = tar_feed(&u->tar, in, &u->why);
    return !u->err;
}

/* ---- the whole ---- */

static enum err damaged(struct diag *why)
{
    return diag_set(why, ERR_REJECT, "backup.damaged", "it is cut, altered, or no backup: take another one");
}

/* What the manifest lists is what was there, and nothing else was. */
static enum err check_digests(const struct unpack *u, const json_t *manifest, struct diag *why)
{
    const json_t *files = json_object_get(manifest, "files"), *row;
    size_t i;

    json_array_foreach((json_t *)files, i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        const json_t *found = name ? json_object_get(u->seen, name) : NULL;

        if (!found || !json_equal(json_object_get(found, "size"), json_object_get(row, "size")) ||
            !json_equal(json_object_get(found, "sha256"), json_object_get(row, "sha256")))
            return damaged(why);
    }
    return json_array_size(files) + 1 == json_object_size(u->seen) ? ERR_OK : damaged(why);
}

static enum err judge(struct unpack *u, enum err err, json_t **manifest, struct diag *why)
{
    if (u->err && u->err == ERR_REJECT && strncmp(u->why.rule, "archive.", 8) == 0)
        return damaged(why);
    if (u->err) {
        *why = u->why;
        return u->err;
    }
    if (err)
        return err;
    if (!tar_is_whole(&u->tar) || u->fd >= 0)
        return damaged(why);
    *manifest = json_loadb((const char *)u->manifest.data, u->manifest.len, 0, NULL);
    return json_is_object(*manifest) ? check_digests(u, *manifest, why) : damaged(why);
}

enum err restore_unpack(struct restore *r, const char *file, bool keys_only, struct buf *conf, json_t **manifest,
                        struct pgp_stream_facts *facts, struct diag *why)
{
    struct unpack u = {.home = r->home, .keys_only = keys_only, .fd = -1, .seen = json_object()};
    int fd = strcmp(file, "-") == 0 ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC);
    enum err err;

    u.tar = (struct tar_reader){.begin = begin, .bytes = bytes, .end = end, .ctx = &u};
    buf_init(&u.conf, CONF_MAX);
    buf_init(&u.manifest, MANIFEST_MAX);
    if (fd < 0)
        err = diag_set(why, ERR_USAGE, "command.file", "cannot open %.200s: %s", file, strerror(errno));
    else
        err = judge(&u, pgp_open_stream(fd, push, &u, facts, why), manifest, why);
    if (!err)
        buf_move(conf, &u.conf);
    if (u.hash) {
        char unused[65];

        box_sha256_end(&u.hash, unused);
    }
    fsx_close(&u.fd);
    fsx_close(&fd);
    json_decref(u.seen);
    buf_free(&u.conf);
    buf_free(&u.manifest);
    return err;
}
