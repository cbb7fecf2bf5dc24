/*
 * The control socket: one request and one reply for each connection. A client's bytes are bounded and checked; whatever
 * it sends, it can only lose its own connection.
 */
#include "proc/core.h"

#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/mime.h"
#include "codec/pgp_wire.h"
#include "flow/command.h"
#include "flow/view.h"
#include "proc/backup.h"
#include "proc/table_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX    64
#define REQUEST_MAX    ((size_t)96 << 20)
#define CLIENT_IDLE_MS 30000
#define SITE_WAIT_MS   45000 /* for a site that is being built; less than a client waits */

struct client {
    struct client *next;
    struct control *control;
    int fd;
    uid_t uid;
    struct buf in, out;
    struct command command;
    size_t at_value; /* the next value to be examined */
    bool running;
    int64_t deadline_ms;
    struct reply site_reply; /* with site_wish: it is given when the site is built */
    int64_t site_until_ms;
};

struct control {
    struct core *core;
    int listen_fd;
    struct client *clients;
    size_t n;
};

size_t control_busy(const struct control *c)
{
    size_t n = 0;

    for (const struct client *k = c->clients; k; k = k->next)
        n += k->running;
    return n;
}

static void client_free(struct client *k)
{
    struct client **at = &k->control->clients;

    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    k->control->n--;
    loop_remove(k->control->core->loop, k->fd);
    close(k->fd);
    buf_free(&k->in);
    buf_free(&k->out);
    command_free(&k->command);
    reply_free(&k->site_reply);
    free(k);
}

void control_free(struct control **c)
{
    if (!*c)
        return;
    while ((*c)->clients)
        client_free((*c)->clients);
    loop_remove((*c)->core->loop, (*c)->listen_fd);
    free(*c);
    *c = NULL;
}

static void send_reply(struct client *k)
{
    while (k->out.len) {
        ssize_t n = send(k->fd, k->out.data, k->out.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            loop_set_events(k->control->core->loop, k->fd, POLLOUT);
            return;
        }
        if (n < 0)
            break;
        buf_drop_front(&k->out, (size_t)n);
    }
    client_free(k);
}

static void answer(struct client *k, struct reply *r)
{
    struct buf payload = BUF_EMPTY;

    k->running = false;
    reply_put(r, &payload);
    frame_write(&k->out, CONTROL_REPLY, buf_span(&payload));
    buf_free(&payload);
    reply_free(r);
    send_reply(k);
}

static void answer_error(struct client *k, enum err err, const struct diag *why)
{
    struct reply r = {.out = BUF_EMPTY};

    reply_from(&r, err, why);
    answer(k, &r);
}

/* ---- who is it ---- */

static enum err find_actor(struct client *k, const char *as, struct diag *why)
{
    const struct core *core = k->control->core;
    const struct settings *s = core->settings;
    const struct settings_admin *found = NULL;
    const struct settings_list *list;

    if (as && !clock_is_rehearsal(&core->clock))
        return diag_set(why, ERR_DENIED, "control.as", "--as is for rehearsals: live, the caller's uid decides");
    if (as) {
        found = settings_admin_at(s, as);
        if (!found)
            return diag_set(why, ERR_DENIED, "control.as", "no admin has this address: see embargoctl admin list");
    }
    for (size_t i = 0; !found && i < s->n_admins; i++)
        if (s->admins[i].uid == (int64_t)k->uid)
            found = &s->admins[i];
    if (!found)
        return diag_set(why, ERR_DENIED, "control.peer", "uid %ld is no admin's: see `admins` in embargod.conf",
                        (long)k->uid);
    /* Where a command names no list and there are several, its handler asks for one, or looks at the object's. */
    list = k->command.list ? settings_list_named(s, k->command.list) : s->n_lists == 1 ? &s->lists[0] : NULL;
    if (list && !settings_admin_serves(found, list))
        return diag_set(why, ERR_DENIED, "control.list",
                        "you are no admin of this list: see `admins` in embargod.conf");
    actor_of_admin(&k->command.actor, found);
    return ERR_OK;
}

