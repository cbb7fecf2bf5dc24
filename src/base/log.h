/*
 * One line for each event on standard error: `TIME ROLE id=… event=… rule=… words`.
 *
 * Never a subject, a body, a title, a local part or a key's user id: what is logged is read by people who may not
 * read cases. Control characters in the words are replaced, so that nobody writes a line of his own.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

/* Sets the role that each line names; borrowed for good. */
void log_set_role(const char *role);

/* id and rule may be NULL; format may be NULL. */
void log_event(const char *id, const char *event, const char *rule, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* An event that a struct diag explains. */
void log_diag(const char *id, const char *event, const struct diag *why);

#endif
