/* Who embargod serves: the lists, and their admins. */
#include "codec/settings_parts.h"

#include "base/mem.h"
#include "codec/addr.h"

#include <ctype.h>
#include <string.h>

static char *upper_fingerprint(const char *text)
{
    char *out = mem_strdup(text);
    size_t n = 0;

    for (const char *p = text; *p; p++)
        if (!isspace((unsigned char)*p))
            out[n++] = (char)toupper((unsigned char)*p);
    out[n] = 0;
    return out;
}

static bool fingerprint_ok(const char *f)
{
    size_t n = strlen(f);

    return (n == 40 || n == 64) && strspn(f, "0123456789ABCDEF") == n;
}

static char *read_fingerprint(const struct conf_node *node, const char *key, const char *file,
                              struct conf_faults *faults)
{
    char *f = upper_fingerprint(conf_string(node, key, ""));

    if (!fingerprint_ok(f))
        conf_fault_add(faults, file, conf_line(conf_get(node, key)), "conf.fingerprint",
                       "`%s` must be the full fingerprint of a primary key: 40 or 64 hex digits", key);
    return f;
}

static char *read_address(const struct conf_node *node, const char *file, struct conf_faults *faults)
{
    char out[ADDR_MAX_BYTES + 1];
    struct diag why;

    if (addr_check(span_of(conf_string(node, "address", "")), out, &why))
        conf_fault_add(faults, file, conf_line(conf_get(node, "address")), "conf.address", "`address`: %s", why.text);
    return mem_strdup(out);
}

static bool list_name_ok(const char *name)
{
    size_t n = strlen(name);

    return n >= 1 && n <= 16 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

static void read_lists(const struct conf_node *root, const char *file, struct conf_faults *faults, struct settings *s)
{
    const struct conf_node *lists = conf_get(root, "lists");

    s->n_lists = conf_count(lists);
    s->lists = mem_zero(s->n_lists, sizeof *s->lists);
    if (!s->n_lists)
        conf_fault_add(faults, file, conf_line(lists), "conf.no-list", "`lists` must name at least one list");
    for (size_t i = 0; i < s->n_lists; i++) {
        const struct conf_node *node = conf_at(lists, i);
        struct settings_list *l = &s->lists[i];

        l->name = mem_strdup(conf_string(node, "name", ""));
        if (!list_name_ok(l->name))
            conf_fault_add(faults, file, conf_line(conf_get(node, "name")), "conf.list-name",
                           "`name` must be 1 to 16 of a-z, 0-9 and - (it names a folder)");
        l->address = read_address(node, file, faults);
        l->policy = mem_strdup(conf_string(node, "policy", ""));
        l->fingerprint = read_fingerprint(node, "key", file, faults);
        if (conf_get(node, "previous_key"))
            l->previous_key = read_fingerprint(node, "previous_key", file, faults);
        l->passphrase_file = settings_below_home(s, conf_string(node, "passphrase_file", NULL));
        l->authserv_id = mem_strdup(conf_string(node, "authserv_id", NULL));
        l->next_id = conf_int(node, "next_id", 1);
        l->commit_url = settings_read_commit_url(node, file, faults);
    }
}

static void read_admins(const struct conf_node *root, const char *file, struct conf_faults *faults, struct settings *s)
{
    const struct conf_node *admins = conf_get(root, "admins");

    s->n_admins = conf_count(admins);
    s->admins = mem_zero(s->n_admins, sizeof *s->admins);
    if (!s->n_admins)
        conf_fault_add(faults, file, conf_line(admins), "conf.no-admin", "`admins` must name at least one admin");
    for (size_t i = 0; i < s->n_admins; i++) {
        const struct conf_node *node = conf_at(admins, i), *names = conf_get(node, "lists");
        struct settings_admin *a = &s->admins[i];

        a->address = read_address(node, file, faults);
        a->fingerprint = read_fingerprint(node, "fingerprint", file, faults);
        a->uid = conf_int(node, "uid", -1);
        a->n_lists = conf_count(names);
        a->lists = mem_zero(a->n_lists, sizeof *a->lists);
        for (size_t k = 0; k < a->n_lists; k++) {
            a->lists[k] = mem_strdup(conf_string(conf_at(names, k), "", ""));
            if (!settings_list_named(s, a->lists[k]))
                conf_fault_add(faults, file, conf_line(names), "conf.unknown-list", "no list is named `%s`",
                               a->lists[k]);
        }
    }
}

/* Two names for one thing would be two votes, or two lists behind one address. */
static void check_twins(const struct conf_node *root, const char *file, struct conf_faults *faults,
                        const struct settings *s)
{
    for (size_t i = 0; i < s->n_lists; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(s->lists[i].name, s->lists[k].name) == 0 || addr_equal(s->lists[i].address, s->lists[k].address))
                conf_fault_add(faults, file, conf_line(conf_at(conf_get(root, "lists"), i)), "conf.twice",
                               "a list with this `name` or `address` stands above: give each its own");
    for (size_t i = 0; i < s->n_admins; i++)
        for (size_t k = 0; k < i; k++)
            if (addr_equal(s->admins[i].address, s->admins[k].address) ||
                strcmp(s->admins[i].fingerprint, s->admins[k].fingerprint) == 0)
                conf_fault_add(faults, file, conf_line(conf_at(conf_get(root, "admins"), i)), "conf.twice",
                               "an admin with this `address` or `fingerprint` stands above: one entry for each person");
}

void settings_read_lists(const struct conf_node *root, const char *file, struct conf_faults *faults, struct settings *s)
{
    read_lists(root, file, faults, s);
    read_admins(root, file, faults, s);
    check_twins(root, file, faults, s);
}
