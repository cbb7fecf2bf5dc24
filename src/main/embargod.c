/* embargod: options and wiring. */
#include "codec/json_memory.h"
#include "proc/parent.h"
#include "proc/worker.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(FILE *to, int code)
{
    fputs("Usage: embargod -c FILE [--rehearsal CLOCKFILE]\n"
          "Runs in the foreground. SIGHUP reads FILE again, SIGTERM finishes and ends.\n"
          "With --rehearsal the time is what CLOCKFILE says (one RFC 3339 instant), and all mail goes into Maildirs.\n",
          to);
    return code;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"rehearsal", required_argument, NULL, 'r'},
                                            {"role", required_argument, NULL, 'o'},
                                            {"sandbox", required_argument, NULL, 's'},
                                            {"homes", required_argument, NULL, 'm'},
                                            {"warm", required_argument, NULL, 'w'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    const char *config = getenv("EMBARGOD_CONF"), *clock_file = NULL, *role = NULL;
    struct worker_start start = {0};
    char absolute[4096];
    int c;

    json_memory_install();
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == 'c')
            config = optarg;
        else if (c == 'r')
            clock_file = optarg;
        else if (c == 'o')
            role = optarg;
        else if (c == 's')
            start.sandbox = optarg;
        else if (c == 'm')
            start.homes = optarg;
        else if (c == 'w' && start.n_warm < WORKER_WARM_MAX)
            start.warm[start.n_warm++] = optarg;
        else if (c == 'v')
            return printf("embargod %s\n", PACKAGE_VERSION) < 0;
        else
            return usage(c == 'h' ? stdout : stderr, c == 'h' ? 0 : 2);
    }
    if (optind < argc || (!config && !role))
        return usage(stderr, 2);
    if (role)
        return role_main(role, config ? config : "", clock_file, &start);
    if (clock_file) {
        if (!realpath(clock_file, absolute)) {
            fprintf(stderr, "embargod: the clock file of the rehearsal cannot be read\n");
            return 78;
        }
        clock_file = absolute;
    }
    return parent_main(config, clock_file);
}
