/* What init tells people to add elsewhere: to the mail server, the DNS and the web server. */
#include "main/ctl_init.h"

#include "base/mem.h"
#include "codec/box.h"
#include "codec/pgp_cert.h"

#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DANE_DIGITS 56 /* RFC 7929, section 3: SHA2-256, cut to 28 octets */

void init_wkd_hash(const char *local, char out[33])
{
    static const char letters[] = "ybndrfg8ejkmcpqxot1uwisza345h769";
    char *lower = mem_strdup(local);
    uint8_t digest[20];
    uint32_t bits = 0;
    int n_bits = 0;
    size_t n = 0;

    for (char *p = lower; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    pgp_sha1((struct span){NULL, 0}, span_of(lower), digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        bits = bits << 8 | digest[i];
        for (n_bits += 8; n_bits >= 5; n_bits -= 5)
            out[n++] = letters[bits >> (n_bits - 5) & 31];
    }
    out[n] = 0;
    free(lower);
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text ? text : "";
}

/* The same lines as contrib/mta/postfix has; tests/system/T066-postfix.sh runs a Postfix with them. */
static void render_mail_server(const struct out *o, const json_t *data, const char *local, const char *domain)
{
    const struct passwd *self = getpwuid(geteuid());

    fprintf(o->file,
            "\nMail server (Postfix; master.cf stays as it is; contrib/mta has others, and a pipe):\n"
            "  once           install -d -o %s -g postfix -m 2710 /var/spool/postfix/embargod\n"
            "  embargod.conf  lmtp = { unix = \"/var/spool/postfix/embargod/lmtp.sock\"; };\n"
            "                 courier = \"smtp\";\n"
            "  main.cf        recipient_delimiter = +\n"
            "                 transport_maps = hash:/etc/postfix/transport\n"
            "  transport      %s lmtp:unix:embargod/lmtp.sock\n"
            "  aliases        %s: root\n"
            "                 %s-owner: people who read mail about the list\n"
            "                 (the first makes the address known; the transport goes before it)\n",
            self ? self->pw_name : "embargod", text_of(data, "address"), local, local);
    fprintf(o->file,
            "\nDNS:\n"
            "  %s. IN MX 10 mail.%s.      (the host of that mail server; none is needed where one is there)\n",
            domain, domain);
}

static void render_key_lookup(const struct out *o, const json_t *data, const char *local, const char *domain)
{
    char hash[33], digest[65], *lower = mem_strdup(local);

    init_wkd_hash(local, hash);
    box_sha256_hex(span_of(lower), digest);
    fprintf(o->file,
            "  %.*s._openpgpkey.%s. IN OPENPGPKEY …      (optional; gpg --export-options export-dane prints it)\n",
            DANE_DIGITS, digest, domain);
    fprintf(o->file,
            "\nWeb server, so that reporters' programs find the key (WKD):\n"
            "  https://%s/.well-known/openpgpkey/hu/%s      and an empty file …/openpgpkey/policy; or\n"
            "  https://openpgpkey.%s/.well-known/openpgpkey/%s/hu/%s\n"
            "  gpg --homedir %s/gnupg/%s/list --no-armor --export-options export-minimal --export %s > %s\n",
            domain, hash, domain, domain, hash, text_of(data, "home"), text_of(data, "list"),
            text_of(data, "fingerprint"), hash);
    free(lower);
}

bool init_render(const struct out *o, const json_t *data)
{
    const char *address = text_of(data, "address"), *at = strrchr(address, '@'), *home = text_of(data, "home");
    bool further = *text_of(data, "add_to_conf") != 0;
    char *local;

    if (!at)
        return false;
    local = mem_strndup(address, (size_t)(at - address));
    fprintf(o->file, "The list %s (%s) is made in %s, with the policy %s.\n", text_of(data, "list"), address, home,
            text_of(data, "policy"));
    fputs("Fingerprint of its key: ", o->file);
    out_words(o, OUT_BOLD, text_of(data, "fingerprint"));
    fputc('\n', o->file);
    if (further)
        fprintf(o->file, "\nAdd to %s/embargod.conf, then start embargod again:\n%s", home,
                text_of(data, "add_to_conf"));
    if (!json_array_size(json_object_get(data, "admins")))
        fputs("\nNobody is an admin yet: add one to `admins` in embargod.conf (address, fingerprint, uid) before you\n"
              "start the daemon, and give it the key with `embargoctl key import FILE`.\n",
              o->file);
    render_mail_server(o, data, local, at + 1);
    render_key_lookup(o, data, local, at + 1);
    if (!further)
        fprintf(o->file, "\nNext: embargoctl -c %s/embargod.conf check; then embargod -c %s/embargod.conf\n", home,
                home);
    free(local);
    return true;
}
