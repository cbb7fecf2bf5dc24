/* Due copies go to the courier, a bounded number at a time; its results come back and are committed in batches. */
#include "proc/core.h"

#include "base/frame.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/verp.h"
#include "io/courier.h"
#include "io/courier_lane.h"
#include "store/outbox.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OUT_MAX         (8 << 20) /* bytes that the courier has not taken */
#define SLOW_FACTOR     8         /* times limits.courier_jobs: what the courier has at most, slow ones and all */
#define ASIDE_MAX       4096      /* copies to slow domains that are passed over */
#define ASIDE_MS        1000      /* until they are looked at again */
#define RECORD_PAUSE_MS 500       /* after results that could not be recorded */

/*
 * The courier has a bounded number of copies. One that it has had for long does not count, so that a slow domain holds
 * up no other; but a domain that has such ones gets half of that number at most, and its further copies are set aside.
 */
struct job {
    int64_t id;
    uint64_t domain; /* io/courier_lane.h */
    int64_t since_ms;
};

struct dispatch {
    struct core *core;
    int fd;
    struct buf in, out; /* `in`: results that are not recorded yet */
    int64_t record_not_before_ms;
    bool one_by_one;  /* results are recorded for the time being: one of them cannot be */
    struct job *jobs; /* copies that the courier has */
    size_t n_jobs, max_jobs;
    int64_t *aside;
    size_t n_aside;
    int64_t aside_ms; /* since when */
    int64_t *busy;    /* room for the ids of both */
};

static void on_courier(void *ctx, int fd, short revents);

struct dispatch *dispatch_new(struct core *core, int fd)
{
    struct dispatch *d = mem_zero(1, sizeof *d);

    d->core = core;
    d->fd = fd;
    d->max_jobs = (size_t)core->settings->limits.courier_jobs;
    d->jobs = mem_zero(d->max_jobs * SLOW_FACTOR, sizeof *d->jobs);
    d->aside = mem_zero(ASIDE_MAX, sizeof *d->aside);
    d->busy = mem_zero(d->max_jobs * SLOW_FACTOR + ASIDE_MAX, sizeof *d->busy);
    buf_init(&d->in, BUF_MAX_DEFAULT);
    buf_init(&d->out, BUF_MAX_DEFAULT);
    loop_prepare_fd(fd);
    loop_add(core->loop, fd, POLLIN, on_courier, d);
    return d;
}

void dispatch_free(struct dispatch **d)
{
    if (!*d)
        return;
    buf_free(&(*d)->in);
    buf_free(&(*d)->out);
    free((*d)->jobs);
    free((*d)->aside);
    free((*d)->busy);
    free(*d);
    *d = NULL;
}

size_t dispatch_busy(const struct dispatch *d)
{
    return d->n_jobs;
}

static void forget_job(struct dispatch *d, int64_t id)
{
    for (size_t i = 0; i < d->n_jobs; i++)
        if (d->jobs[i].id == id) {
            d->jobs[i] = d->jobs[--d->n_jobs];
            d->n_aside = 0;
            return;
        }
}

static bool is_slow(const struct job *job, int64_t now_ms)
{
    return now_ms - job->since_ms >= COURIER_SLOW_MS;
}

/* How many more the courier may have. */
static size_t room_of(const struct dispatch *d)
{
    int64_t now_ms = clock_monotonic_ms();
    size_t quick = 0, all = d->max_jobs * SLOW_FACTOR - d->n_jobs;

    for (size_t i = 0; i < d->n_jobs; i++)
        quick += !is_slow(&d->jobs[i], now_ms);
    if (quick >= d->max_jobs)
        return 0;
    return d->max_jobs - quick < all ? d->max_jobs - quick : all;
}

static bool has_its_share(const struct dispatch *d, uint64_t domain)
{
    int64_t now_ms = clock_monotonic_ms();
    size_t n = 0, slow = 0;

    for (size_t i = 0; i < d->n_jobs; i++)
        if (d->jobs[i].domain == domain) {
            n++;
            slow += is_slow(&d->jobs[i], now_ms);
        }
    return slow && n >= (d->max_jobs + 1) / 2;
}

static void set_aside(struct dispatch *d, int64_t id)
{
    if (d->n_aside == 0)
        d->aside_ms = clock_monotonic_ms();
    if (d->n_aside < ASIDE_MAX)
        d->aside[d->n_aside++] = id;
}

