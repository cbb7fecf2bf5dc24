#include "io/maildir_in.h"

#include "base/fsx.h"
#include "base/log.h"
#include "base/mem.h"
#include "io/maildir_file.h"
#include "io/maildir_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536

struct maildir_in {
    const char *dir;
    const struct lmtp_settings *settings;
    struct spool *spool;
    int notify_fd, inotify_fd, timer_fd;
    int new_fd;

    char **names; /* of one reading of the folder, and how far we are */
    size_t n_names, next;
    size_t left;     /* of this reading, those that are not taken */
    size_t left_log; /* and as it was logged last */
    bool again;      /* something came while we worked */
    bool unwatched;  /* nothing tells of new files: the folder is read often */
    bool trouble;
    char trouble_log[DIAG_RULE_MAX];

    /* the mail in hand; its name is names[next] */
    int fd;
    struct stat st;
    struct spool_file *file;
    size_t n_recipients;
    unsigned flags;
    uint64_t read_bytes;
    size_t line_bytes;
    bool after_cr;
    bool kept; /* in the spool: only the name has still to go */
};

static void arm(struct maildir_in *m, time_t seconds)
{
    struct itimerspec when = {.it_value = {.tv_sec = seconds, .tv_nsec = seconds ? 0 : 1}};

    timerfd_settime(m->timer_fd, 0, &when, NULL);
}

/* Said once, until it has gone well again. */
static void note_trouble(struct maildir_in *m, const struct diag *why)
{
    m->trouble = true;
    if (strcmp(m->trouble_log, why->rule) != 0)
        log_diag(NULL, "maildir-waits", why);
    memcpy(m->trouble_log, why->rule, sizeof m->trouble_log);
}

static void forget_names(struct maildir_in *m)
{
    maildir_folder_names_free(&m->names, &m->n_names);
    m->next = 0;
}

static void forget_mail(struct maildir_in *m)
{
    spool_abandon(&m->file);
    fsx_close(&m->fd);
    m->kept = false;
}

/* ---- the folder ---- */

/* Said again of the same folder it changes nothing. There are only so many inotify instances: gpg-agents hold some. */
static void watch_folder(struct maildir_in *m)
{
    bool watched = maildir_folder_watch(m->inotify_fd, m->dir);

    if (!watched && !m->unwatched)
        log_event(NULL, "maildir-unwatched", "maildir.watch",
                  "no inotify for maildir_in, which is read every %d seconds; raise fs.inotify.max_user_instances",
                  MAILDIR_IN_TROUBLE_S);
    m->unwatched = !watched;
}

/* The folder may have been replaced under its name: it is opened anew for each reading. */
static bool read_names(struct maildir_in *m)
{
    struct diag why;
    enum err err;

    forget_names(m);
    m->left = 0;
    fsx_close(&m->new_fd);
    err = maildir_folder_open(m->dir, &m->new_fd, &why);
    if (!err) {
        watch_folder(m);
        err = maildir_folder_names(m->new_fd, &m->names, &m->n_names, &why);
    }
    if (err)
        note_trouble(m, &why);
    return !err;
}

/* ---- one mail ---- */

static void next_mail(struct maildir_in *m)
{
    forget_mail(m);
    m->next++;
}

static void leave_mail(struct maildir_in *m)
{
    m->left++;
    next_mail(m);
}

static enum err begin_spool(struct maildir_in *m, struct span head, struct diag *why)
{
    struct maildir_envelope found;
    struct spool_envelope envelope = {.origin = SPOOL_FROM_MAILDIR, .n_recipients = 1};
    enum err err;

    maildir_envelope_read(head, m->settings, &found);
    m->flags = found.has_sender && found.n_recipients ? 0 : SPOOL_NO_ENVELOPE;
    envelope.sender = found.sender;
    envelope.recipients = m->settings->addresses;
    if (found.n_recipients) {
        envelope.recipients = (const char *const *)found.recipients;
        envelope.n_recipients = found.n_recipients;
    }
    envelope.received_at_utc_s = m->settings->clock ? clock_now(m->settings->clock) : (int64_t)time(NULL);
    m->n_recipients = envelope.n_recipients;
    err = spool_begin(m->spool, &envelope, &m->file, why);
    maildir_envelope_free(&found);
    return err;
}

