#include "main/ctl_help.h"

#include "base/buf.h"
#include "flow/command.h"

#include <ctype.h>
#include <string.h>

static const char head[] =
    "usage: embargoctl [-c FILE] [--list NAME] [--json] [--as ADDRESS] COMMAND\n"
    "\n"
    "  -c FILE        the configuration (else EMBARGOD_CONF)\n"
    "  --list NAME    which list, where there are several\n"
    "  --json         one object {\"ok\", \"rule\", \"message\", \"data\"} instead of text\n"
    "  --as ADDRESS   as which admin, in a rehearsal\n"
    "\n"
    "A FILE of - is standard input. Instants are written 2026-11-22T15:00:00Z.\n"
    "Exit: 0 done, 1 refused, 2 usage, 3 no such object, 4 internal, 5 not settled, 75 no daemon.\n"
    "\n";

struct example {
    const char *words;
    const char *text;
};

static const struct example examples[] = {
    {"advisory edit", "embargoctl advisory edit abcdefgh advisory.txt --attach fix.patch"},
    {"advisory new", "embargoctl advisory new abcdefgh --title 'Out of bounds read in the parser'"},
    {"advisory send", "embargoctl advisory send abcdefgh --dry-run"},
    {"audit verify", "embargoctl audit verify --anchor 12:HASH"},
    {"backup", "embargoctl backup /media/stick/embargo-$(date -u +%F).backup"},
    {"case attach", "embargoctl case attach abcdefgh 1.2 fix.patch"},
    {"case open", "embargoctl case open --from report.eml"},
    {"case reply", "embargoctl case reply abcdefgh - --to reporter"},
    {"case set", "embargoctl case set abcdefgh severity=high cve=CVE-2026-0001"},
    {"embargo set", "embargoctl embargo set abcdefgh --until 2026-11-22"},
    {"init", "embargoctl init --home /srv/embargo --list security --address security@example.org "
             "--admin ann@example.org:ann.asc"},
    {"member add", "embargoctl member add --org 'Example Linux' --class distro --tier distros "
                   "--address security@distro.example.net --key distro.asc"},
    {"policy explain", "embargoctl policy explain --policy xen --sender ann@example.net"},
    {"restore", "embargoctl restore NEWEST --keys WITH-KEYS --home /srv/embargo"},
};

static void add_upper(struct buf *out, const char *name)
{
    for (; *name; name++)
        buf_add_byte(out, (uint8_t)toupper((unsigned char)*name));
}

static void add_option(struct buf *out, const struct command_arg *o)
{
    bool file = o->type == ARG_FILE || o->type == ARG_KEY || o->type == ARG_TABLE || o->type == ARG_MAIL;

    buf_printf(out, " %s--%s", o->optional ? "[" : "", o->name);
    if (o->type != ARG_FLAG) {
        buf_add_byte(out, ' ');
        add_upper(out, file ? "FILE" : o->name);
    }
    buf_printf(out, "%s%s", o->optional ? "]" : "", o->many ? "..." : "");
}

static void add_usage(struct buf *out, const struct command_verb *v)
{
    buf_add_str(out, v->words);
    for (size_t i = 0; i < COMMAND_ARGS_MAX && v->args[i].name; i++) {
        const struct command_arg *a = &v->args[i];

        buf_printf(out, a->optional ? " [%s]" : " %s", a->name);
        if (a->type == ARG_WORDS)
            buf_add_str(out, "...");
    }
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && v->options[i].name; i++)
        add_option(out, &v->options[i]);
}

static void print_verb(FILE *out, const struct command_verb *v, bool whole)
{
    struct buf usage = BUF_EMPTY;

    add_usage(&usage, v);
    fprintf(out, "  %s\n      %s\n", buf_text(&usage), v->help);
    buf_free(&usage);
    if (!whole)
        return;
    fprintf(out, "      %s.\n",
            v->place == PLACE_DAEMON    ? "Run by the daemon"
            : v->place == PLACE_OFFLINE ? "Needs no daemon"
                                        : "Run by the daemon where one runs; with a case it needs one");
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        if (strcmp(examples[i].words, v->words) == 0)
            fprintf(out, "      Example: %s\n", examples[i].text);
}

bool help_is_asked(int argc, const char *const *argv)
{
    if (argc > 0 && strcmp(argv[0], "help") == 0)
        return true;
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

/* How many of the words name a verb, or the first word of one. */
static bool begins_with(const struct command_verb *v, const char *first, const char *second)
{
    size_t len = strlen(first);

    if (strncmp(v->words, first, len) != 0 || (v->words[len] && v->words[len] != ' '))
        return false;
    return !second || !v->words[len] || strcmp(v->words + len + 1, second) == 0;
}

static size_t count(const char *first, const char *second)
{
    size_t n = 0;

    for (const struct command_verb *v = command_verbs; v->words; v++)
        n += begins_with(v, first, second);
    return n;
}

bool help_print(FILE *out, int argc, const char *const *argv)
{
    const char *first, *second;
    size_t n;

    if (argc > 0 && strcmp(argv[0], "help") == 0)
        argc--, argv++;
    first = argc > 0 && argv[0][0] != '-' ? argv[0] : "";
    second = *first && argc > 1 && argv[1][0] != '-' ? argv[1] : NULL;
    if (!*first) {
        fputs(head, out);
        for (const struct command_verb *v = command_verbs; v->words; v++)
            print_verb(out, v, false);
        return true;
    }
    n = count(first, second);
    for (const struct command_verb *v = command_verbs; v->words; v++)
        if (begins_with(v, first, second))
            print_verb(out, v, n == 1);
    return n > 0;
}
