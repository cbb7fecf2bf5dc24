/*
 * Whether the clock may be believed where something cannot be undone (a release, a notice that waits for its instant).
 *
 * The kernel must hold its clock to be synchronised, and wall time must agree within five minutes with the time that
 * has passed since an instant that was believed before (the anchor): by CLOCK_BOOTTIME within one boot; after a reboot
 * it must not be earlier than the last heartbeat. The anchor moves on once a day, so that slow drift is no jump, and
 * the heartbeat is kept in the database every minute. Neither moves while the clock is not believed.
 *
 * Enforced is this only live, and where limits.require_synchronised_clock has not been set to false.
 */
#ifndef FLOW_CLOCK_GUARD_H
#define FLOW_CLOCK_GUARD_H

#include "base/clock.h"
#include "store/db.h"

#define CLOCK_GUARD_TOLERANCE_S 300
#define CLOCK_GUARD_BEAT_S      60
#define CLOCK_GUARD_ANCHOR_S    86400

enum clock_trust {
    CLOCK_TRUSTED,
    CLOCK_UNSYNCHRONISED, /* rule clock.unsynchronised */
    CLOCK_JUMPED          /* rule clock.jumped */
};

struct clock_guard {
    bool enforced;
    bool has_anchor;
    int64_t anchor_utc_s, anchor_boot_s;
    char boot_id[40];    /* of the anchor */
    int64_t beat_utc_s;  /* the last instant that was believed */
    int64_t saved_utc_s; /* the last that was written */
    enum clock_trust trust;
    int64_t off_by_s; /* of a jump: wall time less what was expected */
    bool alarmed;     /* the team has been told of this trouble */
};

/* Reads the anchor and the heartbeat of before, where there are any. */
void clock_guard_open(struct clock_guard *g, struct db *db, bool enforced);

/* Judges by the facts of now, and moves anchor and heartbeat. Pure but for *g. */
enum clock_trust clock_guard_judge(struct clock_guard *g, const struct clock_facts *now);

/* The same with the machine's facts; writes the heartbeat when it is its time. */
enum clock_trust clock_guard_tick(struct clock_guard *g, struct db *db);

/* An admin vouches for the clock as it is: it becomes the anchor. */
void clock_guard_vouch(struct clock_guard *g, const struct clock_facts *now);

/* "clock.jumped"; "" where it is believed. */
const char *clock_guard_rule(const struct clock_guard *g);

/* Words for people on what is wrong, with the remedy. */
void clock_guard_words(const struct clock_guard *g, char *out, size_t size);

#endif
