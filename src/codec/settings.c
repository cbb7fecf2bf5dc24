#include "codec/settings.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "codec/settings_site.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const courier_words[] = {"maildir", "smtp", NULL};
static const char *const tls_words[] = {"none", "opportunistic", "required", NULL};
static const char *const sandbox_words[] = {"off", "best-effort", "required", NULL};
static const char *const style_words[] = {"announce", "plain", NULL};
static const char *const outer_words[] = {"active", "none", NULL};

static const struct conf_key list_keys[] = {
    {.name = "name", .types = CONF_STRING, .required = true},
    {.name = "address", .types = CONF_STRING, .required = true},
    {.name = "policy", .types = CONF_STRING, .required = true},
    {.name = "key", .types = CONF_STRING, .required = true},
    {.name = "previous_key", .types = CONF_STRING},
    {.name = "passphrase_file", .types = CONF_STRING},
    {.name = "authserv_id", .types = CONF_STRING},
    {.name = "next_id", .types = CONF_INT, .min = 1, .max = INT_MAX},
    {.name = "commit_url", .types = CONF_STRING},
    {.name = NULL},
};
static const struct conf_key admin_keys[] = {
    {.name = "address", .types = CONF_STRING, .required = true},
    {.name = "fingerprint", .types = CONF_STRING, .required = true},
    {.name = "uid", .types = CONF_INT, .min = 0, .max = INT_MAX},
    {.name = "lists", .types = CONF_STRINGS},
    {.name = NULL},
};
static const struct conf_key lmtp_keys[] = {
    {.name = "unix", .types = CONF_STRING},
    {.name = "tcp", .types = CONF_STRING | CONF_INT, .min = 1, .max = 65535},
    {.name = NULL},
};
static const struct conf_key smtp_keys[] = {
    {.name = "host", .types = CONF_STRING},
    {.name = "port", .types = CONF_INT, .min = 1, .max = 65535},
    {.name = "tls", .types = CONF_STRING, .words = tls_words},
    {.name = "ca", .types = CONF_STRING},
    {.name = "timeout_s", .types = CONF_INT, .min = 1, .max = 3600},
    {.name = NULL},
};
static const struct conf_key fetch_keys[] = {
    {.name = "wkd", .types = CONF_BOOL},
    {.name = "ca", .types = CONF_STRING},
    {.name = "timeout_s", .types = CONF_INT, .min = 1, .max = 300},
    {.name = "connect_to", .types = CONF_STRINGS},
    {.name = NULL},
};
static const struct conf_key site_keys[] = {
    {.name = "url", .types = CONF_STRING},
    {.name = "title", .types = CONF_STRING},
    {.name = "contact", .types = CONF_STRINGS},
    {.name = NULL},
};
static const struct conf_key user_keys[] = {
    {.name = "core", .types = CONF_STRING},
    {.name = "intake", .types = CONF_STRING},
    {.name = "courier", .types = CONF_STRING},
    {.name = NULL},
};

/* offset: where the value goes; kind: size_t (1) or int (0). */
#define LIMIT_SIZE(key, lo, hi)                                                                                        \
    {                                                                                                                  \
        .name = #key, .types = CONF_INT, .min = (lo), .max = (hi), .kind = 1,                                          \
        .offset = offsetof(struct settings_limits, key)                                                                \
    }
#define LIMIT_INT(key, lo, hi)                                                                                         \
    {                                                                                                                  \
        .name = #key, .types = CONF_INT, .min = (lo), .max = (hi), .kind = 0,                                          \
        .offset = offsetof(struct settings_limits, key)                                                                \
    }

