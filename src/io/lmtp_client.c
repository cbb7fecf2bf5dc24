#include "io/lmtp_client.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define REPLY_LINE_MAX  1000
#define REPLY_LINES_MAX 100
#define CHUNK           16384

struct client {
    int fd;
    struct buf in;  /* replies not yet read */
    struct buf out; /* what is to be sent, at most two chunks' worth with its line breaks */
    bool at_line, after_cr;
};

enum err lmtp_client_connect(const char *path, int timeout_s, int *out_fd, struct diag *why)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = timeout_s};
    enum err err;

    *out_fd = -1;
    if (strlen(path) >= sizeof name.sun_path)
        return diag_set(why, ERR_USAGE, "lmtp.path", "the socket's path is longer than %zu bytes; shorten it",
                        sizeof name.sun_path - 1);
    memcpy(name.sun_path, path, strlen(path));
    *out_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*out_fd >= 0 && setsockopt(*out_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        setsockopt(*out_fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect(*out_fd, (struct sockaddr *)&name, sizeof name) == 0)
        return ERR_OK;
    err = diag_errno(why, ERR_AGAIN, "lmtp.connect", path);
    if (*out_fd >= 0)
        close(*out_fd);
    *out_fd = -1;
    return err;
}

static enum err flush(struct client *c, struct diag *why)
{
    size_t at = 0;

    while (at < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + at, c->out.len - at, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return diag_errno(why, ERR_AGAIN, "lmtp.send", "the daemon takes no more");
        at += (size_t)n;
    }
    buf_clear(&c->out);
    return ERR_OK;
}

static enum err fill(struct client *c, struct diag *why)
{
    uint8_t bytes[512];
    ssize_t n;

    do
        n = recv(c->fd, bytes, sizeof bytes, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return diag_errno(why, ERR_AGAIN, "lmtp.reply", "the daemon does not answer");
    if (n == 0)
        return diag_set(why, ERR_AGAIN, "lmtp.reply", "the daemon has closed the connection");
    buf_add(&c->in, bytes, (size_t)n);
    return ERR_OK;
}

/* Reads one line of a reply; *more says that the reply goes on. */
static enum err read_line(struct client *c, int *code, bool *more, struct diag *why)
{
    const uint8_t *lf;
    enum err err;

    while (!(lf = c->in.len ? memchr(c->in.data, '\n', c->in.len) : NULL)) {
        if (c->in.len > REPLY_LINE_MAX)
            return diag_set(why, ERR_AGAIN, "lmtp.reply", "the daemon's answer is no LMTP");
        err = fill(c, why);
        if (err)
            return err;
    }
    *code = 0;
    for (int i = 0; i < 3; i++)
        if (c->in.data[i] < '0' || c->in.data[i] > '9')
            return diag_set(why, ERR_AGAIN, "lmtp.reply", "the daemon's answer is no LMTP");
        else
            *code = *code * 10 + c->in.data[i] - '0';
    *more = c->in.data[3] == '-';
    buf_drop_front(&c->in, (size_t)(lf - c->in.data) + 1);
    return ERR_OK;
}

/* Reads a reply, which must have this code. */
static enum err expect(struct client *c, int wanted, struct diag *why)
{
    bool more = true;
    int code = 0;
    enum err err;

    for (int lines = 0; more; lines++) {
        if (lines == REPLY_LINES_MAX)
            return diag_set(why, ERR_AGAIN, "lmtp.reply", "the daemon's answer has no end");
        err = read_line(c, &code, &more, why);
        if (err)
            return err;
    }
    if (code == wanted)
        return ERR_OK;
    return diag_set(why, code >= 500 ? ERR_REJECT : ERR_AGAIN, "lmtp.refused", "the daemon answered %d", code);
}

static enum err command(struct client *c, int wanted, struct diag *why)
{
    enum err err = flush(c, why);

    return err ? err : expect(c, wanted, why);
}

static enum err open_transaction(struct client *c, const char *sender, const char *const *recipients, size_t n,
                                 struct diag *why)
{
    enum err err = expect(c, 220, why);

    buf_add_str(&c->out, "LHLO localhost\r\n");
    if (!err)
        err = command(c, 250, why);
    buf_printf(&c->out, "MAIL FROM:<%s>\r\n", sender);
    if (!err)
        err = command(c, 250, why);
    for (size_t i = 0; i < n && !err; i++) {
        buf_printf(&c->out, "RCPT TO:<%s>\r\n", recipients[i]);
        err = command(c, 250, why);
    }
    buf_add_str(&c->out, "DATA\r\n");
    return err ? err : command(c, 354, why);
}

static void add_byte(struct client *c, uint8_t byte)
{
    if (byte == '.' && c->at_line)
        buf_add_byte(&c->out, '.');
    if (byte == '\n' && !c->after_cr)
        buf_add_byte(&c->out, '\r');
    buf_add_byte(&c->out, byte);
    c->at_line = byte == '\n';
    c->after_cr = byte == '\r';
}

static enum err send_message(struct client *c, int message_fd, struct diag *why)
{
    uint8_t bytes[CHUNK];
    enum err err = ERR_OK;

    c->at_line = true;
    while (!err) {
        ssize_t n = read(message_fd, bytes, sizeof bytes);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            err = diag_errno(why, ERR_AGAIN, "lmtp.message", "the message cannot be read");
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n; i++)
            add_byte(c, bytes[i]);
        err = flush(c, why);
    }
    mem_wipe(bytes, sizeof bytes);
    if (err)
        return err; /* without the dot, so that nothing is kept */
    if (!c->at_line)
        add_byte(c, '\n');
    buf_add_str(&c->out, ".\r\n");
    return flush(c, why);
}

static bool address_ok(const char *address)
{
    for (; *address; address++)
        if ((unsigned char)*address < 0x20 || *address == 0x7f || *address == '<' || *address == '>')
            return false;
    return true;
}

static enum err check_addresses(const char *sender, const char *const *recipients, size_t n, struct diag *why)
{
    bool ok = n > 0 && address_ok(sender);

    for (size_t i = 0; i < n && ok; i++)
        ok = *recipients[i] && address_ok(recipients[i]);
    if (ok)
        return ERR_OK;
    return diag_set(why, ERR_USAGE, "lmtp.address",
                    "there is no recipient, or an address is empty or holds a control character or a bracket");
}

enum err lmtp_client_send(int socket_fd, int message_fd, const char *sender, const char *const *recipients, size_t n,
                          struct diag *why)
{
    struct client c = {.fd = socket_fd, .in = BUF_EMPTY, .out = BUF_EMPTY};
    struct diag later;
    enum err err = check_addresses(sender, recipients, n, why);

    if (!err)
        err = open_transaction(&c, sender, recipients, n, why);
    if (!err)
        err = send_message(&c, message_fd, why);
    /* One reply for each recipient; the first trouble is the one that is told. */
    for (size_t i = 0; i < n && !err; i++)
        err = expect(&c, 250, why);
    if (!err) {
        buf_add_str(&c.out, "QUIT\r\n");
        flush(&c, &later); /* the mail is kept already, whatever becomes of the goodbye */
    }
    buf_free(&c.in);
    buf_free(&c.out);
    return err;
}
