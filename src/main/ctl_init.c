#include "main/ctl_init.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "codec/box.h"
#include "flow/policies.h"
#include "main/ctl.h"
#include "main/ctl_client.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_POLICY "cloud-model@2026"
#define LONGEST_HOME   "quarantine"
#define SUFFIX_ROOM    "b-0123456789abcdefghij0123" /* as long as the longest suffix that the daemon makes: VERP's */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

bool init_is_interrupted(void)
{
    return interrupted != 0;
}

void init_plan_free(struct init_plan *p)
{
    db_close(&p->db);
    for (size_t i = 0; i < p->n_admins; i++) {
        free(p->admins[i].address);
        buf_free(&p->admins[i].file);
        buf_free(&p->admins[i].certificate);
    }
    free(p->admins);
    free(p->home);
    free(p->list);
    free(p->address);
    free(p->policy);
    free(p->key);
    free(p->from);
    settings_free(&p->settings);
    *p = (struct init_plan){0};
}

enum err init_absolute(const char *path, char **out, struct diag *why)
{
    char *copy = mem_strdup(path), *real = realpath(path, NULL), *slash, *parent = NULL;
    enum err err = ERR_OK;

    for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--)
        copy[n - 1] = 0;
    slash = strrchr(copy, '/');
    if (!real && slash) {
        *slash = 0;
        parent = realpath(slash == copy ? "/" : copy, NULL);
    } else if (!real) {
        parent = realpath(".", NULL);
    }
    if (real)
        *out = mem_strdup(real);
    else if (parent && *(slash ? slash + 1 : copy))
        *out = mem_printf("%s/%s", strcmp(parent, "/") == 0 ? "" : parent, slash ? slash + 1 : copy);
    else
        err = diag_set(why, ERR_USAGE, "init.home", "the folder above --home is not there: make it first");
    free(real);
    free(parent);
    free(copy);
    return err;
}

static enum err check_name(const char *name, struct diag *why)
{
    size_t n = name ? strlen(name) : 0;

    if (n < 1 || n > INIT_NAME_MAX || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
        return diag_set(why, ERR_USAGE, "init.name", "--list must be 1 to %d of a-z, 0-9 and - (it names a folder)",
                        INIT_NAME_MAX);
    return ERR_OK;
}

static enum err read_address(struct init_plan *p, const char *word, struct diag *why)
{
    char spec[ADDR_MAX_BYTES + 1], with[ADDR_MAX_BYTES + 1];
    struct diag fault;

    if (addr_check(span_of(word), spec, &fault))
        return diag_set(why, ERR_USAGE, "init.address", "--address: %s", fault.text);
    if (strchr(spec, '+') || addr_with_suffix(spec, SUFFIX_ROOM, with, &fault))
        return diag_set(why, ERR_USAGE, "init.address",
                        "the local part of --address must be at most %zu bytes, without a +: suffixes are added to it",
                        (size_t)ADDR_LOCAL_MAX_BYTES - strlen(SUFFIX_ROOM) - 1);
    p->address = mem_strdup(spec);
    return ERR_OK;
}

static enum err read_key_options(struct init_plan *p, const struct command *c, struct diag *why)
{
    const char *key = command_word(c, "key"), *from = command_word(c, "from"), *uid = command_word(c, "uid");
    char *end;

    if (key && command_flag(c, "generate-key"))
        return diag_set(why, ERR_USAGE, "init.key", "--key and --generate-key exclude each other");
    if (!key != !from)
        return diag_set(why, ERR_USAGE, "init.key", "--key FPR and --from GNUPGHOME belong together");
    if (key) {
        p->key = mem_strdup(key);
        for (char *d = p->key; *d; d++)
            if (*d >= 'a' && *d <= 'f')
                *d = (char)(*d - 'a' + 'A');
        if ((strlen(key) != 40 && strlen(key) != 64) || strspn(p->key, "0123456789ABCDEF") != strlen(key))
            return diag_set(why, ERR_USAGE, "init.key", "--key must be the full fingerprint: 40 or 64 hex digits");
        p->from = realpath(from, NULL);
        if (!p->from)
            return diag_set(why, ERR_USAGE, "init.key", "--from is not a folder: %s", strerror(errno));
    }
    p->uid = getuid();
    if (uid) {
        errno = 0;
        p->uid = strtol(uid, &end, 10);
        if (errno || end == uid || *end || *uid < '0' || *uid > '9' || p->uid > INT_MAX)
            return diag_set(why, ERR_USAGE, "init.uid", "--uid must be a number of a user");
    }
    return ERR_OK;
}

/* ADDRESS:KEYFILE */
static enum err read_admin(struct init_plan *p, const char *word, struct diag *why)
{
    const char *colon = strchr(word, ':');
    char spec[ADDR_MAX_BYTES + 1];
    struct init_admin *a;
    struct diag fault;

    if (!colon || !colon[1])
        return diag_set(why, ERR_USAGE, "init.admin", "--admin must be ADDRESS:KEYFILE");
    if (addr_check((struct span){(const uint8_t *)word, (size_t)(colon - word)}, spec, &fault))
        return diag_set(why, ERR_USAGE, "init.admin", "--admin: %s", fault.text);
    for (size_t i = 0; i < p->n_admins; i++)
        if (addr_equal(p->admins[i].address, spec))
            return diag_set(why, ERR_USAGE, "init.admin", "--admin %s is given twice", spec);
    if (p->settings && settings_admin_at(p->settings, spec))
        return diag_set(why, ERR_USAGE, "init.admin", "%s is an admin already: leave this --admin out", spec);
    p->admins = mem_resize(p->admins, p->n_admins + 1, sizeof *p->admins);
    a = &p->admins[p->n_admins++];
    *a = (struct init_admin){.address = mem_strdup(spec), .certificate = BUF_EMPTY};
    buf_init(&a->file, PGP_KEY_RAW_MAX);
    if (client_read_file(colon + 1, &a->file, why))
        return ERR_USAGE;
    return a->file.len ? ERR_OK : diag_set(why, ERR_REJECT, "key.garbage", "the key file of %s is empty", spec);
}

/* An instance that is there gets one more list: one that it does not have. */
static enum err read_instance(struct init_plan *p, struct diag *why)
{
    char *file = init_path(p, "embargod.conf");
    enum err err = ERR_OK;

