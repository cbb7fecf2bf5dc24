/* check and audit verify: what can be said of an instance without a daemon, and without changing it. */
#include "main/ctl_check.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "flow/policies.h"
#include "io/maildir_folder.h"
#include "io/maildir_in.h"
#include "main/ctl.h"
#include "main/ctl_client.h"
#include "store/audit.h"

#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK_DISK_MAILS 8    /* of the largest size */
#define CORE_PATIENCE_MS 5000 /* a core at work on something long takes no command meanwhile */

void check_add(struct check *k, enum check_status status, const char *name, const char *remedy, const char *format, ...)
{
    static const char *const words[] = {"ok", "warn", "fail"};
    char detail[DIAG_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    k->n_failed += status == CHECK_FAIL;
    json_array_append_new(k->rows, json_pack("{s:s, s:s, s:s, s:o}", "name", name, "status", words[status], "detail",
                                             detail, "remedy", *remedy ? json_string(remedy) : json_null()));
}

/* Nobody but the owner may look in: there are keys, and mail that has just come in. */
static bool check_folder(struct check *k, const char *path, unsigned forbidden)
{
    char *chmod = mem_printf("chmod 0700 %s", path), *install = mem_printf("install -d -m 0700 %s, as its user", path);
    struct stat st;
    bool ok = false;

    if (stat(path, &st))
        check_add(k, CHECK_FAIL, "folders", install, "%s cannot be looked at: %s", path, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        check_add(k, CHECK_FAIL, "folders", install, "%s is no folder: move it away", path);
    else if (st.st_mode & forbidden)
        check_add(k, CHECK_FAIL, "folders", chmod, "%s is open to others (mode %04o)", path,
                  (unsigned)st.st_mode & 07777);
    else if (st.st_uid != geteuid() && geteuid() != 0)
        check_add(k, CHECK_FAIL, "folders", "run this, and embargod, as that user",
                  "%s belongs to the user %ld, not to you", path, (long)st.st_uid);
    else
        ok = true;
    free(chmod);
    free(install);
    return ok;
}

static void check_modes(struct check *k)
{
    /* With own users (proc/users.h) some are searched by the other roles, or shared with one of them. */
    static const struct {
        const char *name;
        unsigned forbidden_of_users;
    } folders[] = {{"", 0066},      {"state", 0022}, {"state/spool", 0007}, {"state/bodies", 0027},
                   {"gnupg", 0077}, {"run", 0077},   {"mail", 0077},        {"policy", 0077}};
    bool users = k->settings->user_core != NULL;
    size_t faults = 0;

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char *path = *folders[i].name ? settings_path(k->settings, folders[i].name) : mem_strdup(k->settings->home);

        faults += !check_folder(k, path, users ? folders[i].forbidden_of_users : 0077);
        free(path);
    }
    if (!faults)
        check_add(k, CHECK_OK, "folders", "", "all are there, and closed to others");
}

static void check_configuration_mode(struct check *k)
{
    struct stat st;

    if (stat(k->settings->file, &st) || (st.st_mode & 0022))
        check_add(k, CHECK_FAIL, "configuration", "chmod 0600 embargod.conf",
                  "%s, the root of trust, can be written by others", k->settings->file);
    else
        check_add(k, CHECK_OK, "configuration", "", "%s: lists %zu, admins %zu", k->settings->file,
                  k->settings->n_lists, k->settings->n_admins);
}

/* Whether anything listens there; at most three seconds. */
static bool answers(const char *host, int port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    char service[16];
    bool ok = false;

    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(host, service, &hints, &all))
        return false;
    for (struct addrinfo *a = all; a && !ok; a = a->ai_next) {
        int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), fault = -1;
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        socklen_t size = sizeof fault;

        if (fd >= 0 && (connect(fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS) &&
            poll(&wait, 1, 3000) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &size) == 0)
            ok = fault == 0;
        if (fd >= 0)
            close(fd);
    }
    freeaddrinfo(all);
    return ok;
}

