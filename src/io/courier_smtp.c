#include <stdio.h> /* before libesmtp.h, which forgets it */

#include <auth-client.h>
#include <openssl/ssl.h>

#include <libesmtp.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/courier.h"
#include "io/courier_mail.h"
#include "io/courier_reply.h"
#include "io/courier_smtp.h"
#include "io/courier_socket.h"
#include "io/courier_tls.h"
#include "io/courier_wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct session {
    const struct courier_relay *relay;
    int fd; /* to the pool; -1: it is gone */
    struct buf payload;
    char hello[256];

    struct courier_mail mail; /* open while a job is in hand */
    bool again;               /* it goes by a second session already */
    bool asked;               /* the server has answered its MAIL */
    struct diag why;

    /* the session */
    smtp_session_t smtp;
    smtp_message_t message;
    smtp_recipient_t recipient;
    struct courier_watch watch;
    struct courier_tls tls;
    struct courier_wire wire;
    unsigned mails;
    bool with_tls, tls_asked, tls_ok, tls_missing, plain_once;
    bool opened; /* so far that a mail was begun */
    enum courier_step step;
};

/* ---- jobs ---- */

/* In one piece: the pool wakes up once. */
static bool write_whole(int fd, struct span bytes)
{
    while (bytes.len) {
        ssize_t n = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            return false;
        bytes.data += n > 0 ? n : 0;
        bytes.len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static void conclude(struct session *s, uint32_t type, enum courier_outcome outcome, const char *code,
                     const char *queue_id)
{
    struct buf payload = BUF_EMPTY, frame = BUF_EMPTY;

    courier_result_put(s->mail.job.id, outcome, code, queue_id && *queue_id ? queue_id : NULL, &payload);
    frame_write(&frame, type, buf_span(&payload));
    if (s->fd >= 0 && !write_whole(s->fd, buf_span(&frame)))
        s->fd = -1;
    buf_free(&payload);
    buf_free(&frame);
    courier_mail_close(&s->mail);
}

/* Takes a job that is there. The mail is open where it can be handed over; else it is answered already. */
static void take_job(struct session *s)
{
    char code[COURIER_CODE_SIZE];
    uint32_t type;
    enum err err = frame_receive(s->fd, FRAME_PAYLOAD_MAX, &type, &s->payload, &s->why);

    s->again = s->asked = false;
    if (!err && type != COURIER_DELIVER)
        err = diag_set(&s->why, ERR_REJECT, "frame.bad", "the pool sent a frame of another type");
    if (!err)
        err = courier_mail_open(&s->mail, buf_span(&s->payload), &s->why);
    else
        s->fd = -1;
    buf_clear(&s->payload);
    if (!err || s->fd < 0)
        return;
    snprintf(code, sizeof code, "%s: %.180s", s->why.rule, s->why.text);
    if (strcmp(s->why.rule, "frame.bad") == 0)
        s->fd = -1;
    else
        conclude(s, COURIER_RESULT, err == ERR_REJECT ? COURIER_FAILED : COURIER_DEFERRED, code, NULL);
}

/* While a session is open: the next job, where one comes in time and the server has not hung up meanwhile. */
static bool next_job(struct session *s)
{
    struct pollfd fds[2] = {{.fd = s->fd, .events = POLLIN}, {.fd = courier_socket(), .events = POLLIN}};

    courier_deadline(0);
    while (!s->mail.open && s->fd >= 0 && s->mails < COURIER_SESSION_MAILS) {
        if (poll(fds, 2, s->relay->idle_ms) <= 0 || fds[1].revents)
            return false;
        take_job(s);
    }
    return s->mail.open;
}

/* ---- the mail ---- */

/* So that it is not ended, and goes by another session. */
static bool has_hole(struct session *s)
{
    if (!courier_wire_has_hole(&s->wire, courier_socket()))
        return false;
    s->mail.broken = true;
    diag_set(&s->mail.why, ERR_AGAIN, "smtp.hole", "a part of the mail was not written");
    return true;
}

/* libesmtp's message callback. An end without errno is the end of the mail. */
static const char *give_block(void **ctx, int *len, void *arg)
{
    struct session *s = arg;
    struct span block;

    (void)ctx;
    if (!len) {
        courier_mail_rewind(&s->mail);
        courier_wire_begin(&s->wire, courier_socket());
        return NULL;
    }
    *len = 0;
    if (!courier_mail_next(&s->mail, &block) || (!block.len && has_hole(s))) {
        errno = EIO;
        return NULL;
    }
    courier_deadline(block.len ? s->relay->timeout_s : 2 * s->relay->timeout_s);
    courier_socket_cork(block.len != 0);
    courier_wire_given(&s->wire, block);
    *len = (int)block.len;
    errno = 0;
    return block.len ? (const char *)block.data : NULL;
}

static void add_mail(struct session *s)
{
    s->message = smtp_add_message(s->smtp);
    if (!s->message)
        abort(); /* out of memory */
    smtp_set_reverse_path(s->message, *s->mail.job.sender ? s->mail.job.sender : NULL);
    smtp_set_messagecb(s->message, give_block, s);
    smtp_size_set_estimate(s->message, courier_mail_size(&s->mail));
    smtp_dsn_set_ret(s->message, Ret_HDRS);
    smtp_dsn_set_envid(s->message, s->mail.job.delivery_id);
    s->recipient = smtp_add_recipient(s->message, s->mail.job.recipient);
    if (!s->recipient)
        abort();
    smtp_dsn_set_notify(s->recipient, Notify_FAILURE | Notify_DELAY);
    smtp_dsn_set_orcpt(s->recipient, "rfc822", s->mail.job.recipient);
    s->mails++;
    s->step = COURIER_MAIL;
    courier_deadline(s->relay->timeout_s);
}

/* ---- replies ---- */

/* libesmtp has the words only where it has read the whole reply, and takes the enhanced code off where it was offered.
 */
static struct courier_reply reply_of(const smtp_status_t *st)
{
    struct courier_reply r = {0};

    if (!st->text)
        return r;
    courier_reply_set(&r, st->code, st->text);
    if (st->enh_class == st->code / 100 && st->enh_subject >= 0 && st->enh_detail >= 0 && st->enh_subject < 1000 &&
        st->enh_detail < 1000)
        snprintf(r.enhanced, sizeof r.enhanced, "%d.%d.%d", st->enh_class, st->enh_subject, st->enh_detail);
    return r;
}

static bool is_success(const smtp_status_t *st)
{
    return st->text && st->code >= 200 && st->code <= 299;
}

static void refuse(struct session *s, const struct courier_reply *r)
{
    char code[COURIER_CODE_SIZE];
    enum courier_outcome outcome = courier_reply_judge(r, s->step, code);

    conclude(s, COURIER_RESULT, outcome, code, NULL);
}

static void on_mail(struct session *s)
{
    const smtp_status_t *st = smtp_reverse_path_status(s->message);
    struct courier_reply r = reply_of(st);

    s->asked = true;
    if (is_success(st)) {
        s->step = COURIER_RCPT;
        courier_deadline(s->relay->timeout_s);
        return;
    }
    refuse(s, &r);
    if (next_job(s))
        add_mail(s);
}

static void on_recipient(struct session *s)
{
    const smtp_status_t *st = smtp_recipient_status(s->recipient);
    struct courier_reply r = reply_of(st);

    courier_deadline(s->relay->timeout_s);
    if (is_success(st))
        s->step = COURIER_DATA;
    else
        refuse(s, &r);
}

/* The server has taken it: all of it? */
static void on_taken(struct session *s, const struct courier_reply *r, const char *text)
{
    char code[COURIER_CODE_SIZE], queue_id[COURIER_QUEUE_ID_SIZE];

    if (!courier_wire_is_whole(&s->wire, courier_socket())) {
        log_event(s->mail.job.delivery_id, "mail-with-a-hole", "smtp.hole", "it goes again");
        conclude(s, COURIER_RESULT, COURIER_DEFERRED, "smtp.hole: a part of the mail was not written", NULL);
        return;
    }
    courier_reply_queue_id(text, queue_id);
    snprintf(code, sizeof code, "250%s%s", *r->enhanced ? " " : "", r->enhanced);
    conclude(s, COURIER_RESULT, COURIER_SENT, code, queue_id);
}

static void on_sent(struct session *s, smtp_message_t message)
{
    const smtp_status_t *st = smtp_message_transfer_status(message);
    struct courier_reply r = reply_of(st);

    if (message != s->message || !r.code)
        return; /* without a reply: the session is over, see settle */
    if (s->mail.open && r.code == 250 && s->step == COURIER_DATA && s->mail.whole)
        on_taken(s, &r, st->text);
    else if (s->mail.open)
        refuse(s, &r);
    /* After a refused DATA, the list of messages has been looked at already. */
    if (s->mail.used && next_job(s))
        add_mail(s);
}

/* ---- events ---- */

/* Whoever answers before he is asked would have the last of his answers taken for that to the mail. */
static const char *surplus_words(const struct session *s)
{
    return s->relay->tls == SMTP_TLS_REQUIRED
               ? "smtp.tls-injection: bytes in clear came behind a reply: somebody is in between"
               : "smtp.early: the mail server answers before it is asked, or somebody is in between: see its log";
}

static void on_bytes(const char *bytes, int len, int writing, void *arg)
{
    struct session *s = arg;

    if (s->opened || len <= 0)
        return;
    if (!writing) {
        /* They are in libesmtp's own buffer, which it looks at when this returns. */
        courier_watch_hide(&s->watch, (char *)bytes, (size_t)len);
        courier_watch_read(&s->watch, bytes, (size_t)len);
        if (s->watch.surplus)
            courier_socket_shut();
        return;
    }
    courier_watch_asked(&s->watch);
    s->tls_asked = s->tls_asked || (len >= 8 && strncmp(bytes, "STARTTLS", 8) == 0);
    if (len >= 9 && strncmp(bytes, "MAIL FROM", 9) == 0) {
        s->opened = true;
        s->step = COURIER_MAIL;
    }
}

/* Certificates were checked within the handshake where they have to be (courier_tls.h). */
static void accept_certificate(const struct session *s, int event, va_list args)
{
    int *ok;

    if (event == SMTP_EV_NO_PEER_CERTIFICATE && s->relay->tls == SMTP_TLS_REQUIRED)
        return;

    if (event == SMTP_EV_INVALID_PEER_CERTIFICATE)
        (void)va_arg(args, long);
    ok = va_arg(args, int *);
    *ok = 1;
}

static void on_event(smtp_session_t smtp, int event, void *arg, ...)
{
    struct session *s = arg;
    va_list args;

    (void)smtp;
    va_start(args, arg);
    if (event == SMTP_EV_CONNECT) {
        memset(&s->watch, 0, sizeof s->watch);
        courier_socket_find();
        courier_deadline(2 * s->relay->timeout_s);
    } else if (event == SMTP_EV_DISCONNECT) {
        courier_socket_forget();
        courier_deadline(s->relay->timeout_s); /* the host's next address */
    } else if (event == SMTP_EV_MAILSTATUS && s->mail.open) {
        on_mail(s);
    } else if (event == SMTP_EV_RCPTSTATUS && s->mail.open) {
        on_recipient(s);
    } else if (event == SMTP_EV_MESSAGESENT) {
        on_sent(s, va_arg(args, smtp_message_t));
    } else if (event == SMTP_EV_MESSAGEDATA) {
        (void)va_arg(args, smtp_message_t);
        courier_wire_meant(&s->wire, (size_t)va_arg(args, int));
    } else if (event == SMTP_EV_EXTNA_STARTTLS) {
        s->tls_missing = true;
    } else if (event == SMTP_EV_STARTTLS_OK) {
        s->tls_ok = true;
        courier_deadline(2 * s->relay->timeout_s);
    } else if (event == SMTP_EV_INVALID_PEER_CERTIFICATE || event == SMTP_EV_WRONG_PEER_CERTIFICATE ||
               event == SMTP_EV_NO_PEER_CERTIFICATE) {
        accept_certificate(s, event, args);
    }
    va_end(args);
}

/* ---- sessions ---- */

static void set_timeouts(struct session *s)
{
    static const int which[] = {Timeout_GREETING, Timeout_ENVELOPE, Timeout_DATA, Timeout_TRANSFER, Timeout_DATA2};

    /* Later than our own deadlines, the longest of which is twice a step: these are the second line. */
    for (size_t i = 0; i < sizeof which / sizeof which[0]; i++)
        smtp_set_timeout(s->smtp, which[i] | Timeout_OVERRIDE_RFC2822_MINIMUM, 3000L * s->relay->timeout_s);
}

static bool set_tls(struct session *s)
{
    bool required = s->relay->tls == SMTP_TLS_REQUIRED;

    s->with_tls = required || (s->relay->tls == SMTP_TLS_OPPORTUNISTIC && !s->plain_once);
    s->plain_once = false;
    if (!s->with_tls)
        return smtp_starttls_enable(s->smtp, Starttls_DISABLED) != 0;
    if (courier_tls_open(&s->tls, s->relay->host, s->relay->ca, required, &s->why))
        return false;
    smtp_starttls_set_ctx(s->smtp, s->tls.ctx);
    return smtp_starttls_enable(s->smtp, required ? Starttls_REQUIRED : Starttls_ENABLED) != 0;
}

static void begin(struct session *s)
{
    char server[300];

    s->smtp = smtp_create_session();
    if (!s->smtp)
        abort(); /* out of memory */
    s->mails = 0;
    s->opened = s->tls_asked = s->tls_ok = s->tls_missing = s->asked = false;
    memset(&s->watch, 0, sizeof s->watch);
    courier_deadline_reset();
    s->why = (struct diag){0};
    snprintf(server, sizeof server, "%s:%d", s->relay->host, s->relay->port);
    smtp_set_server(s->smtp, server);
    smtp_set_hostname(s->smtp, s->hello);
    smtp_set_eventcb(s->smtp, on_event, s);
    smtp_set_monitorcb(s->smtp, on_bytes, s, 0);
    set_timeouts(s);
    add_mail(s);
    s->step = COURIER_OPENING;
}

/* Why no mail could be begun. */
static void no_relay(struct session *s)
{
    char code[COURIER_CODE_SIZE], words[128];

    if (*s->why.rule)
        snprintf(code, sizeof code, "%s: %.180s", s->why.rule, s->why.text);
    else if (s->tls_missing)
        snprintf(code, sizeof code, "smtp.tls-missing: the mail server offers no STARTTLS: let it, or set smtp.tls");
    else if (s->watch.surplus)
        snprintf(code, sizeof code, "%s", surplus_words(s));
    else if (*s->tls.fault)
        snprintf(code, sizeof code, "smtp.certificate: %s: correct smtp.host or smtp.ca, or the certificate",
                 s->tls.fault);
    else if (courier_deadline_passed())
        snprintf(code, sizeof code, "smtp.timeout: the mail server does not answer");
    else if (s->watch.refusal.code)
        courier_reply_judge(&s->watch.refusal, COURIER_OPENING, code);
    else if (s->with_tls && s->tls_asked && !s->tls_ok)
        snprintf(code, sizeof code, "smtp.tls: the TLS 1.2 handshake failed: see what the mail server's log says");
    else
        snprintf(code, sizeof code, "smtp.connect: %s", smtp_strerror(smtp_errno(), words, sizeof words));
    conclude(s, COURIER_NO_RELAY, COURIER_DEFERRED, code, NULL);
}

/* The session is over, and the job in hand has no answer. Without a conclusion it goes by another session. */
static void settle(struct session *s)
{
    struct courier_reply none = {0};

    if (s->mail.broken) {
        conclude(s, COURIER_RESULT, COURIER_DEFERRED, *s->mail.why.rule ? s->mail.why.rule : "courier.body", NULL);
    } else if (s->watch.surplus) {
        no_relay(s);
    } else if (s->mails > 1 && !s->asked && !s->again) {
        s->again = true; /* a server may end a session between two mails, without a word */
    } else if (!s->opened && s->with_tls && s->relay->tls == SMTP_TLS_OPPORTUNISTIC && s->tls_asked && !s->tls_ok) {
        s->plain_once = true;
    } else if (!s->opened) {
        no_relay(s);
    } else if (courier_deadline_passed()) {
        conclude(s, COURIER_RESULT, COURIER_DEFERRED, "smtp.timeout: the mail server did not answer in time", NULL);
    } else {
        refuse(s, &none);
    }
}

static void run(struct session *s)
{
    begin(s);
    courier_deadline(s->relay->timeout_s);
    if (set_tls(s))
        smtp_start_session(s->smtp);
    courier_deadline_close();
    courier_socket_forget();
    if (s->mail.open)
        settle(s);
    smtp_destroy_session(s->smtp);
    courier_tls_close(&s->tls);
    s->tls.fault[0] = 0;
}

/* What EHLO says: the host's name where it can be one (RFC 5321, 4.1.1.1). */
static void set_hello(struct session *s)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

    if (gethostname(s->hello, sizeof s->hello - 1) || !*s->hello || strspn(s->hello, letters) != strlen(s->hello))
        snprintf(s->hello, sizeof s->hello, "localhost");
}

int courier_smtp_main(const struct courier_relay *relay, int bodies_fd, int fd)
{
    static char home[] = "HOME=/nonexistent";
    static char *clean[] = {home, NULL};
    struct session s = {.relay = relay, .fd = fd};

    environ = clean;
    signal(SIGPIPE, SIG_IGN);
    buf_init(&s.payload, FRAME_PAYLOAD_MAX);
    courier_mail_init(&s.mail, bodies_fd);
    set_hello(&s);
    courier_deadline_open();
    while (s.fd >= 0) {
        if (s.mail.open)
            run(&s);
        else
            take_job(&s);
    }
    courier_mail_free(&s.mail);
    buf_free(&s.payload);
    return 0;
}
