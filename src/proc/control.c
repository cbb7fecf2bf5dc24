/*
 * The control socket: one request and one reply for each connection. A client's bytes are bounded and checked; whatever
 * it sends, it can only lose its own connection.
 */
#include "proc/core.h"

#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/command.h"
#include "flow/view.h"
#include "proc/backup.h"
#include "proc/command_files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX    64
#define REQUEST_MAX    ((size_t)96 << 20)
#define CLIENT_IDLE_MS 30000
#define CLIENT_LAST_MS 1000  /* for who has connected, and has not said all, when core ends */
#define SITE_WAIT_MS   45000 /* for a site that is being built; less than a client waits */

struct client {
    struct client *next;
    struct control *control;
    int fd;
    uid_t uid;
    struct buf in, out;
    struct command command;
    struct command_files files;
    bool running;
    int64_t deadline_ms;
    struct reply site_reply; /* with site_wish: it is given when the site is built */
    int64_t site_until_ms;
};

struct control {
    struct core *core;
    int listen_fd;
    struct client *clients;
    size_t n;
    bool stopping;
};

size_t control_busy(const struct control *c)
{
    size_t n = 0;

    for (const struct client *k = c->clients; k; k = k->next)
        n += k->running || (c->stopping && clock_monotonic_ms() < k->deadline_ms);
    return n;
}

void control_stop(struct control *c)
{
    int64_t last_ms = clock_monotonic_ms() + CLIENT_LAST_MS;

    if (c->stopping)
        return;
    c->stopping = true;
    loop_remove(c->core->loop, c->listen_fd);
    for (struct client *k = c->clients; k; k = k->next)
        if (k->deadline_ms > last_ms)
            k->deadline_ms = last_ms;
}

static void client_free(struct client *k)
{
    struct client **at = &k->control->clients;

    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    k->control->n--;
    loop_remove(k->control->core->loop, k->fd);
    close(k->fd);
    buf_free(&k->in);
    buf_free(&k->out);
    command_free(&k->command);
    reply_free(&k->site_reply);
    free(k);
}

void control_free(struct control **c)
{
    if (!*c)
        return;
    while ((*c)->clients)
        client_free((*c)->clients);
    loop_remove((*c)->core->loop, (*c)->listen_fd);
    free(*c);
    *c = NULL;
}

static void send_reply(struct client *k)
{
    while (k->out.len) {
        ssize_t n = send(k->fd, k->out.data, k->out.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            loop_set_events(k->control->core->loop, k->fd, POLLOUT);
            return;
        }
        if (n < 0)
            break;
        buf_drop_front(&k->out, (size_t)n);
    }
    client_free(k);
}

static void answer(struct client *k, struct reply *r)
{
    struct buf payload = BUF_EMPTY;

    k->running = false;
    reply_put(r, &payload);
    frame_write(&k->out, CONTROL_REPLY, buf_span(&payload));
    buf_free(&payload);
    reply_free(r);
    send_reply(k);
}

static void answer_error(struct client *k, enum err err, const struct diag *why)
{
    struct reply r = {.out = BUF_EMPTY};

    reply_from(&r, err, why);
    answer(k, &r);
}

/* ---- who is it ---- */

static enum err find_actor(struct client *k, const char *as, struct diag *why)
{
    const struct core *core = k->control->core;
    const struct settings *s = core->settings;
    const struct settings_admin *found = NULL;
    const struct settings_list *list = NULL;

    if (as && !clock_is_rehearsal(&core->clock))
        return diag_set(why, ERR_DENIED, "control.as", "--as is for rehearsals: live, the caller's uid decides");
    if (as) {
        found = settings_admin_at(s, as);
        if (!found)
            return diag_set(why, ERR_DENIED, "control.as", "no admin has this address: see embargoctl admin list");
    }
    /* Where a command names no list and there are several, its handler asks for one, or looks at the object's. */
    if (k->command.list && !(list = settings_list_named(s, k->command.list)))
        return diag_set(why, ERR_NOT_FOUND, "list.unknown", "no list `%.32s` in embargod.conf", k->command.list);
    if (!list && s->n_lists == 1)
        list = &s->lists[0];
    if (!found)
        found = settings_admin_of_uid(s, (int64_t)k->uid, list);
    if (!found)
        return diag_set(why, ERR_DENIED, "control.peer", "uid %ld is no admin's: see `admins` in embargod.conf",
                        (long)k->uid);
    if (list && !settings_admin_serves(found, list))
        return diag_set(why, ERR_DENIED, "control.list",
                        "you are no admin of this list: see `admins` in embargod.conf");
    if (!list && (list = settings_only_list(s, found)))
        k->command.list = mem_strdup(list->name);
    actor_of_admin(&k->command.actor, found);
    return ERR_OK;
}

/* ---- what is asked for ---- */

static void run(struct client *k)
{
    struct reply r = {.out = BUF_EMPTY};

    command_run(&k->control->core->flow, &k->command, &r);
    if (r.ok && r.backup.id[0]) {
        backup_begin(k->control->core->backup, fcntl(k->fd, F_DUPFD_CLOEXEC, 3), &r);
        client_free(k);
        return;
    }
    if (!r.ok || !r.site_wish) {
        answer(k, &r);
        return;
    }
    k->site_reply = r;
    k->site_until_ms = clock_monotonic_ms() + SITE_WAIT_MS;
}

