/*
 * The files of a command that came over the control socket: keys, tables of members and mails go through workers, one
 * after the other, before its handler runs (flow/command.h says what a handler finds in a value then).
 */
#ifndef PROC_COMMAND_FILES_H
#define PROC_COMMAND_FILES_H

#include "flow/command.h"
#include "proc/core.h"

/*
 * Called once; from command_files_start itself where there is nothing to ask of a worker. Else than ERR_OK why has the
 * rule of the first file that was refused (key.*, import.*, mime.*, worker.*), and none behind it was looked at.
 */
typedef void command_files_done(void *ctx, enum err err, const struct diag *why);

struct command_files {
    struct core *core;
    struct command *command; /* parsed, and its actor may give it: what is known of a key is its list's */
    command_files_done *done;
    void *ctx;
    size_t at; /* the value that is looked at; 0 at the start */
};

/* Borrows f and its command until done is called, which may free both. */
void command_files_start(struct command_files *f);

#endif
