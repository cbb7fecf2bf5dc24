#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void mem_exhausted(void)
{
    static const char words[] = "event=out-of-memory\n";

    fwrite(words, 1, sizeof words - 1, stderr);
    abort();
}

void *mem_zero(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (!p)
        mem_exhausted();
    return p;
}

void *mem_resize(void *old, size_t n, size_t size)
{
    void *p;

    if (size && n > SIZE_MAX / size)
        mem_exhausted();
    p = realloc(old, n && size ? n * size : 1);
    if (!p)
        mem_exhausted();
    return p;
}

char *mem_strndup(const void *bytes, size_t len)
{
    char *s = mem_zero(len + 1, 1);

    if (len)
        memcpy(s, bytes, len);
    return s;
}

char *mem_strdup(const char *s)
{
    return s ? mem_strndup(s, strlen(s)) : NULL;
}

char *mem_printf(const char *format, ...)
{
    char *s = NULL;
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(&s, format, args);
    va_end(args);
    if (n < 0)
        mem_exhausted();
    return s;
}

void mem_wipe(void *bytes, size_t len)
{
    if (len)
        explicit_bzero(bytes, len);
}

void mem_free_secret(char **s)
{
    if (*s)
        mem_wipe(*s, strlen(*s));
    free(*s);
    *s = NULL;
}
