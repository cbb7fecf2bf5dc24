/*
 * The files of a corpus on the daemon's own way in: a pool of its workers and the steps of proc/opening_steps.c, in a
 * throw-away instance, with ends that write down what became of each mail. Driven by tests/corpus/run.
 *
 *   opener CONF EMBARGOD CERTIFICATES CLOCKFILE [AT-A-TIME]
 *
 * Mails are opened as if they came now. Test keys expire: a mail whose signer's key has expired since is opened again,
 * at the end, at the time at which it was sent as its Date has it (one at a time, since the time stands in the
 * configuration of the GnuPG homes).
 * CERTIFICATES is a folder of public keys, each of which is pinned to a person (a row, and a place in a shard). The
 * standard input has a line `KIND<tab>NAME<tab>PATH` for each file; the output has one JSON object for each, in the
 * order in which they are done.
 */
#include "base/frame.h"
#include "base/fsx.h"
#include "base/instant.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "codec/dsn.h"
#include "codec/pgp_home.h"
#include "flow/receive.h"
#include "proc/opening.h"
#include "tests/corpus/as_mail.h"
#include "tests/corpus/opener.h"

#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AT_A_TIME    4
#define READY_MS     5000
#define IN_TRANSIT_S 21600

struct file {
    struct mail *mail; /* NULL: a free place */
    char *kind;
    char *name;
    char *path;
    double began_ms;
    double gpg_ms; /* what gpg -d takes of it by itself; -1: it cannot, or was not asked */
    int64_t sent_at;
};

struct core core;
static struct file files[AT_A_TIME];
static size_t n_files, at_a_time = 2;
static const char *clock_file;
static struct file *again; /* to be opened at their own time */
static size_t n_again;
static bool at_own_time;

enum err opener_read_file(const char *path, struct buf *out)
{
    uint8_t piece[65536];
    FILE *f = fopen(path, "rb");
    size_t n;

    while (f && (n = fread(piece, 1, sizeof piece, f)) > 0)
        buf_add(out, piece, n);
    return f && fclose(f) == 0 && !out->over ? ERR_OK : ERR_NOT_FOUND;
}

double opener_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

void opener_turn(void)
{
    pool_tick(core.pool);
    importer_tick(core.importer);
    loop_once(core.loop, 50);
}

/* ---- what became of a mail ---- */

static json_t *text_or_null(const char *s)
{
    json_t *j = s && *s ? json_string(s) : NULL;

    return j ? j : json_null();
}

void opener_print(json_t *o)
{
    char *line = json_dumps(o, JSON_COMPACT);

    puts(line ? line : "{}");
    fflush(stdout);
    free(line);
    json_decref(o);
}

static void describe(const struct mail *m, json_t *o)
{
    char *subject = incoming_subject(&m->in, NULL);
    bool signed_by_person = incoming_is_signed(&m->in) && !m->in.by_loose_key;
    const char *verdict = m->in.has_signature ? pgp_verdict_name(m->in.signature.verdict) : "none";

    json_object_set_new(o, "signed_by", text_or_null(signed_by_person ? m->in.signature.fingerprint : NULL));
    json_object_set_new(o, "rule", text_or_null(receive_automatic_rule(&core.flow, &m->in)));
    json_object_set_new(o, "encrypted", json_boolean(m->in.encrypted));
    json_object_set_new(o, "signature", json_string(m->in.by_loose_key ? "loose-key" : verdict));
    json_object_set_new(o, "subject", text_or_null(subject));
    json_object_set_new(o, "text", text_or_null(m->in.text));
    mem_free_secret(&subject);
}

static struct file *file_of(const struct mail *m)
{
    struct file *f = files;

    while (f->mail != m)
        f++;
    return f;
}

static void leave(struct mail *m)
{
    struct file *f = file_of(m);

    free(f->kind);
    free(f->name);
    free(f->path);
    opening_mail_free(m);
    *f = (struct file){0};
    n_files--;
}

