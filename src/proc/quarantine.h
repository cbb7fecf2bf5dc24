/*
 * Keys of applicants go into the list's quarantine home, and leave it when the application is over (store/
 * applications.h says which). One at a time.
 */
#ifndef PROC_QUARANTINE_H
#define PROC_QUARANTINE_H

#include "proc/core.h"

struct quarantine;

struct quarantine *quarantine_new(struct core *core);
void quarantine_free(struct quarantine **q);
void quarantine_tick(struct quarantine *q);
bool quarantine_busy(const struct quarantine *q);

#endif
