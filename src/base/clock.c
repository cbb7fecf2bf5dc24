#include "base/clock.h"

#include "base/instant.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

/* False with errno, or with errno 0 where what stands in it is no instant. */
static bool read_clock_file(const char *file, int64_t *out)
{
    char text[64];
    ssize_t n;
    int fd = open(file, O_RDONLY | O_CLOEXEC), saved;

    if (fd < 0)
        return false;
    n = read(fd, text, sizeof text - 1);
    saved = n < 0 ? errno : 0;
    close(fd);
    errno = saved;
    if (n <= 0)
        return false;
    text[n] = 0;
    text[strcspn(text, " \t\r\n")] = 0;
    if (instant_parse(text, out))
        return true;
    errno = 0;
    return false;
}

enum err clock_open(struct clock *c, const char *file, struct diag *why)
{
    *c = (struct clock){.first_utc_s = INT64_MIN};
    if (!file)
        return ERR_OK;
    if (!read_clock_file(file, &c->last_utc_s))
        return errno ? diag_errno(why, ERR_REJECT, "clock.file", "the rehearsal's clock file cannot be read")
                     : diag_set(why, ERR_REJECT, "clock.file",
                                "the rehearsal's clock file must hold one instant such as 2026-11-22T15:00:00Z");
    c->file = mem_strdup(file);
    return ERR_OK;
}

void clock_close(struct clock *c)
{
    free(c->file);
    c->file = NULL;
}

bool clock_is_rehearsal(const struct clock *c)
{
    return c->file != NULL;
}

void clock_bound(struct clock *c, int64_t first_utc_s, int64_t end_utc_s)
{
    c->first_utc_s = first_utc_s;
    c->end_utc_s = end_utc_s;
}

static enum clock_state state_of(const struct clock *c, int64_t now)
{
    return now < c->first_utc_s                      ? CLOCK_TOO_EARLY
           : c->end_utc_s != 0 && now > c->end_utc_s ? CLOCK_TOO_LATE
                                                     : CLOCK_GOOD;
}

enum err clock_fault(const struct clock *c, struct diag *why)
{
    char at[INSTANT_TEXT_SIZE];

    switch (c->state) {
    case CLOCK_GOOD:
        break;
    case CLOCK_UNREADABLE:
        return diag_set(why, ERR_AGAIN, "clock.file",
                        "the rehearsal's clock file holds no instant such as 2026-11-22T15:00:00Z: time stands still");
    case CLOCK_TOO_EARLY:
        return diag_set(why, ERR_REJECT, "clock.before-keys",
                        "the rehearsal's clock is before the making of the list's key, %s: set it later",
                        instant_text(c->first_utc_s, at));
    case CLOCK_TOO_LATE:
        return diag_set(why, ERR_REJECT, "clock.too-late",
                        "the rehearsal's clock is after %s, where OpenPGP's time ends: set it earlier",
                        instant_text(c->end_utc_s, at));
    }
    return ERR_OK;
}

int64_t clock_now(struct clock *c)
{
    struct timespec ts;

    if (c->file) {
        int64_t now;

        if (!read_clock_file(c->file, &now))
            c->state = CLOCK_UNREADABLE;
        else
            c->state = state_of(c, now);
        if (c->state == CLOCK_GOOD)
            c->last_utc_s = now;
        return c->last_utc_s;
    }
    clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec;
}

void clock_facts_read(struct clock_facts *out)
{
    struct timex state = {0};
    struct timespec ts;
    ssize_t n = -1;
    int result = adjtimex(&state), fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

    *out = (struct clock_facts){.synchronised = result >= 0 && result != TIME_ERROR && !(state.status & STA_UNSYNC)};
    clock_gettime(CLOCK_REALTIME, &ts);
    out->wall_utc_s = ts.tv_sec;
    clock_gettime(CLOCK_BOOTTIME, &ts);
    out->boot_s = ts.tv_sec;
    if (fd >= 0) {
        n = read(fd, out->boot_id, sizeof out->boot_id - 1);
        close(fd);
    }
    out->boot_id[n > 0 ? n : 0] = 0;
    out->boot_id[strcspn(out->boot_id, "\n")] = 0;
}

int64_t clock_monotonic_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
