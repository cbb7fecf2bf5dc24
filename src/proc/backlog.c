#include "proc/backlog.h"

#include "base/log.h"
#include "base/mem.h"
#include "store/members.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    char name[SPOOL_NAME_SIZE];
    bool known; /* the sender is a member's address or an admin's */
    bool out;   /* handed out */
};

struct backlog {
    struct flow *f;
    struct spool *spool;
    struct entry *entries; /* sorted by name */
    size_t n;
    size_t next_known, next; /* all before it, of that kind, are handed out */
    unsigned known_in_row;
    int64_t read_ms; /* 0: never */
    bool may_read;
};

struct backlog *backlog_new(struct flow *f, struct spool *spool)
{
    struct backlog *b = mem_zero(1, sizeof *b);

    b->f = f;
    b->spool = spool;
    return b;
}

void backlog_free(struct backlog **b)
{
    if (*b)
        free((*b)->entries);
    free(*b);
    *b = NULL;
}

static bool is_known(struct backlog *b, const char *name)
{
    struct spool_entry entry;
    bool known = false;

    if (spool_read(b->spool, name, &entry, NULL))
        return false; /* it says what is wrong when it is its turn */
    known = *entry.sender &&
            (settings_admin_at(b->f->settings, entry.sender) || contact_is_somebodys(b->f->db, entry.sender));
    spool_entry_close(&entry);
    return known;
}

/* What was there before keeps what is known of it; whatever is still there may be handed out anew. */
static void merge(struct backlog *b, const struct spool_names *names)
{
    struct entry *fresh = mem_zero(names->n, sizeof *fresh);
    size_t old = 0;

    for (size_t i = 0; i < names->n; i++) {
        memcpy(fresh[i].name, names->name[i], SPOOL_NAME_SIZE);
        while (old < b->n && strcmp(b->entries[old].name, fresh[i].name) < 0)
            old++;
        if (old < b->n && strcmp(b->entries[old].name, fresh[i].name) == 0)
            fresh[i].known = b->entries[old].known;
        else
            fresh[i].known = is_known(b, fresh[i].name);
    }
    free(b->entries);
    b->entries = fresh;
    b->n = names->n;
    b->next_known = b->next = 0;
}

static void read_again(struct backlog *b)
{
    struct spool_names names;
    struct diag why;

    b->read_ms = clock_monotonic_ms();
    b->may_read = false;
    if (spool_list(b->spool, &names, &why)) {
        log_diag(NULL, "spool-list-failed", &why);
        return;
    }
    merge(b, &names);
    spool_names_free(&names);
}

static size_t first_of(const struct backlog *b, size_t from, bool known)
{
    while (from < b->n && (b->entries[from].out || b->entries[from].known != known))
        from++;
    return from;
}

/* Anybody can write a member's address on an envelope: strangers have their turn, too. */
static struct entry *take(struct backlog *b)
{
    bool known;

    b->next_known = first_of(b, b->next_known, true);
    b->next = first_of(b, b->next, false);
    known = b->next_known < b->n && (b->known_in_row < BACKLOG_KNOWN_IN_ROW || b->next >= b->n);
    if (!known && b->next >= b->n)
        return NULL;
    return &b->entries[known ? b->next_known : b->next];
}

void backlog_begin(struct backlog *b)
{
    b->may_read = true;
}

bool backlog_next(struct backlog *b, char *name)
{
    struct entry *e = take(b);

    if (b->may_read && (!e || clock_monotonic_ms() - b->read_ms >= BACKLOG_REREAD_MS)) {
        read_again(b);
        e = take(b);
    }
    if (!e)
        return false;
    e->out = true;
    b->known_in_row = e->known ? b->known_in_row + 1 : 0;
    memcpy(name, e->name, SPOOL_NAME_SIZE);
    return true;
}
