/* Spool files become mails that are open, or are held. The steps between are opening_steps.c's. */
#include "proc/opening.h"

#include "base/frame.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/pgp_probe.h"
#include "flow/list_key.h"
#include "flow/receive.h"
#include "proc/backlog.h"
#include "proc/tries.h"
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_AFTER_MS 2000
/*
 * What a mail may come to until it is done, in its own size: its record, the log of the database, the mail to the team,
 * its body for the courier, and copies in the mail server's queue. While there is not as much room, beside a part of
 * limits.reserve_bytes, it stays in the spool, which is as safe, rather than that it used up what commands and
 * advisories need; and below that reserve one is opened when all that the one before brought about has gone.
 */
#define ROOM_FACTOR    12
#define ROOM_SKIPS_MAX 64 /* in one turn */
#define ROOM_SAID_MS   60000
#define PROBE_HOLDS_MS 30000          /* gpg that was found well: of it no more is asked for so long */
#define DOUBT_EVERY_MS (600L * 1000L) /* between two tries of a list's key because of mail that does not open */

struct opening {
    struct core *core;
    struct backlog *backlog;
    struct mail *open;
    size_t n_open;
    struct tries tries;
    int64_t room_said_ms;
    int64_t probed_ms;     /* when gpg was last found well */
    int64_t doubted_ms;    /* when the list's key was last tried because of a mail; 0: never */
    bool doubted;          /* and no mail has been opened since */
    int64_t not_before_ms; /* after a fault that was nobody's mail's: do not spin */
};

struct opening *opening_new(struct core *core)
{
    struct opening *o = mem_zero(1, sizeof *o);

    o->core = core;
    o->backlog = backlog_new(&core->flow, core->spool);
    return o;
}

struct mail *opening_mail_new(struct core *core, const struct opening_ends *ends)
{
    const struct settings_limits *l = &core->settings->limits;
    struct mail *m = mem_zero(1, sizeof *m);

    m->core = core;
    m->ends = ends;
    m->part_a = m->part_b = -1;
    buf_init(&m->packets, BUF_MAX_DEFAULT);
    buf_init(&m->in.raw, l->hold_bytes + (1 << 20));
    buf_init(&m->in.plain, l->decrypted_bytes);
    buf_init(&m->in.cipher, BUF_MAX_DEFAULT);
    buf_init(&m->in.key, BUF_MAX_DEFAULT);
    buf_init(&m->in.key_whole, BUF_MAX_DEFAULT);
    m->in.came = m->in.kept = m->in.table.packed = BUF_EMPTY;
    return m;
}

void opening_mail_free(struct mail *m)
{
    incoming_free(&m->in);
    incoming_files_free(m->key_files, m->n_key_files);
    buf_free(&m->packets);
    free(m->home);
    mem_free_secret(&m->outside);
    free(m);
}

void opening_free(struct opening **o)
{
    if (!*o)
        return;
    for (struct mail *m = (*o)->open, *next; m; m = next) {
        next = m->next;
        opening_mail_free(m);
    }
    backlog_free(&(*o)->backlog);
    free(*o);
    *o = NULL;
}

/* The home of a list's own keys; a shard's, each second spare or so would look at in vain. */
void opening_warm(struct core *core)
{
    for (size_t i = 0; i < core->settings->n_lists; i++) {
        char *home = settings_gnupg(core->settings, core->settings->lists[i].name, "list");

        pool_warm(core->pool, home);
        free(home);
    }
}

size_t opening_busy(const struct opening *o)
{
    return o->n_open;
}

static void leave(struct mail *m)
{
    struct mail **at = &m->o->open;

    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    m->o->n_open--;
    opening_mail_free(m);
}

/* The database has it: the spool's file may go. */
static void finish(struct mail *m)
{
    struct diag why;

    if (spool_remove(m->core->spool, m->name, &why))
        log_diag(NULL, "spool-remove-failed", &why);
    leave(m);
}

