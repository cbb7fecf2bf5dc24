/*
 * An instance that was restored from a backup (embargoctl restore): on hold until an admin accepts it.
 *
 * The backup is older than what happened since: the instance it was made of may have sent what waits here, may have
 * moved a date or removed a member. On hold nothing is opened, sealed, sent, published or fired; mail that comes is
 * kept in the spool; commands by control socket work, so that an admin can look, and drop or change what is no longer
 * so. Nonces of before are void, from the restoring on.
 *
 * `restore --accept` is said offline, and carried out by the next start, in parts that a crash does not spoil:
 *   1 every copy that waited and was due by now is put aside (code restore.maybe-sent): queue retry or queue drop
 *   2 deadlines and duties that were due meanwhile fire, as they do after any standstill (flow/timer.h)
 *   3 what that made for members, reporters and lists is put aside as well; the team is told; the audit trail has it
 * A release whose instant lies before the acceptance is never made by the clock alone (release.restored: publish
 * confirm), since the date may have been moved after the backup.
 *
 * Meta `restored`: "STATE TAKEN RESTORED ACCEPTED COPY ID NAME", STATE being hold, accepted, firing or done.
 */
#ifndef FLOW_RESTORED_H
#define FLOW_RESTORED_H

#include "flow/flow.h"

#include <jansson.h>

enum restored_state { RESTORED_NEVER, RESTORED_HOLD, RESTORED_ACCEPTED, RESTORED_FIRING, RESTORED_DONE };

struct restored {
    enum restored_state state;
    int64_t taken_at;    /* the backup, by the instance's clock */
    int64_t restored_at; /* by the machine's */
    int64_t accepted_at; /* INSTANT_NONE: not yet */
    int64_t last_copy;   /* of the outbox, at the acceptance */
    char id[16];         /* of the backup */
    char name[256];      /* of its file */
};

/* RESTORED_NEVER where it is none. */
void restored_read(struct db *db, struct restored *out);
enum err restored_write(struct db *db, const struct restored *r, struct diag *why);

bool restored_on_hold(struct db *db);
/* Carries out an acceptance; nothing where there is none. Before anything is sent. */
enum err restored_go_on(struct flow *f, struct diag *why);

/* What is to be asked about although its instant is past: due before the acceptance of a restored instance. */
bool restored_doubts(struct db *db, int64_t due_utc_s);

/* For status: {backup, taken_at, file}; null where it is not on hold. */
json_t *restored_json(struct flow *f);

#endif
