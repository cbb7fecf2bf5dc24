#include "codec/pgp_home.h"

#include "base/buf.h"
#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_gpg.h"
#include "codec/pgp_key_store.h"
#include "codec/pgp_seal_result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CONF_MAX ((size_t)64 << 10) /* bytes of a gpg.conf */

static const char common_conf[] = "# Written by embargod; changes are lost.\n"
                                  "no-greeting\n"
                                  "no-permission-warning\n"
                                  "no-auto-check-trustdb\n"
                                  "no-random-seed-file\n"
                                  "no-emit-version\n"
                                  "no-comments\n"
                                  "no-symkey-cache\n"
                                  "disable-dirmngr\n"
                                  "no-auto-key-retrieve\n"
                                  "no-auto-key-locate\n"
                                  "auto-key-locate local\n"
                                  "trust-model always\n"
                                  "charset utf-8\n"
                                  "cipher-algo AES256\n"
                                  "digest-algo SHA512\n"
                                  "cert-digest-algo SHA512\n"
                                  "compress-algo none\n"
                                  "personal-cipher-preferences AES256 AES192 AES\n"
                                  "personal-digest-preferences SHA512 SHA384 SHA256\n"
                                  "personal-compress-preferences Uncompressed\n"
                                  "default-preference-list SHA512 SHA384 SHA256 AES256 AES192 AES Uncompressed\n";

/* Signed packets go into the encrypted packet as they are: no literal packet of gpg's own around them. */
static const char shard_conf[] = "no-literal\n";

/* An agent, which gpg starts for each import, takes longer to come and go than all that is done in such a home. */
static const char temporary_conf[] = "no-autostart\n";

static const char agent_conf[] = "# Written by embargod; changes are lost.\n"
                                 "disable-scdaemon\n"
                                 "no-grab\n"
                                 "auto-expand-secmem\n"
                                 "allow-preset-passphrase\n"
                                 "max-cache-ttl 315360000\n"
                                 "default-cache-ttl 0\n";

static const char clock_word[] = "faked-system-time ";

static enum err trouble(struct diag *why, const char *what)
{
    return diag_errno(why, ERR_INTERNAL, "pgp.home", what);
}