/* The pause after so many tries, and what all the pauses before it come to. */
static int64_t pause_after(const struct settings_limits *l, int64_t tries, int64_t *before)
{
    int64_t pause = l->retry_first_s < l->retry_max_s ? l->retry_first_s : l->retry_max_s;

    *before = 0;
    for (int64_t i = 0; i < tries && *before < l->retry_give_up_s; i++) {
        *before += pause;
        pause = pause * 2 < l->retry_max_s ? pause * 2 : l->retry_max_s;
    }
    return pause;
}

/*
 * Growing pauses, until they come to limits.retry_give_up_s: then the copy has failed, and says so. Pauses are counted,
 * not time, so that neither a daemon that was down nor a copy that was held uses its tries up.
 */
static enum err record_deferred(struct dispatch *d, const struct copy_row *row, const char *code, struct diag *why)
{
    const struct settings_limits *l = &d->core->settings->limits;
    int64_t now = clock_now(&d->core->clock), before, pause = pause_after(l, row->tries, &before);
    char *words;
    enum err err;

    if (before < l->retry_give_up_s)
        return copy_set_deferred(d->core->flow.db, row->id, code, now + pause, why);
    words = mem_printf("%s (given up after %lld tries: mend the cause, then queue retry %lld)", code ? code : "",
                       (long long)row->tries + 1, (long long)row->id);
    err = copy_set_state(d->core->flow.db, row->id, "failed", words, now, why);
    free(words);
    return err;
}

static bool is_waiting(const struct copy_row *row)
{
    return strcmp(row->state, "queued") == 0 || strcmp(row->state, "deferred") == 0;
}

static enum err record_outcome(struct dispatch *d, int64_t id, uint32_t outcome, const char *code, const char *queue_id,
                               struct diag *why)
{
    struct db *db = d->core->flow.db;
    int64_t now = clock_now(&d->core->clock);
    struct copy_row row;
    enum err err;

    if (outcome == COURIER_SENT)
        return copy_set_sent(db, id, code, queue_id, now, why);
    err = copy_by_id(db, id, &row, why);
    /* One that was dropped meanwhile stays dropped. */
    if (!err && is_waiting(&row))
        err = outcome == COURIER_FAILED ? copy_set_state(db, id, "failed", code, now, why)
                                        : record_deferred(d, &row, code, why);
    copy_row_free(&row);
    return err;
}

/* What the courier says of one copy. */
struct result {
    int64_t id;
    uint32_t outcome;
    char *code, *queue_id;
};

static enum err result_get(struct span payload, struct result *out, struct diag *why)
{
    struct frame_reader r;

    frame_reader_init(&r, payload);
    out->id = frame_get_i64(&r);
    out->outcome = frame_get_u32(&r);
    out->code = frame_get_str(&r);
    out->queue_id = frame_get_str(&r);
    return frame_done(&r) ? ERR_OK : diag_set(why, ERR_INTERNAL, "frame.bad", "the courier sent a damaged frame");
}

static void result_free(struct result *result)
{
    free(result->code);
    free(result->queue_id);
}

/* The next result that has come in whole, from *at on, which moves behind it. ERR_AGAIN: there is none. */
static enum err next_result(struct dispatch *d, size_t *at, struct result *out, struct diag *why)
{
    struct span payload;
    uint32_t type;
    size_t used;
    enum err err =
        frame_next((struct span){d->in.data + *at, d->in.len - *at}, FRAME_PAYLOAD_MAX, &type, &payload, &used);

    *out = (struct result){0};
    if (err == ERR_AGAIN)
        return err;
    if (!err)
        err = result_get(payload, out, why);
    else
        diag_set(why, err, "frame.bad", "the courier sent a damaged frame");
    if (!err)
        *at += used;
    else
        result_free(out);
    return err;
}

/* Up to `max` results in one transaction; *bytes of `in` are what they take. */
static enum err record_some(struct dispatch *d, size_t max, size_t *bytes, struct diag *why)
{
    struct result result;
    enum err err = db_begin(d->core->flow.db, why), more = ERR_OK;

