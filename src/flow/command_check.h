/*
 * The inside of commands, shared by command.c (words) and command_frame.c (frames): whatever way a command comes, it is
 * checked against the table by the same functions. All faults are ERR_USAGE.
 */
#ifndef FLOW_COMMAND_CHECK_H
#define FLOW_COMMAND_CHECK_H

#include "flow/command.h"

#define COMMAND_VERBS_MAX  128
#define COMMAND_VALUES_MAX 256
#define COMMAND_WORD_MAX   65536 /* bytes of one argument */

/* By its words, exactly; NULL: none. */
const struct command_verb *command_find_verb(const char *words);

/* An argument or option by its name; NULL: none. */
const struct command_arg *command_find_arg(const struct command_verb *v, const char *name, size_t len, bool *option);

/* Whether the client sends a file's bytes. */
bool command_is_file(enum command_arg_type type);

/* UTF-8 without control characters, not too long. */
enum err command_check_word(const struct command_arg *arg, const char *word, struct diag *why);

/* Adds a value; twice only where `many`. *out is borrowed until the next one is added. */
enum err command_add(struct command *c, const struct command_arg *arg, const char *word, struct command_value **out,
                     struct diag *why);

/* Nothing that must be given is missing, and no option that was given is blank. */
enum err command_check_complete(const struct command *c, struct diag *why);

#endif
