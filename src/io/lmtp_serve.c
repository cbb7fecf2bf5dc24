#include "io/lmtp.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE      16384 /* taken from one client before the next has its turn */
#define ACCEPT_PAUSE   1000  /* ms without accepting, when the process is out of descriptors */
#define ACCEPTS_A_TURN 32
#define DRAINS_MAX     64    /* of 4 KiB */
#define PROGRESS_BYTES 65536 /* of a message */
#define GIVE_WAY_MS    1000  /* without progress, after which a connection gives way to a new one */

static const char too_many[] = "421 4.3.2 too many connections; try again later";

struct conn {
    int fd;
    struct lmtp_session *session;
    bool over; /* only output is left */
    bool in_transaction;
    int64_t heard_ms;    /* the last byte from or to the client */
    int64_t started_ms;  /* of the transaction, or of the time outside of one */
    int64_t progress_ms; /* of the session, the last mail, or the last PROGRESS_BYTES */
    size_t bytes;        /* since then */
};

struct server {
    const int *listen_fds;
    size_t n_listen_fds;
    struct spool *spool;
    const struct lmtp_settings *settings;
    int notify_fd;
    struct conn *conns;
    size_t n_conns;
    struct pollfd *polls; /* watches, listeners, connections */
    uint8_t *chunk;
    int64_t now_ms;
    int64_t accept_after_ms;
    int64_t stop_by_ms; /* 0 while serving */
};

static void notify(const struct server *server, size_t n)
{
    static const char bytes[SPOOL_RECIPIENTS_MAX] = {0};

    /* A full pipe means that core has enough to wake it already. */
    if (server->notify_fd >= 0 && n && write(server->notify_fd, bytes, n) < 0)
        return;
}

/*
 * Bytes that nobody has read would make the kernel reset the connection, and the last reply may be lost by it: so much
 * as has come is taken, within bounds.
 */
static void close_gently(int fd)
{
    char bytes[4096];

    for (int i = 0; i < DRAINS_MAX && recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0; i++)
        ;
    mem_wipe(bytes, sizeof bytes);
    close(fd);
}

static void conn_close(struct conn *conn)
{
    close_gently(conn->fd);
    conn->fd = -1;
    lmtp_session_free(&conn->session);
}

static void conn_end(struct conn *conn, const char *reply)
{
    lmtp_session_end(conn->session, reply);
    conn->over = true;
}

/* Sends what the socket takes; closes when all is said. */
static void conn_flush(struct server *server, struct conn *conn)
{
    struct buf *out = lmtp_output(conn->session);

    while (out->len) {
        ssize_t n = send(conn->fd, out->data, out->len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n < 0) {
            conn_close(conn);
            return;
        }
        conn->heard_ms = server->now_ms;
        buf_drop_front(out, (size_t)n);
    }
    if (conn->over)
        conn_close(conn);
}

/* Bytes count within a message only: commands may go on for ever. */
static void conn_note_progress(const struct server *server, struct conn *conn, size_t n, size_t committed)
{
    bool in_transaction = lmtp_in_transaction(conn->session);

    if (committed || in_transaction != conn->in_transaction)
        conn->started_ms = server->now_ms;
    conn->in_transaction = in_transaction;
    if (lmtp_in_data(conn->session))
        conn->bytes += n;
    if (committed || conn->bytes >= PROGRESS_BYTES) {
        conn->progress_ms = server->now_ms;
        conn->bytes = 0;
    }
}

static void conn_read(struct server *server, struct conn *conn)
{
    size_t committed;
    ssize_t n = recv(conn->fd, server->chunk, READ_SIZE, MSG_DONTWAIT);

    if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (n <= 0) {
        conn_close(conn);
        return;
    }
    conn->heard_ms = server->now_ms;
    if (!lmtp_feed(conn->session, server->chunk, (size_t)n))
        conn->over = true;
    committed = lmtp_take_committed(conn->session);
    conn_note_progress(server, conn, (size_t)n, committed);
    notify(server, committed);
    mem_wipe(server->chunk, (size_t)n);
    conn_flush(server, conn);
}

