#include "main/ctl_client.h"

#include "base/clock.h"
#include "base/frame.h"
#include "base/fsx.h"
#include "flow/command_check.h"
#include "main/ctl_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX    ((size_t)96 << 20) /* bytes; the daemon reads no more */
#define ANSWER_S       600                /* seconds without a byte from the daemon */
#define LOOK_MS        50                 /* between two looks whether core has read the request */
#define WAIT_DEFAULT_S 60.0
#define WAIT_MAX_S     86400.0
#define WAIT_STEP_NS   (50 * 1000 * 1000L)

static enum err read_all(int fd, struct buf *out)
{
    uint8_t *room;
    ssize_t n;

    while ((room = buf_room(out, 65536))) {
        n = read(fd, room, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? ERR_AGAIN : ERR_OK;
        buf_grown(out, (size_t)n);
    }
    return ERR_LIMIT;
}

enum err client_read_file(const char *name, struct buf *out, struct diag *why)
{
    bool standard = strcmp(name, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    enum err err;

    buf_clear(out);
    if (fd < 0)
        return diag_set(why, ERR_USAGE, "command.file", "cannot open %.200s: %s", name, strerror(errno));
    err = read_all(fd, out);
    if (err == ERR_LIMIT)
        diag_set(why, ERR_USAGE, "command.file", "%.200s is larger than %zu bytes", name, out->max);
    else if (err)
        diag_set(why, ERR_USAGE, "command.file", "cannot read %.200s: %s", name, strerror(errno));
    if (!standard)
        close(fd);
    return err ? ERR_USAGE : ERR_OK;
}

enum err client_read_files(struct command *c, struct diag *why)
{
    bool standard = false;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < c->n_values; i++) {
        struct command_value *v = &c->values[i];

        if (!command_is_file(v->type))
            continue;
        if (strcmp(v->word, "-") == 0) {
            if (standard)
                return diag_set(why, ERR_USAGE, "command.file", "standard input (-) can be read once only");
            standard = true;
        }
        err = client_read_file(v->word, &v->bytes, why);
    }
    return err;
}

static enum err absent(const char *path, int error, struct diag *why)
{
    if (error == EACCES || error == EPERM)
        return diag_set(why, ERR_AGAIN, "daemon.absent",
                        "the daemon's socket %.200s may not be used by you: run this as the user of the instance",
                        path);
    return diag_set(why, ERR_AGAIN, "daemon.absent", "no daemon answers at %.200s: start embargod -c FILE first", path);
}

/* The parent listens before core does, and while core cannot start. */
static enum err silent(struct diag *why)
{
    return diag_set(why, ERR_AGAIN, "daemon.silent",
                    "embargod runs, but its core does not take commands, and nothing was done: its log says why "
                    "(core-start-failed, core-rests), and embargoctl check finds it");
}

static enum err connect_to(const char *path, int64_t patience_ms, int *out_fd, struct diag *why)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct timeval answer = {.tv_sec = ANSWER_S};
    struct timeval patience = {.tv_sec = patience_ms / 1000, .tv_usec = patience_ms % 1000 * 1000};
    int fd;

    *out_fd = -1;
    if (strlen(path) >= sizeof name.sun_path)
        return diag_set(why, ERR_USAGE, "config.path-too-long", "the path of the control socket is over %zu bytes: %s",
                        sizeof name.sun_path - 1, "move the instance to a folder with a shorter path");
    memcpy(name.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return diag_errno(why, ERR_INTERNAL, "daemon.socket", "making a socket");
    /* Where so many wait already that there is no room for another, connect() waits as long as a send. */
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&name, sizeof name)) {
        enum err err = errno == EAGAIN ? silent(why) : absent(path, errno, why);

        close(fd);
        return err;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &answer, sizeof answer);
    *out_fd = fd;
    return ERR_OK;
}

bool client_is_daemon(const char *socket_path)
{
    int fd;

    if (connect_to(socket_path, 1, &fd, NULL))
        return false;
    close(fd);
    return true;
}

static enum err gone(struct diag *why)
{
    return diag_set(why, ERR_AGAIN, "daemon.gone",
                    "the daemon gave no answer; look at its log, and at the object, before you say it again");
}

/* Bytes that core has not read. */
static int unread(int fd)
{
    int n = 0;

    return ioctl(fd, SIOCOUTQ, &n) ? 0 : n;
}

/*
 * Sends the request, and waits until core has read it. A core that does not is told to leave it: what it has not read
 * when the connection is closed, it does not do (proc/control.c).
 */
static enum err send_request(int fd, struct span request, int64_t patience_ms, struct diag *why)
{
    int64_t until_ms = clock_monotonic_ms() + patience_ms, left;
    struct pollfd answer = {.fd = fd, .events = POLLIN};

