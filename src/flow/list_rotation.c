#include "flow/list_rotation.h"

#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/key_rotated.h"
#include "store/audit.h"
#include "store/duties.h"
#include "store/publish.h"

#include <stdlib.h>
#include <string.h>

void list_rotation_free(struct list_rotation *r)
{
    free(r->fingerprint);
    free(r->previous);
    free(r->statement);
    free(r->retires);
    buf_free(&r->certificate);
    buf_free(&r->previous_certificate);
    *r = (struct list_rotation){.certificate = BUF_EMPTY, .previous_certificate = BUF_EMPTY};
}

/* ---- records ---- */

static enum err set_meta(struct db *db, const char *what, const char *list, struct span value, struct diag *why)
{
    char *name = mem_printf("%s:%s", what, list);
    enum err err = db_meta_set(db, name, value, why);

    free(name);
    return err;
}

bool list_rotation_meta(struct db *db, const char *what, const char *list, struct buf *out)
{
    char *name = mem_printf("%s:%s", what, list);
    bool found = db_meta_get(db, name, out) && out->len;

    free(name);
    return found;
}

enum err list_rotation_stage(struct db *db, const char *list, const struct list_rotation *r, struct diag *why)
{
    struct buf record = BUF_EMPTY;
    enum err err;

    frame_put_str(&record, r->fingerprint);
    frame_put_str(&record, r->previous);
    frame_put_str(&record, r->statement);
    frame_put_str(&record, r->retires);
    frame_put_buf(&record, &r->certificate);
    frame_put_buf(&record, &r->previous_certificate);
    err = set_meta(db, "list-key-next", list, buf_span(&record), why);
    buf_free(&record);
    return err;
}

bool list_rotation_staged(struct db *db, const char *list, struct list_rotation *out)
{
    struct buf record = BUF_EMPTY;
    struct frame_reader r;
    struct span certificate, previous;
    bool whole = false;

    *out = (struct list_rotation){.certificate = BUF_EMPTY, .previous_certificate = BUF_EMPTY};
    if (list_rotation_meta(db, "list-key-next", list, &record)) {
        frame_reader_init(&r, buf_span(&record));
        out->fingerprint = frame_get_str(&r);
        out->previous = frame_get_str(&r);
        out->statement = frame_get_str(&r);
        out->retires = frame_get_str(&r);
        certificate = frame_get_bytes(&r);
        previous = frame_get_bytes(&r);
        buf_add(&out->certificate, certificate.data, certificate.len);
        buf_add(&out->previous_certificate, previous.data, previous.len);
        whole = frame_done(&r) && out->fingerprint && out->previous && out->statement && out->retires;
    }
    if (!whole)
        list_rotation_free(out);
    buf_free(&record);
    return whole;
}

enum list_rotation_state list_rotation_state(struct db *db, const struct settings_list *list,
                                             const char *row_fingerprint)
{
    struct list_rotation next;
    bool same = strcmp(row_fingerprint, list->fingerprint) == 0;
    bool staged = list_rotation_staged(db, list->name, &next) && strcmp(next.previous, row_fingerprint) == 0;
    enum list_rotation_state state = !same && staged && strcmp(next.fingerprint, list->fingerprint) == 0
                                         ? LIST_ROTATION_DUE
                                     : !same  ? LIST_ROTATION_OTHER
                                     : staged ? LIST_ROTATION_INTERRUPTED
                                              : LIST_ROTATION_NONE;

    list_rotation_free(&next);
    return state;
}

/* ---- which keys open mail ---- */

/* Is the word among those of a line, which ends at len? */
static bool has_word(const char *line, size_t len, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = line; n && at < line + len; at += strcspn(at, " \n") + 1)
        if (strcspn(at, " \n") == n && strncmp(at, word, n) == 0)
            return true;
    return false;
}

bool list_rotation_retired(struct db *db, const struct settings_list *list, const char *opened_by)
{
    struct buf text = BUF_EMPTY;
    bool retired = false;
    size_t len;

    if (list_rotation_meta(db, "list-keys-retired", list->name, &text))
        for (const char *at = buf_text(&text); !retired && *at; at += len + (at[len] == '\n')) {
            len = strcspn(at, "\n");
            retired = has_word(at, len, opened_by) && !has_word(at, len, list->fingerprint) &&
                      !(list->previous_key && has_word(at, len, list->previous_key));
        }
    buf_free(&text);
    return retired;
}