/* What a bounce says, whatever else became of the mail. */
static void describe_bounce(const struct mail *m, json_t *o)
{
    json_t *addresses = json_array();
    const struct dsn *d = &m->in.dsn;

    for (size_t i = 0; i < d->n; i++) {
        json_array_append_new(addresses, text_or_null(d->recipients[i].address));
        if (d->recipients[i].original)
            json_array_append_new(addresses, text_or_null(d->recipients[i].original));
    }
    json_object_set_new(o, "addresses", addresses);
    json_object_set_new(o, "class", m->in.outer.n_parts ? json_string(dsn_verdict(d)) : json_null());
}

static void done(struct mail *m, json_t *o)
{
    const struct file *f = file_of(m);

    json_object_set_new(o, "file", json_string(f->name));
    json_object_set_new(o, "kind", json_string(f->kind));
    describe_bounce(m, o);
    json_object_set_new(o, "ms", json_real(opener_now_ms() - f->began_ms));
    json_object_set_new(o, "gpg_ms", json_real(f->gpg_ms));
    opener_print(o);
    leave(m);
}

/* Is it to be seen at its own time? */
static bool put_off(struct mail *m)
{
    struct file *f = file_of(m);

    if (at_own_time || !m->in.has_signature || m->in.signature.verdict != PGP_SIG_EXPIRED_KEY ||
        f->sent_at == INSTANT_NONE)
        return false;
    again = mem_resize(again, n_again + 1, sizeof *again);
    again[n_again++] = *f;
    f->kind = f->name = f->path = NULL;
    leave(m);
    return true;
}

static void mail_open(struct mail *m)
{
    json_t *o;

    if (put_off(m))
        return;
    o = json_object();
    json_object_set_new(o, "opened", json_true());
    describe(m, o);
    done(m, o);
}

static void mail_failed(struct mail *m, enum err err, bool by_gpg, const struct diag *why)
{
    json_t *o = json_object();

    (void)by_gpg;
    json_object_set_new(o, "opened", json_false());
    json_object_set_new(o, "signed_by", json_null());
    json_object_set_new(o, "rule", json_string(why->rule));
    json_object_set_new(o, "why", json_string(why->text));
    json_object_set_new(o, "again", json_boolean(err != ERR_REJECT && err != ERR_LIMIT));
    done(m, o);
}

static const struct opening_ends ends = {mail_open, mail_failed};

/* The machine's clock, or that of the day of the mail. */
static void set_clock(int64_t sent_at)
{
    char *temporary = mem_printf("%s.new", clock_file);
    int64_t now = (int64_t)time(NULL);
    char text[INSTANT_TEXT_SIZE];
    FILE *f = fopen(temporary, "w");

    if (sent_at != INSTANT_NONE && sent_at > 946684800 && sent_at + IN_TRANSIT_S < now)
        now = sent_at + IN_TRANSIT_S;
    if (!f || fprintf(f, "%s\n", instant_text(now, text)) < 0 || fclose(f) || rename(temporary, clock_file))
        fputs("opener: the clock cannot be set\n", stderr);
    free(temporary);
}

/* Until the workers that stand ready do so: a mail comes when nothing else is going on. */
static void let_get_ready(void)
{
    for (int64_t began = clock_monotonic_ms(); clock_monotonic_ms() - began < READY_MS && !pool_is_ready(core.pool);)
        opener_turn();
}

/* One at a time is for measuring: gpg alone, in the same home, right before. -1: gpg does not open it. */
static double measure_gpg(const char *path)
{
    char *home = settings_gnupg(core.settings, core.settings->lists[0].name, "list");
    char *argv[] = {(char *)"gpg", (char *)"--homedir", home, (char *)"--batch", (char *)"-d", (char *)path, NULL};
    posix_spawn_file_actions_t quiet;
    double began, took;
    int status = -1;
    pid_t pid;

    let_get_ready();
    began = opener_now_ms();
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    if (posix_spawnp(&pid, "gpg", &quiet, NULL, argv, environ) == 0)
        waitpid(pid, &status, 0);
    took = opener_now_ms() - began;
    posix_spawn_file_actions_destroy(&quiet);
    free(home);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? took : -1;
}