static void check_courier(struct check *k)
{
    const struct settings *s = k->settings;

    if (s->courier != COURIER_SMTP)
        check_add(k, CHECK_OK, "courier", "", "delivers into %s/mail", s->home);
    else if (!answers(s->smtp_host, s->smtp_port))
        check_add(k, CHECK_WARN, "courier", "start the mail server, or correct smtp.host and smtp.port",
                  "nothing answers at %s port %d: mail waits, and is tried again", s->smtp_host, s->smtp_port);
    else if (s->smtp_ca && access(s->smtp_ca, R_OK))
        check_add(k, CHECK_FAIL, "courier", "let smtp.ca name a readable file of PEM certificates", "%s cannot be read",
                  s->smtp_ca);
    else
        check_add(k, CHECK_OK, "courier", "", "hands mail to %s port %d", s->smtp_host, s->smtp_port);
}

static void policy_fault(struct check *k, const char *name, const struct diag *why)
{
    char *where = *why->file ? mem_printf("%s:%d: ", why->file, why->line) : mem_strdup("");

    check_add(k, CHECK_FAIL, name, "embargoctl policy check FILE names every fault; policy list has all names", "%s%s",
              where, why->text);
    free(where);
}

static void check_policies(struct check *k)
{
    char *folder = settings_path(k->settings, "policy");
    struct policies *policies = policies_new(folder);

    for (size_t i = 0; i < k->settings->n_lists; i++) {
        const struct settings_list *list = &k->settings->lists[i];
        struct schedule_holidays holidays = {0};
        struct policy *policy = NULL;
        struct diag why;
        char *name = mem_printf("policy of %s", list->name);

        if (policies_load(policies, list->policy, &policy, NULL, &why) ||
            policies_holidays(policies, policy, &holidays, &why))
            policy_fault(k, name, &why);
        else
            check_add(k, CHECK_OK, name, "", "%s", policy->file);
        schedule_holidays_free(&holidays);
        policy_free(&policy);
        free(name);
    }
    policies_free(&policies);
    free(folder);
}

static void check_database(struct check *k)
{
    char *state = settings_path(k->settings, "state");
    struct diag why;
    enum err err = db_open(state, DB_READ_ONLY, &k->db, &why);
    bool older = err && strcmp(why.rule, "store.older") == 0;

    if (err)
        check_add(k, older ? CHECK_WARN : CHECK_FAIL, "database", older ? "start embargod once" : REMEDY_COPY, "%s",
                  why.text);
    else if (db_try_write(state, &why))
        check_add(k, CHECK_FAIL, "database",
                  "end what holds it (fuser names it), or give it to the daemon's user, mode 0600", "%s", why.text);
    else
        check_add(k, CHECK_OK, "database", "", "opens, can be written, and passes its integrity check");
    free(state);
}

static void check_audit(struct check *k)
{
    int64_t entries = 0, bad = 0;
    char head[65];
    struct diag why;

    if (!k->db)
        return;
    if (audit_verify(k->db, 0, NULL, &entries, head, &bad, &why))
        check_add(k, CHECK_FAIL, "audit trail", "see the check of the database", "%s", why.text);
    else if (bad)
        check_add(k, CHECK_FAIL, "audit trail", "keep this copy; find out who could write to state/db.sqlite",
                  "entry %lld does not fit the one before", (long long)bad);
    else
        check_add(k, CHECK_OK, "audit trail", "", "%lld entries, head %s", (long long)entries, head);
}

/* Entries of a folder; -1: it cannot be read. */
static long count_files(const struct settings *s, const char *relative)
{
    char *path = settings_path(s, relative);
    DIR *dir = opendir(path);
    struct dirent *e;
    long n = dir ? 0 : -1;

    while (dir && (e = readdir(dir)))
        n += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    free(path);
    return n;
}

static void check_spool(struct check *k)
{
    char *path = settings_path(k->settings, "state/spool");
    long waiting = count_files(k->settings, "state/spool/new"), bad = count_files(k->settings, "state/spool/bad");

    if (access(path, R_OK | W_OK | X_OK))
        check_add(k, CHECK_FAIL, "spool", "give it to the daemon's user, mode 0700", "%s cannot be written: %s", path,
                  strerror(errno));
    else if (bad > 0)
        check_add(k, CHECK_WARN, "spool", "look at state/spool/bad, and remove what is of no use",
                  "%ld damaged files were set aside", bad);
    else
        check_add(k, CHECK_OK, "spool", "", "can be written, %ld mails wait", waiting > 0 ? waiting : 0);
    free(path);
}

