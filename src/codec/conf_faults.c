#include "codec/conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NEAREST_LEN_MAX 64

static void fault_fill(struct conf_fault *fault, const char *file, int line, const char *rule)
{
    memset(fault, 0, sizeof(*fault));
    snprintf(fault->file, sizeof(fault->file), "%s", file != NULL ? file : "");
    snprintf(fault->rule, sizeof(fault->rule), "%s", rule);
    fault->line = line;
}

void conf_fault_add(struct conf_faults *faults, const char *file, int line, const char *rule, const char *format, ...)
{
    va_list args;

    if (faults->n > CONF_FAULTS_MAX)
        return;
    faults->items = mem_resize(faults->items, faults->n + 1, sizeof(*faults->items));
    struct conf_fault *fault = &faults->items[faults->n++];
    if (faults->n > CONF_FAULTS_MAX) {
        fault_fill(fault, file, line, "conf.more");
        snprintf(fault->text, sizeof(fault->text), "there are more faults; mend these first");
        return;
    }
    fault_fill(fault, file, line, rule);
    va_start(args, format);
    vsnprintf(fault->text, sizeof(fault->text), format, args);
    va_end(args);
}

/* Few and nearly in order: an insertion sort is stable and enough (at most CONF_FAULTS_MAX + 1). */
void conf_faults_sort(struct conf_faults *faults)
{
    for (size_t i = 1; i < faults->n; i++) {
        struct conf_fault fault = faults->items[i];
        size_t k = i;
        while (k > 0 && strcmp(faults->items[k - 1].file, fault.file) == 0 && faults->items[k - 1].line > fault.line) {
            faults->items[k] = faults->items[k - 1];
            k--;
        }
        faults->items[k] = fault;
    }
}

void conf_faults_free(struct conf_faults *faults)
{
    free(faults->items);
    *faults = (struct conf_faults){0};
}

enum err conf_faults_diag(const struct conf_faults *faults, enum err err, struct diag *why)
{
    if (faults->n == 0)
        return ERR_OK;
    const struct conf_fault *first = &faults->items[0];
    if (faults->n == 1)
        diag_set(why, err, first->rule, "%s", first->text);
    else
        diag_set(why, err, first->rule, "%.400s (and %zu more)", first->text, faults->n - 1);
    if (why != NULL) {
        snprintf(why->file, sizeof(why->file), "%s", first->file);
        why->line = first->line;
    }
    return err;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance; b has at most NEAREST_LEN_MAX characters. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[NEAREST_LEN_MAX + 1];
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];
            row[j] = smaller(smaller(above, row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_len];
}

const char *conf_nearest(const char *word, const char *const *words)
{
    const char *best = NULL;
    size_t best_distance = 0;
    size_t len = strnlen(word, NEAREST_LEN_MAX);
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        size_t distance = edit_distance(word, len, words[i], strnlen(words[i], NEAREST_LEN_MAX));
        if (best == NULL || distance < best_distance) {
            best = words[i];
            best_distance = distance;
        }
    }
    return best;
}
