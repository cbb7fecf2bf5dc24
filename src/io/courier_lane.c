#include "io/courier_lane.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* FNV-1a, 64 bits (RFC 9923). */
uint64_t courier_lane_of(const char *address)
{
    const char *at = address ? strrchr(address, '@') : NULL;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (at = at ? at + 1 : ""; *at; at++)
        hash = (hash ^ (uint64_t)tolower((unsigned char)*at)) * UINT64_C(0x100000001b3);
    return hash;
}

static size_t find(const struct courier_lanes *lanes, uint64_t domain)
{
    size_t i = 0;

    while (i < COURIER_SLOW_DOMAINS && !(lanes->slow[i].until_ms && lanes->slow[i].domain == domain))
        i++;
    return i;
}

void courier_lane_mark(struct courier_lanes *lanes, uint64_t domain, int64_t now_ms)
{
    size_t at = find(lanes, domain);

    if (at == COURIER_SLOW_DOMAINS)
        for (size_t i = at = 0; i < COURIER_SLOW_DOMAINS; i++)
            if (lanes->slow[i].until_ms < lanes->slow[at].until_ms)
                at = i;
    lanes->slow[at].domain = domain;
    lanes->slow[at].until_ms = now_ms + COURIER_SLOW_KEPT_MS;
}

void courier_lane_clear(struct courier_lanes *lanes, uint64_t domain)
{
    size_t at = find(lanes, domain);

    if (at < COURIER_SLOW_DOMAINS)
        lanes->slow[at].until_ms = 0;
}

bool courier_lane_is_slow(const struct courier_lanes *lanes, uint64_t domain, int64_t now_ms)
{
    size_t at = find(lanes, domain);

    return at < COURIER_SLOW_DOMAINS && lanes->slow[at].until_ms > now_ms;
}
