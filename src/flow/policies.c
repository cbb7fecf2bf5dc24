#include "flow/policies.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "codec/assets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX   ".conf"
#define DEFAULTS "defaults" SUFFIX

struct policies {
    char *folder;
};

struct policies *policies_new(const char *folder)
{
    struct policies *p = mem_zero(1, sizeof *p);

    p->folder = mem_strdup(folder);
    return p;
}

void policies_free(struct policies **p)
{
    if (!*p)
        return;
    free((*p)->folder);
    free(*p);
    *p = NULL;
}

/* "xen@2026.conf": is it a policy's file? The name without its ending goes to out. */
static bool policy_name_of(const char *file, char *out)
{
    size_t len = strlen(file), end = strlen(SUFFIX);

    if (len <= end || len - end >= POLICY_NAME_MAX || strcmp(file + len - end, SUFFIX) != 0 || !strchr(file, '@'))
        return false;
    snprintf(out, POLICY_NAME_MAX, "%.*s", (int)(len - end), file);
    return true;
}

static void add_name(char ***names, size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp((*names)[i], name) == 0)
            return;
    *names = mem_resize(*names, *n + 1, sizeof **names);
    (*names)[(*n)++] = mem_strdup(name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum err policies_names(struct policies *p, char ***out, size_t *n, struct diag *why)
{
    char name[POLICY_NAME_MAX];
    struct fsx_names files = {0};
    enum err err = p->folder ? fsx_list(p->folder, &files, why) : ERR_NOT_FOUND;

    *out = NULL;
    *n = 0;
    for (size_t i = 0; i < files.n; i++)
        if (!err && policy_name_of(files.name[i], name))
            add_name(out, n, name);
    fsx_names_free(&files);
    if (err && err != ERR_NOT_FOUND)
        return err;
    for (const struct asset *a = assets_table; a->name; a++)
        if (strncmp(a->name, "policy/", 7) == 0 && policy_name_of(a->name + 7, name))
            add_name(out, n, name);
    if (*n)
        qsort(*out, *n, sizeof **out, compare_names);
    return ERR_OK;
}

static void free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

enum err policies_resolve(struct policies *p, const char *name, char *out, struct diag *why)
{
    size_t n, id_len = strcspn(name, "@");
    const char *found = NULL, *nearest;
    char **names;

    enum err err = policies_names(p, &names, &n, why);

    out[0] = 0;
    if (err)
        return err;
    /* Sorted, so that the last match of a bare id is its newest edition. */
    for (size_t i = 0; i < n; i++)
        if (name[id_len] ? strcmp(names[i], name) == 0
                         : strncmp(names[i], name, id_len) == 0 && names[i][id_len] == '@')
            found = names[i];
    snprintf(out, POLICY_NAME_MAX, "%s", found ? found : "");
    names = mem_resize(names, n + 1, sizeof *names);
    names[n] = NULL;
    nearest = conf_nearest(name, (const char *const *)names);
    if (!found)
        diag_set(why, ERR_NOT_FOUND, "policy.unknown", "no policy `%.64s`; did you mean `%s`? (see policy list)", name,
                 nearest ? nearest : "cloud-model");
    free_names(names, n);
    return found ? ERR_OK : ERR_NOT_FOUND;
}

/* A file of DIR/policy, else the one built in. */
static enum err read_text(struct policies *p, const char *file, struct buf *out, struct diag *why)
{
    char *name = mem_printf("policy/%s", file);
    char *path = p->folder ? mem_printf("%s/%s", p->folder, file) : NULL;
    const struct asset *built_in = assets_find(name);
    enum err err = path ? fsx_read_path(path, CONF_BYTES_MAX, out, why) : ERR_NOT_FOUND;

    if (err == ERR_NOT_FOUND && built_in) {
        buf_clear(out);
        buf_add(out, built_in->data, built_in->len);
        err = ERR_OK;
    }
    free(name);
    free(path);
    return err == ERR_NOT_FOUND ? diag_set(why, err, "policy.unknown", "no file %s in the policy folder", file) : err;
}

static enum err load_texts(const char *file, const struct buf *text, const struct buf *defaults, struct policy **out,
                           struct diag *why)
{
    struct policy_text own = {file, buf_text(text), text->len};
    struct policy_text rest = {DEFAULTS, buf_text(defaults), defaults->len};
    struct conf_faults faults = {0};
    enum err err = ERR_OK;

    *out = policy_load(&own, &rest, &faults);
    if (!*out) {
        err = conf_faults_diag(&faults, ERR_REJECT, why);
        if (!err)
            err = diag_set(why, ERR_REJECT, "policy.bad", "%s cannot be loaded", file);
    }
    conf_faults_free(&faults);
    return err;
}

static void digest_texts(const struct buf *text, const struct buf *defaults, char *digest)
{
    struct buf both = BUF_EMPTY;

    buf_printf(&both, "%zu\n", text->len);
    buf_add_buf(&both, text);
    buf_add_buf(&both, defaults);
    box_sha256_hex(buf_span(&both), digest);
    buf_free(&both);
}

static enum err read_both(struct policies *p, const char *resolved, struct buf *text, struct buf *defaults,
                          struct diag *why)
{
    char *file = mem_printf("%s" SUFFIX, resolved);
    enum err err = read_text(p, file, text, why);

    if (!err)
        err = read_text(p, DEFAULTS, defaults, why);
    free(file);
    return err;
}

enum err policies_load(struct policies *p, const char *name, struct policy **out, char *digest, struct diag *why)
{
    struct buf text = BUF_EMPTY, defaults = BUF_EMPTY;
    char resolved[POLICY_NAME_MAX], file[POLICY_NAME_MAX + sizeof SUFFIX];
    enum err err = policies_resolve(p, name, resolved, why);

    *out = NULL;
    if (!err)
        err = read_both(p, resolved, &text, &defaults, why);
    snprintf(file, sizeof file, "%s" SUFFIX, resolved);
    if (!err)
        err = load_texts(file, &text, &defaults, out, why);
    if (!err && digest)
        digest_texts(&text, &defaults, digest);
    buf_free(&text);
    buf_free(&defaults);
    return err;
}

enum err policies_check_text(struct policies *p, const char *file, const char *text, size_t len,
                             struct conf_faults *faults, struct policy **out)
{
    struct buf defaults = BUF_EMPTY;
    struct diag why;

    *out = NULL;
    if (read_text(p, DEFAULTS, &defaults, &why)) {
        conf_fault_add(faults, DEFAULTS, 0, why.rule, "%s", why.text);
    } else {
        struct policy_text own = {file, text, len}, rest = {DEFAULTS, buf_text(&defaults), defaults.len};
        *out = policy_load(&own, &rest, faults);
    }
    buf_free(&defaults);
    return *out ? ERR_OK : ERR_REJECT;
}

enum err policies_keep(struct flow *f, const char *name, char *resolved, char *digest, struct diag *why)
{
    struct buf text = BUF_EMPTY, defaults = BUF_EMPTY;
    enum err err = policies_resolve(f->policies, name, resolved, why);

    if (!err)
        err = read_both(f->policies, resolved, &text, &defaults, why);
    if (!err) {
        digest_texts(&text, &defaults, digest);
        err = db_run(f->db, why, "INSERT OR IGNORE INTO policy(digest, name, text, defaults) VALUES(?, ?, ?, ?)",
                     "ttbb", digest, resolved, buf_span(&text), buf_span(&defaults));
    }
    buf_free(&text);
    buf_free(&defaults);
    return err;
}

/* Lines KEY=VALUE, as `case set ID answer.KEY=VALUE` recorded them. */
static enum err apply_answers(struct flow *f, const struct case_row *c, struct policy *policy, struct diag *why)
{
    char *answers = c->id ? db_unseal_text(f->db, "cases", c->id, "sealed_answers") : NULL;
    char *rest = answers, *line;
    enum err err = ERR_OK;

    while (!err && rest && (line = strsep(&rest, "\n"))) {
        char *value = strchr(line, '=');

        if (!value)
            continue;
        *value++ = 0;
        err = policy_answer(policy, line, value, why);
    }
    mem_free_secret(&answers);
    return err;
}

enum err policies_of_case(struct flow *f, const struct case_row *c, struct policy **out, struct diag *why)
{
    struct buf text = BUF_EMPTY, defaults = BUF_EMPTY;
    char file[POLICY_NAME_MAX + sizeof SUFFIX];
    struct db_rows *rows = db_query(f->db, "SELECT text, defaults FROM policy WHERE digest = ?", "t", c->policy_digest);
    bool found = db_next(rows);
    enum err err;

    *out = NULL;
    if (found) {
        struct span t = db_bytes(rows, 0), d = db_bytes(rows, 1);
        buf_add(&text, t.data, t.len);
        buf_add(&defaults, d.data, d.len);
    }
    err = db_rows_end(&rows, why);
    if (!err && !found)
        err = diag_set(why, ERR_INTERNAL, "policy.lost", "the policy that this case pinned is not in the database");
    snprintf(file, sizeof file, "%s" SUFFIX, c->policy);
    if (!err)
        err = load_texts(file, &text, &defaults, out, why);
    if (!err)
        err = apply_answers(f, c, *out, why);
    if (err)
        policy_free(out);
    buf_free(&text);
    buf_free(&defaults);
    return err;
}

enum err policies_of_list(struct flow *f, const struct settings_list *list, struct policy **out, struct diag *why)
{
    return policies_load(f->policies, list->policy, out, NULL, why);
}

enum err policies_holidays(struct policies *p, const struct policy *policy, struct schedule_holidays *out,
                           struct diag *why)
{
    const char *name = schedule_holidays_name(policy);
    struct conf_faults faults = {0};
    struct buf text = BUF_EMPTY;
    enum err err = ERR_OK;
    char *file;

    *out = (struct schedule_holidays){0};
    if (!name)
        return ERR_OK;
    file = mem_printf("holidays/%s", name);
    if (!fsx_name_ok(name))
        err = diag_set(why, ERR_REJECT, "policy.holidays", "`%.64s` names no calendar", name);
    if (!err)
        err = read_text(p, file, &text, why);
    if (!err) {
        struct policy_text t = {file, buf_text(&text), text.len};

        err = schedule_holidays_parse(&t, &faults, out);
        if (err)
            conf_faults_diag(&faults, err, why);
    }
    conf_faults_free(&faults);
    buf_free(&text);
    free(file);
    return err;
}