static void begin(const char *kind, const char *name, const char *path)
{
    double gpg_ms = at_a_time == 1 ? measure_gpg(path) : -1;
    struct mail *m = opening_mail_new(&core, &ends);
    char sender[ADDR_MAX_BYTES + 1];
    struct buf bytes = BUF_EMPTY;
    struct file *f = files;

    while (f->mail)
        f++;
    *f = (struct file){m, mem_strdup(kind), mem_strdup(name), mem_strdup(path), opener_now_ms(), gpg_ms, INSTANT_NONE};
    n_files++;
    if (opener_read_file(path, &bytes))
        fprintf(stderr, "opener: %s cannot be read\n", name);
    as_mail(buf_span(&bytes), &m->in.raw, sender, &f->sent_at);
    m->in.sender = mem_strdup(sender);
    m->in.recipient = mem_strdup(CORPUS_LIST);
    m->in.received_at = clock_now(&core.clock);
    buf_free(&bytes);
    opening_begin_steps(m);
}

/* ---- the run ---- */

static void run(void)
{
    char *line = NULL, *rest, *kind, *name, *path;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = 0;
        rest = line;
        kind = strsep(&rest, "\t");
        name = strsep(&rest, "\t");
        path = strsep(&rest, "\t");
        if (!path)
            continue;
        if (!strcmp(kind, "openpgp-keys-bad")) {
            opener_try_key(kind, name, path);
            continue;
        }
        while (n_files >= at_a_time)
            opener_turn();
        begin(kind, name, path);
    }
    free(line);
    while (n_files)
        opener_turn();
}

static void run_again(void)
{
    at_own_time = true;
    for (size_t i = 0; i < n_again; i++) {
        set_clock(again[i].sent_at);
        begin(again[i].kind, again[i].name, again[i].path);
        while (n_files)
            opener_turn();
        free(again[i].kind);
        free(again[i].name);
        free(again[i].path);
    }
    free(again);
}

static enum err start(char **argv, struct diag *why)
{
    enum err err = settings_load(argv[1], &core.settings, why);
    static const uint8_t no_secret[BOX_KEY_BYTES];
    char *state, *home;

    if (err)
        return err;
    state = settings_path(core.settings, "state");
    home = settings_gnupg(core.settings, core.settings->lists[0].name, "list");
    core.loop = loop_new();
    core.pool = pool_new(core.loop, argv[2], (int)at_a_time, core.settings->limits.worker_seconds);
    opening_warm(&core);
    core.homes = settings_path(core.settings, "gnupg");
    core.flow.settings = core.settings;
    core.flow.clock = &core.clock;
    core.importer = importer_new(&core);
    err = clock_open(&core.clock, clock_file, why);
    if (!err)
        err = box_start(why);
    if (!err)
        err = db_open(state, DB_OPEN, &core.flow.db, why);
    if (!err)
        db_set_box(core.flow.db, box_new(no_secret));
    if (!err)
        err = pgp_home_start_agent(home, why);
    free(state);
    free(home);
    return err;
}

/* What the biggest of the processes has held in memory. */
static void print_memory(void)
{
    struct rusage own, children;

    pool_free(&core.pool);
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    fprintf(stderr, "opener: memory %ld MiB, of its biggest worker %ld MiB\n", own.ru_maxrss / 1024,
            children.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
    struct list_row list = {0};
    struct diag why = {0};
    enum err err;

    if (argc < 5 || argc > 6) {
        fputs("Usage: opener CONF EMBARGOD CERTIFICATES CLOCKFILE [AT-A-TIME]\n", stderr);
        return 2;
    }
    clock_file = argv[4];
    if (argc == 6 && strspn(argv[5], "1234") == 1 && !argv[5][1])
        at_a_time = (size_t)(argv[5][0] - '0');
    set_clock(INSTANT_NONE);
    err = start(argv, &why);
    if (!err)
        err = list_by_name(core.flow.db, core.settings->lists[0].name, &list, &why);
    if (!err) {
        opener_pin_all(argv[3], list.id);
        run();
        run_again();
        print_memory();
    } else {
        fprintf(stderr, "opener: %s: %s\n", why.rule, why.text);
    }
    list_row_free(&list);
    pool_free(&core.pool);
    importer_free(&core.importer);
    db_close(&core.flow.db);
    loop_free(&core.loop);
    clock_close(&core.clock);
    free(core.homes);
    settings_free(&core.settings);
    return err ? 1 : 0;
}
