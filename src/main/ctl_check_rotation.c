/* A list's key and the one before: what a change of key left, or has not come to (flow/list_rotation.h). */
#include "main/ctl_check.h"

#include "base/mem.h"
#include "codec/pgp_key.h"
#include "flow/list_rotation.h"

#include <stdlib.h>
#include <string.h>

#define SECRETS_MAX 64

static void check_state(struct check *k, const struct settings_list *list, const char *name, const char *in_database)
{
    char *back = mem_printf("put key = \"%s\" back, or restore the backup that has %s", in_database, list->fingerprint);

    switch (list_rotation_state(k->db, list, in_database)) {
    case LIST_ROTATION_NONE:
        break;
    case LIST_ROTATION_INTERRUPTED:
        check_add(k, CHECK_WARN, name, "embargoctl key rotate-list, which goes on with it",
                  "a new key was made, and embargod.conf has the old one");
        break;
    case LIST_ROTATION_DUE:
        check_add(k, CHECK_WARN, name, "start embargod", "the next start announces the new key %s", list->fingerprint);
        break;
    case LIST_ROTATION_OTHER:
        check_add(k, CHECK_FAIL, name, back, "embargod.conf has the key %s, the database %s: embargod does not start",
                  list->fingerprint, in_database);
        break;
    }
    free(back);
}

static bool is_named(const struct settings_list *list, const struct list_rotation *staged, const char *fingerprint)
{
    return strcmp(fingerprint, list->fingerprint) == 0 ||
           (list->previous_key && strcmp(fingerprint, list->previous_key) == 0) ||
           (staged->fingerprint && strcmp(fingerprint, staged->fingerprint) == 0);
}

static void check_secrets(struct check *k, const struct settings_list *list, const char *name)
{
    char(*found)[PGP_FPR_SIZE] = mem_zero(SECRETS_MAX, sizeof *found);
    char *home = settings_gnupg(k->settings, list->name, "list");
    char *remedy = mem_printf("gpg --homedir %s --delete-secret-keys FPR", home);
    struct list_rotation staged;
    struct diag none;
    bool previous = false;
    size_t n = 0;

    list_rotation_staged(k->db, list->name, &staged);
    if (pgp_key_list(home, true, found, SECRETS_MAX, &n, &none))
        n = 0;
    for (size_t i = 0; i < n; i++) {
        previous = previous || (list->previous_key && strcmp(found[i], list->previous_key) == 0);
        if (!is_named(list, &staged, found[i]))
            check_add(k, CHECK_WARN, name, remedy, "the secret key %s is there, and opens nothing any more", found[i]);
    }
    if (list->previous_key && n && !previous)
        check_add(k, CHECK_WARN, name, "remove previous_key", "there is no secret key %s", list->previous_key);
    list_rotation_free(&staged);
    free(remedy);
    free(home);
    free(found);
}

void check_rotation(struct check *k, const struct settings_list *list)
{
    char *name = mem_printf("rotation of %s", list->name);
    struct list_row row = {0};
    struct diag none;

    if (!list_by_name(k->db, list->name, &row, &none)) {
        check_state(k, list, name, row.fingerprint);
        check_secrets(k, list, name);
    }
    list_row_free(&row);
    free(name);
}
