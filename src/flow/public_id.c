#include "flow/public_id.h"

#include "base/instant.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One {…} at `at` (behind the brace). The number of characters taken; 0: unknown, kept as text. */
static size_t fill_one(const char *at, int year, int64_t number, const char *cve, struct buf *out)
{
    int width;

    if (strncmp(at, "yyyy}", 5) == 0) {
        buf_printf(out, "%04d", year);
        return 5;
    }
    if (strncmp(at, "n}", 2) == 0) {
        buf_printf(out, "%lld", (long long)number);
        return 2;
    }
    if (strncmp(at, "n:", 2) == 0 && at[2] >= '1' && at[2] <= '9' && at[3] == '}') {
        width = at[2] - '0';
        buf_printf(out, "%0*lld", width, (long long)number);
        return 4;
    }
    if (strncmp(at, "cve}", 4) == 0 && cve) {
        buf_add_str(out, cve);
        return 4;
    }
    return 0;
}

char *public_id_fill(const char *scheme, int year, int64_t number, const char *cve)
{
    struct buf out = BUF_EMPTY;

    if (strstr(scheme, "{cve}") && !cve)
        return NULL;
    for (const char *p = scheme; *p; p++) {
        size_t taken = *p == '{' ? fill_one(p + 1, year, number, cve, &out) : 0;

        if (taken)
            p += taken;
        else
            buf_add_byte(&out, (uint8_t)*p);
    }
    return buf_take(&out);
}

enum err public_id_give(struct flow *f, const struct policy *policy, struct case_row *row, struct diag *why)
{
    const char *scheme = policy_words(&policy->publication.id, NULL);
    char *cves, date[INSTANT_TEXT_SIZE];
    int64_t number = 0;
    enum err err = ERR_OK;

    if (!scheme)
        return ERR_OK;
    if (strstr(scheme, "{n"))
        err = list_take_public_number(f->db, row->list_id, &number, why);
    if (err)
        return err;
    cves = db_unseal_text(f->db, "cases", row->id, "sealed_cves");
    if (cves)
        cves[strcspn(cves, "\n")] = 0;
    instant_text(clock_now(f->clock), date);
    date[4] = 0;
    free(row->public_id);
    row->public_id = public_id_fill(scheme, (int)strtol(date, NULL, 10), number, cves && *cves ? cves : NULL);
    mem_free_secret(&cves);
    return ERR_OK;
}
