/* Bounces and automatic mail: what is said of a mail fits together, and naming no address twice. */
#include "fuzz/fuzz.h"

#include "codec/automatic.h"
#include "codec/charset.h"
#include "codec/dsn.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    charset_open_all();
    return 0;
}

static void look_at(const struct dsn *d)
{
    enum dsn_class worst = DSN_NOT;

    if ((d->class == DSN_NOT) != (d->n == 0) || d->n > DSN_RECIPIENTS_MAX)
        abort();
    for (size_t i = 0; i < d->n; i++) {
        const struct dsn_recipient *r = &d->recipients[i];

        if (r->class == DSN_NOT || strlen(r->status) >= sizeof r->status || r->reply < 0 || r->reply > 599)
            abort();
        if (r->class > worst)
            worst = r->class;
        for (size_t k = 0; d->n < 20 && k < i; k++)
            if (r->address && d->recipients[k].address && strcasecmp(r->address, d->recipients[k].address) == 0)
                abort();
    }
    if (worst != d->class || !dsn_verdict(d))
        abort();
}

/* What a worker reads, core takes as it is. */
static void hand_over(const struct dsn *d)
{
    struct buf packed = BUF_EMPTY, again = BUF_EMPTY;
    struct dsn there;
    struct diag why;

    dsn_put(d, &packed);
    if (dsn_get(buf_span(&packed), &there, &why) != ERR_OK)
        abort();
    look_at(&there);
    dsn_put(&there, &again);
    if (again.len != packed.len || memcmp(again.data, packed.data, packed.len) != 0)
        abort();
    dsn_free(&there);
    buf_free(&packed);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct automatic_facts facts = {.list_address = "security@example.org"};
    struct span raw = {data, size};
    struct mime_message m;
    struct diag why;
    struct dsn d;

    if (mime_parse(raw, &MIME_LIMITS_DEFAULT, &m, &why) != ERR_OK)
        return 0;
    dsn_read(raw, &m, &d);
    look_at(&d);
    hand_over(&d);
    if (d.class != DSN_NOT && automatic_sort_of(raw, &m, &facts) == AUTOMATIC_NONE)
        abort(); /* a bounce that could open a case */
    dsn_free(&d);
    mime_message_free(&m);
    return 0;
}
