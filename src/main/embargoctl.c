/*
 * embargoctl [-c FILE] [--list NAME] [--json] [--as ADDRESS] COMMAND: options and wiring only.
 */
#include "main/ctl.h"

#include "base/mem.h"
#include "codec/json_memory.h"
#include "main/ctl_client.h"
#include "main/ctl_import.h"
#include "main/ctl_help.h"
#include "main/ctl_render.h"

#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const struct {
    const char *words;
    enum err (*run)(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why);
} offline[] = {
    {"audit verify", ctl_audit_verify},
    {"check", ctl_check},
    {"init", ctl_init},
    {"key rotate-list", ctl_rotate},
    {"policy check", ctl_policy_check},
    {"policy compare", ctl_policy_compare},
    {"policy explain", ctl_policy_explain},
    {"policy list", ctl_policy_list},
    {"policy show", ctl_policy_show},
    {"restore", ctl_restore},
};

enum err ctl_load(struct ctl *ctl, struct diag *why)
{
    enum err err;

    if (ctl->settings)
        return ERR_OK;
    if (!ctl->config)
        return diag_set(why, ERR_USAGE, "config.which", "name the configuration with -c FILE, or in EMBARGOD_CONF");
    err = settings_load(ctl->config, &ctl->settings, why);
    if (err == ERR_NOT_FOUND)
        err = diag_set(why, ERR_USAGE, "config.missing", "there is no configuration %.200s: see embargoctl help init",
                       ctl->config);
    return err;
}

static enum err run_offline(struct ctl *ctl, const struct command *c, struct reply *r, struct diag *why)
{
    for (size_t i = 0; i < sizeof offline / sizeof offline[0]; i++)
        if (strcmp(offline[i].words, c->verb->words) == 0)
            return offline[i].run(ctl, c, r, why);
    return diag_set(why, ERR_INTERNAL, "command.offline", "this program does not know its own command");
}

static enum err run_by_daemon(struct ctl *ctl, struct command *c, struct reply *r, struct diag *why)
{
    enum err err = client_read_files(c, why);

    if (!err)
        err = import_prepare(c, why);

    if (err)
        return err;
    return strcmp(c->verb->words, "wait") == 0
               ? client_wait(ctl->settings->control, c, ctl->as, r, why)
               : client_ask(ctl->settings->control, c, ctl->as, CLIENT_PATIENCE_MS, r, why);
}

static bool is_to_standard_output(const struct command *c)
{
    const char *name = client_out_name(c);

    return name && strcmp(name, "-") == 0;
}

/* What goes into a file of the caller's. */
static enum err write_out(const struct command *c, struct reply *r, struct diag *why)
{
    enum err err = ERR_OK;

    if (r->ok && client_out_name(c)) {
        err = client_write_out(c, r, why);
        buf_clear(&r->out);
    }
    return err;
}

/* Whether core or this program itself runs it; *asked says that the reply is the daemon's. */
static enum err run(struct ctl *ctl, struct command *c, struct reply *r, bool *asked, struct diag *why)
{
    enum err err = ERR_OK;

    *asked = false;
    if (ctl->json && is_to_standard_output(c))
        return diag_set(why, ERR_USAGE, "command.file", "with --json, name a file instead of - for the output");
    if (c->verb->place == PLACE_OFFLINE || (c->verb->place == PLACE_EITHER && !ctl->config))
        return run_offline(ctl, c, r, why);
    err = ctl_load(ctl, why);
    if (err)
        return err;
    if (c->verb->place == PLACE_EITHER && !command_word(c, "CASE") && !client_is_daemon(ctl->settings->control))
        return run_offline(ctl, c, r, why);
    err = run_by_daemon(ctl, c, r, why);
    *asked = !err;
    return err;
}

/* What was printed has to have gone out. */
static int written(int code)
{
    return fflush(stdout) || ferror(stdout) ? EXIT_INTERNAL : code;
}

