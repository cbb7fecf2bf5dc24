/*
 * Which domains are slow, so that they do not hold up the others: one that hangs, or waits long before it answers,
 * would else have every session of the courier after a while, and every job that core hands over at a time.
 *
 * Both the pool of sessions and core's dispatch keep such a memory of their own. A domain is marked when a job to it
 * has taken COURIER_SLOW_MS, for COURIER_SLOW_KEPT_MS from then, or until one goes quickly. A domain is known by a
 * number: two domains may share one, which makes them slow together, and nothing else. Pure.
 */
#ifndef IO_COURIER_LANE_H
#define IO_COURIER_LANE_H

#include <stdbool.h>
#include <stdint.h>

#define COURIER_SLOW_MS      3000
#define COURIER_SLOW_KEPT_MS 600000
#define COURIER_SLOW_DOMAINS 64 /* remembered; beyond it the oldest is forgotten */

struct courier_lanes {
    struct {
        uint64_t domain;
        int64_t until_ms;
    } slow[COURIER_SLOW_DOMAINS];
};

/* The number of an address's domain, whatever its case; of no address too. */
uint64_t courier_lane_of(const char *address);

void courier_lane_mark(struct courier_lanes *lanes, uint64_t domain, int64_t now_ms);
void courier_lane_clear(struct courier_lanes *lanes, uint64_t domain);
bool courier_lane_is_slow(const struct courier_lanes *lanes, uint64_t domain, int64_t now_ms);

#endif
