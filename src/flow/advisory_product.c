#include "flow/advisory_product.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ">=1.2" or "1.4": operator and version; false where it is neither. */
static bool read_bound(const char *word, size_t len, struct product_bound *out)
{
    size_t n = strspn(word, "<>=");

    if (n > 2 || n >= len || (n == 2 && word[1] != '=') || !isalnum((unsigned char)word[n]))
        return false;
    if (n == 0 && !isdigit((unsigned char)*word) && !(*word == 'v' && isdigit((unsigned char)word[1])))
        return false;
    if (n == 0 || (n == 2 && word[0] == '='))
        snprintf(out->op, sizeof out->op, "=");
    else
        snprintf(out->op, sizeof out->op, "%.*s", (int)n, word);
    out->version = mem_strndup(word + n, len - n);
    return true;
}

/* The start of the last word before `end`. */
static size_t last_word(const char *text, size_t end)
{
    while (end && text[end - 1] != ' ')
        end--;
    return end;
}

static size_t trim(const char *text, size_t end)
{
    while (end && text[end - 1] == ' ')
        end--;
    return end;
}

void product_parse(const char *text, struct product *out)
{
    size_t end = trim(text, strlen(text));

    memset(out, 0, sizeof *out);
    while (out->n_bounds < PRODUCT_BOUNDS_MAX) {
        size_t start = last_word(text, end);

        if (!start || !read_bound(text + start, end - start, &out->bounds[out->n_bounds]))
            break;
        out->n_bounds++;
        end = trim(text, start);
    }
    /* They were read from the end. */
    for (size_t i = 0; i < out->n_bounds / 2; i++) {
        struct product_bound b = out->bounds[i];

        out->bounds[i] = out->bounds[out->n_bounds - 1 - i];
        out->bounds[out->n_bounds - 1 - i] = b;
    }
    out->name = mem_strndup(text, end);
}

void product_free(struct product *p)
{
    for (size_t i = 0; i < p->n_bounds; i++)
        free(p->bounds[i].version);
    free(p->name);
    memset(p, 0, sizeof *p);
}

json_t *products_json(char *const *list)
{
    json_t *all = json_array();

    for (; *list; list++) {
        struct product p;
        json_t *versions = json_array();

        product_parse(*list, &p);
        for (size_t i = 0; i < p.n_bounds; i++)
            json_array_append_new(versions,
                                  json_pack("{s:s, s:s}", "op", p.bounds[i].op, "version", p.bounds[i].version));
        json_array_append_new(all,
                              json_pack("{s:s, s:s, s:o}", "product", p.name, "text", *list, "versions", versions));
        product_free(&p);
    }
    return all;
}
