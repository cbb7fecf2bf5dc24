/* Help, made from the table of commands. */
#ifndef MAIN_CTL_HELP_H
#define MAIN_CTL_HELP_H

#include <stdbool.h>
#include <stdio.h>

/* `help …`, or --help anywhere behind the command. */
bool help_is_asked(int argc, const char *const *argv);

/* All commands, or those that the words begin ("case", "case reply"). False: there are none. */
bool help_print(FILE *out, int argc, const char *const *argv);

#endif
