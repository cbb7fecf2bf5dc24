/*
 * A file that comes in parts before the reply (ARG_PARTS): written as FILE.part, made durable, and given its name when
 * the reply says that it is whole; else nothing is left of it. "-" is standard output.
 */
#ifndef MAIN_CTL_PARTS_H
#define MAIN_CTL_PARTS_H

#include "flow/command.h"

struct parts {
    const char *name; /* NULL: the command has no such file */
    char *temporary;
    int fd;
};

void parts_init(struct parts *p, const struct command *c);
enum err parts_add(struct parts *p, struct span bytes, struct diag *why);
/* before: what went wrong so far, which stays the result. */
enum err parts_end(struct parts *p, bool failed, enum err before, struct diag *why);

#endif