static bool write_whole(int fd, const uint8_t *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* Writes a file by a temporary one and rename, so that a gpg that starts meanwhile reads one or the other. */
static enum err replace_file(const char *dir, const char *name, struct span content, struct diag *why)
{
    char *path = mem_printf("%s/%s", dir, name), *fresh = mem_printf("%s/%s.%ld.new", dir, name, (long)getpid());
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    enum err err = ERR_OK;

    if (fd < 0)
        err = trouble(why, "a GnuPG home cannot be written");
    else if (!write_whole(fd, content.data, content.len) || fsync(fd))
        err = trouble(why, "a file of a GnuPG home cannot be written");
    if (fd >= 0 && close(fd) && !err)
        err = trouble(why, "a file of a GnuPG home cannot be written");
    if (!err && rename(fresh, path))
        err = trouble(why, "a file of a GnuPG home cannot be replaced");
    if (err)
        unlink(fresh);
    free(path);
    free(fresh);
    return err;
}

/* The gpg.conf; an absent one is ERR_NOT_FOUND. */
static enum err read_conf(const char *dir, struct buf *out, struct diag *why)
{
    char *path = mem_printf("%s/gpg.conf", dir);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    uint8_t *room;
    ssize_t n = 0;

    free(path);
    if (fd < 0)
        return diag_errno(why, errno == ENOENT ? ERR_NOT_FOUND : ERR_INTERNAL, "pgp.home", "gpg.conf cannot be read");
    while ((room = buf_room(out, 4096)) && (n = read(fd, room, 4096)) > 0)
        buf_grown(out, (size_t)n);
    if (!room || n < 0)
        diag_errno(why, ERR_INTERNAL, "pgp.home", "gpg.conf cannot be read");
    close(fd);
    if (!room || n < 0)
        return ERR_INTERNAL;
    return ERR_OK;
}

/* Where the clock's line begins, NULL where there is none; *end is behind its line end. */
static const char *find_clock(const char *conf, const char **end)
{
    const char *line = conf, *next;

    for (; *line; line = next) {
        next = strchr(line, '\n');
        next = next ? next + 1 : line + strlen(line);
        if (!strncmp(line, clock_word, sizeof clock_word - 1)) {
            *end = next;
            return line;
        }
    }
    return NULL;
}

enum err pgp_home_is_frameless(const char *home, bool *frameless, struct diag *why)
{
    struct buf conf = {.max = CONF_MAX};
    enum err err = pgp_gpg_check_home(home, why);

    if (!err)
        err = read_conf(home, &conf, why);
    *frameless = !err && strstr(buf_text(&conf), shard_conf);
    buf_free(&conf);
    return err;
}

bool pgp_home_has_agent(const char *home)
{
    struct buf conf = {.max = CONF_MAX};
    bool has = read_conf(home, &conf, NULL) || !strstr(buf_text(&conf), temporary_conf);

    buf_free(&conf);
    return has;
}

static enum err make_directory(const char *dir, struct diag *why)
{
    struct stat st;

    if (mkdir(dir, 0700) && errno != EEXIST)
        return trouble(why, "a GnuPG home cannot be made");
    if (lstat(dir, &st) || !S_ISDIR(st.st_mode))
        return diag_set(why, ERR_INTERNAL, "pgp.home", "the path of a GnuPG home is not a directory");
    if (chmod(dir, 0700))
        return trouble(why, "the mode of a GnuPG home cannot be set");
    return ERR_OK;
}

enum err pgp_home_make(const char *dir, enum pgp_home_kind kind, struct diag *why)
{
    struct buf old = {.max = CONF_MAX}, conf = BUF_EMPTY;
    const char *clock, *end;
    enum err err = pgp_gpg_check_home(dir, why);

    if (!err)
        err = make_directory(dir, why);
    if (!err) {
        buf_add_str(&conf, common_conf);
        if (kind == PGP_HOME_SHARD)
            buf_add_str(&conf, shard_conf);
        if (kind == PGP_HOME_TEMPORARY)
            buf_add_str(&conf, temporary_conf);
        if (read_conf(dir, &old, NULL) == ERR_OK && (clock = find_clock(buf_text(&old), &end)))
            buf_add(&conf, clock, (size_t)(end - clock));
        err = replace_file(dir, "gpg.conf", buf_span(&conf), why);
    }
    if (!err)
        err = replace_file(dir, "gpg-agent.conf", span_of(agent_conf), why);
    buf_free(&old);
    buf_free(&conf);
    return err;
}

/* "faked-system-time 20261122T150000!\n": the mark freezes it. */
static enum err clock_line(int64_t now_utc_s, struct buf *out, struct diag *why)
{
    time_t t = (time_t)now_utc_s;
    char text[32];
    struct tm tm;

    if (now_utc_s == INSTANT_NONE)
        return ERR_OK;
    if (now_utc_s <= 0 || now_utc_s > UINT32_MAX || !gmtime_r(&t, &tm))
        return diag_set(why, ERR_USAGE, "pgp.usage", "gpg's clock must be set between 1970 and 2106");
    strftime(text, sizeof text, "%Y%m%dT%H%M%S", &tm);
    buf_printf(out, "%s%s!\n", clock_word, text);
    return ERR_OK;
}

/* The digits of "20261122T150000!" as an instant; INSTANT_NONE where they are off. */
static int64_t clock_value(const char *s)
{
    char text[INSTANT_TEXT_SIZE];
    int64_t at;

    if (strlen(s) < 15)
        return INSTANT_NONE;
    snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", s, s + 4, s + 6, s + 9, s + 11, s + 13);
    return instant_parse(text, &at) ? at : INSTANT_NONE;
}

int64_t pgp_home_now(const char *home)
{
    struct buf conf = {.max = CONF_MAX};
    int64_t at = INSTANT_NONE;
    const char *clock, *end;

    if (!read_conf(home, &conf, NULL) && (clock = find_clock(buf_text(&conf), &end)))
        at = clock_value(clock + sizeof clock_word - 1);
    buf_free(&conf);
    return at == INSTANT_NONE ? (int64_t)time(NULL) : at;
}

enum err pgp_home_set_time(const char *dir, int64_t now_utc_s, struct diag *why)
{
    struct buf old = {.max = CONF_MAX}, line = BUF_EMPTY, conf = BUF_EMPTY;
    const char *text, *clock, *end = NULL;
    enum err err = pgp_gpg_check_home(dir, why);

    if (!err)
        err = clock_line(now_utc_s, &line, why);
    if (!err)
        err = read_conf(dir, &old, why);
    if (err)
        goto out;
    text = buf_text(&old);
    clock = find_clock(text, &end);
    if (clock && (size_t)(end - clock) == line.len && !memcmp(clock, line.data, line.len))
        goto out;
    if (!clock && !line.len)
        goto out;
    buf_add(&conf, text, clock ? (size_t)(clock - text) : old.len);
    if (clock)
        buf_add_str(&conf, end);
    buf_add_buf(&conf, &line);
    err = replace_file(dir, "gpg.conf", buf_span(&conf), why);
out:
    buf_free(&old);
    buf_free(&line);
    buf_free(&conf);
    return err;
}