static const struct conf_key limit_keys[] = {
    LIMIT_SIZE(message_bytes, 1024, 100 << 20),
    LIMIT_SIZE(hold_bytes, 1024, 150 << 20),
    LIMIT_SIZE(header_block_bytes, 1024, 16 << 20),
    LIMIT_SIZE(header_line_bytes, 998, 1 << 20),
    LIMIT_SIZE(parts, 1, 10000),
    LIMIT_SIZE(depth, 1, 200),
    LIMIT_SIZE(decrypted_bytes, 1024, 150 << 20),
    LIMIT_SIZE(decrypted_factor, 1, 100),
    LIMIT_INT(worker_seconds, 1, 3600),
    LIMIT_INT(worker_tries, 1, 100),
    LIMIT_INT(workers, 1, 64),
    LIMIT_INT(connections, 1, 10000),
    LIMIT_INT(recipients, 1, 1000),
    LIMIT_INT(idle_seconds, 1, 3600),
    LIMIT_INT(sender_mails, 1, 1000000),
    LIMIT_INT(domain_mails, 1, 1000000),
    LIMIT_INT(all_mails, 1, 1000000),
    LIMIT_INT(digest_minutes, 1, 1440),
    LIMIT_SIZE(reserve_bytes, 0, INT_MAX),
    LIMIT_INT(courier_jobs, 1, 1000),
    LIMIT_INT(retry_first_s, 1, 86400),
    LIMIT_INT(retry_max_s, 1, 604800),
    LIMIT_INT(retry_give_up_s, 60, 2592000),
    {.name = "require_synchronised_clock", .types = CONF_BOOL},
    {.name = NULL},
};

static const struct conf_key channel_keys[] = {
    {.name = "name", .types = CONF_STRING, .required = true},
    {.name = "address", .types = CONF_STRING, .required = true},
    {.name = "style", .types = CONF_STRING, .words = style_words},
    {.name = "subject_prefix", .types = CONF_STRING},
    {.name = NULL},
};

static const struct conf_key root_keys[] = {
    {.name = "lists", .types = CONF_GROUPS, .keys = list_keys, .required = true},
    {.name = "admins", .types = CONF_GROUPS, .keys = admin_keys, .required = true},
    {.name = "channels", .types = CONF_GROUPS, .keys = channel_keys},
    {.name = "lmtp", .types = CONF_GROUP, .keys = lmtp_keys},
    {.name = "maildir_in", .types = CONF_STRING},
    {.name = "courier", .types = CONF_STRING, .words = courier_words},
    {.name = "smtp", .types = CONF_GROUP, .keys = smtp_keys},
    {.name = "fetch", .types = CONF_GROUP, .keys = fetch_keys},
    {.name = "sandbox", .types = CONF_STRING, .words = sandbox_words},
    {.name = "outer_embargo_headers", .types = CONF_STRING, .words = outer_words},
    {.name = "limits", .types = CONF_GROUP, .keys = limit_keys},
    {.name = "reminders", .types = CONF_STRINGS},
    {.name = "site", .types = CONF_GROUP, .keys = site_keys},
    {.name = "users", .types = CONF_GROUP, .keys = user_keys},
    {.name = NULL},
};
static const struct conf_schema schema = {.keys = root_keys};

static const struct settings_limits default_limits = {
    .message_bytes = 25 << 20,
    .hold_bytes = 64 << 20,
    .header_block_bytes = 256 << 10,
    .header_line_bytes = 32 << 10,
    .parts = 1000,
    .depth = 50,
    .decrypted_bytes = 100 << 20,
    .decrypted_factor = 100,
    .worker_seconds = 60,
    .worker_tries = 3,
    .workers = 2,
    .connections = 200,
    .recipients = 100,
    .idle_seconds = 60,
    .sender_mails = 60,
    .domain_mails = 150,
    .all_mails = 300,
    .digest_minutes = 15,
    .reserve_bytes = 64 << 20,
    .courier_jobs = 20,
    .retry_first_s = 60,
    .retry_max_s = 4 * 3600,
    .retry_give_up_s = 5 * 86400,
    .require_synchronised_clock = true,
};