/* ---- files are examined by workers first ---- */

static void examine_next(struct client *k);

static void submit_key(struct client *k, const struct command_value *v, struct span known);

/* A key that the list has: what is known of it stays, and the news are added. */
static bool add_to_known(struct client *k, const struct command_value *v, const char *fingerprint)
{
    struct core *core = k->control->core;
    const struct settings_list *list;
    struct list_row row = {0};
    struct key_row *key = mem_zero(1, sizeof *key);
    struct buf known = BUF_EMPTY;
    struct diag none;
    bool found = !flow_list(&core->flow, k->command.list, &list, &row, &none) &&
                 !key_by_fingerprint(core->flow.db, row.id, fingerprint, key, &none) &&
                 !key_certificate(core->flow.db, key->id, &known, &none) && known.len;

    if (found)
        submit_key(k, v, buf_span(&known));
    buf_free(&known);
    free(key);
    list_row_free(&row);
    return found;
}

/* Facts of a key; none: a revocation alone, and the certificate is the fingerprint of the key that it revokes. */
static enum err take_key(struct client *k, struct command_value *v, struct span facts, struct span certificate,
                         bool merged, bool *again, struct diag *why)
{
    struct pgp_key_info *key = mem_zero(1, sizeof *key);
    char *revoked = mem_strndup(certificate.data, facts.len ? 0 : certificate.len);
    enum err err = ERR_OK;

    if (!facts.len)
        *again = !merged && add_to_known(k, v, revoked);
    else if (!(err = pgp_key_info_get(facts, key, why)))
        *again = !merged && add_to_known(k, v, key->fingerprint);
    if (!err && !facts.len && !*again)
        err = diag_set(why, ERR_DENIED, "key.unknown", "no member or admin has the key that this revokes");
    if (!err && !*again) {
        v->key = key;
        key = NULL;
        buf_init(&v->certificate, BUF_MAX_DEFAULT);
        buf_add(&v->certificate, certificate.data, certificate.len);
    }
    free(revoked);
    free(key);
    return err;
}

static void key_answered(struct client *k, enum err err, struct span reply, bool merged, const struct diag *why)
{
    struct command_value *v = &k->command.values[k->at_value];
    struct frame_reader r;
    struct span facts, certificate;
    struct diag bad;
    bool again = false;

    if (err) {
        answer_error(k, err, why);
        return;
    }
    frame_reader_init(&r, reply);
    facts = frame_get_bytes(&r);
    certificate = frame_get_bytes(&r);
    err = frame_done(&r) ? take_key(k, v, facts, certificate, merged, &again, &bad)
                         : diag_set(&bad, ERR_INTERNAL, "worker.frame", "a worker's answer is damaged");
    if (err) {
        answer_error(k, err, &bad);
    } else if (!again) {
        k->at_value++;
        examine_next(k);
    }
}

static void key_examined(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    key_answered(ctx, err, reply, false, why);
}

static void key_merged(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    key_answered(ctx, err, reply, true, why);
}

static void mail_parsed(void *ctx, enum err err, struct span reply, const struct diag *why)
{
    struct client *k = ctx;
    struct command_value *v = &k->command.values[k->at_value];
    struct frame_reader r;
    struct span packed, text;
    struct diag bad;

    if (err) {
        answer_error(k, err, why);
        return;
    }
    frame_reader_init(&r, reply);
    packed = frame_get_bytes(&r);
    frame_get_u32(&r);
    frame_get_i64(&r);
    frame_get_i64(&r);
    text = frame_get_bytes(&r);
    v->mail_secret = frame_get_bool(&r);
    v->mail = mem_zero(1, sizeof *v->mail);
    if (!frame_done(&r) || mime_message_get(packed, v->bytes.len, v->mail, &bad)) {
        diag_set(&bad, ERR_INTERNAL, "worker.frame", "a worker's answer is damaged");
        answer_error(k, ERR_INTERNAL, &bad);
        return;
    }
    v->mail_text = mem_strndup(text.data, text.len);
    k->at_value++;
    examine_next(k);
}

