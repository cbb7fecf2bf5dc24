/*
 * One look-up over HTTPS: the only user of libcurl, which is loaded when the first look-up is made. It brings some
 * twenty libraries with it, and every process of the daemon begins with the same program: each worker would take half
 * as long again to start, with all of them in reach of the mail that it reads.
 */
#include "io/fetch.h"

#include "codec/wkd.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
    bool loaded;
    typeof(curl_easy_init) *init;
    typeof(curl_easy_setopt) *setopt;
    typeof(curl_easy_perform) *perform;
    typeof(curl_easy_getinfo) *getinfo;
    typeof(curl_easy_cleanup) *cleanup;
    typeof(curl_slist_append) *append;
    typeof(curl_slist_free_all) *free_all;
} curl;

/* The names under which libcurl's one ABI is installed, by the TLS library that it uses. */
static bool load_curl(void)
{
    static const char *const names[] = {"libcurl-gnutls.so.4", "libcurl.so.4"};
    static const char *const calls[] = {"curl_easy_init",     "curl_easy_setopt",  "curl_easy_perform",
                                        "curl_easy_getinfo",  "curl_easy_cleanup", "curl_slist_append",
                                        "curl_slist_free_all"};
    void *library = NULL, *found[sizeof calls / sizeof calls[0]];

    if (curl.loaded)
        return true;
    for (size_t i = 0; !library && i < sizeof names / sizeof names[0]; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return false;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (!(found[i] = dlsym(library, calls[i])))
            return false;
    curl.init = found[0];
    curl.setopt = found[1];
    curl.perform = found[2];
    curl.getinfo = found[3];
    curl.cleanup = found[4];
    curl.append = found[5];
    curl.free_all = found[6];
    return curl.loaded = true;
}

struct transfer {
    struct buf *out;
    bool pinned; /* the host is one of fetch.connect_to */
    bool screened;
    bool too_large;
};

static void set(struct fetch_result *r, enum fetch_outcome outcome, const char *rule, const char *text)
{
    struct diag d;

    diag_set(&d, ERR_OK, rule, "%s", text);
    r->outcome = outcome;
    memcpy(r->rule, d.rule, sizeof r->rule);
    memcpy(r->text, d.text, sizeof r->text);
}

/* ---- whom it may speak to ---- */

static bool ipv4_is_public(uint32_t a)
{
    static const struct {
        uint32_t net;
        int bits;
    } special[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
                   {0xac100000, 12}, {0xc0000000, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xe0000000, 3}};

    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
        if ((a ^ special[i].net) >> (32 - special[i].bits) == 0)
            return false;
    return true;
}

bool fetch_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, address, sizeof in);
        return ipv4_is_public(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        const uint8_t *b = in6.sin6_addr.s6_addr;

        memcpy(&in6, address, sizeof in6);
        /* Global unicast alone (2000::/3), without what carries an IPv4 address in it (6to4, Teredo). */
        return (b[0] & 0xe0) == 0x20 && !(b[0] == 0x20 && b[1] == 0x02) &&
               !(b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0);
    }
    return false;
}

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = ctx;

    (void)purpose;
    if (!t->pinned && !fetch_address_is_public(&address->addr)) {
        t->screened = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* "HOST:ADDRESS:PORT" for this host, as CURLOPT_CONNECT_TO wants it; NULL: none. */
static struct curl_slist *pinned_to(const struct settings *s, const char *host)
{
    size_t n = strlen(host);

    for (size_t i = 0; i < s->n_fetch_connect_to; i++)
        if (strncmp(s->fetch_connect_to[i], host, n) == 0 && s->fetch_connect_to[i][n] == ':') {
            struct buf line = BUF_EMPTY;
            struct curl_slist *list;

            buf_printf(&line, "%s:443:%s", host, s->fetch_connect_to[i] + n + 1);
            list = curl.append(NULL, buf_text(&line));
            buf_free(&line);
            return list;
        }
    return NULL;
}

/* ---- one request ---- */

static size_t take(char *bytes, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;

    buf_add(t->out, bytes, size * n);
    t->too_large = t->out->over;
    return t->too_large ? 0 : size * n;
}

static CURL *prepare(const struct settings *s, const char *url, struct curl_slist *to, struct transfer *t)
{
    CURL *c = curl.init();

    if (!c)
        return NULL;
    curl.setopt(c, CURLOPT_URL, url);
    curl.setopt(c, CURLOPT_PROTOCOLS_STR, "https");
    curl.setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl.setopt(c, CURLOPT_PROXY, "");
    curl.setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl.setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl.setopt(c, CURLOPT_TIMEOUT, (long)s->fetch_timeout_s);
    curl.setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)FETCH_BYTES_MAX);
    curl.setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl.setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    curl.setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl.setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl.setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl.setopt(c, CURLOPT_OPENSOCKETDATA, t);
    curl.setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl.setopt(c, CURLOPT_WRITEDATA, t);
    if (s->fetch_ca)
        curl.setopt(c, CURLOPT_CAINFO, s->fetch_ca);
    if (to)
        curl.setopt(c, CURLOPT_CONNECT_TO, to);
    return c;
}

