/*
 * A poll() loop of one thread: descriptors with callbacks. A callback may add and remove descriptors, itself too.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stddef.h>

struct loop;
typedef void loop_ready(void *ctx, int fd, short revents);

struct loop *loop_new(void);
void loop_free(struct loop **l);

/* events as in poll(2). The descriptor stays the caller's. */
void loop_add(struct loop *l, int fd, short events, loop_ready *ready, void *ctx);
void loop_set_events(struct loop *l, int fd, short events);
void loop_remove(struct loop *l, int fd);

/* Called before each callback. */
void loop_before_each(struct loop *l, void (*before)(void *ctx), void *ctx);

/* Waits at most timeout_ms (-1: without end) and calls back for each descriptor that is ready. */
void loop_once(struct loop *l, int timeout_ms);

/* Makes a descriptor non-blocking and close-on-exec. */
bool loop_prepare_fd(int fd);

#endif
