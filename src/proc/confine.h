/*
 * What each role gives up before it reads its first byte (base/sandbox.h has the means).
 *
 *   core     no internet sockets, no TCP; files only below the instance, and the system's to be read and run
 *   crypto   besides what core gave up: of the instance the GnuPG homes, and for backups state/backup and the
 *            sealed bodies, alone. It is the only one to talk to an agent
 *   mime     besides: whatever is not computing (proc/worker.c)
 *   intake   starts nothing, makes no socket; files only in the spool and in the Maildir that it watches
 *   courier  starts no program, makes no UNIX socket (so that no agent is in reach), writes nothing but its Maildirs;
 *            the network only where it sends by SMTP
 *   fetch    starts nothing, makes no UNIX socket, writes nothing; of the instance it reads nothing
 *
 * In a rehearsal the folder of the clock's file may be read besides, since that file may be another at any time.
 *
 * sandbox = "off": nothing of this but no-new-privileges and no core dumps. "best-effort": what the kernel has, and the
 * log says what it has not. "required": ERR_DENIED where it has not all of it, and the role does not start. ERR_AGAIN,
 * but for "off": something failed that the kernel has (no descriptor, no memory); the role is to be started again.
 */
#ifndef PROC_CONFINE_H
#define PROC_CONFINE_H

#include "codec/settings.h"

enum confined { CONFINED_CORE, CONFINED_INTAKE, CONFINED_COURIER, CONFINED_FETCH };

/* clock_file: of a rehearsal, or NULL. */
enum err confine_role(const struct settings *s, enum confined role, const char *clock_file, struct diag *why);

/* A crypto worker's; homes: the folder of the GnuPG homes. How strict it is, is said by what started it. */
enum err confine_crypto(const char *homes, enum settings_sandbox how, struct diag *why);

#endif