static void try_list_key(struct mail *m)
{
    struct diag why;

    if (list_key_doubt(&m->core->flow, opening_list_of(m), &why))
        log_diag(NULL, "list-key-try-failed", &why);
}

/* What keeps mail from being opened may keep the list from signing: the admins then hear of it today. */
static void doubt_list_key(struct mail *m)
{
    struct opening *o = m->o;
    int64_t now = clock_monotonic_ms();

    if (o->doubted_ms && now - o->doubted_ms < DOUBT_EVERY_MS)
        return;
    o->doubted_ms = now;
    o->doubted = true;
    try_list_key(m);
}

static bool is_of_keys(const struct diag *why)
{
    return strcmp(why->rule, "agent") == 0 || strcmp(why->rule, "locked-key") == 0 ||
           strcmp(why->rule, "pgp.engine") == 0;
}

/* It stays in the spool, and is tried again a little later. */
static void defer(struct mail *m, const struct diag *why)
{
    if (is_of_keys(why))
        doubt_list_key(m);
    log_diag(NULL, "mail-deferred", why);
    m->o->not_before_ms = clock_monotonic_ms() + PAUSE_AFTER_MS;
    leave(m);
}

static void hold(struct mail *m, const struct diag *reason)
{
    struct diag why;

    incoming_wipe_secrets(&m->in);
    if (receive_hold(&m->core->flow, &m->in, reason, &why)) {
        defer(m, &why);
        return;
    }
    finish(m);
}

static void take_unread(struct mail *m, const struct diag *why);

/*
 * It was read, and cannot be recorded. Where that is nobody's fault but the machine's it passes; where it comes again
 * with this mail, it is the program's, which an admin is to see, and no mail waits for ever.
 */
static void unrecorded(struct mail *m, enum err err, const struct diag *why)
{
    struct diag reason;
    bool again = err == ERR_AGAIN || err == ERR_LIMIT;

    if (again || ++tries_of(&m->o->tries, m->name)->unrecorded < m->core->settings->limits.worker_tries) {
        defer(m, why);
    } else if (!m->in.released) {
        diag_set(&reason, ERR_REJECT, "not-recorded", "it was read, and could not be recorded: %s", why->rule);
        hold(m, &reason);
    } else if (!m->as_bytes) {
        take_unread(m, why);
    } else {
        defer(m, why);
    }
}

static void receive(struct mail *m)
{
    enum receive_result result;
    char rule[DIAG_RULE_MAX];
    struct diag why;
    enum err err;

    incoming_wipe_secrets(&m->in);
    err = receive_mail(&m->core->flow, &m->in, &result, rule, &why);
    if (err) {
        unrecorded(m, err, &why);
        return;
    }
    if (m->o->doubted && m->in.encrypted) {
        m->o->doubted = false;
        try_list_key(m); /* it is told when it signs again, too */
    }
    finish(m);
}

/* An admin wants this mail although it cannot be read: it is taken as bytes, with words that say so. */
static void take_unread(struct mail *m, const struct diag *why)
{
    struct mime_part *part = mem_zero(1, sizeof *part);

    m->as_bytes = true;
    m->in.encrypted = m->in.unpacked = m->in.has_signature = false;
    m->in.root = 0;
    mime_message_free(&m->in.outer);
    mime_message_free(&m->in.inner);
    buf_free(&m->in.plain);
    mem_free_secret(&m->in.text);
    part->parent = -1;
    part->type = mem_strdup("application/octet-stream");
    part->name = mem_strdup("mail.eml");
    part->encoding = XFER_BINARY;
    part->body_len = m->in.raw.len;
    m->in.outer.parts = part;
    m->in.outer.n_parts = 1;
    m->in.outer.date_utc_s = INSTANT_NONE;
    m->in.outer.subject = mem_strdup("A mail that could not be read");
    m->in.text = mem_printf(
        "This mail was let in by an admin. It could not be read (%s), and is attached as it came.\n", why->rule);
    receive(m);
}