/* Before it hurts: a mail of the largest size needs a few times its own. */
static void check_disk(struct check *k)
{
    const struct settings_limits *l = &k->settings->limits;
    char *state = settings_path(k->settings, "state");
    int64_t free_bytes = fsx_free_bytes(state), reserve = (int64_t)l->reserve_bytes;

    if (free_bytes < 0)
        check_add(k, CHECK_FAIL, "disk", "see the check of the folders", "%s: %s", state, strerror(errno));
    else if (free_bytes < reserve)
        check_add(k, CHECK_FAIL, "disk", "make room; what waits is taken then",
                  "%lld MiB are left, less than limits.reserve_bytes: mail is put off (452)",
                  (long long)free_bytes >> 20);
    else if (free_bytes < reserve + CHECK_DISK_MAILS * (int64_t)l->message_bytes)
        check_add(k, CHECK_WARN, "disk", "make room", "%lld MiB are left: a few large mails, and mail is put off",
                  (long long)free_bytes >> 20);
    else
        check_add(k, CHECK_OK, "disk", "", "%lld MiB are left", (long long)free_bytes >> 20);
    free(state);
}

/* Mail that stays in the folder is not lost, but nobody sees it. */
static void check_maildir_in(struct check *k)
{
    const struct settings *s = k->settings;
    size_t waiting = 0, left = 0;
    char *remedy;

    if (!s->maildir_in)
        return;
    remedy = mem_printf("install -d -m 0700 %s/new %s/cur %s/tmp, all given to the daemon's user", s->maildir_in,
                        s->maildir_in, s->maildir_in);
    if (!maildir_folder_count(s->maildir_in, s->limits.hold_bytes, &waiting, &left))
        check_add(k, CHECK_FAIL, "maildir_in", remedy, "%s/new cannot be read: %s", s->maildir_in, strerror(errno));
    else if (!maildir_folder_can_watch(s->maildir_in))
        check_add(k, CHECK_WARN, "maildir_in", "raise fs.inotify.max_user_instances, or end what holds them",
                  "the kernel gives no inotify for %s/new: it is read every %d seconds instead", s->maildir_in,
                  MAILDIR_IN_TROUBLE_S);
    else if (left)
        check_add(k, CHECK_WARN, "maildir_in",
                  "look at them; make them readable, raise limits.hold_bytes, or move them away",
                  "%zu in %s/new are not taken: no plain files that can be read, or too large", left, s->maildir_in);
    else
        check_add(k, CHECK_OK, "maildir_in", "", "%s: %zu mails wait", s->maildir_in, waiting);
    free(remedy);
}

/* Who may connect to the socket follows from its folder (embargod.conf(5)): from all of its path, in truth. */
static void check_lmtp(struct check *k)
{
    const struct settings *s = k->settings;
    char *folder = mem_strdup(s->lmtp_unix ? s->lmtp_unix : ""), *slash = strrchr(folder, '/');
    bool own = strncmp(folder, s->home, strlen(s->home)) == 0 && folder[strlen(s->home)] == '/';
    struct stat st;

    if (slash)
        *slash = 0;
    if (!*folder || own)
        check_add(k, CHECK_OK, "lmtp", "", "%s%s%s", *folder ? "the socket is for the daemon's own user" : "no socket",
                  s->lmtp_tcp ? "; any user of this machine may connect to " : "", s->lmtp_tcp ? s->lmtp_tcp : "");
    else if (stat(folder, &st) || !S_ISDIR(st.st_mode))
        check_add(k, CHECK_FAIL, "lmtp",
                  "make it as embargod.conf(5) says under lmtp.unix: install -d -o USER -g MTAGROUP -m 2710 FOLDER",
                  "%s is no folder that can be looked at: %s", folder, strerror(errno));
    else if (st.st_mode & 0002)
        check_add(k, CHECK_FAIL, "lmtp", "take the right to write away from others: chmod o-w",
                  "others may write to %s, and put a socket of theirs in the place of ours", folder);
    else
        check_add(k, CHECK_OK, "lmtp", "", "%s, mode %04o: the group %ld may %s", folder, (unsigned)st.st_mode & 07777,
                  (long)st.st_gid, (st.st_mode & 02010) == 02010 ? "connect" : "not connect");
    free(folder);
}

/* That it knows who asks does not matter. */
static bool core_answers(const char *socket_path)
{
    static const char *const words[] = {"status"};
    struct reply r = {.out = BUF_EMPTY};
    struct command c;
    struct diag why;
    enum err err = command_parse(1, words, &c, &why);

    if (!err)
        err = client_ask(socket_path, &c, NULL, CORE_PATIENCE_MS, &r, &why);
    command_free(&c);
    reply_free(&r);
    return !err;
}

