/* Rows on backups: the last one, and an instance that was restored. */
#include "main/ctl_check.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/restored.h"
#include "store/last_backup.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OLD_S ((int64_t)7 * 86400)

static bool is_rehearsal(struct db *db)
{
    struct buf kind = BUF_EMPTY;
    bool is = db_meta_get(db, "kind", &kind) && strcmp(buf_text(&kind), "rehearsal") == 0;

    buf_free(&kind);
    return is;
}

static void check_restored(struct check *k)
{
    char taken[INSTANT_TEXT_SIZE];
    struct restored r;

    restored_read(k->db, &r);
    if (r.state == RESTORED_HOLD)
        check_add(k, CHECK_WARN, "restored",
                  "look (status, next, queue list), stop embargod, embargoctl restore --accept, start it",
                  "restored from %s, of %s, and on hold: nothing is opened, sent or published", r.name,
                  instant_text(r.taken_at, taken));
    else if (r.state != RESTORED_NEVER)
        check_add(k, CHECK_OK, "restored", "", "from %s, of %s, and accepted", r.name, instant_text(r.taken_at, taken));
}

void check_backup(struct check *k)
{
    char *state = settings_path(k->settings, "state"), at[INSTANT_TEXT_SIZE];
    const struct last_backup *last;
    struct last_backups known;

    last_backup_read(state, &known);
    free(state);
    last = &known.newest;
    if (k->db)
        check_restored(k);
    if (k->db && is_rehearsal(k->db))
        check_add(k, CHECK_OK, "backup", "", "a rehearsal needs none");
    else if (last->at == INSTANT_NONE)
        check_add(k, CHECK_WARN, "backup", "embargoctl backup FILE --with-keys; then daily: embargoctl backup FILE",
                  "there is none yet");
    else if ((int64_t)time(NULL) - last->at > OLD_S)
        check_add(k, CHECK_WARN, "backup", "embargoctl backup FILE, daily", "the last one is old: %s, of %s",
                  last->name, instant_text(last->at, at));
    else if (known.with_keys.at == INSTANT_NONE)
        check_add(k, CHECK_WARN, "backup", "embargoctl backup FILE --with-keys, once, and after each change of keys",
                  "%s, of %s; none has the secret keys, without which it is worth nothing", last->name,
                  instant_text(last->at, at));
    else
        check_add(k, CHECK_OK, "backup", "", "%s, of %s; with keys: %s", last->name, instant_text(last->at, at),
                  known.with_keys.name);
}
