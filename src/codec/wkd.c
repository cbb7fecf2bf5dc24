#include "codec/wkd.h"

#include "codec/addr.h"
#include "codec/pgp_cert.h"

#include <string.h>

void wkd_zbase32(struct span in, struct buf *out)
{
    static const char letters[] = "ybndrfg8ejkmcpqxot1uwisza345h769";

    for (size_t i = 0; i + 5 <= in.len; i += 5) {
        uint64_t group = 0;

        for (size_t k = 0; k < 5; k++)
            group = group << 8 | in.data[i + k];
        for (int shift = 35; shift >= 0; shift -= 5)
            buf_add(out, &letters[group >> shift & 31], 1);
    }
}

static void add_hash(struct span local, struct buf *out)
{
    uint8_t lower[ADDR_MAX_BYTES + 1], digest[20];
    size_t n = local.len < sizeof lower ? local.len : sizeof lower;

    for (size_t i = 0; i < n; i++)
        lower[i] = local.data[i] >= 'A' && local.data[i] <= 'Z' ? (uint8_t)(local.data[i] + 32) : local.data[i];
    pgp_sha1((struct span){lower, n}, (struct span){NULL, 0}, digest);
    wkd_zbase32((struct span){digest, sizeof digest}, out);
}

/* What RFC 3986, section 2.3 leaves as it is; all else as %XX. */
static void add_escaped(struct span s, struct buf *out)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] && strchr(plain, s.data[i]))
            buf_add(out, &s.data[i], 1);
        else
            buf_printf(out, "%%%02X", s.data[i]);
    }
}

static bool is_host(const char *domain)
{
    size_t n = strlen(domain);

    return n >= 3 && n <= 240 && strspn(domain, "abcdefghijklmnopqrstuvwxyz0123456789-.") == n && strchr(domain, '.') &&
           *domain != '.' && *domain != '-' && !strstr(domain, "..") && domain[n - 1] != '.' &&
           strspn(domain, "0123456789.") != n;
}

enum err wkd_url(const char *address, enum wkd_method method, struct buf *host, struct buf *url, struct diag *why)
{
    char checked[ADDR_MAX_BYTES + 1];
    const char *at;
    struct span local;

    if (addr_check(span_of(address), checked, NULL) || !(at = strrchr(checked, '@')) || !is_host(at + 1))
        return diag_set(why, ERR_REJECT, "wkd.address", "keys are looked up for addresses of domains in ASCII alone");
    local = (struct span){(const uint8_t *)checked, (size_t)(at - checked)};
    buf_printf(host, "%s%s", method == WKD_ADVANCED ? "openpgpkey." : "", at + 1);
    buf_printf(url, "https://%s%s/.well-known/openpgpkey/", method == WKD_ADVANCED ? "openpgpkey." : "", at + 1);
    if (method == WKD_ADVANCED)
        buf_printf(url, "%s/", at + 1);
    buf_add_str(url, "hu/");
    add_hash(local, url);
    buf_add_str(url, "?l=");
    add_escaped(local, url);
    return ERR_OK;
}
