/* Look-ups that are due go to the fetch role, a few at a time; what it finds is examined, then handed to its kind. */
#include "proc/core.h"

#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/lookup_kinds.h"
#include "io/fetch.h"
#include "proc/examiner.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX    (FETCH_BYTES_MAX + 8192)
#define AGAIN_FIRST_S 3600
#define AGAIN_MAX_S   86400

struct fetching {
    struct core *core;
    int fd;
    struct buf in;
    int64_t ids[FETCH_JOBS_MAX]; /* 0: free */
    size_t n;
    int64_t not_before_ms; /* after a fault of the database */
};

struct found {
    struct fetching *fetching;
    int64_t id;
};

static void on_fetch(void *ctx, int fd, short revents);

struct fetching *fetching_new(struct core *core, int fd)
{
    struct fetching *f = mem_zero(1, sizeof *f);

    f->core = core;
    f->fd = fd;
    buf_init(&f->in, 4 * ANSWER_MAX);
    loop_prepare_fd(fd);
    loop_add(core->loop, fd, POLLIN, on_fetch, f);
    return f;
}

void fetching_free(struct fetching **f)
{
    if (!*f)
        return;
    loop_remove((*f)->core->loop, (*f)->fd);
    buf_free(&(*f)->in);
    free(*f);
    *f = NULL;
}

bool fetching_busy(struct fetching *f)
{
    int64_t id;

    return f->n || lookup_due(f->core->flow.db, clock_now(&f->core->clock), &id, 1);
}

static int64_t *place_of(struct fetching *f, int64_t id)
{
    for (size_t i = 0; i < FETCH_JOBS_MAX; i++)
        if (f->ids[i] == id)
            return &f->ids[i];
    return NULL;
}

static void forget(struct fetching *f, int64_t id)
{
    int64_t *place = place_of(f, id);

    if (place) {
        *place = 0;
        f->n--;
    }
}

/* ---- the result ---- */

static enum err run_kind(struct fetching *f, const struct lookup_row *row, const struct lookup_result *result,
                         struct diag *why)
{
    for (const struct lookup_kind *k = lookup_kinds; k->name; k++)
        if (strcmp(k->name, row->kind) == 0)
            return k->run(&f->core->flow, row, result, why);
    return ERR_OK; /* of a kind that a newer program knew */
}

static void put_off(struct fetching *f, const struct lookup_row *row)
{
    struct db *db = f->core->flow.db;
    int64_t pause = AGAIN_FIRST_S;
    struct diag why;

    for (int64_t i = 0; i < row->tries && pause < AGAIN_MAX_S; i++)
        pause *= 2;
    if (lookup_put_off(db, row->id, clock_now(&f->core->clock) + (pause < AGAIN_MAX_S ? pause : AGAIN_MAX_S), &why)) {
        log_diag(NULL, "lookup-failed", &why);
        f->not_before_ms = clock_monotonic_ms() + 10000;
    }
}

static void conclude(struct fetching *f, int64_t id, const struct lookup_result *result)
{
    struct db *db = f->core->flow.db;
    struct lookup_row row = {0};
    static const char *const words[] = {"found", "absent", "offline", "refused"};
    struct diag why;
    enum err err;

    forget(f, id);
    log_event(NULL, "lookup", *result->rule ? result->rule : NULL, "%s", words[result->outcome]);
    if (db_begin(db, &why)) {
        f->not_before_ms = clock_monotonic_ms() + 10000;
        return;
    }
    err = lookup_by_id(db, id, &row, &why);
    if (!err)
        err = run_kind(f, &row, result, &why);
    if (!err)
        err = lookup_end(db, row.kind, row.object, &why);
    err = db_end(db, err, &why);
    if (err) {
        if (row.id) {
            log_event(NULL, "lookup-later", why.rule, NULL);
            put_off(f, &row);
        }
    }
    lookup_row_free(&row);
}