static int word_index(const char *const *words, const char *word, int otherwise)
{
    for (int i = 0; word && words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return otherwise;
}

const char *settings_sandbox_name(enum settings_sandbox s)
{
    return sandbox_words[s];
}

enum settings_sandbox settings_sandbox_word(const char *word)
{
    return (enum settings_sandbox)word_index(sandbox_words, word, SANDBOX_REQUIRED);
}

static char *upper_fingerprint(const char *text)
{
    char *out = mem_strdup(text);
    size_t n = 0;

    for (const char *p = text; *p; p++)
        if (!isspace((unsigned char)*p))
            out[n++] = (char)toupper((unsigned char)*p);
    out[n] = 0;
    return out;
}

static bool fingerprint_ok(const char *f)
{
    size_t n = strlen(f);

    return (n == 40 || n == 64) && strspn(f, "0123456789ABCDEF") == n;
}

static char *read_fingerprint(const struct conf_node *node, const char *key, const char *file,
                              struct conf_faults *faults)
{
    char *f = upper_fingerprint(conf_string(node, key, ""));

    if (!fingerprint_ok(f))
        conf_fault_add(faults, file, conf_line(conf_get(node, key)), "conf.fingerprint",
                       "`%s` must be the full fingerprint of a primary key: 40 or 64 hex digits", key);
    return f;
}

static char *read_address(const struct conf_node *node, const char *file, struct conf_faults *faults)
{
    char out[ADDR_MAX_BYTES + 1];
    struct diag why;

    if (addr_check(span_of(conf_string(node, "address", "")), out, &why))
        conf_fault_add(faults, file, conf_line(conf_get(node, "address")), "conf.address", "`address`: %s", why.text);
    return mem_strdup(out);
}

static bool list_name_ok(const char *name)
{
    size_t n = strlen(name);

    return n >= 1 && n <= 16 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static char *below_home(const struct settings *s, const char *path)
{
    if (!path || !*path)
        return NULL;
    return *path == '/' ? mem_strdup(path) : mem_printf("%s/%s", s->home, path);
}

static void read_lists(const struct conf_node *root, const char *file, struct conf_faults *faults, struct settings *s)
{
    const struct conf_node *lists = conf_get(root, "lists");

    s->n_lists = conf_count(lists);
    s->lists = mem_zero(s->n_lists, sizeof *s->lists);
    if (!s->n_lists)
        conf_fault_add(faults, file, conf_line(lists), "conf.no-list", "`lists` must name at least one list");
    for (size_t i = 0; i < s->n_lists; i++) {
        const struct conf_node *node = conf_at(lists, i);
        struct settings_list *l = &s->lists[i];

        l->name = mem_strdup(conf_string(node, "name", ""));
        if (!list_name_ok(l->name))
            conf_fault_add(faults, file, conf_line(conf_get(node, "name")), "conf.list-name",
                           "`name` must be 1 to 16 of a-z, 0-9 and - (it names a folder)");
        l->address = read_address(node, file, faults);
        l->policy = mem_strdup(conf_string(node, "policy", ""));
        l->fingerprint = read_fingerprint(node, "key", file, faults);
        if (conf_get(node, "previous_key"))
            l->previous_key = read_fingerprint(node, "previous_key", file, faults);
        l->passphrase_file = below_home(s, conf_string(node, "passphrase_file", NULL));
        l->authserv_id = mem_strdup(conf_string(node, "authserv_id", NULL));
        l->next_id = conf_int(node, "next_id", 1);
        l->commit_url = settings_read_commit_url(node, file, faults);
    }
}

static void read_admins(const struct conf_node *root, const char *file, struct conf_faults *faults, struct settings *s)
{
    const struct conf_node *admins = conf_get(root, "admins");

    s->n_admins = conf_count(admins);
    s->admins = mem_zero(s->n_admins, sizeof *s->admins);
    if (!s->n_admins)
        conf_fault_add(faults, file, conf_line(admins), "conf.no-admin", "`admins` must name at least one admin");
    for (size_t i = 0; i < s->n_admins; i++) {
        const struct conf_node *node = conf_at(admins, i), *names = conf_get(node, "lists");
        struct settings_admin *a = &s->admins[i];

        a->address = read_address(node, file, faults);
        a->fingerprint = read_fingerprint(node, "fingerprint", file, faults);
        a->uid = conf_int(node, "uid", -1);
        a->n_lists = conf_count(names);
        a->lists = mem_zero(a->n_lists, sizeof *a->lists);
        for (size_t k = 0; k < a->n_lists; k++) {
            a->lists[k] = mem_strdup(conf_string(conf_at(names, k), "", ""));
            if (!settings_list_named(s, a->lists[k]))
                conf_fault_add(faults, file, conf_line(names), "conf.unknown-list", "no list is named `%s`",
                               a->lists[k]);
        }
    }
}

/* Two names for one thing would be two votes, or two lists behind one address. */
static void check_twins(const struct conf_node *root, const char *file, struct conf_faults *faults,
                        const struct settings *s)
{
    for (size_t i = 0; i < s->n_lists; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(s->lists[i].name, s->lists[k].name) == 0 || addr_equal(s->lists[i].address, s->lists[k].address))
                conf_fault_add(faults, file, conf_line(conf_at(conf_get(root, "lists"), i)), "conf.twice",
                               "a list with this `name` or `address` stands above: give each its own");
    for (size_t i = 0; i < s->n_admins; i++)
        for (size_t k = 0; k < i; k++)
            if (addr_equal(s->admins[i].address, s->admins[k].address) ||
                strcmp(s->admins[i].fingerprint, s->admins[k].fingerprint) == 0)
                conf_fault_add(faults, file, conf_line(conf_at(conf_get(root, "admins"), i)), "conf.twice",
                               "an admin with this `address` or `fingerprint` stands above: one entry for each person");
}

/* "7d", "24h", "30m": seconds; 0 where it is none of these. */
static int64_t parse_span_s(const char *text)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}};
    char *end;
    long n = strtol(text, &end, 10);

    if (end == text || n <= 0 || n > 10000 || !*end || end[1])
        return 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (*end == units[i].letter)
            return n * units[i].seconds;
    return 0;
}

