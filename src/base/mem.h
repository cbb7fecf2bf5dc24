/*
 * Allocation that never fails: out of memory ends the process (the parent starts it again, and nothing is lost,
 * since no state lives in memory alone).
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Zeroed memory of n * size bytes; the caller frees it. An overflow of the product ends the process. */
void *mem_zero(size_t n, size_t size);

/* As realloc, for n items of size bytes. */
void *mem_resize(void *old, size_t n, size_t size);

/* A copy of a NUL-terminated string (NULL gives NULL), or of len bytes with a NUL appended. The caller frees it. */
char *mem_strdup(const char *s);
char *mem_strndup(const void *bytes, size_t len);

/* A formatted string; the caller frees it. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the process, as the above do: for a library that says in another way that there was no memory. */
_Noreturn void mem_exhausted(void);

/* Overwrites len bytes in a way that the compiler keeps. */
void mem_wipe(void *bytes, size_t len);

/* Wipes a NUL-terminated string, frees it and sets it to NULL; *s may be NULL. */
void mem_free_secret(char **s);

#endif
