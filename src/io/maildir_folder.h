/*
 * The folder DIR/new of the Maildir that mail comes in by (io/maildir_in.h says what is taken out of it). The names in
 * it are an outsider's: they are used to open and to unlink alone.
 */
#ifndef IO_MAILDIR_FOLDER_H
#define IO_MAILDIR_FOLDER_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens DIR/new; *fd is the caller's to close in any case. ERR_AGAIN maildir.folder: it is not there, or not ours. */
enum err maildir_folder_open(const char *dir, int *fd, struct diag *why);

/* The names in it in their order, without those with a dot in front. The caller frees. ERR_AGAIN maildir.folder. */
enum err maildir_folder_names(int fd, char ***names, size_t *n, struct diag *why);
void maildir_folder_names_free(char ***names, size_t *n);

/* Has inotify tell of new files, and of a folder that is replaced. False: it cannot. */
bool maildir_folder_watch(int inotify_fd, const char *dir);

/* Whether the kernel would tell of new files there. */
bool maildir_folder_can_watch(const char *dir);

/* Files of DIR/new that maildir_in would take, and those that it would not; false where the folder cannot be read. */
bool maildir_folder_count(const char *dir, uint64_t hold_bytes, size_t *out_waiting, size_t *out_left);

#endif