static void conn_add(struct server *server, int fd)
{
    struct conn *conn = &server->conns[server->n_conns++];

    int on = 1;

    /* Replies are small, and a delayed acknowledgement would cost 40 ms each; a UNIX socket refuses it, rightly. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *conn = (struct conn){
        .fd = fd, .heard_ms = server->now_ms, .started_ms = server->now_ms, .progress_ms = server->now_ms};
    conn->session = lmtp_session_new(server->settings, server->spool);
    conn_flush(server, conn);
}

static void drop_closed(struct server *server)
{
    size_t kept = 0;

    for (size_t i = 0; i < server->n_conns; i++)
        if (server->conns[i].fd >= 0)
            server->conns[kept++] = server->conns[i];
    server->n_conns = kept;
}

/* Makes room for one: whoever has gone longest without progress gives way. Those who drip keep nobody out by it. */
static bool make_room(struct server *server)
{
    struct conn *slowest = NULL;

    drop_closed(server);
    if (server->n_conns < server->settings->max_connections)
        return true;
    for (size_t i = 0; i < server->n_conns; i++)
        if (!slowest || server->conns[i].progress_ms < slowest->progress_ms)
            slowest = &server->conns[i];
    if (!slowest || server->now_ms - slowest->progress_ms < GIVE_WAY_MS)
        return false;
    if (!slowest->over) {
        conn_end(slowest, too_many);
        conn_flush(server, slowest);
    }
    if (slowest->fd >= 0)
        conn_close(slowest);
    drop_closed(server);
    return true;
}

static void accept_some(struct server *server, int listen_fd)
{
    char full[sizeof too_many + 2];

    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                server->accept_after_ms = server->now_ms + ACCEPT_PAUSE;
            return;
        }
        if (make_room(server)) {
            conn_add(server, fd);
        } else {
            send(fd, full, (size_t)snprintf(full, sizeof full, "%s\r\n", too_many), MSG_NOSIGNAL | MSG_DONTWAIT);
            close_gently(fd);
        }
    }
}

/* The instant at which this connection has waited long enough. */
static int64_t conn_deadline(const struct server *server, const struct conn *conn)
{
    int64_t at = conn->heard_ms + (int64_t)server->settings->idle_s * 1000;
    int64_t end = conn->started_ms + (int64_t)server->settings->transaction_s * 1000;

    if (end < at)
        at = end;
    if (server->stop_by_ms && server->stop_by_ms < at)
        at = server->stop_by_ms;
    return at;
}

/* Ends what is overdue; a client that does not even take the 421 is cut off. */
static void conn_expire(struct server *server, struct conn *conn)
{
    if (conn->fd < 0 || conn_deadline(server, conn) > server->now_ms)
        return;
    if (!conn->over) {
        conn_end(conn, server->stop_by_ms ? "421 4.3.2 stopping; try again later" : "421 4.4.2 too slow");
        conn_flush(server, conn);
    }
    if (conn->fd >= 0)
        conn_close(conn);
}

static void begin_stop(struct server *server)
{
    server->stop_by_ms = server->now_ms + (int64_t)server->settings->stop_s * 1000 + 1;
}

/* While stopping: whoever is not in the midst of a message is told at once. */
static void conn_stop(struct server *server, struct conn *conn)
{
    if (!server->stop_by_ms || conn->fd < 0 || conn->over || lmtp_in_data(conn->session))
        return;
    conn_end(conn, "421 4.3.2 stopping; try again later");
    conn_flush(server, conn);
}