    *bytes = 0;
    for (size_t n = 0; !err && n < max && !(more = next_result(d, bytes, &result, why)); n++) {
        err = record_outcome(d, result.id, result.outcome, result.code, result.queue_id, why);
        if (err == ERR_NOT_FOUND)
            err = ERR_OK; /* its case was removed meanwhile */
        result_free(&result);
    }
    return db_end(d->core->flow.db, err, why);
}

/* They are recorded: the courier has these copies no more, and may get others. */
static void forget_results(struct dispatch *d, size_t bytes)
{
    struct result result;
    struct diag none;

    for (size_t at = 0; at < bytes && !next_result(d, &at, &result, &none); result_free(&result))
        forget_job(d, result.id);
    buf_drop_front(&d->in, bytes);
}

/*
 * What a result is not recorded of was handed over all the same, and must not go again: the result is kept until it is
 * recorded, and so long the copy counts as the courier's. One that cannot be recorded for its own sake is let go of,
 * and its copy goes nowhere until the next start.
 */
static void record_failed(struct dispatch *d, enum err err, size_t bytes, const struct diag *why)
{
    log_diag(NULL, "results-not-recorded", why);
    if (err == ERR_AGAIN || err == ERR_LIMIT || db_trouble(d->core->flow.db, NULL)) {
        d->record_not_before_ms = clock_monotonic_ms() + RECORD_PAUSE_MS;
    } else if (!d->one_by_one) {
        d->one_by_one = true;
    } else {
        buf_drop_front(&d->in, bytes);
        d->one_by_one = false;
    }
}

static void record_all(struct dispatch *d)
{
    struct result result;
    struct diag why;
    size_t bytes = 0;
    enum err err = next_result(d, &bytes, &result, &why);

    if (!err)
        result_free(&result);
    if (err == ERR_AGAIN || (!err && clock_monotonic_ms() < d->record_not_before_ms))
        return;
    if (err) {
        /* The parent starts all roles anew. */
        log_diag(NULL, "courier-gone", &why);
        d->core->stopping = true;
        buf_clear(&d->in);
        return;
    }
    err = record_some(d, d->one_by_one ? 1 : SIZE_MAX, &bytes, &why);
    if (err) {
        record_failed(d, err, bytes, &why);
    } else {
        d->one_by_one = false;
        forget_results(d, bytes);
    }
}