/* Its files have gone through workers. */
static void examined(void *ctx, enum err err, const struct diag *why)
{
    struct client *k = ctx;

    if (err)
        answer_error(k, err, why);
    else
        run(k);
}

/* A site that takes longer than a client waits is built all the same. */
static void answer_site(struct client *k, bool done, enum err err, struct diag *why)
{
    struct reply r = k->site_reply;

    k->site_reply = (struct reply){.out = BUF_EMPTY};
    if (r.data)
        json_decref(r.data);
    r.data = view_site(&k->control->core->flow);
    if (done && err)
        reply_from(&r, err, why);
    if (!done) {
        r.ok = false;
        r.exit = EXIT_NOT_SETTLED;
        snprintf(r.rule, sizeof r.rule, "publish.building");
        snprintf(r.message, sizeof r.message, "the site is still being built: embargoctl wait tells when it stands");
    }
    answer(k, &r);
}

void control_tick(struct control *c)
{
    for (struct client *k = c->clients, *next; k; k = next) {
        bool done = false;
        struct diag why;
        enum err err;

        next = k->next;
        if (!k->site_reply.site_wish)
            continue;
        err = publisher_result(c->core->publisher, k->site_reply.site_wish, &done, &why);
        if (done || clock_monotonic_ms() >= k->site_until_ms)
            answer_site(k, done, err, &why);
    }
}

static void request(struct client *k, struct span payload)
{
    struct diag why;
    char *as = NULL;
    enum err err = command_get(payload, &k->command, &as, &why);

    k->running = true;
    loop_set_events(k->control->core->loop, k->fd, 0);
    if (!err)
        err = find_actor(k, as, &why);
    free(as);
    buf_free(&k->in);
    if (err) {
        answer_error(k, err, &why);
        return;
    }
    k->files = (struct command_files){.core = k->control->core, .command = &k->command, .done = examined, .ctx = k};
    command_files_start(&k->files);
}

/* Nobody waits for it any more: who gave up was told that nothing is done (main/ctl_client.h). */
static bool is_withdrawn(const struct client *k)
{
    struct pollfd peer = {.fd = k->fd};

    return poll(&peer, 1, 0) > 0 && (peer.revents & (POLLHUP | POLLERR));
}

static void read_request(struct client *k)
{
    struct span payload;
    uint32_t type;
    size_t used;
    uint8_t *room = buf_room(&k->in, 65536);
    ssize_t n = room ? read(k->fd, room, 65536) : -1;
    enum err err;

    if (n < 0 && room && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_free(k);
        return;
    }
    buf_grown(&k->in, (size_t)n);
    err = frame_next(buf_span(&k->in), REQUEST_MAX, &type, &payload, &used);
    if (err == ERR_AGAIN)
        return;
    if (err || type != CONTROL_REQUEST || used != k->in.len) {
        log_event(NULL, "control-refused", "frame.bad", NULL);
        client_free(k);
        return;
    }
    if (is_withdrawn(k)) {
        log_event(NULL, "control-withdrawn", NULL, NULL);
        client_free(k);
        return;
    }
    request(k, payload);
}

static void on_client(void *ctx, int fd, short revents)
{
    struct client *k = ctx;

    (void)fd;
    if (k->running) {
        /* Its request goes on; a client that hangs up while waiting just gets no answer. */
        if (revents & (POLLHUP | POLLERR))
            loop_set_events(k->control->core->loop, k->fd, 0);
        return;
    }
    if (k->out.len)
        send_reply(k);
    else
        read_request(k);
}

/* Clients that connect and say nothing make room for others. */
static void drop_idle(struct control *c)
{
    int64_t now = clock_monotonic_ms();

    for (struct client *k = c->clients, *next; k; k = next) {
        next = k->next;
        if (!k->running && now > k->deadline_ms)
            client_free(k);
    }
}

static void on_listen(void *ctx, int fd, short revents)
{
    struct control *c = ctx;
    struct ucred peer;
    socklen_t len = sizeof peer;
    struct client *k;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)revents;
    if (client < 0)
        return;
    drop_idle(c);
    if (c->n >= CLIENTS_MAX || getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &len)) {
        close(client);
        return;
    }
    k = mem_zero(1, sizeof *k);
    k->control = c;
    k->fd = client;
    k->uid = peer.uid;
    k->deadline_ms = clock_monotonic_ms() + CLIENT_IDLE_MS;
    buf_init(&k->in, REQUEST_MAX + 131072);
    buf_init(&k->out, FRAME_PAYLOAD_MAX + 16);
    k->next = c->clients;
    c->clients = k;
    c->n++;
    loop_add(c->core->loop, client, POLLIN, on_client, k);
}

struct control *control_new(struct core *core, int listen_fd)
{
    struct control *c = mem_zero(1, sizeof *c);

    c->core = core;
    c->listen_fd = listen_fd;
    loop_prepare_fd(listen_fd);
    loop_add(core->loop, listen_fd, POLLIN, on_listen, c);
    return c;
}