static enum err retire(struct db *db, const char *list, const char *line, struct diag *why)
{
    struct buf text = BUF_EMPTY;
    enum err err;

    list_rotation_meta(db, "list-keys-retired", list, &text);
    buf_printf(&text, "%s\n", line);
    err = set_meta(db, "list-keys-retired", list, buf_span(&text), why);
    buf_free(&text);
    return err;
}

/* The first word of the last line. */
void list_rotation_last(struct db *db, const char *list, struct buf *out)
{
    struct buf text = BUF_EMPTY;
    const char *line;

    if (list_rotation_meta(db, "list-keys-retired", list, &text) && text.data[text.len - 1] == '\n') {
        text.data[text.len - 1] = 0;
        line = strrchr(buf_text(&text), '\n');
        line = line ? line + 1 : buf_text(&text);
        buf_add(out, line, strcspn(line, " "));
    }
    buf_free(&text);
}

/* ---- the change ---- */

static enum err take(struct flow *f, const struct list_row *row, const struct list_rotation *next, struct diag *why)
{
    int64_t now = clock_now(f->clock);
    enum err err = list_insert(f->db, row->name, next->fingerprint, row->next_public, why);

    if (!err)
        err = set_meta(f->db, "list-key", row->name, buf_span(&next->certificate), why);
    if (!err)
        err = set_meta(f->db, "list-key-before", row->name, buf_span(&next->previous_certificate), why);
    if (!err)
        err = set_meta(f->db, "list-key-statement", row->name, span_of(next->statement), why);
    if (!err)
        err = retire(f->db, row->name, next->retires, why);
    if (!err)
        err = set_meta(f->db, "list-key-next", row->name, (struct span){NULL, 0}, why);
    if (!err)
        err = duty_put(f->db, row->id, KEY_ROTATED_DUTY, row->id, next->fingerprint, now, why);
    if (!err)
        err = audit_append(f->db, now, "embargod.conf", "key.rotated", row->name, next->fingerprint, NULL, why);
    if (!err)
        log_event(NULL, "list-key-rotated", NULL, "list=%s key=%s", row->name, next->fingerprint);
    return err;
}

/* A site that stands shows the keys of embargod.conf. */
static enum err watch_site(struct flow *f, const struct settings_list *list, struct diag *why)
{
    char *now = mem_printf("%s %s", list->fingerprint, list->previous_key ? list->previous_key : "-");
    struct publish_state site;
    struct buf shown = BUF_EMPTY;
    bool known = list_rotation_meta(f->db, "list-keys-shown", list->name, &shown);
    enum err err = ERR_OK;

    publish_state(f->db, &site);
    if (known && strcmp(buf_text(&shown), now) != 0 && site.wanted)
        err = publish_want(f->db, NULL, why);
    if (!err && (!known || strcmp(buf_text(&shown), now) != 0))
        err = set_meta(f->db, "list-keys-shown", list->name, span_of(now), why);
    buf_free(&shown);
    free(now);
    return err;
}

enum err list_rotation_adopt(struct flow *f, const struct settings_list *list, const struct list_row *row,
                             struct diag *why)
{
    struct list_rotation next;
    enum err err;

    switch (list_rotation_state(f->db, list, row->fingerprint)) {
    case LIST_ROTATION_NONE:
    case LIST_ROTATION_INTERRUPTED:
        return watch_site(f, list, why);
    case LIST_ROTATION_DUE:
        list_rotation_staged(f->db, list->name, &next);
        err = take(f, row, &next, why);
        list_rotation_free(&next);
        return err ? err : watch_site(f, list, why);
    case LIST_ROTATION_OTHER:
        break;
    }
    return diag_set(why, ERR_REJECT, "list.other-key",
                    "embargod.conf has the key %s for the list %s, and the database %s: put that one back, and change "
                    "it by embargoctl key rotate-list",
                    list->fingerprint, list->name, row->fingerprint);
}
