#include "flow/key_rotated.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_armor.h"
#include "flow/member_notices.h"
#include "policy/states.h"

#include <stdlib.h>
#include <string.h>

static const char text[] =
    "This list has a new key; from now on it signs with it. Both keys open mail for a time.\n\n"
    "Attached are the new public key, and a statement which names both, signed by both: check it with the key that\n"
    "you have, import the new one, and write to that.\n";

static enum err to_team(struct flow *f, const struct outgoing *mail, struct diag *why)
{
    struct outgoing_to *team = NULL;
    size_t n = 0;
    enum err err = outgoing_team(f, mail->list, mail->list_id, NULL, &team, &n, why);

    if (!err && n)
        err = outgoing_queue(f, mail, content_sealed(), team, n, NULL, why);
    free(team);
    return err;
}

static enum err to_members(struct flow *f, const struct outgoing *mail, struct diag *why)
{
    struct member_row *members = NULL;
    size_t n = 0;
    enum err err = member_all(f->db, mail->list_id, &members, &n, why);

    for (size_t i = 0; i < n; i++) {
        if (!err && strcmp(members[i].state, member_state_name(MEMBER_ACTIVE)) == 0)
            err = member_send(f, mail, &members[i], NULL, why);
        member_row_free(&members[i]);
    }
    free(members);
    return err;
}

static bool get(struct flow *f, const char *what, const struct settings_list *list, struct buf *out)
{
    char *name = mem_printf("%s:%s", what, list->name);
    bool found = db_meta_get(f->db, name, out);

    free(name);
    return found;
}

enum err key_rotated_run(struct flow *f, const struct duty_row *duty, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, duty->list_id, why);
    struct buf key = BUF_EMPTY, armored = BUF_EMPTY, statement = BUF_EMPTY;
    struct pgp_armor a;
    enum err err = ERR_OK;

    if (list && get(f, "list-key", list, &key) && get(f, "list-key-statement", list, &statement)) {
        pgp_armor_begin(&a, PGP_ARMOR_PUBLIC_KEY, "\n", &armored);
        pgp_armor_update(&a, buf_span(&key), &armored);
        pgp_armor_end(&a, &armored);
        struct outgoing_file files[] = {{"list-key.asc", "application/pgp-keys", buf_span(&armored)},
                                        {"statement.asc", "text/plain", buf_span(&statement)}};
        struct outgoing mail = {.kind = "notice",
                                .list = list,
                                .list_id = duty->list_id,
                                .subject = "The list's new key",
                                .text = text,
                                .files = files,
                                .n_files = 2,
                                .automatic = true,
                                .earliest_at = INSTANT_NONE};

        err = to_team(f, &mail, why);
        mail.to_members = true;
        if (!err)
            err = to_members(f, &mail, why);
    }
    buf_free(&key);
    buf_free(&armored);
    buf_free(&statement);
    return err;
}
