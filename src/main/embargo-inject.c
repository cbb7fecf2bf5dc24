/*
 * embargo-inject -c FILE [--socket PATH] -f SENDER -- RCPT…
 *
 * For an MTA's pipe: hands the message on standard input to the daemon, by LMTP. Exit 0 only when every recipient's
 * copy is on the daemon's disk; any trouble, a wrong option among it, is exit 75 (EX_TEMPFAIL), so that the MTA keeps
 * the mail and never returns a report in clear.
 */
#include "base/err.h"
#include "codec/settings.h"
#include "io/lmtp_client.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_TEMPFAIL 75
#define TIMEOUT_S     300

struct options {
    const char *config;
    const char *socket;
    const char *sender;
    const char *const *recipients;
    size_t n_recipients;
};

static const char usage[] = "usage: embargo-inject -c FILE [--socket PATH] -f SENDER -- RECIPIENT...\n"
                            "  the message on standard input; -f '' is the null sender; any trouble: exit 75\n";

/* False where the words are off. */
static bool read_options(int argc, char **argv, struct options *out)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
                                          {"sender", required_argument, NULL, 'f'},
                                          {"socket", required_argument, NULL, 's'},
                                          {0}};
    int option;

    opterr = 0; /* the lines on the standard error are ours, and a name that a mail brought is not repeated */
    *out = (struct options){0};
    while ((option = getopt_long(argc, argv, "c:f:", longs, NULL)) != -1) {
        if (option == 'c')
            out->config = optarg;
        else if (option == 'f')
            out->sender = optarg;
        else if (option == 's')
            out->socket = optarg;
        else
            return false;
    }
    out->recipients = (const char *const *)argv + optind;
    out->n_recipients = (size_t)(argc - optind);
    /* Some MTAs write the null sender with its brackets. */
    if (out->sender && strcmp(out->sender, "<>") == 0)
        out->sender = "";
    return (out->config || out->socket) && out->sender && out->n_recipients > 0;
}

/* The daemon's socket: as the option says, else as the configuration does, which keeps the memory in *settings. */
static enum err inject_socket(const struct options *options, struct settings **settings, const char **path,
                              struct diag *why)
{
    enum err err;

    *path = options->socket;
    if (*path)
        return ERR_OK;
    err = settings_load(options->config, settings, why);
    if (err)
        return err;
    *path = (*settings)->lmtp_unix;
    if (!*path)
        return diag_set(why, ERR_USAGE, "lmtp.unix", "the configuration has no `lmtp.unix`; set it, or give --socket");
    return ERR_OK;
}

static enum err inject(const struct options *options, struct diag *why)
{
    struct settings *settings = NULL;
    const char *path;
    int fd = -1;
    enum err err = inject_socket(options, &settings, &path, why);

    if (!err)
        err = lmtp_client_connect(path, TIMEOUT_S, &fd, why);
    if (!err)
        err = lmtp_client_send(fd, STDIN_FILENO, options->sender, options->recipients, options->n_recipients, why);
    if (fd >= 0)
        close(fd);
    settings_free(&settings);
    return err;
}

/* A closed standard descriptor would be given to the socket, and the socket read as the message. */
static bool has_standard_descriptors(void)
{
    return fcntl(STDIN_FILENO, F_GETFD) >= 0 && fcntl(STDOUT_FILENO, F_GETFD) >= 0 &&
           fcntl(STDERR_FILENO, F_GETFD) >= 0;
}

/* Asked for by a person: no mail is lost by it. */
static int tell(const char *option)
{
    if (strcmp(option, "--help") == 0)
        fputs(usage, stdout);
    else
        printf("embargo-inject %s\n", PACKAGE_VERSION);
    return fflush(stdout) || ferror(stdout) ? EXIT_TEMPFAIL : 0;
}

int main(int argc, char **argv)
{
    struct options options;
    struct diag why;

    signal(SIGPIPE, SIG_IGN);
    if (!has_standard_descriptors()) {
        dprintf(STDERR_FILENO, "embargo-inject: standard input, output and error must all be open\n");
        return EXIT_TEMPFAIL;
    }
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0))
        return tell(argv[1]);
    if (!read_options(argc, argv, &options)) {
        fputs(usage, stderr);
        return EXIT_TEMPFAIL;
    }
    if (inject(&options, &why) == ERR_OK)
        return 0;
    fprintf(stderr, "embargo-inject: %s (%s); the mail stays with the mail server\n", why.text, why.rule);
    return EXIT_TEMPFAIL;
}
