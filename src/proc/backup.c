#include "proc/backup.h"

#include "base/frame.h"
#include "base/fsx.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/worker_backup.h"
#include "store/audit.h"
#include "store/db_copy.h"
#include "store/last_backup.h"
#include "store/schema.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP_PAGES 64
#define STEP_MS    20
#define PART_BYTES 65536
#define CLIENT_MS  60000
#define POLICY_MAX ((size_t)1 << 20)
#define README_TEXT                                                                                                    \
    "A backup of an instance of embargod. To restore it, on a machine that has embargod and the key of an admin:\n\n"  \
    "  embargoctl restore FILE --home DIR\n\nembargod(8), BACKUP, says what comes then. manifest.json says what is\n"  \
    "in here. The database is SQLite; what is secret in it is sealed under a key that only the storage key opens\n"    \
    "(gnupg/LIST/storage).\n"

enum phase { PHASE_IDLE, PHASE_COPY, PHASE_SEAL, PHASE_SEND };

struct backup {
    struct core *core;
    enum phase phase;
    char *folder;
    int client;
    struct reply reply;
    struct db_copy *copy;
    int sealed;
    struct buf out;
    bool replied; /* the reply stands in out */
    int64_t deadline_ms;
    int64_t taken_at;
};

static void sweep(const struct backup *b)
{
    DIR *dir = opendir(b->folder);
    struct dirent *d;

    while (dir && (d = readdir(dir)))
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            unlinkat(dirfd(dir), d->d_name, 0);
    if (dir)
        closedir(dir);
}

struct backup *backup_new(struct core *core)
{
    struct backup *b = mem_zero(1, sizeof *b);

    b->core = core;
    b->client = b->sealed = -1;
    b->folder = settings_path(core->settings, BACKUP_FOLDER);
    buf_init(&b->out, BUF_MAX_DEFAULT);
    mkdir(b->folder, 0700);
    sweep(b);
    return b;
}

static void drop_client(struct backup *b)
{
    if (b->client >= 0) {
        loop_remove(b->core->loop, b->client);
        close(b->client);
    }
    b->client = -1;
}

static void end(struct backup *b)
{
    drop_client(b);
    fsx_close(&b->sealed);
    db_copy_end(&b->copy);
    reply_free(&b->reply);
    buf_free(&b->out);
    sweep(b);
    b->replied = false;
    b->phase = PHASE_IDLE;
}

void backup_free(struct backup **b)
{
    if (!*b)
        return;
    end(*b);
    free((*b)->folder);
    free(*b);
    *b = NULL;
}

size_t backup_busy(const struct backup *b)
{
    return b->phase != PHASE_IDLE;
}

bool backup_has_more(const struct backup *b)
{
    return b->phase == PHASE_COPY;
}

/* ---- to the client ---- */

static void put_reply(struct backup *b)
{
    struct buf payload = BUF_EMPTY;

    reply_put(&b->reply, &payload);
    frame_write(&b->out, CONTROL_REPLY, buf_span(&payload));
    buf_free(&payload);
    b->replied = true;
}

static void remember(struct backup *b)
{
    struct last_backup made = {.at = b->taken_at, .with_keys = b->reply.backup.with_keys};
    char *state = settings_path(b->core->settings, "state");
    struct diag why;

    memcpy(made.id, b->reply.backup.id, sizeof b->reply.backup.id);
    memcpy(made.name, b->reply.backup.name, sizeof made.name);
    if (last_backup_write(state, &made, &why))
        log_diag(b->reply.backup.id, "backup-not-noted", &why);
    log_event(b->reply.backup.id, "backup", NULL, "with-keys=%s", made.with_keys ? "yes" : "no");
    free(state);
}

/* The next part, or the reply behind the last one. */
static void fill(struct backup *b)
{
    uint8_t part[PART_BYTES];
    ssize_t n = b->sealed < 0 ? 0 : read(b->sealed, part, sizeof part);

    if (n < 0) {
        struct diag why;

        reply_from(&b->reply, diag_errno(&why, ERR_INTERNAL, "backup.read", "reading the sealed file"), &why);
    }
    if (n > 0)
        frame_write(&b->out, CONTROL_PART, (struct span){part, (size_t)n});
    else
        put_reply(b);
}

static void on_client(void *ctx, int fd, short revents)
{
    struct backup *b = ctx;
    ssize_t n;

    if (revents & (POLLHUP | POLLERR)) {
        log_event(b->reply.backup.id, "backup-ended", "backup.client-gone", NULL);
        drop_client(b);
        /* A worker that is at it has to come back first. */
        if (b->phase != PHASE_SEAL)
            end(b);
        return;
    }
    if (b->phase != PHASE_SEND)
        return;
    if (!b->out.len && !b->replied)
        fill(b);
    n = send(fd, b->out.data, b->out.len, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n >= 0)
        buf_drop_front(&b->out, (size_t)n);
    b->deadline_ms = clock_monotonic_ms() + CLIENT_MS;
    if (n >= 0 && (b->out.len || !b->replied))
        return;
    if (n >= 0 && b->reply.ok)
        remember(b);
    end(b);
}

