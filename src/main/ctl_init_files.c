/* Folders, presets and embargod.conf; and how what was begun is taken away again. */
#include "main/ctl_init.h"

#include "base/fsx.h"
#include "base/mem.h"
#include "codec/assets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE_FDS 16

char *init_path(const struct init_plan *p, const char *relative)
{
    return mem_printf("%s/%s", p->home, relative);
}

char *init_gnupg(const struct init_plan *p, const char *name)
{
    return mem_printf("%s/gnupg/%s/%s", p->home, p->list, name);
}

bool init_is_empty(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *e;
    bool empty = dir != NULL;

    while (dir && empty && (e = readdir(dir)))
        empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    if (dir)
        closedir(dir);
    return empty;
}

static enum err make_home(struct init_plan *p, struct diag *why)
{
    if (mkdir(p->home, 0700) == 0) {
        p->made_home = true;
        return ERR_OK;
    }
    if (errno != EEXIST)
        return diag_set(why, ERR_USAGE, "init.home", "cannot make the folder of --home: %s", strerror(errno));
    if (!init_is_empty(p->home))
        return diag_set(why, ERR_DENIED, "init.not-empty",
                        "the folder of --home has files and no embargod.conf: name an empty or a new one");
    p->in_home = true;
    if (chmod(p->home, 0700))
        return diag_errno(why, ERR_USAGE, "init.home", "setting the mode of the folder of --home");
    return ERR_OK;
}

/* Every preset as a file, so that it can be read and edited where it is used. */
static enum err copy_presets(int home_fd, struct diag *why)
{
    int policy_fd = -1, holidays_fd = -1;
    enum err err = fsx_make_dir(home_fd, "policy", 0700, &policy_fd, why);

    if (!err)
        err = fsx_make_dir(policy_fd, "holidays", 0700, &holidays_fd, why);
    for (const struct asset *a = assets_table; !err && a->name; a++) {
        const char *name = strncmp(a->name, "policy/", 7) == 0 ? a->name + 7 : NULL;

        if (name && strncmp(name, "holidays/", 9) == 0)
            err = fsx_write_file(holidays_fd, name + 9, 0600, a->data, a->len, why);
        else if (name)
            err = fsx_write_file(policy_fd, name, 0600, a->data, a->len, why);
    }
    fsx_close(&holidays_fd);
    fsx_close(&policy_fd);
    return err;
}

static enum err make_instance(struct init_plan *p, struct diag *why)
{
    static const char *const names[] = {"gnupg", "mail", "public", "run"};
    static const char *const below[] = {"spool", "bodies"};
    int home_fd = -1, state_fd = -1;
    enum err err = make_home(p, why);

    if (!err)
        err = fsx_open_dir(AT_FDCWD, p->home, &home_fd, why);
    for (size_t i = 0; !err && i < sizeof names / sizeof names[0]; i++)
        err = fsx_mkdir(home_fd, names[i], 0700, why);
    if (!err)
        err = fsx_make_dir(home_fd, "state", 0700, &state_fd, why);
    for (size_t i = 0; !err && i < sizeof below / sizeof below[0]; i++)
        err = fsx_mkdir(state_fd, below[i], 0700, why);
    if (!err)
        err = copy_presets(home_fd, why);
    fsx_close(&state_fd);
    fsx_close(&home_fd);
    return err;
}

enum err init_make_folders(struct init_plan *p, struct diag *why)
{
    char *gnupg;
    enum err err = p->settings ? ERR_OK : make_instance(p, why);

    if (err)
        return err;
    gnupg = mem_printf("%s/gnupg/%s", p->home, p->list);
    if (mkdir(gnupg, 0700) == 0)
        p->made_gnupg = true;
    else if (errno == EEXIST)
        err = diag_set(why, ERR_DENIED, "init.exists", "gnupg/%s exists already: choose another --list", p->list);
    else
        err = diag_errno(why, ERR_INTERNAL, "init.home", "making gnupg/NAME");
    free(gnupg);
    return err;
}

/* ---- embargod.conf ---- */

static void add_quoted(struct buf *out, const char *text)
{
    buf_add_byte(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, (uint8_t)*text);
    }
    buf_add_byte(out, '"');
}

static void add_list(const struct init_plan *p, struct buf *out)
{
    buf_add_str(out, "  { name = ");
    add_quoted(out, p->list);
    buf_add_str(out, ";\n    address = ");
    add_quoted(out, p->address);
    buf_add_str(out, ";\n    policy = ");
    add_quoted(out, p->policy);
    buf_printf(out, ";\n    key = \"%s\"; }\n", p->fingerprint);
}