static void check_daemon(struct check *k)
{
    char *start = mem_printf("embargod -c %s", k->settings->file);

    k->daemon_running = client_is_daemon(k->settings->control);
    if (k->daemon_running && !core_answers(k->settings->control))
        check_add(k, CHECK_FAIL, "daemon", "see its log for core-start-failed or core-rests, and the other rows",
                  "listens at %s, but its core does not take commands", k->settings->control);
    else if (k->daemon_running)
        check_add(k, CHECK_OK, "daemon", "", "answers at %s", k->settings->control);
    else
        check_add(k, CHECK_WARN, "daemon", start, "does not run");
    free(start);
}

static void check_instance(struct check *k)
{
    check_daemon(k);
    check_configuration_mode(k);
    check_courier(k);
    check_modes(k);
    check_policies(k);
    check_database(k);
    check_audit(k);
    check_backup(k);
    if (k->gpg_runs)
        check_watched(k, "keys", REMEDY_GPG, check_keys);
    check_spool(k);
    check_disk(k);
    check_lmtp(k);
    check_maildir_in(k);
}

/* Every fault of the configuration is a row. */
static bool check_configuration(struct check *k, struct ctl *ctl)
{
    struct conf_faults faults = {0};
    struct diag why;
    enum err err = ctl->settings ? ERR_OK : settings_read(ctl->config, &faults, &ctl->settings, &why);

    for (size_t i = 0; i < faults.n; i++)
        check_add(k, CHECK_FAIL, "configuration", "mend the file; embargod.conf(5) has every key", "%s:%d: %s",
                  faults.items[i].file, faults.items[i].line, faults.items[i].text);
    if (err && !faults.n)
        check_add(k, CHECK_FAIL, "configuration", "name the file with -c FILE; embargoctl help init makes one", "%s",
                  why.text);
    conf_faults_free(&faults);
    return !err;
}

enum err ctl_check(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why)
{
    struct check k = {.rows = json_array()};
    struct diag fault;

    (void)c;
    if (!ctl->config) {
        json_decref(k.rows);
        return ctl_load(ctl, why);
    }
    check_gpg_runs(&k);
    if (check_configuration(&k, ctl)) {
        k.settings = ctl->settings;
        check_instance(&k);
    }
    check_system(&k);
    db_close(&k.db);
    r->data = k.rows;
    if (k.n_failed)
        reply_from(r,
                   diag_set(&fault, ERR_REJECT, "check.failed", "%zu of %zu checks failed", k.n_failed,
                            json_array_size(k.rows)),
                   &fault);
    return ERR_OK;
}

/* SEQ:HASH, as it was mailed. */
static enum err parse_anchor(const char *text, int64_t *seq, const char **hash, struct diag *why)
{
    char *end;

    errno = 0;
    *seq = strtoll(text, &end, 10);
    *hash = end + 1;
    if (errno || end == text || *end != ':' || *seq < 1 || *text < '0' || *text > '9' || strlen(*hash) != 64 ||
        strspn(*hash, "0123456789abcdef") != 64)
        return diag_set(why, ERR_USAGE, "command.option", "--anchor must be SEQ:HASH, as in the daily mail");
    return ERR_OK;
}

enum err ctl_audit_verify(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why)
{
    const char *word = command_word(c, "anchor"), *hash = NULL;
    int64_t seq = 0, entries = 0, bad = 0;
    char *state = NULL, head[65];
    struct db *db = NULL;
    struct diag broken;
    enum err err = word ? parse_anchor(word, &seq, &hash, why) : ERR_OK;

    if (!err)
        err = ctl_load(ctl, why);
    if (!err) {
        state = settings_path(ctl->settings, "state");
        err = db_open(state, DB_READ_ONLY, &db, why);
    }
    if (!err)
        err = audit_verify(db, seq, hash, &entries, head, &bad, why);
    if (!err) {
        if (bad)
            reply_from(
                r,
                diag_set(&broken, ERR_REJECT, "audit.broken", "entry %lld is missing or was changed", (long long)bad),
                &broken);
        r->data = json_pack("{s:I, s:s, s:o}", "entries", (json_int_t)entries, "head", head, "bad_seq",
                            bad ? json_integer(bad) : json_null());
    }
    db_close(&db);
    free(state);
    return err;
}