static void submit_key(struct client *k, const struct command_value *v, struct span known)
{
    struct core *core = k->control->core;
    struct buf request = BUF_EMPTY;

    frame_put_i64(&request, core_gpg_time(core));
    frame_put_str(&request, core->homes);
    frame_put_buf(&request, &v->bytes);
    frame_put_bytes(&request, known.data, known.len);
    pool_submit(core->pool, WORKER_CRYPTO, CRYPTO_UPDATE, &request, known.len ? key_merged : key_examined, k);
}

static void submit_mail(struct client *k, const struct command_value *v)
{
    const struct settings_limits *l = &k->control->core->settings->limits;
    struct buf request = BUF_EMPTY;

    frame_put_u64(&request, l->message_bytes);
    frame_put_u64(&request, l->header_block_bytes);
    frame_put_u64(&request, l->header_line_bytes);
    frame_put_u64(&request, l->parts);
    frame_put_u64(&request, l->depth);
    frame_put_u64(&request, MIME_LIMITS_DEFAULT.comments);
    frame_put_buf(&request, &v->bytes);
    pool_submit(k->control->core->pool, WORKER_MIME, MIME_PARSE, &request, mail_parsed, k);
}

static void table_examined(void *ctx, enum err err, struct span packed, const struct diag *why)
{
    struct client *k = ctx;

    if (err) {
        answer_error(k, err, why);
        return;
    }
    buf_add(&k->command.values[k->at_value].certificate, packed.data, packed.len);
    k->at_value++;
    examine_next(k);
}

static void submit_table(struct client *k, const struct command_value *v)
{
    struct diag why;
    enum err err = table_keys_start(k->control->core, buf_span(&v->bytes), table_examined, k, &why);

    if (err)
        answer_error(k, err, &why);
}

static void examine_next(struct client *k)
{
    struct reply r = {.out = BUF_EMPTY};

    for (; k->at_value < k->command.n_values; k->at_value++) {
        const struct command_value *v = &k->command.values[k->at_value];

        if (v->type == ARG_KEY) {
            submit_key(k, v, (struct span){NULL, 0});
            return;
        }
        if (v->type == ARG_TABLE) {
            submit_table(k, v);
            return;
        }
        if (v->type == ARG_MAIL) {
            submit_mail(k, v);
            return;
        }
    }
    command_run(&k->control->core->flow, &k->command, &r);
    if (r.ok && r.backup.id[0]) {
        backup_begin(k->control->core->backup, fcntl(k->fd, F_DUPFD_CLOEXEC, 3), &r);
        client_free(k);
        return;
    }
    if (!r.ok || !r.site_wish) {
        answer(k, &r);
        return;
    }
    k->site_reply = r;
    k->site_until_ms = clock_monotonic_ms() + SITE_WAIT_MS;
}

/* A site that takes longer than a client waits is built all the same. */
static void answer_site(struct client *k, bool done, enum err err, struct diag *why)
{
    struct reply r = k->site_reply;

    k->site_reply = (struct reply){.out = BUF_EMPTY};
    if (r.data)
        json_decref(r.data);
    r.data = view_site(&k->control->core->flow);
    if (done && err)
        reply_from(&r, err, why);
    if (!done) {
        r.ok = false;
        r.exit = EXIT_NOT_SETTLED;
        snprintf(r.rule, sizeof r.rule, "publish.building");
        snprintf(r.message, sizeof r.message, "the site is still being built: embargoctl wait tells when it stands");
    }
    answer(k, &r);
}

