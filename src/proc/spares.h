/*
 * Workers that stand ready: started beforehand, their filters closed, their converters open or their gpg found, waiting
 * for the one request that each serves. A spare holds no secret and nothing of any mail. It has read no configuration
 * (what it needs of it is in its arguments), and ends with core, so that none outlives a reload.
 *
 * While nothing is to be done, one after the other is started, the next when the last one stands ready. While a request
 * runs and there is room for another, one of each kind is kept, since a mail on its way soon needs it. One that is an
 * hour old is replaced, since what it has found of the machine may have changed.
 *
 * One that dies, or cannot be started, is replaced after a pause, which doubles up to a minute for its kind, until one
 * that began later was taken, or has stood ready for ten seconds: such as are ready and die at once are no better. The log says
 * it once (spare-worker-failed), and when it is over (spare-workers-again).
 */
#ifndef PROC_SPARES_H
#define PROC_SPARES_H

#include "base/loop.h"
#include "proc/worker.h"

#include <sys/types.h>

#define SPARES_OLDEST_MS    3600000
#define SPARES_STEADY_MS    10000
#define SPARES_PAUSE_MS     100
#define SPARES_PAUSE_MAX_MS 60000

struct spares;

struct worker_process {
    pid_t pid;
    int fd;
    bool ready; /* it has said so, and that has been read (worker_said_ready) */
};

/* program: what is started. workers: how many requests run at a time. deadline_s: for a start as for a request. */
struct spares *spares_new(struct loop *loop, const char *program, int workers, int deadline_s);
void spares_free(struct spares **s); /* kills them */

/* proc/pool.h; both are borrowed. */
void spares_confine(struct spares *s, const char *homes, const char *how);

/* A crypto spare looks at these GnuPG homes before its request names one; up to WORKER_WARM_MAX are kept. Copied. */
void spares_warm(struct spares *s, const char *home);

/* The best that there is; where there is none, a worker is started. False: it cannot be. The process is the caller's.
 */
bool spares_take(struct spares *s, enum worker_kind kind, struct worker_process *out);

enum spares_need {
    SPARES_NONE, /* all that may run is running */
    SPARES_SOME, /* something runs */
    SPARES_ALL   /* nothing is to be done */
};

/* Starts the next one, if one is due. */
void spares_tick(struct spares *s, enum spares_need need);

/* Those that stand ready. */
size_t spares_ready(const struct spares *s, enum worker_kind kind);
bool spares_are_ready(const struct spares *s); /* as many as ever do */

/* Kills a worker and its group; who calls waits for it. */
void worker_kill(pid_t pid);

#endif
