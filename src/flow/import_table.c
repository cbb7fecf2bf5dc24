#include "flow/import_table.h"

#include "base/mem.h"
#include "codec/pgp_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const import_columns[IMPORT_COLUMNS] = {"org", "class", "tier", "address", "key"};

static enum err read_header(struct import_reader *r, struct diag *why)
{
    r->n_columns = r->csv.n;
    for (int c = 0; c < IMPORT_COLUMNS; c++) {
        r->place[c] = -1;
        for (size_t i = 0; i < r->csv.n; i++) {
            if (strcmp(buf_text(&r->csv.fields[i]), import_columns[c]) != 0)
                continue;
            if (r->place[c] >= 0)
                return diag_set(why, ERR_REJECT, "import.header", "the column %s stands twice", import_columns[c]);
            r->place[c] = (int)i;
        }
        if (r->place[c] < 0)
            return diag_set(why, ERR_REJECT, "import.header",
                            "there is no column %s: the first line is org,class,tier,address,key", import_columns[c]);
    }
    if (r->csv.n != IMPORT_COLUMNS)
        return diag_set(why, ERR_REJECT, "import.header",
                        "a column that nobody knows: the first line is org,class,tier,address,key");
    return ERR_OK;
}

enum err import_begin(struct import_reader *r, struct span csv, struct diag *why)
{
    enum err err;

    memset(r, 0, sizeof *r);
    csv_begin(&r->csv, csv);
    if (csv_next(&r->csv, &err, why))
        return read_header(r, why);
    return err ? err : diag_set(why, ERR_REJECT, "import.header", "the table is empty");
}

bool import_next(struct import_reader *r, enum err *err, struct diag *why)
{
    if (!csv_next(&r->csv, err, why))
        return false;
    if (r->csv.n != r->n_columns)
        *err = diag_set(why, ERR_REJECT, "import.row", "line %d has %zu fields, and the header %zu", r->csv.line,
                        r->csv.n, r->n_columns);
    else if (++r->rows > IMPORT_ROWS_MAX)
        *err = diag_set(why, ERR_LIMIT, "import.rows", "more than %d rows: import them in parts", IMPORT_ROWS_MAX);
    return !*err;
}

const char *import_field(const struct import_reader *r, enum import_column column)
{
    return buf_text(&r->csv.fields[r->place[column]]);
}

bool import_has_armor(const struct import_reader *r)
{
    return strstr(import_field(r, IMPORT_KEY), "-----BEGIN PGP ") != NULL;
}

void import_end(struct import_reader *r)
{
    csv_end(&r->csv);
}

void import_key_put(enum err err, const struct diag *why, const struct pgp_key_info *info, struct span certificate,
                    struct buf *out)
{
    struct buf facts = BUF_EMPTY;

    if (!err)
        pgp_key_info_put(info, &facts);
    frame_put_u32(out, err);
    frame_put_str(out, err ? why->rule : "");
    frame_put_str(out, err ? why->text : "");
    frame_put_buf(out, &facts);
    frame_put_bytes(out, certificate.data, err ? 0 : certificate.len);
    buf_free(&facts);
}

enum err import_key_get(struct frame_reader *r, struct import_key *out, struct diag *why)
{
    uint32_t number = frame_get_u32(r);
    char *rule = frame_get_str(r), *text = frame_get_str(r);
    struct span facts = frame_get_bytes(r);
    enum err err = ERR_OK;

    out->certificate = frame_get_bytes(r);
    out->err = (enum err)number;
    if (r->bad || number > ERR_INTERNAL || !rule || !text)
        err = diag_set(why, ERR_REJECT, "frame.bad", "what was found of the keys cannot be read");
    else if (out->err)
        diag_set(&out->why, out->err, rule, "%s", text);
    else
        err = pgp_key_info_get(facts, &out->info, why);
    free(rule);
    free(text);
    return err;
}
