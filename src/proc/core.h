/*
 * Core: the sole owner of the database. One thread, one loop: spool → workers → flow → transaction → jobs.
 *
 * Its parts, each with its own way through the workers:
 *   opening   spool files become mails that are open, then flow_receive
 *   sealer    mails of the outbox are signed and encrypted for their recipients
 *   signer    the texts of a publication are signed in clear
 *   importer  certificates go into the homes of their shards
 *   dispatch  due copies go to the courier, its results come back
 *   fetching  look-ups of keys go to the fetch role, what it finds to its kind
 *   control   commands of embargoctl
 *   backup    one file, while the rest goes on (proc/backup.h)
 *   publisher the public site, built beside the old one
 *   store_watch  whether the database can be used; while it cannot, all but the workers and control rest
 *   timer     deadlines and duties, by a clock that is guarded (flow/clock_guard.h)
 */
#ifndef PROC_CORE_H
#define PROC_CORE_H

#include "base/loop.h"
#include "base/spool.h"
#include "flow/clock_guard.h"
#include "flow/flow.h"
#include "proc/ground.h"
#include "proc/pool.h"

struct opening;
struct sealer;
struct signer;
struct importer;
struct dispatch;
struct fetching;
struct control;
struct publisher;
struct backup;
struct store_watch;

struct core {
    struct settings *settings;
    struct clock clock;
    struct clock_guard guard;
    struct flow flow;
    struct loop *loop;
    struct pool *pool;
    char *homes; /* the folder of the GnuPG homes */
    struct spool *spool;
    struct opening *opening;
    struct sealer *sealer;
    struct signer *signer;
    struct importer *importer;
    struct dispatch *dispatch;
    struct fetching *fetching;
    struct control *control;
    struct publisher *publisher;
    struct backup *backup;
    struct store_watch *store_watch;
    bool stopping;
    struct ground ground;
    bool gone;        /* the ground is, or the database is damaged: nothing more may be done */
    bool starts_anew; /* and a new start may help */
    int alive_fd;     /* to the parent */
    int lock_fd;      /* of state/: one core at a time, whatever became of the last daemon */
};

/* The instant that gpg takes for now: in a rehearsal the clock's, else INSTANT_NONE (the machine's). */
int64_t core_gpg_time(struct core *core);

/* Opens the lists' keys that have a passphrase. What fails is logged, and nobody is kept from starting by it. */
void core_unlock_keys(struct core *core);

/* Is nothing under way or due: spool empty, no worker busy, deadlines <= now fired, no job due? */
bool core_is_settled(struct core *core);

/* Lets a held mail go its way again; ctx is core (flow/flow.h). */
enum err core_release_held(void *ctx, const struct held_row *held, struct diag *why);

/* ---- opening.h in all but name: one source file each ---- */
struct opening *opening_new(struct core *core);
void opening_free(struct opening **o);
/* Starts on what lies in the spool, up to the number of workers. */
void opening_tick(struct opening *o);
size_t opening_busy(const struct opening *o);
/* Names to the pool the GnuPG homes in which most mail is opened and verified. */
void opening_warm(struct core *core);

struct sealer *sealer_new(struct core *core);
void sealer_free(struct sealer **s);
void sealer_tick(struct sealer *s);
size_t sealer_busy(const struct sealer *s);

/* Texts of publications, signed in clear. */
struct signer *signer_new(struct core *core);
void signer_free(struct signer **s);
void signer_tick(struct signer *s);
bool signer_busy(const struct signer *s);

struct importer *importer_new(struct core *core);
void importer_free(struct importer **i);
void importer_tick(struct importer *i);
bool importer_busy(const struct importer *i);

/* fd: the socket to the courier. */
struct dispatch *dispatch_new(struct core *core, int fd);
void dispatch_free(struct dispatch **d);
void dispatch_tick(struct dispatch *d);
size_t dispatch_busy(const struct dispatch *d);

/* fd: the socket to the fetch role. */
struct fetching *fetching_new(struct core *core, int fd);
void fetching_free(struct fetching **f);
void fetching_tick(struct fetching *f);
bool fetching_busy(struct fetching *f);

struct publisher *publisher_new(struct core *core);
void publisher_free(struct publisher **p);
/* A few milliseconds of what there is to do; also finds out whether there is something (store/publish.h). */
void publisher_tick(struct publisher *p);
size_t publisher_busy(struct publisher *p);
/* There is more to do at once: core's loop should not sleep. */
bool publisher_has_more(const struct publisher *p);
/* Is the wish fulfilled (ERR_OK), or has it failed (its error)? */
enum err publisher_result(struct publisher *p, int64_t wish, bool *done, struct diag *why);

/* listen_fd: run/control.sock, listening. */
struct control *control_new(struct core *core, int listen_fd);
void control_free(struct control **c);
size_t control_busy(const struct control *c);
/* Core ends: who is connected is served still, and who comes now waits for the next core. */
void control_stop(struct control *c);
/* Answers those whose command has something to wait for that is there now. */
void control_tick(struct control *c);

/*
 * Everything before the parts and the loop (core_start.c). What it began is ended by core_main, whatever it returns:
 * ERR_AGAIN and ERR_LIMIT pass by themselves, others need somebody's hand.
 */
enum err core_start(struct core *core, const char *clock_file, struct diag *why);
void core_stop_agents(struct core *core);
/* Takes bodies away that a crash left between their file and their row. */
void core_sweep_bodies(struct core *core);

/* The whole life of the core role; returns its exit code. */
int core_main(struct settings *settings, const char *clock_file, int courier_fd, int intake_fd, int control_fd,
              int fetch_fd, int alive_fd);

#endif
