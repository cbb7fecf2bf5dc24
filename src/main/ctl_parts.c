#include "main/ctl_parts.h"

#include "base/fsx.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void parts_init(struct parts *p, const struct command *c)
{
    *p = (struct parts){.fd = -1};
    for (size_t i = 0; i < c->n_values; i++)
        if (c->values[i].type == ARG_PARTS)
            p->name = c->values[i].word;
}

static bool is_standard(const struct parts *p)
{
    return strcmp(p->name, "-") == 0;
}

enum err parts_add(struct parts *p, struct span bytes, struct diag *why)
{
    if (!p->name)
        return diag_set(why, ERR_INTERNAL, "frame.bad", "the daemon sends a file that was not asked for");
    if (!is_standard(p) && p->fd < 0) {
        p->temporary = mem_printf("%s.part", p->name);
        p->fd = open(p->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (p->fd < 0)
            return diag_set(why, ERR_USAGE, "command.file", "cannot write %.200s: %s", p->temporary, strerror(errno));
    }
    return fsx_write_all(is_standard(p) ? STDOUT_FILENO : p->fd, bytes.data, bytes.len, p->name, why);
}

enum err parts_end(struct parts *p, bool failed, enum err err, struct diag *why)
{
    if (p->fd >= 0) {
        if (!failed)
            err = fsx_sync(p->fd, p->name, why);
        fsx_close(&p->fd);
        if (!failed && !err && rename(p->temporary, p->name))
            err = diag_set(why, ERR_USAGE, "command.file", "cannot write %.200s: %s", p->name, strerror(errno));
        if (failed || err)
            unlink(p->temporary);
    }
    free(p->temporary);
    p->temporary = NULL;
    return err;
}