    if (frame_send(fd, CONTROL_REQUEST, request, NULL))
        return errno == EAGAIN ? silent(why) : gone(why);
    while (unread(fd) && (left = until_ms - clock_monotonic_ms()) > 0)
        if (poll(&answer, 1, left < LOOK_MS ? (int)left : LOOK_MS) > 0)
            return ERR_OK;
    if (!unread(fd))
        return ERR_OK;
    shutdown(fd, SHUT_RDWR);
    return unread(fd) ? silent(why) : gone(why);
}

static enum err exchange(int fd, const struct command *c, struct span request, int64_t patience_ms, struct reply *out,
                         struct diag *why)
{
    struct buf payload = BUF_EMPTY;
    struct parts parts;
    uint32_t type = CONTROL_PART;
    enum err err = send_request(fd, request, patience_ms, why);

    parts_init(&parts, c);
    while (!err && type == CONTROL_PART) {
        if (frame_receive(fd, FRAME_PAYLOAD_MAX, &type, &payload, NULL))
            err = gone(why);
        else if (type == CONTROL_PART)
            err = parts_add(&parts, buf_span(&payload), why);
    }
    if (!err && type != CONTROL_REPLY)
        err = gone(why);
    if (!err)
        err = reply_get(buf_span(&payload), out, why);
    err = parts_end(&parts, err || !out->ok, err, why);
    buf_free(&payload);
    return err;
}

enum err client_ask(const char *socket_path, const struct command *c, const char *as, int64_t patience_ms,
                    struct reply *out, struct diag *why)
{
    struct buf request = BUF_EMPTY;
    int fd;
    enum err err;

    *out = (struct reply){.out = BUF_EMPTY};
    command_put(c, as, &request);
    if (request.over || request.len > REQUEST_MAX - FRAME_HEAD_BYTES)
        err = diag_set(why, ERR_USAGE, "command.file", "the files are larger than %zu bytes together", REQUEST_MAX);
    else
        err = connect_to(socket_path, patience_ms, &fd, why);
    if (!err) {
        err = exchange(fd, c, buf_span(&request), patience_ms, out, why);
        close(fd);
    }
    buf_free(&request);
    return err;
}

/* "60", "0.5". */
static bool parse_seconds(const char *text, double *out)
{
    char *end;

    if (strspn(text, "0123456789.") != strlen(text))
        return false;
    *out = strtod(text, &end);
    return end != text && !*end && isfinite(*out) && *out <= WAIT_MAX_S;
}

enum err client_wait(const char *socket_path, const struct command *c, const char *as, struct reply *out,
                     struct diag *why)
{
    const struct timespec step = {.tv_nsec = WAIT_STEP_NS};
    const char *word = command_word(c, "timeout");
    double seconds = WAIT_DEFAULT_S;
    int64_t end_ms, left;
    enum err err;

    *out = (struct reply){.out = BUF_EMPTY};
    if (word && !parse_seconds(word, &seconds))
        return diag_set(why, ERR_USAGE, "command.option", "--timeout must be seconds, at most %d", (int)WAIT_MAX_S);
    end_ms = clock_monotonic_ms() + (int64_t)(seconds * 1000);
    for (;;) {
        left = end_ms - clock_monotonic_ms();
        err = client_ask(socket_path, c, as, left > LOOK_MS ? left : LOOK_MS, out, why);
        if (err || out->exit != EXIT_NOT_SETTLED || clock_monotonic_ms() >= end_ms)
            return err;
        reply_free(out);
        nanosleep(&step, NULL);
    }
}

const char *client_out_name(const struct command *c)
{
    for (size_t i = 0; i < c->n_values; i++)
        if (c->values[i].type == ARG_OUT || c->values[i].type == ARG_PARTS)
            return c->values[i].word;
    return NULL;
}

enum err client_write_out(const struct command *c, struct reply *r, struct diag *why)
{
    const char *name = client_out_name(c);
    struct stat st;
    enum err err;
    int fd;

    if (!name || c->verb->args[0].type == ARG_PARTS)
        return ERR_OK;
    if (strcmp(name, "-") == 0) {
        err = fsx_write_all(STDOUT_FILENO, r->out.data, r->out.len, "standard output", why);
        buf_clear(&r->out);
        return err;
    }
    fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    /* A file that is there already may be open to others; a device or pipe stays as it is. */
    if (fd < 0 || fstat(fd, &st) || (S_ISREG(st.st_mode) && fchmod(fd, 0600))) {
        err = diag_set(why, ERR_USAGE, "command.file", "cannot write %.200s: %s", name, strerror(errno));
    } else {
        err = fsx_write_all(fd, r->out.data, r->out.len, name, why);
    }
    if (fd >= 0 && close(fd) && !err)
        err = diag_errno(why, ERR_INTERNAL, "command.file", "closing the file");
    buf_clear(&r->out);
    return err;
}
