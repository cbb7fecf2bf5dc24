/*
 * member import on the client's side: the files that a table's key fields name are put into it, and a Schleuder
 * database becomes such a table. What the daemon gets is CSV with armored keys (flow/import_table.h).
 */
#ifndef MAIN_CTL_IMPORT_H
#define MAIN_CTL_IMPORT_H

#include "flow/command.h"

/* Replaces the bytes of the command's ARG_TABLE, once they are read. Nothing is done where it has none. */
enum err import_prepare(struct command *c, struct diag *why);

#endif
