#include "base/log.h"

#include "base/instant.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *log_role = "embargod";

void log_set_role(const char *role)
{
    log_role = role;
}

static void replace_controls(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
}

static void write_line(const char *id, const char *event, const char *rule, char *words)
{
    char line[1024], at[INSTANT_TEXT_SIZE];
    int n;

    replace_controls(words);
    n = snprintf(line, sizeof line, "%s %s id=%s event=%s rule=%s%s%s\n", instant_text(time(NULL), at), log_role,
                 id ? id : "-", event, rule && *rule ? rule : "-", *words ? " " : "", words);
    if (n < 0)
        return;
    if ((size_t)n >= sizeof line) {
        n = sizeof line - 1;
        line[n - 1] = '\n';
    }
    /* One write for each line, so that lines of several processes do not mix. */
    if (write(STDERR_FILENO, line, (size_t)n) < 0)
        return;
}

void log_event(const char *id, const char *event, const char *rule, const char *format, ...)
{
    char words[768] = "";
    va_list args;

    if (format) {
        va_start(args, format);
        vsnprintf(words, sizeof words, format, args);
        va_end(args);
    }
    write_line(id, event, rule, words);
}

void log_diag(const char *id, const char *event, const struct diag *why)
{
    log_event(id, event, why->rule, "%s", why->text);
}
