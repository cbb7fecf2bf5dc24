/*
 * What a crypto worker does with certificates (proc/worker.h): they are examined, and come into the homes of shards and
 * of the quarantine. None of these ever uses a secret key.
 */
#ifndef PROC_WORKER_KEYS_H
#define PROC_WORKER_KEYS_H

#include "base/buf.h"
#include "base/err.h"

enum err worker_update(struct span request, struct buf *reply, struct diag *why);
enum err worker_examine_many(struct span request, struct buf *reply, struct diag *why);
enum err worker_import(struct span request, struct buf *reply, struct diag *why);
enum err worker_quarantine(struct span request, struct buf *reply, struct diag *why);

#endif
