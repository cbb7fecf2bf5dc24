#include "proc/worker_backup.h"

#include "base/fsx.h"
#include "base/instant.h"
#include "base/mem.h"
#include "codec/box.h"
#include "codec/pgp_home.h"
#include "codec/pgp_key.h"
#include "codec/pgp_stream.h"
#include "codec/tar.h"
#include "proc/crypto_request.h"
#include "store/db.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ENTRIES_MAX 1000000

struct entry {
    char name[TAR_NAME_MAX + 1];
    char *path; /* NULL: bytes */
    struct span bytes;
};

struct pack {
    char *home; /* of the instance */
    bool with_keys;
    struct entry *entries;
    size_t n, at;
    json_t *manifest, *files;
    char *manifest_text;
    int64_t now_utc_s;
    /* the file under way */
    int fd;
    uint64_t size, left;
    struct box_sha256 *hash;
    struct buf ready; /* bytes to be handed out before anything else */
    bool ended;
    enum err err;
    struct diag *why;
};

static void pack_free(struct pack *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->entries[i].path);
    free(p->entries);
    free(p->home);
    json_decref(p->manifest);
    free(p->manifest_text);
    fsx_close(&p->fd);
    if (p->hash) {
        char unused[65];

        box_sha256_end(&p->hash, unused);
    }
    buf_free(&p->ready);
}

/* ---- what is packed ---- */

/* Takes the path. */
static enum err add_entry(struct pack *p, const char *name, char *path, struct span bytes, struct diag *why)
{
    struct entry *e;

    if (strlen(name) > TAR_NAME_MAX || p->n == ENTRIES_MAX) {
        diag_set(why, ERR_LIMIT, "archive.name", "%s for a backup: %.120s",
                 p->n == ENTRIES_MAX ? "too many files" : "the name is too long", name);
        free(path);
        return ERR_LIMIT;
    }
    if (p->n % 64 == 0)
        p->entries = mem_resize(p->entries, p->n + 64, sizeof *p->entries);
    e = &p->entries[p->n++];
    *e = (struct entry){.path = path, .bytes = bytes};
    snprintf(e->name, sizeof e->name, "%s", name);
    return ERR_OK;
}

/* Plain files of a folder below the instance whose names end so ("": all); a folder that is not there has none. */
static enum err add_folder(struct pack *p, const char *folder, const char *ending, struct diag *why)
{
    char *path = mem_printf("%s/%s", p->home, folder);
    size_t k = strlen(ending);
    struct fsx_names files;
    enum err err = fsx_list(path, &files, why);

    for (size_t i = 0; !err && i < files.n; i++) {
        size_t len = strlen(files.name[i]);
        char *name = mem_printf("%s/%s", folder, files.name[i]), *file = mem_printf("%s/%s", path, files.name[i]);
        struct stat st;
        bool there = lstat(file, &st) == 0;

        /* One that is gone since it was listed is a body whose mail has gone, or a key that was taken out. */
        if (!there && errno != ENOENT)
            err = fsx_fail(why, "backup.read", "reading a folder");
        else if (there && S_ISREG(st.st_mode) && len >= k && strcmp(files.name[i] + len - k, ending) == 0)
            err = add_entry(p, name, mem_strdup(file), (struct span){NULL, 0}, why);
        free(name);
        free(file);
    }
    fsx_names_free(&files);
    free(path);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err add_home(struct pack *p, const char *list, const char *home, struct diag *why)
{
    static const char *const parts[][2] = {{"private-keys-v1.d", ".key"}, {"openpgp-revocs.d", ".rev"}};
    bool secret = strcmp(home, "list") == 0 || strcmp(home, "storage") == 0;
    char *folder = mem_printf("gnupg/%s/%s", list, home);
    enum err err = add_folder(p, folder, "pubring.kbx", why);

    for (size_t i = 0; !err && secret && p->with_keys && i < 2; i++) {
        char *below = mem_printf("%s/%s", folder, parts[i][0]);

        err = add_folder(p, below, parts[i][1], why);
        free(below);
    }
    free(folder);
    return err;
}

static enum err add_homes_of(struct pack *p, const char *list, struct diag *why)
{
    char *path = mem_printf("%s/gnupg/%s", p->home, list);
    struct fsx_names homes;
    enum err err = fsx_list(path, &homes, why);

