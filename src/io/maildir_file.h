/*
 * One file in the folder `new` of a Maildir that is read (io/maildir_in.h).
 */
#ifndef IO_MAILDIR_FILE_H
#define IO_MAILDIR_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

/* For reading; -1 where it is no regular file, or cannot be opened. The caller closes it. */
int maildir_file_open(int dir_fd, const char *name, struct stat *st);

/*
 * Whether it is not whole yet, as far as can be told: see io/maildir_in.h. A file that somebody opens to write in this
 * moment sends a SIGIO, which the caller ignores.
 */
bool maildir_file_is_unfinished(int fd, const struct stat *st);

#endif
