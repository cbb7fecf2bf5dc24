#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum err diag_set(struct diag *why, enum err err, const char *rule, const char *format, ...)
{
    va_list args;

    if (!why)
        return err;
    memset(why, 0, sizeof *why);
    snprintf(why->rule, sizeof why->rule, "%s", rule);
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return err;
}

enum err diag_errno(struct diag *why, enum err err, const char *rule, const char *what)
{
    int saved = errno;

    diag_set(why, err, rule, "%s: %s", what, strerror(saved));
    if (why)
        why->number = saved;
    return err;
}

bool diag_passes(const struct diag *why)
{
    static const int passing[] = {EAGAIN, EINTR, ENOMEM, EMFILE, ENFILE, ENOBUFS, ENOSPC, EDQUOT, EIO, ETIMEDOUT};

    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        if (why->number == passing[i])
            return true;
    return false;
}