void control_tick(struct control *c)
{
    for (struct client *k = c->clients, *next; k; k = next) {
        bool done = false;
        struct diag why;
        enum err err;

        next = k->next;
        if (!k->site_reply.site_wish)
            continue;
        err = publisher_result(c->core->publisher, k->site_reply.site_wish, &done, &why);
        if (done || clock_monotonic_ms() >= k->site_until_ms)
            answer_site(k, done, err, &why);
    }
}

static void request(struct client *k, struct span payload)
{
    struct diag why;
    char *as = NULL;
    enum err err = command_get(payload, &k->command, &as, &why);

    k->running = true;
    loop_set_events(k->control->core->loop, k->fd, 0);
    if (!err)
        err = find_actor(k, as, &why);
    free(as);
    buf_free(&k->in);
    if (err)
        answer_error(k, err, &why);
    else
        examine_next(k);
}

/* Nobody waits for it any more: who gave up was told that nothing is done (main/ctl_client.h). */
static bool is_withdrawn(const struct client *k)
{
    struct pollfd peer = {.fd = k->fd};

    return poll(&peer, 1, 0) > 0 && (peer.revents & (POLLHUP | POLLERR));
}

static void read_request(struct client *k)
{
    struct span payload;
    uint32_t type;
    size_t used;
    uint8_t *room = buf_room(&k->in, 65536);
    ssize_t n = room ? read(k->fd, room, 65536) : -1;
    enum err err;

    if (n < 0 && room && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_free(k);
        return;
    }
    buf_grown(&k->in, (size_t)n);
    err = frame_next(buf_span(&k->in), REQUEST_MAX, &type, &payload, &used);
    if (err == ERR_AGAIN)
        return;
    if (err || type != CONTROL_REQUEST || used != k->in.len) {
        log_event(NULL, "control-refused", "frame.bad", NULL);
        client_free(k);
        return;
    }
    if (is_withdrawn(k)) {
        log_event(NULL, "control-withdrawn", NULL, NULL);
        client_free(k);
        return;
    }
    request(k, payload);
}

static void on_client(void *ctx, int fd, short revents)
{
    struct client *k = ctx;

    (void)fd;
    if (k->running) {
        /* Its request goes on; a client that hangs up while waiting just gets no answer. */
        if (revents & (POLLHUP | POLLERR))
            loop_set_events(k->control->core->loop, k->fd, 0);
        return;
    }
    if (k->out.len)
        send_reply(k);
    else
        read_request(k);
}

/* Clients that connect and say nothing make room for others. */
static void drop_idle(struct control *c)
{
    int64_t now = clock_monotonic_ms();

    for (struct client *k = c->clients, *next; k; k = next) {
        next = k->next;
        if (!k->running && now > k->deadline_ms)
            client_free(k);
    }
}

static void on_listen(void *ctx, int fd, short revents)
{
    struct control *c = ctx;
    struct ucred peer;
    socklen_t len = sizeof peer;
    struct client *k;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)revents;
    if (client < 0)
        return;
    drop_idle(c);
    if (c->n >= CLIENTS_MAX || getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &len)) {
        close(client);
        return;
    }
    k = mem_zero(1, sizeof *k);
    k->control = c;
    k->fd = client;
    k->uid = peer.uid;
    k->deadline_ms = clock_monotonic_ms() + CLIENT_IDLE_MS;
    buf_init(&k->in, REQUEST_MAX + 131072);
    buf_init(&k->out, FRAME_PAYLOAD_MAX + 16);
    k->next = c->clients;
    c->clients = k;
    c->n++;
    loop_add(c->core->loop, client, POLLIN, on_client, k);
}

struct control *control_new(struct core *core, int listen_fd)
{
    struct control *c = mem_zero(1, sizeof *c);

    c->core = core;
    c->listen_fd = listen_fd;
    loop_prepare_fd(listen_fd);
    loop_add(core->loop, listen_fd, POLLIN, on_listen, c);
    return c;
}