static void held_or_deferred(struct mail *m, enum err err, const struct diag *why)
{
    struct diag poison;
    bool died = strncmp(why->rule, "worker.", 7) == 0;
    bool hopeless = died && ++tries_of(&m->o->tries, m->name)->died >= m->core->settings->limits.worker_tries;

    if (m->in.released && (err == ERR_REJECT || err == ERR_LIMIT || hopeless)) {
        take_unread(m, why);
    } else if (err == ERR_REJECT || err == ERR_LIMIT) {
        hold(m, why);
    } else if (hopeless) {
        diag_set(&poison, ERR_REJECT, "poison", "the mail took its worker down several times");
        hold(m, &poison);
    } else {
        defer(m, why);
    }
}

static void probed(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct mail *m = ctx;

    (void)reply;
    if (pgp_probe_blames_gpg(err, why)) {
        log_event(NULL, "gpg-is-broken", why->rule, "the mail is not held for it (%s), but waits", m->refused.rule);
        defer(m, why);
        return;
    }
    if (!err)
        m->o->probed_ms = clock_monotonic_ms();
    held_or_deferred(m, m->refusal, &m->refused);
}

/* Is it the mail, or is it gpg? What an admin has let in goes as bytes otherwise: there nothing is taken for granted.
 */
static void probe(struct mail *m, enum err err, const struct diag *why)
{
    const struct settings_list *list = opening_list_of(m);
    struct buf request = BUF_EMPTY;
    char *home;

    if (!m->in.released && m->o->probed_ms && clock_monotonic_ms() - m->o->probed_ms < PROBE_HOLDS_MS) {
        held_or_deferred(m, err, why);
        return;
    }
    m->refusal = err;
    m->refused = *why;
    home = settings_gnupg(m->core->settings, list->name, "list");
    frame_put_i64(&request, core_gpg_time(m->core));
    frame_put_str(&request, home);
    frame_put_str(&request, list->fingerprint);
    pool_submit(m->core->pool, WORKER_CRYPTO, CRYPTO_PROBE, &request, probed, m);
    free(home);
}

/* Of a mail at which workers of gpg end again and again, before it is said to be the mail that does it. */
static bool is_last_try(struct mail *m, const struct diag *why)
{
    return strncmp(why->rule, "worker.", 7) == 0 &&
           tries_of(&m->o->tries, m->name)->died + 1 >= m->core->settings->limits.worker_tries;
}

/* A gpg or an agent that was killed, or met a full table of files, says the same as of a mail that is damaged. */
static void failed(struct mail *m, enum err err, bool by_gpg, const struct diag *why)
{
    if (by_gpg && err == ERR_REJECT && tries_of(&m->o->tries, m->name)->refused++ == 0) {
        log_event(NULL, "mail-refused-once", why->rule, "gpg is asked again");
        leave(m);
    } else if (by_gpg && (err == ERR_REJECT || is_last_try(m, why))) {
        probe(m, err, why);
    } else {
        held_or_deferred(m, err, why);
    }
}

static void opened(struct mail *m)
{
    opening_examine(m, receive);
}

static const struct opening_ends ends_of_daemon = {opened, failed};

const struct settings_list *opening_list_of(const struct mail *m)
{
    return settings_list_for(m->core->settings, m->in.recipient);
}

/* ---- the spool ---- */

static bool is_open(const struct opening *o, const char *name)
{
    for (const struct mail *m = o->open; m; m = m->next)
        if (strcmp(m->name, name) == 0)
            return true;
    return false;
}

static enum err load(struct core *core, const char *name, struct incoming *in, unsigned *flags, struct diag *why)
{
    struct spool_entry entry;
    enum err err = spool_read(core->spool, name, &entry, why);