/* The admins that were named now; those of an instance that is there stand in its file already. */
static size_t add_admins(const struct init_plan *p, struct buf *out)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_admins; i++) {
        const struct init_admin *a = &p->admins[i];

        if (!a->file.len)
            continue;
        buf_add_str(out, n++ ? ",\n  { address = " : "  { address = ");
        add_quoted(out, a->address);
        buf_printf(out, ";\n    fingerprint = \"%s\";\n    uid = %lld;", a->key.fingerprint, (long long)p->uid);
        if (p->settings)
            buf_printf(out, "\n    lists = [ \"%s\" ];", p->list);
        buf_add_str(out, " }");
    }
    if (n)
        buf_add_byte(out, '\n');
    return n;
}

static const char conf_head[] =
    "# embargod.conf, the root of trust: who the admins are, and which lists there are. See embargod.conf(5).\n"
    "# Relative paths are below the folder of this file. After a change: kill -HUP the daemon, or restart it.\n\n"
    "# policy: a file of policy/ as ID@EDITION, or a bare ID for its newest edition.\n"
    "# key: the full fingerprint of the list's key, which is in gnupg/NAME/list.\n"
    "# authserv_id = \"mail.example.org\";  whose Authentication-Results are believed; without it none are.\n";

static const char conf_admins[] =
    "# The team. Each gets what comes in, encrypted to the key of this fingerprint, and commands by embargoctl as\n"
    "# the user of this uid. lists = [ \"NAME\" ]; bounds an admin to lists; without it: all of them.\n";

static const char conf_tail[] =
    "\n"
    "# How mail comes in. tcp is a loopback address and port, for a mail server that cannot reach the socket.\n"
    "lmtp = { unix = \"run/lmtp.sock\"; };\n"
    "# lmtp = { unix = \"run/lmtp.sock\"; tcp = \"127.0.0.1:2525\"; };\n\n"
    "# How mail goes out: \"maildir\" writes it into mail/ADDRESS/, for trying things out; \"smtp\" hands it to a mail "
    "server.\n"
    "courier = \"maildir\";\n"
    "# courier = \"smtp\";\n"
    "# smtp = { host = \"127.0.0.1\"; port = 25; tls = \"opportunistic\"; };\n\n"
    "# What is done where the kernel has no sandbox: \"required\" refuses to start, \"best-effort\" goes on, \"off\".\n"
    "sandbox = \"best-effort\";\n\n"
    "# Reminders before a date.\n"
    "reminders = [ \"7d\", \"2d\", \"24h\", \"1h\" ];\n";

void init_conf_lines(const struct init_plan *p, struct buf *out)
{
    struct buf admins = BUF_EMPTY;

    buf_add_str(out, "in lists = ( … ), behind a comma:\n");
    add_list(p, out);
    if (add_admins(p, &admins)) {
        buf_add_str(out, "in admins = ( … ), behind a comma:\n");
        buf_add_buf(out, &admins);
    }
    buf_free(&admins);
}

enum err init_write_conf(struct init_plan *p, struct diag *why)
{
    struct buf text = BUF_EMPTY;
    int fd = -1;
    enum err err;

    buf_add_str(&text, conf_head);
    buf_add_str(&text, "lists = (\n");
    add_list(p, &text);
    buf_add_str(&text, ");\n\n");
    buf_add_str(&text, conf_admins);
    buf_add_str(&text, "admins = (\n");
    if (!add_admins(p, &text))
        buf_add_str(&text, "#  { address = \"ann@example.org\"; fingerprint = \"40 hex digits\"; uid = 1000; }\n");
    buf_add_str(&text, ");\n");
    buf_add_str(&text, conf_tail);
    err = fsx_open_dir(AT_FDCWD, p->home, &fd, why);
    if (!err)
        err = fsx_write_file(fd, "embargod.conf", 0600, text.data, text.len, why);
    fsx_close(&fd);
    buf_free(&text);
    return err;
}

/* ---- undo ---- */

static const char *kept_root;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    if (!kept_root || strcmp(path, kept_root) != 0)
        remove(path);
    return 0;
}

void init_remove_tree(const char *path, bool keep_root)
{
    kept_root = keep_root ? path : NULL;
    nftw(path, remove_one, TREE_FDS, FTW_DEPTH | FTW_PHYS);
}

void init_undo(struct init_plan *p)
{
    char *gnupg = mem_printf("%s/gnupg/%s", p->home, p->list);

    if (p->db)
        db_rollback(p->db);
    db_close(&p->db);
    if (p->made_gnupg)
        init_stop_agents(p);
    if (p->made_home || p->in_home)
        init_remove_tree(p->home, p->in_home);
    else if (p->made_gnupg)
        init_remove_tree(gnupg, false);
    free(gnupg);
}
