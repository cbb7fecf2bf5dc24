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

    return diag_set(why, err, rule, "%s: %s", what, strerror(saved));
}