    if (err)
        return err;
    in->sender = mem_strdup(entry.sender);
    in->recipient = mem_strdup(entry.recipient);
    in->received_at = clock_is_rehearsal(&core->clock) ? clock_now(&core->clock) : entry.received_at_utc_s;
    *flags = entry.flags;
    in->released = (entry.flags & SPOOL_RELEASED) != 0;
    err = spool_entry_load(&entry, &in->raw, why);
    mime_mend_line_ends(&in->raw);
    mime_mend_start(&in->raw);
    spool_entry_close(&entry);
    return err;
}

static void begin(struct opening *o, const char *name)
{
    struct mail *m = opening_mail_new(o->core, &ends_of_daemon);
    unsigned flags = 0;
    struct diag why;
    enum err err;

    m->o = o;
    snprintf(m->name, sizeof m->name, "%s", name);
    m->next = o->open;
    o->open = m;
    o->n_open++;
    err = load(o->core, name, &m->in, &flags, &why);
    if (err == ERR_REJECT)
        spool_set_aside(o->core->spool, name, &why);
    if (err == ERR_NOT_FOUND) {
        leave(m); /* it was open, and done, since the folder was read */
    } else if (err) {
        defer(m, &why);
    } else if (receive_is_repeated(&o->core->flow, &m->in)) {
        log_event(NULL, "mail-repeated", "redelivery", NULL);
        finish(m);
    } else if (flags & SPOOL_OVERSIZE) {
        diag_set(&why, ERR_REJECT, "too-large", "the mail is larger than limits.message_bytes");
        hold(m, &why);
    } else if (flags & SPOOL_NO_ENVELOPE) {
        diag_set(&why, ERR_REJECT, "no-envelope", "no field of the Maildir's file says from whom or to which list");
        hold(m, &why);
    } else if (!opening_list_of(m)) {
        diag_set(&why, ERR_REJECT, "no-list", "the recipient is no address of a list");
        hold(m, &why);
    } else {
        opening_begin_steps(m);
    }
}

/* Something that will still take room: a mail that is being opened, sealed or handed over. */
static bool is_under_way(const struct opening *o)
{
    return o->n_open || sealer_busy(o->core->sealer) || dispatch_busy(o->core->dispatch) ||
           mail_next_to_seal(o->core->flow.db, NULL, 0);
}

/* What cannot be read is for begin() to say. */
static bool has_room(const struct opening *o, const char *name)
{
    struct spool_entry entry;
    uint64_t bytes;

    if (spool_read(o->core->spool, name, &entry, NULL))
        return true;
    bytes = entry.body_bytes * ROOM_FACTOR;
    spool_entry_close(&entry);
    return spool_has_room(o->core->spool, bytes + o->core->settings->limits.reserve_bytes) ||
           (!is_under_way(o) && spool_has_room(o->core->spool, bytes));
}

/* It waits in the spool. A folder full of such is not gone through without a pause. */
static void wait_for_room(struct opening *o, size_t *skips)
{
    int64_t now = clock_monotonic_ms();

    if (!o->room_said_ms || now - o->room_said_ms >= ROOM_SAID_MS) {
        log_event(NULL, "mail-waits", "disk.full", "there is no room to open it: make room on the disk");
        o->room_said_ms = now;
    }
    if (++*skips == ROOM_SKIPS_MAX)
        o->not_before_ms = now + PAUSE_AFTER_MS;
}

void opening_tick(struct opening *o)
{
    size_t max = (size_t)o->core->settings->limits.workers, skips = 0;
    char name[SPOOL_NAME_SIZE];

    backlog_begin(o->backlog);
    while (o->n_open < max && clock_monotonic_ms() >= o->not_before_ms && backlog_next(o->backlog, name))
        if (!is_open(o, name)) {
            db_new_turn(o->core->flow.db);
            if (has_room(o, name))
                begin(o, name);
            else
                wait_for_room(o, &skips);
        }
}