    /* Throw-away homes have names of their own. */
    for (size_t i = 0; !err && i < homes.n; i++)
        if (strcmp(homes.name[i], "list") == 0 || strcmp(homes.name[i], "storage") == 0 ||
            strcmp(homes.name[i], "quarantine") == 0 || strncmp(homes.name[i], "member-", 7) == 0)
            err = add_home(p, list, homes.name[i], why);
    fsx_names_free(&homes);
    free(path);
    return err;
}

/* ---- the archive, as gpg asks for it ---- */

static bool fail(struct pack *p, enum err err)
{
    p->err = err;
    return false;
}

static bool open_entry(struct pack *p)
{
    const struct entry *e = &p->entries[p->at];
    uint8_t head[TAR_BLOCK];
    struct stat st = {0};
    enum err err;

    p->size = e->bytes.len;
    if (e->path) {
        p->fd = open(e->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (p->fd < 0 || fstat(p->fd, &st))
            return fail(p, diag_errno(p->why, ERR_INTERNAL, "backup.read", e->name));
        p->size = (uint64_t)st.st_size;
    }
    err = tar_head(e->name, p->size, p->now_utc_s, head, p->why);
    if (err)
        return fail(p, err);
    p->left = p->size;
    p->hash = box_sha256_begin();
    buf_add(&p->ready, head, sizeof head);
    if (!e->path) {
        buf_add(&p->ready, e->bytes.data, e->bytes.len);
        box_sha256_add(p->hash, e->bytes);
        p->left = 0;
    }
    return true;
}

static void close_entry(struct pack *p)
{
    static const uint8_t zeros[TAR_BLOCK];
    char digest[65];

    box_sha256_end(&p->hash, digest);
    fsx_close(&p->fd);
    buf_add(&p->ready, zeros, tar_padding(p->size));
    if (p->files)
        json_array_append_new(p->files, json_pack("{s:s, s:I, s:s}", "name", p->entries[p->at].name, "size",
                                                  (json_int_t)p->size, "sha256", digest));
    p->at++;
}

/* The last entry: what is in it is known only now. */
static bool add_manifest(struct pack *p)
{
    json_object_set_new(p->manifest, "files", p->files);
    p->files = NULL;
    p->manifest_text = json_dumps(p->manifest, JSON_INDENT(1));
    return p->manifest_text && !add_entry(p, "manifest.json", NULL, span_of(p->manifest_text), p->why);
}

static bool end_archive(struct pack *p)
{
    static const uint8_t zeros[TAR_END_BYTES];

    p->ended = true;
    buf_add(&p->ready, zeros, sizeof zeros);
    return true;
}

/* There is something to hand out, or bytes of a file to read, or it has ended; false: a fault. */
static bool advance(struct pack *p)
{
    while (!p->ready.len && !p->ended) {
        if (p->hash && p->left)
            return true;
        if (p->hash)
            close_entry(p);
        else if (p->at < p->n ? !open_entry(p) : p->files ? !add_manifest(p) : !end_archive(p))
            return false;
    }
    return true;
}

static ssize_t read_file(struct pack *p, uint8_t *to, size_t max)
{
    size_t want = p->left < max ? (size_t)p->left : max;
    ssize_t n = read(p->fd, to, want);

    if (n < 0 && errno == EINTR)
        return read_file(p, to, max);
    if (n <= 0) {
        p->err = diag_set(p->why, ERR_INTERNAL, "backup.read", "a file became shorter while it was read: %s",
                          p->entries[p->at].name);
        return -1;
    }
    box_sha256_add(p->hash, (struct span){to, (size_t)n});
    p->left -= (uint64_t)n;
    return n;
}

static ssize_t pull(void *ctx, uint8_t *to, size_t max)
{
    struct pack *p = ctx;
    size_t n;

    if (!advance(p)) {
        if (!p->err)
            p->err = diag_set(p->why, ERR_INTERNAL, "backup.read", "the list of the files cannot be written");
        return -1;
    }
    if (!p->ready.len)
        return p->ended ? 0 : read_file(p, to, max);
    n = p->ready.len < max ? p->ready.len : max;
    memcpy(to, p->ready.data, n);
    buf_drop_front(&p->ready, n);
    return (ssize_t)n;
}

/* ---- the request ---- */

struct order {
    char *list_home, *signer, *manifest;
    char *admins[BACKUP_ADMINS_MAX];
    uint32_t n_admins;
};

static void order_free(struct order *o)
{
    free(o->list_home);
    free(o->signer);
    free(o->manifest);
    for (uint32_t i = 0; i < o->n_admins; i++)
        free(o->admins[i]);
}

/* instant, list home, signer, instance, with_keys, manifest, admins, files (name, bytes), lists */
static enum err read_order(struct span request, struct order *o, struct pack *p, struct diag *why)
{
    struct frame_reader r;
    char *name;
    uint32_t n;
    enum err err = ERR_OK;

    frame_reader_init(&r, request);
    p->now_utc_s = frame_get_i64(&r);
    o->list_home = frame_get_str(&r);
    o->signer = frame_get_str(&r);
    p->home = frame_get_str(&r);
    p->with_keys = frame_get_bool(&r);
    o->manifest = frame_get_str(&r);
    n = frame_get_count(&r, 4);
    if (!o->list_home || !o->signer || !p->home || !o->manifest || n > BACKUP_ADMINS_MAX)
        return crypto_request_damaged(why);
    while (o->n_admins < n)
        if (!(o->admins[o->n_admins++] = frame_get_str(&r)))
            return crypto_request_damaged(why);
    for (n = frame_get_count(&r, 8); !err && n; n--) {
        name = frame_get_str(&r);
        err = name ? add_entry(p, name, NULL, frame_get_bytes(&r), why) : crypto_request_damaged(why);
        free(name);
    }
    if (!err)
        err = add_entry(p, "state/db.sqlite", mem_printf("%s/" BACKUP_FOLDER "/" BACKUP_COPY, p->home),
                        (struct span){NULL, 0}, why);
    if (!err)
        err = add_folder(p, "state/bodies", "", why);
    for (n = frame_get_count(&r, 4); !err && n; n--) {
        name = frame_get_str(&r);
        err = name ? add_homes_of(p, name, why) : crypto_request_damaged(why);
        free(name);
    }
    return err || frame_done(&r) ? err : crypto_request_damaged(why);
}

/* Those whose keys can be used; what is wrong with the others goes into left_out. */
static size_t choose(const struct order *o, int64_t now, const char **out, json_t *left_out)
{
    struct pgp_key_info *info = mem_zero(1, sizeof *info);
    struct diag why;
    size_t n = 0;

    for (uint32_t i = 0; i < o->n_admins; i++) {
        enum pgp_key_state state = PGP_KEY_MISSING;

        if (!pgp_key_lookup(o->list_home, o->admins[i], info, &why))
            state = pgp_key_state_at(info, now, NULL, 0);
        if (pgp_key_state_sends(state))
            out[n++] = o->admins[i];
        else
            json_array_append_new(
                left_out, json_pack("{s:s, s:s}", "fingerprint", o->admins[i], "key_state", pgp_key_state_name(state)));
    }
    free(info);
    return n;
}

static enum err seal(struct pack *p, const struct order *o, json_t *facts, struct diag *why)
{
    const char *recipients[BACKUP_ADMINS_MAX];
    json_t *left_out = json_array(), *to = json_array();
    size_t n = choose(o, p->now_utc_s, recipients, left_out);
    char *path = mem_printf("%s/" BACKUP_FOLDER "/" BACKUP_SEALED, p->home);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st = {0};
    enum err err = ERR_OK;

    for (size_t i = 0; i < n; i++)
        json_array_append_new(to, json_string(recipients[i]));
    json_object_set_new(facts, "encrypted_to", to);
    json_object_set_new(facts, "left_out", left_out);
    if (!n)
        err = diag_set(why, ERR_DENIED, "backup.no-admin",
                       "no admin of all lists has a usable key to encrypt to: see admin list");
    else if (fd < 0)
        err = fsx_fail(why, "backup.write", "the sealed file");
    p->why = why;
    if (!err)
        err = pgp_seal_stream(o->list_home, o->signer, recipients, n, pull, p, fd, why);
    if (p->err)
        err = p->err;
    if (!err && fstat(fd, &st))
        err = fsx_fail(why, "backup.write", "the sealed file");
    json_object_set_new(facts, "size_bytes", json_integer((json_int_t)st.st_size));
    json_object_set_new(facts, "files", json_integer((json_int_t)p->n));
    if (fd >= 0)
        close(fd);
    free(path);
    return err;
}

/* A backup of a damaged database is none, and would be believed in until the day on which it is needed. */
static enum err check_copy(const struct pack *p, struct diag *why)
{
    char *path = mem_printf("%s/" BACKUP_FOLDER "/" BACKUP_COPY, p->home);
    enum err err = db_check_file(path, why);

    free(path);
    return err;
}

enum err worker_backup(struct span request, struct buf *reply, struct diag *why)
{
    struct pack p = {.fd = -1, .ready = BUF_EMPTY};
    struct order o = {0};
    json_t *facts = json_object();
    struct diag fault;
    enum err err = read_order(request, &o, &p, why);
    bool rehearsed = p.now_utc_s != INSTANT_NONE;

    if (!rehearsed)
        p.now_utc_s = (int64_t)time(NULL);
    if (!err && rehearsed)
        err = pgp_home_set_time(o.list_home, p.now_utc_s, why);
    if (!err && !(p.manifest = json_loads(o.manifest, 0, NULL)))
        err = crypto_request_damaged(why);
    p.files = json_array();
    if (!err)
        err = box_start(why);
    if (!err)
        err = check_copy(&p, why);
    if (!err && (err = seal(&p, &o, facts, &fault)))
        *why = fault;
    if (!err) {
        char *text = json_dumps(facts, JSON_COMPACT);

        frame_put_str(reply, text);
        free(text);
    }
    if (p.files)
        json_decref(p.files);
    json_decref(facts);
    pack_free(&p);
    order_free(&o);
    return err;
}
