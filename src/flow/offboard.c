#include "flow/offboard.h"

#include "base/mem.h"
#include "flow/approvals.h"
#include "flow/cases_flow.h"
#include "flow/key_warnings.h"
#include "store/audit.h"
#include "store/nonces.h"
#include "store/outbox.h"

#include <stdlib.h>
#include <string.h>

/* "ADDRESS FINGERPRINT\n" for each admin of the list. */
static void write_admins(const struct flow *f, const struct settings_list *list, struct buf *out)
{
    for (size_t i = 0; i < f->settings->n_admins; i++)
        if (settings_admin_serves(&f->settings->admins[i], list))
            buf_printf(out, "%s %s\n", f->settings->admins[i].address, f->settings->admins[i].fingerprint);
}

/* Is the whole line in the text? */
static bool has_line(const char *text, const char *line, size_t len)
{
    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (strcspn(at, "\n") == len && strncmp(at, line, len) == 0)
            return true;
    return false;
}

static enum err end_wishes(struct flow *f, int64_t list_id, const char *name, struct diag *why)
{
    struct approval_row *rows = NULL;
    struct actor by;
    size_t n = 0;
    enum err err = approval_open(f->db, list_id, &rows, &n, why);

    actor_daemon(&by);
    for (size_t i = 0; i < n; i++) {
        if (!err && strcmp(rows[i].by, name) == 0)
            err = approval_withdraw(f, &rows[i], "who asked for this is no admin any more", &by, why);
        approval_row_free(&rows[i]);
    }
    free(rows);
    return err;
}

static enum err forget_key(struct flow *f, const struct settings_list *list, int64_t list_id, const char *fingerprint,
                           struct diag *why)
{
    struct key_row *key = mem_zero(1, sizeof *key);
    struct diag none;
    int64_t dropped;
    enum err err = ERR_OK;

    /* One admin may have taken another's place under the same key, or the key be a member's now. */
    if (!settings_admin_with_key(f->settings, list, fingerprint) &&
        !key_by_fingerprint(f->db, list_id, fingerprint, key, &none) && key->shard == MEMBER_SHARD_TEAM) {
        err = copy_drop_key(f->db, key->id, "admin.removed", clock_now(f->clock), &dropped, why);
        if (!err)
            err = duty_end(f->db, KEY_WARNING_DUTY, key->id, NULL, why);
        if (!err)
            err = key_delete(f->db, key->id, why);
    }
    free(key);
    return err;
}

/* line: "ADDRESS FINGERPRINT", of len bytes. */
static enum err end_admin(struct flow *f, const struct settings_list *list, int64_t list_id, const char *line,
                          size_t len, struct diag *why)
{
    size_t n = strcspn(line, " \n");
    char *address = mem_strndup(line, n), *name = mem_printf("admin:%s", address);
    char *fingerprint = mem_strndup(line + n + 1, len > n ? len - n - 1 : 0);
    enum err err = nonce_end(f->db, list_id, name, why);

    if (!err)
        err = end_wishes(f, list_id, name, why);
    /* They do not count now; nor may they when he comes back. */
    if (!err)
        err = vote_drop(f->db, list_id, address, why);
    if (!err)
        err = forget_key(f, list, list_id, fingerprint, why);
    if (!err)
        err =
            audit_append(f->db, clock_now(f->clock), "embargod.conf", "admin.removed", address, list->name, NULL, why);
    free(address);
    free(name);
    free(fingerprint);
    return err;
}

static enum err compare(struct flow *f, const struct settings_list *list, int64_t list_id, const char *before,
                        const char *now, struct buf *words, struct diag *why)
{
    enum err err = ERR_OK;
    size_t len;

    for (const char *at = before; !err && *at; at += len + (at[len] == '\n')) {
        len = strcspn(at, "\n");
        if (has_line(now, at, len))
            continue;
        buf_printf(words, "No longer:  %.*s\n", (int)len, at);
        err = end_admin(f, list, list_id, at, len, why);
    }
    for (const char *at = now; !err && *at; at += len + (at[len] == '\n')) {
        char *address;

        len = strcspn(at, "\n");
        if (has_line(before, at, len))
            continue;
        address = mem_strndup(at, strcspn(at, " \n"));
        buf_printf(words, "New:        %.*s\n", (int)len, at);
        err = audit_append(f->db, clock_now(f->clock), "embargod.conf", "admin.added", address, list->name, NULL, why);
        free(address);
    }
    return err;
}

static enum err tell(struct flow *f, const struct settings_list *list, int64_t list_id, const struct buf *words,
                     struct diag *why)
{
    char *text =
        mem_printf("embargod.conf names other admins than before.\n\n%s\nWhoever went has no nonces, proposals "
                   "and votes any more. If this was not wanted, look at\nwho can write that file.\n",
                   buf_text(words));
    struct diag nobody;
    enum err err = case_notify_team(f, list, list_id, NULL, "The admins have changed", text, &nobody);

    /* New admins may all lack their keys yet; that must not keep the daemon from starting. */
    if (err && err != ERR_INTERNAL)
        *why = nobody;
    free(text);
    return err == ERR_INTERNAL ? ERR_OK : err;
}

enum err offboard_compare(struct flow *f, const struct settings_list *list, int64_t list_id, struct diag *why)
{
    char *key = mem_printf("admins:%s", list->name);
    struct buf before = BUF_EMPTY, now = BUF_EMPTY, words = BUF_EMPTY;
    bool known = db_meta_get(f->db, key, &before);
    enum err err = ERR_OK;

    write_admins(f, list, &now);
    if (known)
        err = compare(f, list, list_id, buf_text(&before), buf_text(&now), &words, why);
    if (!err && words.len)
        err = tell(f, list, list_id, &words, why);
    if (!err && (!known || words.len))
        err = db_meta_set(f->db, key, buf_span(&now), why);
    buf_free(&before);
    buf_free(&now);
    buf_free(&words);
    free(key);
    return err;
}