/* A mailbox's "From " line, which some programs leave in, is no field. */
static uint64_t from_line_len(struct span head)
{
    const uint8_t *lf = head.len > 5 && memcmp(head.data, "From ", 5) == 0 ? memchr(head.data, '\n', head.len) : NULL;

    return lf ? (uint64_t)(lf - head.data) + 1 : 0;
}

static enum err begin_mail(struct maildir_in *m, struct diag *why)
{
    uint8_t *bytes = mem_zero(MAILDIR_IN_HEAD_BYTES, 1);
    ssize_t n = pread(m->fd, bytes, MAILDIR_IN_HEAD_BYTES, 0);
    struct span head = {bytes, n > 0 ? (size_t)n : 0};
    enum err err = ERR_OK;

    m->read_bytes = from_line_len(head);
    head.data += m->read_bytes;
    head.len -= m->read_bytes;
    m->line_bytes = 0;
    m->after_cr = false;
    if (n < 0 || lseek(m->fd, (off_t)m->read_bytes, SEEK_SET) < 0)
        err = diag_errno(why, ERR_AGAIN, "maildir.read", "maildir_in: a mail cannot be read");
    if (!err && !spool_has_room(m->spool, (uint64_t)m->st.st_size))
        err = diag_set(why, ERR_LIMIT, "disk.full", "maildir_in: no room on the disk; the mail stays in the folder");
    if (!err)
        err = begin_spool(m, head, why);
    mem_wipe(bytes, MAILDIR_IN_HEAD_BYTES);
    free(bytes);
    return err;
}

static enum err put_chunk(struct maildir_in *m, const uint8_t *bytes, size_t len, struct diag *why)
{
    size_t from = 0;
    enum err err = ERR_OK;

    for (size_t i = 0; i < len && !err; i++) {
        if (bytes[i] == '\n') {
            if (!(i ? bytes[i - 1] == '\r' : m->after_cr)) {
                err = spool_write(m->file, bytes + from, i - from, why);
                if (!err)
                    err = spool_write(m->file, "\r", 1, why);
                from = i;
            }
            m->line_bytes = 0;
        } else if (++m->line_bytes > LMTP_DATA_LINE_MAX) {
            m->flags |= SPOOL_LONG_LINE;
        }
    }
    m->after_cr = len && bytes[len - 1] == '\r';
    return err ? err : spool_write(m->file, bytes + from, len - from, why);
}

/* A complete file does not change any more; one that does is no mail yet. */
static bool has_changed(const struct maildir_in *m)
{
    struct stat now;

    return fstat(m->fd, &now) || now.st_size != m->st.st_size || now.st_mtim.tv_sec != m->st.st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != m->st.st_mtim.tv_nsec || m->read_bytes != (uint64_t)now.st_size;
}

static enum err commit_mail(struct maildir_in *m, struct diag *why)
{
    static const char hints[SPOOL_RECIPIENTS_MAX] = {0};
    bool committed[SPOOL_RECIPIENTS_MAX];
    enum err err;

    if (spool_written_bytes(m->file) > m->settings->size_bytes)
        m->flags |= SPOOL_OVERSIZE;
    err = spool_commit(&m->file, m->flags, committed, why);
    if (err)
        return err;
    m->kept = true;
    log_event(NULL, "maildir-accepted", m->flags & SPOOL_NO_ENVELOPE ? "no-envelope" : NULL, NULL);
    if (m->notify_fd >= 0 && write(m->notify_fd, hints, m->n_recipients) < 0)
        return ERR_OK; /* core reads the spool anyway */
    return ERR_OK;
}

/* Only the very file that was read; one that has taken its name meanwhile is another mail. */
static enum err remove_mail(struct maildir_in *m, struct diag *why)
{
    const char *name = m->names[m->next];
    struct stat now;

    if (fstatat(m->new_fd, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_ino == m->st.st_ino &&
        now.st_dev == m->st.st_dev && unlinkat(m->new_fd, name, 0) && errno != ENOENT)
        return diag_errno(why, ERR_AGAIN, "maildir.remove",
                          "maildir_in: a mail that is in the spool cannot be removed; nothing more is taken");
    return ERR_OK;
}

static enum err copy_chunk(struct maildir_in *m, struct diag *why)
{
    uint8_t bytes[CHUNK];
    ssize_t n = read(m->fd, bytes, sizeof bytes);
    enum err err = ERR_OK;

