/* The lines of command mails: hostile text gives words or a rule, and what is quoted is never a command. */
#include "fuzz/fuzz.h"

#include "base/mem.h"
#include "flow/mail_lines.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

/* Each line with a mark of quoting in front. */
static char *quote(const char *text)
{
    struct buf out = BUF_EMPTY;

    buf_add_str(&out, "> ");
    for (; *text; text++) {
        buf_add(&out, text, 1);
        if (*text == '\n')
            buf_add_str(&out, "> ");
    }
    return buf_take(&out);
}

static void check(const struct mail_orders *o, size_t size)
{
    if (!o->n || o->n > MAIL_ORDERS_MAX || !o->rest || strlen(o->rest) > size)
        abort();
    for (size_t i = 0; i < o->n; i++) {
        size_t words = 0;

        if (o->items[i].argc > MAIL_ORDER_WORDS || strlen(o->items[i].line) > MAIL_ORDER_LINE_MAX)
            abort();
        for (int k = 0; k < o->items[i].argc; k++)
            words += strlen(o->items[i].argv[k]);
        if (words > strlen(o->items[i].line))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strndup(data, size), *quoted = quote(text);
    struct mail_orders o;
    struct diag why;

    if (!mail_orders_parse(text, &o, &why)) {
        check(&o, size);
        mail_orders_free(&o);
        if (!mail_orders_anywhere(text))
            abort();
    }
    if (mail_orders_begin(text) != mail_orders_begin(quoted))
        abort();
    if (!mail_orders_parse(quoted, &o, &why))
        abort();
    free(text);
    free(quoted);
    return 0;
}
