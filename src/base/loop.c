#include "base/loop.h"

#include "base/mem.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

struct watcher {
    int fd; /* -1: removed, to be taken out */
    short events;
    loop_ready *ready;
    void *ctx;
};

struct loop {
    struct watcher *items;
    struct pollfd *fds;
    size_t n, cap;
    void (*before)(void *ctx);
    void *before_ctx;
};

struct loop *loop_new(void)
{
    return mem_zero(1, sizeof(struct loop));
}

void loop_free(struct loop **l)
{
    if (!*l)
        return;
    free((*l)->items);
    free((*l)->fds);
    free(*l);
    *l = NULL;
}

void loop_add(struct loop *l, int fd, short events, loop_ready *ready, void *ctx)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 32;
        l->items = mem_resize(l->items, l->cap, sizeof *l->items);
        l->fds = mem_resize(l->fds, l->cap, sizeof *l->fds);
    }
    l->items[l->n++] = (struct watcher){fd, events, ready, ctx};
}

void loop_set_events(struct loop *l, int fd, short events)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].fd == fd)
            l->items[i].events = events;
}

void loop_remove(struct loop *l, int fd)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].fd == fd)
            l->items[i].fd = -1;
}

void loop_before_each(struct loop *l, void (*before)(void *ctx), void *ctx)
{
    l->before = before;
    l->before_ctx = ctx;
}

static void drop_removed(struct loop *l)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].fd >= 0)
            l->items[kept++] = l->items[i];
    l->n = kept;
}

void loop_once(struct loop *l, int timeout_ms)
{
    size_t n;

    drop_removed(l);
    n = l->n;
    for (size_t i = 0; i < n; i++)
        l->fds[i] = (struct pollfd){.fd = l->items[i].fd, .events = l->items[i].events};
    if (poll(l->fds, n, timeout_ms) <= 0)
        return;
    for (size_t i = 0; i < n; i++) {
        short revents = l->fds[i].revents;

        /* The callback before may have removed it, or grown the arrays. */
        if (!revents || l->items[i].fd < 0)
            continue;
        if (l->before)
            l->before(l->before_ctx);
        l->items[i].ready(l->items[i].ctx, l->items[i].fd, revents);
    }
}

bool loop_prepare_fd(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}
