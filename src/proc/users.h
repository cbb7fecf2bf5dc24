/*
 * Own users for the roles (`users` in embargod.conf), where the daemon is started as root.
 *
 *   core     its own user; belongs besides to the groups of the two others. Has state/, policy/, gnupg/, public/
 *   intake   its own user and group. The spool is open to its group, and nothing else of the instance to it
 *   courier  its own user and group. Bodies are open to its group, for reading; mail/ is its own
 *   fetch    runs as the courier's user: it too has the network and nothing else
 *
 * The parent stays root, since it starts roles again; no mail passes through it. Started as another user than root
 * `users` changes nothing, and `embargoctl check` says so.
 */
#ifndef PROC_USERS_H
#define PROC_USERS_H

#include "codec/settings.h"

/* Is there anything to switch? */
bool users_are_switched(const struct settings *s);

/* ERR_REJECT rule users.unknown where a user is not there or not all three are named. */
enum err users_check(const struct settings *s, struct diag *why);

/*
 * Gives each folder of the instance to whom it belongs. ERR_REJECT as users_check; ERR_INTERNAL where something cannot
 * be given away. Does nothing where nothing is switched.
 */
enum err users_prepare(const struct settings *s, struct diag *why);

/* In a child that is about to become the role (its name): gives up root for good. False: it must end. */
bool users_become(const struct settings *s, const char *role);

#endif