static void examined(void *ctx, enum err err, const struct pgp_key_info *key, struct span certificate,
                     const struct diag *why)
{
    struct found *found = ctx;
    struct lookup_result result = {.outcome = err == ERR_AGAIN || err == ERR_INTERNAL ? LOOKUP_OFFLINE
                                              : err                                   ? LOOKUP_REFUSED
                                                                                      : LOOKUP_FOUND,
                                   .rule = err ? why->rule : "",
                                   .text = err ? why->text : "",
                                   .key = key,
                                   .certificate = certificate};
    struct fetching *f = found->fetching;
    int64_t id = found->id;

    free(found);
    conclude(f, id, &result);
}

static void take_result(struct fetching *f, int64_t id, const struct fetch_result *got)
{
    static const enum lookup_outcome outcomes[] = {LOOKUP_FOUND, LOOKUP_ABSENT, LOOKUP_OFFLINE, LOOKUP_REFUSED};
    struct lookup_row row = {0};
    struct diag why;

    if (got->outcome == FETCH_FOUND && !lookup_by_id(f->core->flow.db, id, &row, &why)) {
        struct found *found = mem_zero(1, sizeof *found);

        *found = (struct found){f, id};
        examiner_start(f->core, row.list_id, buf_span(&got->bytes), examined, found);
    } else {
        struct lookup_result result = {.outcome = outcomes[got->outcome], .rule = got->rule, .text = got->text};

        conclude(f, id, &result);
    }
    lookup_row_free(&row);
}

/* Core cannot go on with a fetch role that speaks what none says: all is started anew. */
static void give_up(struct fetching *f, const char *words)
{
    log_event(NULL, "fetch-gone", NULL, "%s", words);
    loop_remove(f->core->loop, f->fd);
    f->core->stopping = true;
}

static void on_fetch(void *ctx, int fd, short revents)
{
    struct fetching *f = ctx;
    uint8_t *room = buf_room(&f->in, 65536);
    ssize_t n = room ? read(fd, room, 65536) : 0;
    struct span payload;
    uint32_t type;
    size_t used;
    enum err err;

    (void)revents;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        give_up(f, "the fetch role has ended");
        return;
    }
    buf_grown(&f->in, (size_t)n);
    while (!(err = frame_next(buf_span(&f->in), ANSWER_MAX, &type, &payload, &used))) {
        struct fetch_result result;
        struct diag why;
        int64_t id;
        bool ok = type == FETCH_RESULT && !fetch_result_get(payload, &id, &result, &why);

        if (ok && place_of(f, id))
            take_result(f, id, &result);
        if (ok)
            buf_free(&result.bytes);
        buf_drop_front(&f->in, used);
        if (!ok) {
            give_up(f, "the fetch role sent a damaged frame");
            return;
        }
    }
    if (err != ERR_AGAIN)
        give_up(f, "the fetch role sent a damaged frame");
}

/* ---- the request ---- */

static void send_lookup(struct fetching *f, int64_t id)
{
    struct buf payload = BUF_EMPTY, frame = BUF_EMPTY;
    struct lookup_row row = {0};
    struct diag why;
    int64_t *place = place_of(f, 0);

    if (lookup_by_id(f->core->flow.db, id, &row, &why)) {
        log_diag(NULL, "lookup-failed", &why);
        f->not_before_ms = clock_monotonic_ms() + 10000;
    } else {
        frame_put_i64(&payload, id);
        frame_put_str(&payload, row.address);
        frame_write(&frame, FETCH_LOOKUP, buf_span(&payload));
        /* A few hundred bytes, and at most FETCH_JOBS_MAX of them: the socket takes them at once. */
        if (write(f->fd, frame.data, frame.len) == (ssize_t)frame.len) {
            *place = id;
            f->n++;
        }
    }
    buf_free(&payload);
    buf_free(&frame);
    lookup_row_free(&row);
}

void fetching_tick(struct fetching *f)
{
    int64_t due[FETCH_JOBS_MAX * 2];
    size_t n;

    if (f->n == FETCH_JOBS_MAX || clock_monotonic_ms() < f->not_before_ms)
        return;
    n = lookup_due(f->core->flow.db, clock_now(&f->core->clock), due, sizeof due / sizeof due[0]);
    for (size_t i = 0; i < n && f->n < FETCH_JOBS_MAX; i++)
        if (!place_of(f, due[i]))
            send_lookup(f, due[i]);
}