    if (n < 0)
        return errno == EINTR ? ERR_OK
                              : diag_errno(why, ERR_AGAIN, "maildir.read", "maildir_in: a mail cannot be read");
    m->read_bytes += (uint64_t)n;
    if (n > 0) {
        err = m->read_bytes > (uint64_t)m->st.st_size ? ERR_OK : put_chunk(m, bytes, (size_t)n, why);
        mem_wipe(bytes, (size_t)n);
        return err;
    }
    if (has_changed(m)) {
        m->trouble = true; /* looked at again soon */
        next_mail(m);
        return ERR_OK;
    }
    return commit_mail(m, why);
}

static enum err work_on_mail(struct maildir_in *m, struct diag *why)
{
    enum err err;

    if (m->kept) {
        err = remove_mail(m, why);
        if (!err)
            next_mail(m);
        return err;
    }
    if (m->file)
        return copy_chunk(m, why);
    m->fd = maildir_file_open(m->new_fd, m->names[m->next], &m->st);
    if (m->fd < 0 || (uint64_t)m->st.st_size > m->settings->hold_bytes) {
        leave_mail(m);
        return ERR_OK;
    }
    if (maildir_file_is_unfinished(m->fd, &m->st)) {
        m->trouble = true; /* looked at again soon */
        next_mail(m);
        return ERR_OK;
    }
    return begin_mail(m, why);
}

/* ---- steps ---- */

static void finish_reading(struct maildir_in *m)
{
    if (m->left && m->left != m->left_log)
        log_event(NULL, "maildir-left", "maildir.not-taken",
                  "%zu files of maildir_in are no mails that can be read, or larger than limits.hold_bytes", m->left);
    m->left_log = m->left;
    if (!m->trouble)
        m->trouble_log[0] = 0;
    forget_names(m);
}

bool maildir_in_step(struct maildir_in *m)
{
    struct diag why;

    if (!m->names) {
        m->again = m->trouble = false;
        if (!read_names(m))
            return false;
    }
    if (m->next < m->n_names && work_on_mail(m, &why)) {
        bool kept = m->kept;

        note_trouble(m, &why);
        if (!kept) {
            forget_mail(m);
            forget_names(m);
        }
        return false;
    }
    if (m->next < m->n_names)
        return true;
    finish_reading(m);
    return m->again;
}

static bool on_timer(void *ctx)
{
    struct maildir_in *m = ctx;
    uint64_t times;

    if (read(m->timer_fd, &times, sizeof times) != (ssize_t)sizeof times)
        return true;
    arm(m, maildir_in_step(m) ? 0 : m->trouble || m->unwatched ? MAILDIR_IN_TROUBLE_S : MAILDIR_IN_RESCAN_S);
    return true;
}

static bool on_change(void *ctx)
{
    struct maildir_in *m = ctx;
    char events[4096] __attribute__((aligned(8)));

    /* Which name it was does not matter: the folder is read. */
    while (read(m->inotify_fd, events, sizeof events) > 0)
        ;
    m->again = true;
    if (!m->names && !m->trouble)
        arm(m, 0);
    return true;
}

void maildir_in_watches(struct maildir_in *m, struct lmtp_watch out[MAILDIR_IN_WATCHES])
{
    out[0] = (struct lmtp_watch){.fd = m->timer_fd, .ready = on_timer, .ctx = m};
    out[1] = (struct lmtp_watch){.fd = m->inotify_fd, .ready = on_change, .ctx = m};
}

struct maildir_in *maildir_in_new(const char *dir, const struct lmtp_settings *settings, struct spool *spool,
                                  int notify_fd)
{
    struct maildir_in *m = mem_zero(1, sizeof *m);

    m->dir = dir;
    m->settings = settings;
    m->spool = spool;
    m->notify_fd = notify_fd;
    m->new_fd = m->fd = -1;
    m->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    signal(SIGIO, SIG_IGN); /* who opens a file to write, in the moment of has_writer(), breaks its lease */
    m->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    arm(m, 0);
    return m;
}

void maildir_in_free(struct maildir_in **out)
{
    struct maildir_in *m = *out;

    if (!m)
        return;
    forget_mail(m);
    forget_names(m);
    fsx_close(&m->new_fd);
    fsx_close(&m->inotify_fd);
    fsx_close(&m->timer_fd);
    free(m);
    *out = NULL;
}