static int finish(const struct ctl *ctl, const struct command_verb *verb, const struct reply *r)
{
    if (ctl->json)
        render_json(stdout, r);
    else
        render_text(stdout, stderr, verb, r);
    return written((int)r->exit);
}

/* Of the errors on the client's side: no daemon has an exit code of its own. */
static void fail(struct reply *r, enum err err, const struct diag *why)
{
    json_decref(r->data);
    r->data = NULL;
    reply_from(r, err, why);
    if (strcmp(why->rule, "daemon.absent") == 0 || strcmp(why->rule, "daemon.silent") == 0)
        r->exit = EXIT_NO_DAEMON;
}

static int run_command(struct ctl *ctl, int argc, const char *const *argv)
{
    struct reply r = {.out = BUF_EMPTY};
    const struct command_verb *verb = NULL;
    struct diag why = {0};
    struct command c;
    bool asked = false;
    int code;
    enum err err = command_parse(argc, argv, &c, &why);

    if (!err) {
        verb = c.verb;
        c.list = mem_strdup(ctl->list);
        err = run(ctl, &c, &r, &asked, &why);
    }
    if (!err && !asked && r.exit == EXIT_DONE)
        r.ok = true;
    if (!err)
        err = write_out(&c, &r, &why);
    if (err)
        fail(&r, err, &why);
    code = r.ok && is_to_standard_output(&c) ? EXIT_DONE : finish(ctl, verb, &r);
    command_free(&c);
    reply_free(&r);
    return code;
}

/* --json may stand behind the command too, where no option is looked for before it. */
static int take_json(int argc, char **argv, bool *json)
{
    int n = 0, i = 0;

    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            *json = true;
        else
            argv[n++] = argv[i];
    }
    while (i < argc)
        argv[n++] = argv[i++];
    argv[n] = NULL;
    return n;
}

static int usage_error(const struct ctl *ctl, const char *text)
{
    struct reply r = {.out = BUF_EMPTY};
    struct diag why;

    fail(&r, diag_set(&why, ERR_USAGE, "command.option", "%s", text), &why);
    return finish(ctl, NULL, &r);
}

/* Global options; -1: go on, else the exit code. */
static int read_options(struct ctl *ctl, int argc, char **argv)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'}, {"list", required_argument, NULL, 'l'},
        {"as", required_argument, NULL, 'a'},     {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},      {0}};
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "+c:h", longs, NULL)) != -1) {
        if (option == 'c')
            ctl->config = optarg;
        else if (option == 'l')
            ctl->list = optarg;
        else if (option == 'a')
            ctl->as = optarg;
        else if (option == 'h')
            return written(help_print(stdout, 0, NULL) ? EXIT_DONE : EXIT_USAGE);
        else if (option == 'V')
            return written(printf("embargoctl %s\n", PACKAGE_VERSION) < 0 ? EXIT_INTERNAL : EXIT_DONE);
        else
            return usage_error(ctl, "the options before the command are -c FILE, --list NAME, --json, --as ADDRESS, "
                                    "--help, --version; see `embargoctl help`");
    }
    return -1;
}

int main(int argc, char **argv)
{
    struct ctl ctl = {.config = getenv("EMBARGOD_CONF")};
    const struct rlimit no_core = {0, 0};
    const char *const *words;
    int code, n;

    /* Texts of cases, and for a moment the data key, pass through: a crash leaves none of it on the disk. */
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGPIPE, SIG_IGN);
    json_memory_install();
    setlocale(LC_CTYPE, "C.UTF-8");
    argc = take_json(argc, argv, &ctl.json);
    code = read_options(&ctl, argc, argv);
    if (code >= 0)
        return code;
    words = (const char *const *)argv + optind;
    n = argc - optind;
    if (help_is_asked(n, words))
        code = help_print(stdout, n, words) ? written(EXIT_DONE)
                                            : usage_error(&ctl, "no such command; see `embargoctl help`");
    else
        code = run_command(&ctl, n, words);
    settings_free(&ctl.settings);
    return code;
}
