#include "flow/flow.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

void actor_daemon(struct actor *out)
{
    *out = (struct actor){.kind = ACTOR_DAEMON, .name = "embargod"};
}

void actor_of_admin(struct actor *out, const struct settings_admin *admin)
{
    *out = (struct actor){.kind = ACTOR_ADMIN, .admin = admin};
    snprintf(out->name, sizeof out->name, "admin:%s", admin->address);
}

enum err flow_list(struct flow *f, const char *name, const struct settings_list **out, struct list_row *row,
                   struct diag *why)
{
    if (!name && f->settings->n_lists > 1)
        return diag_set(why, ERR_USAGE, "list.which", "there are several lists: name one with --list");
    *out = name ? settings_list_named(f->settings, name) : &f->settings->lists[0];
    if (!*out)
        return diag_set(why, ERR_NOT_FOUND, "list.unknown", "no list `%.32s` in embargod.conf", name);
    return list_by_name(f->db, (*out)->name, row, why);
}

const struct settings_list *flow_list_of_row(struct flow *f, int64_t list_id, struct diag *why)
{
    for (size_t i = 0; i < f->settings->n_lists; i++) {
        struct list_row row;
        enum err err = list_by_name(f->db, f->settings->lists[i].name, &row, why);
        int64_t id = row.id;

        list_row_free(&row);
        if (!err && id == list_id)
            return &f->settings->lists[i];
    }
    diag_set(why, ERR_NOT_FOUND, "list.unknown", "the list of this record is no longer in embargod.conf");
    return NULL;
}

char *flow_message_id(const struct settings_list *list)
{
    char token[32];

    box_random_token(16, token);
    return mem_printf("<%s@%s>", token, strchr(list->address, '@') + 1);
}

void flow_boundary(char out[40])
{
    box_random_token(20, out);
}