static void read_status(long status, struct fetch_result *r)
{
    if (status == 200 && r->bytes.len)
        r->outcome = FETCH_FOUND;
    else if (status == 200 || status == 404 || status == 410)
        set(r, FETCH_ABSENT, "fetch.absent", "the domain's directory has no key for the address");
    else if (status >= 300 && status < 400)
        set(r, FETCH_REFUSED, "fetch.redirect",
            "the domain's directory answers with a redirect, which is not followed");
    else if (status >= 500)
        set(r, FETCH_OFFLINE, "fetch.server", "the domain's directory has a fault of its own");
    else
        set(r, FETCH_REFUSED, "fetch.status", "the domain's directory answers with another status than 200 and 404");
}

static void read_fault(CURLcode code, const struct transfer *t, struct fetch_result *r)
{
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
        set(r, FETCH_REFUSED, "fetch.tls", "the directory's TLS certificate does not hold for its host");
        break;
    case CURLE_SSL_CACERT_BADFILE:
        set(r, FETCH_OFFLINE, "fetch.ca", "the file of fetch.ca cannot be read: mend embargod.conf");
        break;
    default:
        if (t->screened)
            set(r, FETCH_REFUSED, "fetch.private", "the directory's host is in a private network");
        else if (t->too_large || code == CURLE_FILESIZE_EXCEEDED)
            set(r, FETCH_REFUSED, "fetch.too-large", "the directory's answer is larger than 1 MiB");
        else
            set(r, FETCH_OFFLINE, "fetch.offline", "the directory's host does not answer");
    }
}

/* False: the host does not exist, so that the next method may be tried. */
static bool ask(const struct settings *s, bool rehearsal, const char *host, const char *url, struct fetch_result *r)
{
    struct transfer t = {.out = &r->bytes};
    struct curl_slist *to = pinned_to(s, host);
    long status = 0;
    CURLcode code;
    CURL *c;

    t.pinned = to != NULL;
    if (rehearsal && !to)
        return false;
    c = prepare(s, url, to, &t);
    code = c ? curl.perform(c) : CURLE_FAILED_INIT;
    if (code == CURLE_OK) {
        curl.getinfo(c, CURLINFO_RESPONSE_CODE, &status);
        read_status(status, r);
    } else if (code != CURLE_COULDNT_RESOLVE_HOST) {
        read_fault(code, &t, r);
    }
    if (r->outcome != FETCH_FOUND)
        buf_clear(&r->bytes);
    if (c)
        curl.cleanup(c);
    curl.free_all(to);
    return code != CURLE_COULDNT_RESOLVE_HOST;
}

void fetch_look_up(const struct settings *s, bool rehearsal, const char *address, struct fetch_result *out)
{
    static const enum wkd_method methods[] = {WKD_ADVANCED, WKD_DIRECT};
    struct diag why;

    memset(out, 0, sizeof *out);
    buf_init(&out->bytes, FETCH_BYTES_MAX);
    set(out, FETCH_OFFLINE, "fetch.offline", "neither host of the domain's directory can be found");
    if (!s->fetch_wkd || (rehearsal && !s->n_fetch_connect_to)) {
        set(out, FETCH_OFFLINE, "fetch.off",
            s->fetch_wkd ? "a rehearsal looks up at the hosts of fetch.connect_to alone" : "fetch.wkd is off");
        return;
    }
    if (!load_curl()) {
        set(out, FETCH_OFFLINE, "fetch.library", "libcurl is not installed: nothing can be looked up without it");
        return;
    }
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct buf host = BUF_EMPTY, url = BUF_EMPTY;
        bool bad = wkd_url(address, methods[i], &host, &url, &why) != ERR_OK, asked = true;

        if (bad)
            set(out, FETCH_REFUSED, why.rule, why.text);
        else
            asked = ask(s, rehearsal, buf_text(&host), buf_text(&url), out);
        buf_free(&host);
        buf_free(&url);
        if (asked)
            return;
    }
}
