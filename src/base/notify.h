/*
 * Tells a service manager how the daemon is (sd_notify(3) documents the protocol: datagrams of VARIABLE=VALUE lines to
 * the socket that NOTIFY_SOCKET names). Where there is no such manager nothing happens; a failure is nobody's trouble.
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdint.h>

/* state: "READY=1", "STOPPING=1\nSTATUS=…" */
void notify_send(const char *state);

/* "RELOADING=1" with the instant that the manager asks for; READY=1 has to follow. */
void notify_reloading(void);

/* How often WATCHDOG=1 is to be sent, in milliseconds: half of what WATCHDOG_USEC allows. 0: never. */
int64_t notify_watchdog_ms(void);

#endif
