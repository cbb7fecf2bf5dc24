/*
 * The injected clock: the kernel's, or in a rehearsal the one instant that CLOCKFILE holds (RFC 3339).
 *
 * A rehearsal's clock is re-read whenever it is asked for; a file that cannot be read, or that holds an instant outside
 * of the bounds, leaves the last good one in force, so that a half-written file never moves time. clock_fault says so.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct clock {
    char *file; /* NULL: the kernel's clock */
    int64_t last_utc_s;
    int64_t first_utc_s, end_utc_s; /* of a rehearsal: its bounds; end 0: none */
    enum clock_state { CLOCK_GOOD, CLOCK_UNREADABLE, CLOCK_TOO_EARLY, CLOCK_TOO_LATE } state;
};

/* file NULL for the kernel's clock. ERR_REJECT rule clock.file where the file holds no instant. */
enum err clock_open(struct clock *c, const char *file, struct diag *why);
void clock_close(struct clock *c);
bool clock_is_rehearsal(const struct clock *c);

/*
 * Bounds of a rehearsal: keys are made at `first`, and OpenPGP's instants have 32 bits (RFC 9580, 3.5), which is `end`
 * at most.
 */
void clock_bound(struct clock *c, int64_t first_utc_s, int64_t end_utc_s);

/*
 * What was wrong with the file when it was read last: ERR_AGAIN rule clock.file (no instant, which may be one that is
 * being written), ERR_REJECT rules clock.before-keys and clock.too-late. Time stands still until it is right again.
 */
enum err clock_fault(const struct clock *c, struct diag *why);

/* Now, in UTC seconds. */
int64_t clock_now(struct clock *c);

/*
 * What the machine says of its own clock, so that a jump shows: whether the kernel holds it to be synchronised
 * (adjtimex(2)), its time, the seconds since the boot with those asleep (CLOCK_BOOTTIME), and which boot this is.
 */
struct clock_facts {
    bool synchronised;
    int64_t wall_utc_s;
    int64_t boot_s;
    char boot_id[40]; /* "" where it cannot be read */
};

void clock_facts_read(struct clock_facts *out);

/* Milliseconds that only grow, for deadlines of workers and connections; never affected by a rehearsal. */
int64_t clock_monotonic_ms(void);

#endif
