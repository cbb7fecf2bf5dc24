/*
 * The pool of workers, as core sees it: requests wait in a queue, at most `workers` run at a time, each in a process
 * group of its own that is killed at its deadline. Some workers are started beforehand (proc/spares.h), since their
 * start takes them longer than most requests; each still serves one request and ends. The callback comes once for each
 * request, from pool_tick or from the loop, never from pool_submit.
 */
#ifndef PROC_POOL_H
#define PROC_POOL_H

#include "base/loop.h"
#include "proc/worker.h"

struct pool;

/*
 * err     ERR_OK: reply is the worker's answer (borrowed for the call). What the worker itself refused has the
 *         worker's error and rule. ERR_AGAIN rule worker.died or worker.deadline: it crashed, or was killed.
 */
typedef void pool_done(void *ctx, enum err err, struct span reply, const struct diag *why);

/* program: what is started ("/proc/self/exe"); deadline_s as configured. */
struct pool *pool_new(struct loop *loop, const char *program, int workers, int deadline_s);
/*
 * Crypto workers reach nothing but the GnuPG homes below this folder (proc/confine.h); how: a word of `sandbox`. Both
 * are borrowed. Without it they are not confined beyond what starts them.
 */
void pool_confine(struct pool *pool, const char *homes, const char *how);
/*
 * Asked at each pool_submit; what it says else than ERR_OK becomes the request's answer, and no worker sees it. For a
 * caller who must not go on from what it could not read.
 */
typedef enum err pool_may(void *ctx, struct diag *why);
void pool_guard(struct pool *pool, pool_may *may, void *ctx);
/* A GnuPG home that many requests name: spares get ready for it. The first few count. Copied. */
void pool_warm(struct pool *pool, const char *home);
void pool_free(struct pool **pool); /* kills what still runs; no callbacks */

/* Takes the request's content. */
void pool_submit(struct pool *pool, enum worker_kind kind, enum worker_op op, struct buf *request, pool_done *done,
                 void *ctx);

/* Kills workers past their deadline, starts waiting ones. Call it from the loop, and when a child has ended. */
void pool_tick(struct pool *pool);

/* Nothing is to be done, and as many workers stand ready as ever do. */
bool pool_is_ready(const struct pool *pool);

/* Requests that wait or run. */
size_t pool_busy(const struct pool *pool);

#endif