static void send_out(struct dispatch *d)
{
    while (d->out.len) {
        ssize_t n = send(d->fd, d->out.data, d->out.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        buf_drop_front(&d->out, (size_t)n);
    }
    loop_set_events(d->core->loop, d->fd, d->out.len ? POLLIN | POLLOUT : POLLIN);
}

static void on_courier(void *ctx, int fd, short revents)
{
    struct dispatch *d = ctx;
    uint8_t *room;
    ssize_t n;

    if (revents & POLLOUT)
        send_out(d);
    if (!(revents & (POLLIN | POLLHUP | POLLERR)))
        return;
    room = buf_room(&d->in, 65536);
    n = read(fd, room, 65536);
    if (n > 0) {
        buf_grown(&d->in, (size_t)n);
        record_all(d);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        /* The parent starts all roles again when one ends. */
        log_event(NULL, "courier-gone", NULL, NULL);
        loop_remove(d->core->loop, fd);
        d->core->stopping = true;
    }
}

static char *delivery_id(const struct mail_row *mail, int64_t copy)
{
    const char *start = mail->message_id + 1;

    return mem_printf("%.*s.%lld", (int)strcspn(start, "@>"), start, (long long)copy);
}

static enum err fill_job(struct dispatch *d, const struct copy_row *copy, const struct mail_row *mail,
                         struct courier_job *job, struct diag *why)
{
    struct db *db = d->core->flow.db;
    const struct settings_list *list = flow_list_of_row(&d->core->flow, mail->list_id, why);
    char sender[ADDR_MAX_BYTES + 1] = "";
    enum err err = list ? ERR_OK : ERR_NOT_FOUND;

    buf_init(&job->prefix, BUF_MAX_DEFAULT);
    buf_init(&job->head, BUF_MAX_DEFAULT);
    buf_init(&job->suffix, BUF_MAX_DEFAULT);
    job->id = copy->id;
    job->delivery_id = delivery_id(mail, copy->id);
    job->recipient = copy_address(db, copy);
    /* What a program answers in clear goes out with a null sender, so that nothing can answer it (RFC 3834, 3.3). */
    if (!err && strcmp(mail->kind, "acknowledgement") != 0 && strcmp(mail->kind, "receipt") != 0)
        err = verp_address(db_box(db), list->address, copy->id, sender, why);
    job->sender = mem_strdup(sender);
    if (!err && !job->recipient)
        err = diag_set(why, ERR_INTERNAL, "queue.address", "the address of a copy does not open");
    if (!err && strcmp(mail->form, "cleared") == 0)
        return mail_payload(db, mail->id, &job->prefix, why);
    if (!err)
        err = mail_frame(db, mail->id, &job->prefix, &job->suffix, why);
    if (!err)
        err = copy_head(db, copy->id, &job->head, why);
    job->body_file = err ? NULL : body_file(db, copy->body_id);
    return err;
}

/* Its domain is slow, and has as much as it may. */
static bool may_wait(const struct dispatch *d, const struct copy_row *copy, uint64_t *domain)
{
    char *address = copy_address(d->core->flow.db, copy);

    *domain = courier_lane_of(address);
    mem_free_secret(&address);
    return has_its_share(d, *domain);
}

static void hand_over(struct dispatch *d, int64_t id)
{
    struct courier_job job = {0};
    struct copy_row copy = {0};
    struct mail_row mail = {0};
    struct buf payload = BUF_EMPTY;
    struct diag why;
    uint64_t domain = 0;
    enum err err;

    db_new_turn(d->core->flow.db);
    err = copy_by_id(d->core->flow.db, id, &copy, &why);
    if (!err && may_wait(d, &copy, &domain)) {
        copy_row_free(&copy);
        set_aside(d, id);
        return;
    }
    if (!err)
        err = mail_by_id(d->core->flow.db, copy.mail_id, &mail, &why);
    if (!err)
        err = fill_job(d, &copy, &mail, &job, &why);
    if (!err)
        err = db_turn_fault(d->core->flow.db, &why); /* no mail without what could not be read */
    if (err == ERR_AGAIN || err == ERR_LIMIT || db_turn_fault(d->core->flow.db, NULL)) {
        /* The database's trouble is not the copy's: it stays queued. */
        log_diag(NULL, "copy-not-read", &why);
    } else if (err) {
        log_diag(NULL, "copy-failed", &why);
        copy_set_state(d->core->flow.db, id, "failed", why.rule, clock_now(&d->core->clock), &why);
    } else {
        courier_job_put(&job, &payload);
        frame_write(&d->out, COURIER_DELIVER, buf_span(&payload));
        d->jobs[d->n_jobs++] = (struct job){id, domain, clock_monotonic_ms()};
    }
    buf_free(&payload);
    courier_job_free(&job);
    copy_row_free(&copy);
    mail_row_free(&mail);
}

/* Those that are due, and neither with the courier nor set aside; the number handed over or set aside. */
static size_t hand_some(struct dispatch *d, size_t room)
{
    int64_t ids[64], now = clock_now(&d->core->clock), staged;
    size_t n = 0;
    struct diag why;

    /* A notice that was held back for its instant cannot be called back: a clock that is not believed holds it. */
    staged = d->core->guard.trust == CLOCK_TRUSTED ? now : INT64_MIN;
    for (size_t i = 0; i < d->n_jobs; i++)
        d->busy[i] = d->jobs[i].id;
    memcpy(d->busy + d->n_jobs, d->aside, d->n_aside * sizeof *d->aside);
    if (copy_due(d->core->flow.db, now, staged, d->busy, d->n_jobs + d->n_aside, ids, room < 64 ? room : 64, &n,
                 &why)) {
        log_diag(NULL, "queue-read-failed", &why);
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        hand_over(d, ids[i]);
    return n;
}

void dispatch_tick(struct dispatch *d)
{
    size_t room, aside;

    record_all(d); /* what a fault of the database left: the courier would not say it again */
    if (d->core->stopping)
        return;
    if (d->n_aside && clock_monotonic_ms() - d->aside_ms >= ASIDE_MS)
        d->n_aside = 0;
    do {
        room = d->out.len > OUT_MAX ? 0 : room_of(d);
        aside = d->n_aside;
    } while (room && hand_some(d, room) && d->n_aside > aside && d->n_aside < ASIDE_MAX);
    send_out(d);
}