/* Fills polls; returns the time-out in ms. */
static int prepare(struct server *server)
{
    struct pollfd *p = server->polls;
    bool accepting = !server->stop_by_ms && server->now_ms >= server->accept_after_ms;
    int64_t until = INT64_MAX;

    for (size_t i = 0; i < server->settings->n_watches; i++)
        *p++ = (struct pollfd){.fd = server->stop_by_ms ? -1 : server->settings->watches[i].fd, .events = POLLIN};
    for (size_t i = 0; i < server->n_listen_fds; i++)
        *p++ = (struct pollfd){.fd = accepting ? server->listen_fds[i] : -1, .events = POLLIN};
    if (!accepting && !server->stop_by_ms)
        until = server->accept_after_ms;
    for (size_t i = 0; i < server->n_conns; i++) {
        struct conn *conn = &server->conns[i];
        int64_t deadline = conn_deadline(server, conn);

        *p++ = (struct pollfd){.fd = conn->fd, .events = lmtp_output(conn->session)->len ? POLLOUT : POLLIN};
        until = deadline < until ? deadline : until;
    }
    if (until == INT64_MAX)
        return -1;
    return until <= server->now_ms ? 0 : until - server->now_ms > INT_MAX ? INT_MAX : (int)(until - server->now_ms);
}

static void serve_ready(struct server *server)
{
    const struct lmtp_watch *watches = server->settings->watches;
    size_t n_watches = server->settings->n_watches, n_conns = server->n_conns;
    const struct pollfd *listeners = server->polls + n_watches, *conns = listeners + server->n_listen_fds;

    for (size_t i = 0; i < n_conns; i++) {
        if (conns[i].revents & POLLOUT)
            conn_flush(server, &server->conns[i]);
        else if (conns[i].revents)
            conn_read(server, &server->conns[i]);
    }
    for (size_t i = 0; i < n_watches; i++)
        if (server->polls[i].revents && !watches[i].ready(watches[i].ctx) && !server->stop_by_ms)
            begin_stop(server);
    for (size_t i = 0; i < server->n_listen_fds && !server->stop_by_ms; i++)
        if (listeners[i].revents)
            accept_some(server, server->listen_fds[i]);
}

static enum err serve_until_stopped(struct server *server, struct diag *why)
{
    while (!server->stop_by_ms || server->n_conns) {
        nfds_t n = server->settings->n_watches + server->n_listen_fds + server->n_conns;
        int timeout = prepare(server);

        if (poll(server->polls, n, timeout) < 0) {
            if (errno != EINTR)
                return diag_errno(why, ERR_INTERNAL, "lmtp.poll", "poll");
            for (nfds_t i = 0; i < n; i++)
                server->polls[i].revents = 0;
        }
        server->now_ms = clock_monotonic_ms();
        serve_ready(server);
        for (size_t i = 0; i < server->n_conns; i++) {
            conn_stop(server, &server->conns[i]);
            conn_expire(server, &server->conns[i]);
        }
        drop_closed(server);
    }
    return ERR_OK;
}

enum err lmtp_serve(const int *listen_fds, size_t n_listen_fds, struct spool *spool,
                    const struct lmtp_settings *settings, int notify_fd, struct diag *why)
{
    struct server server = {.listen_fds = listen_fds,
                            .n_listen_fds = n_listen_fds,
                            .spool = spool,
                            .settings = settings,
                            .notify_fd = notify_fd};
    enum err err;

    signal(SIGPIPE, SIG_IGN);
    if (notify_fd >= 0)
        fcntl(notify_fd, F_SETFL, fcntl(notify_fd, F_GETFL) | O_NONBLOCK);
    server.conns = mem_zero(settings->max_connections + 1, sizeof *server.conns);
    server.polls = mem_zero(settings->n_watches + n_listen_fds + settings->max_connections + 1, sizeof *server.polls);
    server.chunk = mem_zero(READ_SIZE, 1);
    server.now_ms = clock_monotonic_ms();
    err = serve_until_stopped(&server, why);
    for (size_t i = 0; i < server.n_conns; i++)
        conn_close(&server.conns[i]);
    free(server.conns);
    free(server.polls);
    free(server.chunk);
    return err;
}
