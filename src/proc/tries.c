#include "proc/tries.h"

#include <stdio.h>
#include <string.h>

struct mail_tries *tries_of(struct tries *tries, const char *name)
{
    struct mail_tries *t = &tries->kept[tries->next];

    for (size_t i = 0; i < TRIES_KEPT; i++)
        if (strcmp(tries->kept[i].name, name) == 0)
            return &tries->kept[i];
    *t = (struct mail_tries){.died = 0};
    snprintf(t->name, sizeof t->name, "%s", name);
    tries->next = (tries->next + 1) % TRIES_KEPT;
    return t;
}