static void send_all(struct backup *b)
{
    if (b->client < 0) {
        end(b);
        return;
    }
    b->phase = PHASE_SEND;
    b->deadline_ms = clock_monotonic_ms() + CLIENT_MS;
    loop_set_events(b->core->loop, b->client, POLLOUT);
}

static void refuse(struct backup *b, enum err err, const struct diag *why)
{
    log_diag(b->reply.backup.id, "backup-failed", why);
    json_decref(b->reply.data);
    b->reply.data = NULL;
    reply_from(&b->reply, err, why);
    fsx_close(&b->sealed);
    send_all(b);
}

/* ---- sealing ---- */

static void sealed(void *ctx, enum err err, struct span answer, const struct diag *why)
{
    struct backup *b = ctx;
    char at[INSTANT_TEXT_SIZE], *text = NULL, *path;
    struct frame_reader r;
    struct diag bad;

    if (b->phase != PHASE_SEAL)
        return;
    frame_reader_init(&r, answer);
    if (!err)
        text = frame_get_str(&r);
    path = mem_printf("%s/" BACKUP_SEALED, b->folder);
    b->sealed = err ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (!err && (!frame_done(&r) || !text || !(b->reply.data = json_loads(text, 0, NULL)) || b->sealed < 0))
        err = diag_set(&bad, ERR_INTERNAL, "backup.read", "the sealed file, or the worker's answer, cannot be read");
    else if (err)
        bad = *why;
    /* It is read through its descriptor alone. */
    sweep(b);
    free(path);
    free(text);
    if (err) {
        refuse(b, err, &bad);
        return;
    }
    json_object_set_new(b->reply.data, "id", json_string(b->reply.backup.id));
    json_object_set_new(b->reply.data, "with_keys", json_boolean(b->reply.backup.with_keys));
    json_object_set_new(b->reply.data, "taken_at", json_string(instant_text(b->taken_at, at)));
    send_all(b);
}

static char *manifest(struct backup *b, struct diag *why)
{
    struct core *core = b->core;
    json_t *o = json_object(), *lists = json_array();
    struct buf kind = BUF_EMPTY;
    char at[INSTANT_TEXT_SIZE], head[65] = "", *text;
    int64_t seq = 0;
    enum err err = audit_head(core->flow.db, &seq, head, why);

    db_meta_get(core->flow.db, "kind", &kind);
    for (size_t i = 0; i < core->settings->n_lists; i++) {
        const struct settings_list *l = &core->settings->lists[i];

        json_array_append_new(
            lists, json_pack("{s:s, s:s, s:s}", "name", l->name, "address", l->address, "fingerprint", l->fingerprint));
    }
    json_object_set_new(o, "format", json_integer(BACKUP_FORMAT));
    json_object_set_new(o, "program", json_string("embargod " PACKAGE_VERSION));
    json_object_set_new(o, "schema", json_integer((json_int_t)schema_steps_n));
    json_object_set_new(o, "id", json_string(b->reply.backup.id));
    json_object_set_new(o, "kind", json_string(buf_text(&kind)));
    json_object_set_new(o, "taken_at", json_string(instant_text(b->taken_at, at)));
    json_object_set_new(o, "with_keys", json_boolean(b->reply.backup.with_keys));
    json_object_set_new(o, "lists", lists);
    json_object_set_new(o, "audit", json_pack("{s:I, s:s}", "seq", (json_int_t)seq, "head", head));
    text = err ? NULL : json_dumps(o, JSON_COMPACT);
    json_decref(o);
    buf_free(&kind);
    return text;
}

/* Small files go along with the request: the worker reaches neither the configuration nor policy/. */
static enum err put_file(const char *path, const char *name, struct buf *out, uint32_t *n, struct diag *why)
{
    struct buf bytes = BUF_EMPTY;
    enum err err = fsx_read_path(path, POLICY_MAX, &bytes, why);

    if (!err) {
        frame_put_str(out, name);
        frame_put_buf(out, &bytes);
        (*n)++;
    }
    buf_free(&bytes);
    return err;
}

static enum err put_folder(struct core *core, const char *folder, struct buf *out, uint32_t *n, struct diag *why)
{
    char *path = settings_path(core->settings, folder);
    struct fsx_names files;
    struct stat st;
    enum err err = fsx_list(path, &files, why);

