/*
 * lmtp-sink SOCKET SPOOL ADDRESS...: the intake role alone, for tests of what speaks to it.
 *
 * Prints "ready" when it listens; ends when its standard input ends. Each entry's body can then be read from SPOOL/new.
 */
#include "base/spool.h"
#include "io/lmtp.h"

#include <stdio.h>
#include <unistd.h>

static bool at_end(void *ctx)
{
    char byte;

    (void)ctx;
    return read(STDIN_FILENO, &byte, 1) > 0;
}

int main(int argc, char **argv)
{
    struct lmtp_watch watch = {.fd = STDIN_FILENO, .ready = at_end};
    struct lmtp_settings settings = LMTP_SETTINGS_DEFAULT;
    struct spool *spool;
    struct diag why;
    int fd;

    if (argc < 4)
        return 2;
    settings.addresses = (const char *const *)argv + 3;
    settings.n_addresses = (size_t)argc - 3;
    settings.watches = &watch;
    settings.n_watches = 1;
    if (spool_open(argv[2], &spool, &why) || lmtp_listen_unix(argv[1], 0600, &fd, &why)) {
        fprintf(stderr, "lmtp-sink: %s\n", why.text);
        return 1;
    }
    puts("ready");
    fflush(stdout);
    if (lmtp_serve(&fd, 1, spool, &settings, -1, &why))
        return 1;
    close(fd);
    spool_close(&spool);
    return 0;
}
