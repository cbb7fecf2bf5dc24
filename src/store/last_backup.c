#include "store/last_backup.h"

#include "base/fsx.h"
#include "base/instant.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define FILE_NAME "last-backup"
#define FILE_MAX  4096

static bool parse_line(char *line, struct last_backup *out)
{
    char at[40], keys[16];
    int used = 0;

    if (sscanf(line, "%39s %15s %15s %n", at, out->id, keys, &used) < 3 || !used || !instant_parse(at, &out->at))
        return false;
    out->with_keys = strcmp(keys, "keys") == 0;
    snprintf(out->name, sizeof out->name, "%s", line + used);
    return true;
}

void last_backup_read(const char *state_dir, struct last_backups *out)
{
    struct buf text = BUF_EMPTY;
    struct last_backup one;
    int fd = -1;
    char *at = NULL;

    *out = (struct last_backups){.newest = {.at = INSTANT_NONE}, .with_keys = {.at = INSTANT_NONE}};
    if (!fsx_open_dir(AT_FDCWD, state_dir, &fd, NULL) && !fsx_read_file(fd, FILE_NAME, FILE_MAX, &text, NULL))
        for (char *line = strtok_r((char *)text.data, "\n", &at); line; line = strtok_r(NULL, "\n", &at)) {
            if (!parse_line(line, &one))
                continue;
            if (out->newest.at == INSTANT_NONE)
                out->newest = one;
            if (one.with_keys && out->with_keys.at == INSTANT_NONE)
                out->with_keys = one;
        }
    fsx_close(&fd);
    buf_free(&text);
}

static void add_line(struct buf *out, const struct last_backup *b)
{
    char at[INSTANT_TEXT_SIZE];

    buf_printf(out, "%s %s %s %s\n", instant_text(b->at, at), b->id, b->with_keys ? "keys" : "no-keys", b->name);
}

enum err last_backup_write(const char *state_dir, const struct last_backup *made, struct diag *why)
{
    struct last_backups before;
    struct buf text = BUF_EMPTY;
    int fd = -1;
    enum err err = fsx_open_dir(AT_FDCWD, state_dir, &fd, why);

    last_backup_read(state_dir, &before);
    add_line(&text, made);
    if (!made->with_keys && before.with_keys.at != INSTANT_NONE)
        add_line(&text, &before.with_keys);
    if (!err)
        err = fsx_write_file(fd, FILE_NAME, 0600, text.data, text.len, why);
    fsx_close(&fd);
    buf_free(&text);
    return err;
}

void last_backup_name_in(const char *state_dir, struct diag *why)
{
    struct last_backups known;
    char at[INSTANT_TEXT_SIZE];
    size_t len = why ? strlen(why->text) : 0;

    last_backup_read(state_dir, &known);
    if (!why)
        return;
    if (known.newest.at == INSTANT_NONE)
        snprintf(why->text + len, sizeof why->text - len, "; no backup is known of");
    else
        snprintf(why->text + len, sizeof why->text - len, "; the last backup is %.200s, of %s", known.newest.name,
                 instant_text(known.newest.at, at));
}
