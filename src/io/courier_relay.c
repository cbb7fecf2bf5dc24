#include "io/courier_smtp.h"

#include <string.h>
#include <strings.h>

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcasecmp(host, "localhost") == 0;
}

struct courier_relay courier_relay_of(const struct settings *settings)
{
    struct courier_relay r = {.host = settings->smtp_host,
                              .port = settings->smtp_port,
                              .tls = settings->smtp_tls,
                              .ca = settings->smtp_ca,
                              .timeout_s = settings->smtp_timeout_s,
                              .idle_ms = 2000};

    if (r.tls == SMTP_TLS_OPPORTUNISTIC && is_loopback(r.host))
        r.tls = SMTP_TLS_NONE;
    return r;
}
