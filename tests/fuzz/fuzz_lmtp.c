/* The LMTP dialogue, fed in pieces whose sizes the first byte gives: every reply is a whole line, and after DATA none
 * says 5yz. */
#include "fuzz/fuzz.h"

#include "io/lmtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct spool *spool;
static char dir[64];

static void leave(void)
{
    char command[128];

    spool_close(&spool);
    /* Only what this process made: a folder of its own. */
    for (const char *const *f = (const char *const[]){"tmp", "new", "bad", NULL}; *f; f++) {
        snprintf(command, sizeof command, "%s/%s", dir, *f);
        rmdir(command);
    }
    rmdir(dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct diag why;

    (void)argc;
    (void)argv;
    snprintf(dir, sizeof dir, "%s/fuzz-lmtp-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(dir) || spool_open(dir, &spool, &why))
        abort();
    atexit(leave);
    return 0;
}

static void expect_lines(const struct buf *out)
{
    size_t start = 0;

    for (size_t i = 0; i < out->len; i++) {
        if (out->data[i] != '\n')
            continue;
        if (i < start + 4 || out->data[i - 1] != '\r' || out->data[start] < '2' || out->data[start] > '5')
            abort();
        start = i + 1;
    }
    if (start != out->len)
        abort();
}

static void forget(void)
{
    struct spool_names names = {0};
    struct diag why;

    if (spool_list(spool, &names, &why))
        abort();
    for (size_t i = 0; i < names.n; i++)
        spool_remove(spool, names.name[i], &why);
    spool_names_free(&names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const addresses[] = {"security@example.org"};
    struct lmtp_settings settings = LMTP_SETTINGS_DEFAULT;
    struct lmtp_session *s;
    size_t piece = size ? (size_t)(data[0] % 64) + 1 : 1, committed;

    settings.addresses = addresses;
    settings.n_addresses = 1;
    settings.size_bytes = 2048;
    settings.hold_bytes = 4096;
    settings.max_recipients = 3;
    s = lmtp_session_new(&settings, spool);
    for (size_t at = 0; at < size; at += piece) {
        bool in_data = lmtp_in_data(s);
        size_t before = lmtp_output(s)->len;
        bool goes_on = lmtp_feed(s, data + at, size - at < piece ? size - at : piece);

        expect_lines(lmtp_output(s));
        if (in_data && !lmtp_in_data(s) && lmtp_output(s)->len > before && lmtp_output(s)->data[before] == '5')
            abort(); /* the MTA would send the report back in clear */
        if (!goes_on)
            break;
    }
    committed = lmtp_take_committed(s);
    lmtp_session_free(&s);
    if (committed)
        forget();
    return 0;
}
