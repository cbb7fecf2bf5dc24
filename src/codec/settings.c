#include "codec/settings.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "codec/settings_parts.h"

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
    {.name = "limits", .types = CONF_GROUP, .keys = settings_limit_keys},
    {.name = "reminders", .types = CONF_STRINGS},
    {.name = "site", .types = CONF_GROUP, .keys = site_keys},
    {.name = "users", .types = CONF_GROUP, .keys = user_keys},
    {.name = NULL},
};
static const struct conf_schema schema = {.keys = root_keys};

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

char *settings_below_home(const struct settings *s, const char *path)
{
    if (!path || !*path)
        return NULL;
    return *path == '/' ? mem_strdup(path) : mem_printf("%s/%s", s->home, path);
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

static void read_smtp(const struct conf_node *root, const char *file, struct conf_faults *faults, struct settings *s)
{
    s->courier = (enum settings_courier)word_index(courier_words, conf_string(root, "courier", NULL), COURIER_MAILDIR);
    s->smtp_host = mem_strdup(conf_string(root, "smtp.host", "127.0.0.1"));
    s->smtp_port = conf_int(root, "smtp.port", 25);
    s->smtp_tls = (enum settings_tls)word_index(tls_words, conf_string(root, "smtp.tls", NULL), SMTP_TLS_OPPORTUNISTIC);
    s->smtp_ca = settings_below_home(s, conf_string(root, "smtp.ca", NULL));
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

    s->lmtp_unix = settings_below_home(s, conf_string(root, "lmtp.unix", "run/lmtp.sock"));
    if (conf_type(tcp) == CONF_INT)
        s->lmtp_tcp = mem_printf("127.0.0.1:%d", conf_int(root, "lmtp.tcp", 0));
    else if (tcp && *conf_string(root, "lmtp.tcp", ""))
        s->lmtp_tcp = mem_strdup(conf_string(root, "lmtp.tcp", ""));
    s->maildir_in = settings_below_home(s, conf_string(root, "maildir_in", NULL));
    s->control = settings_below_home(s, "run/control.sock");
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
    s->fetch_ca = settings_below_home(s, conf_string(root, "fetch.ca", NULL));
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
        settings_read_lists(root, file, faults, s);
        settings_read_channels(root, file, faults, s);
        read_reminders(root, file, faults, s);
        settings_read_site(root, file, faults, s);
        settings_read_limits(root, s);
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