static void read_reminders(const struct conf_node *root, const char *file, struct conf_faults *faults,
                           struct settings *s)
{
    static const int64_t usual[] = {7 * 86400, 2 * 86400, 86400, 3600};
    const struct conf_node *node = conf_get(root, "reminders");

    s->n_reminders = node ? conf_count(node) : sizeof usual / sizeof usual[0];
    s->reminders_s = mem_zero(s->n_reminders, sizeof *s->reminders_s);
    for (size_t i = 0; i < s->n_reminders; i++) {
        s->reminders_s[i] = node ? parse_span_s(conf_string(conf_at(node, i), "", "")) : usual[i];
        if (!s->reminders_s[i])
            conf_fault_add(faults, file, conf_line(node), "conf.reminder",
                           "a reminder is a number and d, h or m, such as \"7d\"");
    }
}

static void read_limits(const struct conf_node *root, struct settings *s)
{
    const struct conf_node *node = conf_get(root, "limits");

    s->limits = default_limits;
    for (const struct conf_key *k = limit_keys; node && k->name; k++) {
        char *place = (char *)&s->limits + k->offset;

        if (!conf_get(node, k->name) || k->types != CONF_INT)
            continue;
        if (k->kind == 1)
            *(size_t *)(void *)place = (size_t)conf_int(node, k->name, 0);
        else
            *(int *)(void *)place = conf_int(node, k->name, 0);
    }
    s->limits.require_synchronised_clock = conf_bool(node, "require_synchronised_clock", true);
}

static void read_smtp(const struct conf_node *root, const char *file, struct conf_faults *faults, struct settings *s)
{
    s->courier = (enum settings_courier)word_index(courier_words, conf_string(root, "courier", NULL), COURIER_MAILDIR);
    s->smtp_host = mem_strdup(conf_string(root, "smtp.host", "127.0.0.1"));
    s->smtp_port = conf_int(root, "smtp.port", 25);
    s->smtp_tls = (enum settings_tls)word_index(tls_words, conf_string(root, "smtp.tls", NULL), SMTP_TLS_OPPORTUNISTIC);
    s->smtp_ca = below_home(s, conf_string(root, "smtp.ca", NULL));
    s->smtp_timeout_s = conf_int(root, "smtp.timeout_s", 300);
    if (!*s->smtp_host || strlen(s->smtp_host) > 253 || strpbrk(s->smtp_host, ": \t\r\n/"))
        conf_fault_add(
            faults, file, conf_line(conf_get(root, "smtp.host")), "conf.smtp-host",
            "`smtp.host` must be a host's name or an IPv4 address, without a port (that is `smtp.port`); for "
            "an IPv6 address give a name that has it");
}

static void read_mail(const struct conf_node *root, const char *file, struct conf_faults *faults, struct settings *s)
{
    const struct conf_node *tcp = conf_get(root, "lmtp.tcp");

    s->lmtp_unix = below_home(s, conf_string(root, "lmtp.unix", "run/lmtp.sock"));
    if (conf_type(tcp) == CONF_INT)
        s->lmtp_tcp = mem_printf("127.0.0.1:%d", conf_int(root, "lmtp.tcp", 0));
    else if (tcp && *conf_string(root, "lmtp.tcp", ""))
        s->lmtp_tcp = mem_strdup(conf_string(root, "lmtp.tcp", ""));
    s->maildir_in = below_home(s, conf_string(root, "maildir_in", NULL));
    s->control = below_home(s, "run/control.sock");
    if (s->lmtp_tcp && !settings_is_loopback(s->lmtp_tcp))
        conf_fault_add(faults, file, conf_line(tcp), "conf.loopback",
                       "`lmtp.tcp` must be a loopback address and port, such as \"127.0.0.1:2525\"");
}