    if (access(file, F_OK) == 0) {
        err = settings_load(file, &p->settings, why);
        if (!err && settings_list_named(p->settings, p->list))
            err = diag_set(why, ERR_DENIED, "init.exists", "the list %s is there already in this instance", p->list);
        else if (!err && settings_list_for(p->settings, p->address))
            err = diag_set(why, ERR_DENIED, "init.exists", "the address belongs to another list of this instance");
        else if (!err && client_is_daemon(p->settings->control))
            err = diag_set(why, ERR_DENIED, "init.running", "a daemon runs in this instance: stop it first");
    }
    free(file);
    return err;
}

static enum err check_policy(struct init_plan *p, const char *name, struct diag *why)
{
    char *folder = p->settings ? init_path(p, "policy") : NULL;
    struct policies *policies = policies_new(folder);
    char resolved[POLICY_NAME_MAX];
    struct policy *policy = NULL;
    enum err err = policies_load(policies, name ? name : DEFAULT_POLICY, &policy, NULL, why);

    if (!err)
        err = policies_resolve(policies, name ? name : DEFAULT_POLICY, resolved, why);
    if (!err)
        p->policy = mem_strdup(resolved);
    policy_free(&policy);
    policies_free(&policies);
    free(folder);
    return err;
}

/* Everything that can be found out before anything is made. */
static enum err read_plan(struct init_plan *p, const char *list, const struct command *c, struct diag *why)
{
    enum err err = check_name(list, why);

    p->now_utc_s = (int64_t)time(NULL);
    p->list = mem_strdup(list);
    if (!err)
        err = read_address(p, command_word(c, "address"), why);
    if (!err)
        err = init_absolute(command_word(c, "home"), &p->home, why);
    if (!err && strlen(p->home) + strlen("/gnupg//" LONGEST_HOME) + strlen(p->list) >= PGP_HOME_MAX)
        err = diag_set(why, ERR_USAGE, "init.path-too-long",
                       "DIR/gnupg/%s/" LONGEST_HOME " would be over %d bytes, which GnuPG's sockets cannot have: "
                       "choose a shorter --home or --list",
                       p->list, PGP_HOME_MAX - 1);
    if (!err)
        err = read_key_options(p, c, why);
    if (!err)
        err = read_instance(p, why);
    if (!err)
        err = check_policy(p, command_word(c, "policy"), why);
    for (size_t i = 0; !err && command_value_nth(c, "admin", i); i++)
        err = i < INIT_ADMINS_MAX ? read_admin(p, command_value_nth(c, "admin", i)->word, why)
                                  : diag_set(why, ERR_USAGE, "init.admin", "more than %d admins", INIT_ADMINS_MAX);
    return err;
}

static enum err make(struct init_plan *p, struct diag *why)
{
    static enum err (*const steps[])(struct init_plan *, struct diag *) = {
        init_make_folders, init_make_homes, init_make_keys, init_examine_admins, init_store};
    enum err err = box_start(why);

    for (size_t i = 0; !err && i < sizeof steps / sizeof steps[0]; i++) {
        err = steps[i](p, why);
        if (!err && init_is_interrupted() && steps[i] != init_store)
            err = diag_set(why, ERR_AGAIN, "init.interrupted", "it was interrupted; nothing is left of it");
    }
    if (!err && !p->settings)
        err = init_write_conf(p, why);
    return err;
}

static json_t *describe(const struct init_plan *p)
{
    json_t *admins = json_array(), *o;
    struct buf lines = BUF_EMPTY;

    for (size_t i = 0; i < p->n_admins; i++) {
        const struct init_admin *a = &p->admins[i];

        json_array_append_new(admins, json_pack("{s:s, s:s, s:s}", "address", a->address, "fingerprint",
                                                a->key.fingerprint, "key_state",
                                                pgp_key_state_name(pgp_key_state_at(&a->key, p->now_utc_s, NULL, 0))));
    }
    if (p->settings)
        init_conf_lines(p, &lines);
    o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s?}", "home", p->home, "list", p->list, "address", p->address,
                  "fingerprint", p->fingerprint, "policy", p->policy, "admins", admins, "add_to_conf",
                  p->settings ? buf_text(&lines) : NULL);
    buf_free(&lines);
    return o;
}

void init_catch_signals(void)
{
    struct sigaction catch = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    sigaction(SIGINT, &catch, NULL);
    sigaction(SIGTERM, &catch, NULL);
    sigaction(SIGHUP, &catch, NULL);
}

enum err ctl_init(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why)
{
    const char *list = command_word(c, "list");
    struct init_plan plan = {0};
    enum err err;

    umask(077);
    err = read_plan(&plan, list ? list : ctl->list, c, why);
    if (!err) {
        init_catch_signals();
        err = make(&plan, why);
        if (err)
            init_undo(&plan);
        else
            init_stop_agents(&plan);
    }
    if (!err)
        r->data = describe(&plan);
    init_plan_free(&plan);
    return err;
}