    for (size_t i = 0; !err && i < files.n; i++) {
        char *file = mem_printf("%s/%s", path, files.name[i]), *name = mem_printf("%s/%s", folder, files.name[i]);

        if (stat(file, &st))
            err = fsx_fail(why, "backup.read", "reading a file of the policy folder");
        else if (S_ISREG(st.st_mode))
            err = put_file(file, name, out, n, why);
        free(file);
        free(name);
    }
    fsx_names_free(&files);
    free(path);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err put_files(struct core *core, struct buf *request, struct diag *why)
{
    struct buf files = BUF_EMPTY;
    uint32_t n = 1;
    enum err err;

    frame_put_str(&files, "README");
    frame_put_bytes(&files, README_TEXT, strlen(README_TEXT));
    err = put_file(core->settings->file, "embargod.conf", &files, &n, why);
    if (!err)
        err = put_folder(core, "policy", &files, &n, why);
    if (!err)
        err = put_folder(core, "policy/holidays", &files, &n, why);
    frame_put_u32(request, n);
    buf_add_buf(request, &files);
    buf_free(&files);
    return err;
}

static enum err start_sealing(struct backup *b, struct diag *why)
{
    struct core *core = b->core;
    const struct settings *s = core->settings;
    char *home = settings_gnupg(s, s->lists[0].name, "list"), *text = manifest(b, why);
    struct buf request = BUF_EMPTY;
    uint32_t n = 0;
    enum err err = text ? ERR_OK : ERR_INTERNAL;

    frame_put_i64(&request, core_gpg_time(core));
    frame_put_str(&request, home);
    frame_put_str(&request, s->lists[0].fingerprint);
    frame_put_str(&request, s->home);
    frame_put_bool(&request, b->reply.backup.with_keys);
    frame_put_str(&request, text);
    for (size_t i = 0; i < s->n_admins; i++)
        n += !s->admins[i].n_lists && n < BACKUP_ADMINS_MAX;
    frame_put_u32(&request, n);
    for (size_t i = 0; i < s->n_admins && n; i++)
        if (!s->admins[i].n_lists) {
            frame_put_str(&request, s->admins[i].fingerprint);
            n--;
        }
    if (!err)
        err = put_files(core, &request, why);
    frame_put_u32(&request, (uint32_t)s->n_lists);
    for (size_t i = 0; i < s->n_lists; i++)
        frame_put_str(&request, s->lists[i].name);
    if (!err && request.over)
        err = diag_set(why, ERR_LIMIT, "too-large", "the files of policy/ are too large for a backup");
    b->phase = PHASE_SEAL;
    if (!err)
        pool_submit(core->pool, WORKER_CRYPTO, CRYPTO_BACKUP, &request, sealed, b);
    buf_free(&request);
    free(home);
    free(text);
    return err;
}

/* ---- copying ---- */

static enum err copy_on(struct backup *b, struct diag *why)
{
    int64_t until = clock_monotonic_ms() + STEP_MS;
    bool done = false;
    enum err err = ERR_OK;

    while (!err && !done && clock_monotonic_ms() < until)
        err = db_copy_step(b->copy, STEP_PAGES, &done, why);
    if (err || !done)
        return err;
    db_copy_end(&b->copy);
    b->taken_at = clock_now(&b->core->clock);
    return start_sealing(b, why);
}

void backup_tick(struct backup *b)
{
    struct diag why;
    enum err err = b->phase == PHASE_COPY ? copy_on(b, &why) : ERR_OK;

    if (err)
        refuse(b, err, &why);
    if (b->phase == PHASE_SEND && clock_monotonic_ms() > b->deadline_ms) {
        log_event(b->reply.backup.id, "backup-ended", "backup.client-slow", NULL);
        end(b);
    }
}

static void turn_away(int fd, struct reply *r)
{
    struct buf payload = BUF_EMPTY;
    struct diag why;

    reply_from(r, diag_set(&why, ERR_AGAIN, "backup.busy", "another backup is being made: try again when it is done"),
               &why);
    reply_put(r, &payload);
    frame_send(fd, CONTROL_REPLY, buf_span(&payload), NULL);
    buf_free(&payload);
    reply_free(r);
    close(fd);
}

void backup_begin(struct backup *b, int client_fd, struct reply *r)
{
    char *file;
    struct diag why;
    enum err err;

    if (b->phase != PHASE_IDLE) {
        turn_away(client_fd, r);
        return;
    }
    sweep(b);
    b->reply = *r;
    *r = (struct reply){.out = BUF_EMPTY};
    b->client = client_fd;
    b->phase = PHASE_COPY;
    loop_prepare_fd(client_fd);
    loop_add(b->core->loop, client_fd, 0, on_client, b);
    file = mem_printf("%s/" BACKUP_COPY, b->folder);
    err = db_copy_begin(b->core->flow.db, file, &b->copy, &why);
    free(file);
    if (err)
        refuse(b, err, &why);
}