/* HOST:ADDRESS:PORT */
static bool is_pin(const char *text)
{
    size_t host = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-");
    const char *port = strrchr(text, ':');

    return host && text[host] == ':' && port > text + host + 1 && port[1] &&
           strspn(port + 1, "0123456789") == strlen(port + 1);
}

static void read_fetch(const struct conf_node *root, const char *file, struct conf_faults *faults, struct settings *s)
{
    const struct conf_node *pins = conf_get(root, "fetch.connect_to");

    s->fetch_wkd = conf_bool(root, "fetch.wkd", true);
    s->fetch_ca = below_home(s, conf_string(root, "fetch.ca", NULL));
    s->fetch_timeout_s = conf_int(root, "fetch.timeout_s", 20);
    s->n_fetch_connect_to = conf_count(pins);
    s->fetch_connect_to = mem_zero(s->n_fetch_connect_to, sizeof *s->fetch_connect_to);
    for (size_t i = 0; i < s->n_fetch_connect_to; i++) {
        s->fetch_connect_to[i] = mem_strdup(conf_string(conf_at(pins, i), "", ""));
        if (!is_pin(s->fetch_connect_to[i]))
            conf_fault_add(faults, file, conf_line(pins), "conf.connect-to",
                           "each of `fetch.connect_to` is HOST:ADDRESS:PORT, the host in lower case");
    }
}

/* The absolute path of the file, and of its folder. */
static void set_home(struct settings *s, const char *file)
{
    char *real = realpath(file, NULL);
    char *slash;

    s->file = real ? mem_strdup(real) : mem_strdup(file);
    free(real);
    s->home = mem_strdup(s->file);
    slash = strrchr(s->home, '/');
    if (slash)
        *slash = 0;
    else
        snprintf(s->home, strlen(s->home) + 1, ".");
}

enum err settings_parse(const char *text, size_t len, const char *file, struct conf_faults *faults,
                        struct settings **out)
{
    size_t before = faults->n;
    struct settings *s = mem_zero(1, sizeof *s);
    struct conf *conf = NULL;
    const struct conf_node *root;

    conf_parse(text, len, file, &schema, faults, &conf);
    set_home(s, file);
    if (conf) {
        root = conf_root(conf);
        read_lists(root, file, faults, s);
        read_admins(root, file, faults, s);
        check_twins(root, file, faults, s);
        settings_read_channels(root, file, faults, s);
        read_reminders(root, file, faults, s);
        settings_read_site(root, file, faults, s);
        read_limits(root, s);
        read_mail(root, file, faults, s);
        read_smtp(root, file, faults, s);
        read_fetch(root, file, faults, s);
        s->sandbox =
            (enum settings_sandbox)word_index(sandbox_words, conf_string(root, "sandbox", NULL), SANDBOX_BEST_EFFORT);
        s->outer_embargo_header = word_index(outer_words, conf_string(root, "outer_embargo_headers", NULL), 0) == 0;
        s->user_core = mem_strdup(conf_string(root, "users.core", NULL));
        s->user_intake = mem_strdup(conf_string(root, "users.intake", NULL));
        s->user_courier = mem_strdup(conf_string(root, "users.courier", NULL));
        conf_free(&conf);
    }
    *out = s;
    if (faults->n == before)
        return ERR_OK;
    settings_free(out);
    return ERR_REJECT;
}

enum err settings_read(const char *file, struct conf_faults *faults, struct settings **out, struct diag *why)
{
    struct buf text = BUF_EMPTY;
    enum err err = fsx_read_path(file, CONF_BYTES_MAX, &text, why);

    *out = NULL;
    if (!err) {
        err = settings_parse(buf_text(&text), text.len, file, faults, out);
        if (err)
            conf_faults_diag(faults, err, why);
    }
    buf_free(&text);
    return err;
}

enum err settings_load(const char *file, struct settings **out, struct diag *why)
{
    struct conf_faults faults = {0};
    enum err err = settings_read(file, &faults, out, why);

    conf_faults_free(&faults);
    return err;
}
