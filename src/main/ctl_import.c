#include "main/ctl_import.h"

#include "base/mem.h"
#include "codec/charset.h"
#include "codec/pgp_armor.h"
#include "codec/pgp_cert.h"
#include "codec/pgp_key.h"
#include "flow/import_table.h"
#include "main/ctl_client.h"
#include "store/db_schleuder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYRING_MAX ((size_t)64 << 20)

static void armor(struct span certificate, struct buf *out)
{
    struct pgp_armor a;

    pgp_armor_begin(&a, PGP_ARMOR_PUBLIC_KEY, "\n", out);
    pgp_armor_update(&a, certificate, out);
    pgp_armor_end(&a, out);
}

/* A file beside the table: its folder is that of the table. The caller frees. */
static char *beside(const char *table, const char *name)
{
    const char *slash = strrchr(table, '/');

    return slash ? mem_printf("%.*s/%s", (int)(slash - table), table, name) : mem_strdup(name);
}

/* ---- CSV ---- */

/* A name below the table's folder; anything else is left for the daemon to refuse. */
static bool is_name(const char *field)
{
    return *field && *field != '/' && strlen(field) < 1024 && !strstr(field, "..") && !strchr(field, '\n') &&
           strncmp(field, "-----BEGIN", 10) != 0;
}

/* Any other text stays where it is. */
static bool is_armor(const struct buf *bytes)
{
    return strlen(buf_text(bytes)) == bytes->len && strstr(buf_text(bytes), "-----BEGIN PGP ");
}

static void put_key(const char *table, const char *field, struct buf *out)
{
    char *path = is_name(field += strspn(field, " \t")) ? beside(table, field) : NULL;
    struct buf bytes = {.max = PGP_KEY_RAW_MAX}, armored = BUF_EMPTY;
    struct diag none;

    if (!path || client_read_file(path, &bytes, &none) || !bytes.len) {
        csv_put(out, false, field);
    } else if (bytes.data[0] & 0x80) {
        armor(buf_span(&bytes), &armored);
        csv_put(out, false, buf_text(&armored));
    } else {
        csv_put(out, false, is_armor(&bytes) ? buf_text(&bytes) : field);
    }
    buf_free(&bytes);
    buf_free(&armored);
    free(path);
}

/* The columns of the table, and which line of the admin's file a row is. */
static void put_header(struct buf *out)
{
    for (int i = 0; i <= IMPORT_COLUMNS; i++)
        csv_put(out, i == 0, import_columns[i]);
    csv_put_end(out);
}

static void put_row(const char *table, const struct import_reader *r, struct buf *out)
{
    char line[16], note[sizeof r->fault + sizeof IMPORT_NOTE_ROW];

    snprintf(line, sizeof line, "%d", import_line(r));
    snprintf(note, sizeof note, IMPORT_NOTE_ROW "%s", r->fault);
    for (int i = 0; i < IMPORT_KEY; i++)
        import_put(out, i == 0, import_field(r, (enum import_column)i));
    if (*r->fault)
        csv_put(out, false, note);
    else
        put_key(table, import_field(r, IMPORT_KEY), out);
    csv_put(out, false, line);
    csv_put_end(out);
}

/* Spreadsheets write "Unicode text" as UTF-16 with its mark. */
static enum err to_utf8(struct buf *table, struct diag *why)
{
    static const char *const marks[] = {"\xff\xfe", "\xfe\xff"};
    struct buf text = {.max = COMMAND_FILE_MAX};
    enum err err = ERR_OK;

    if (table->len < 2 || (memcmp(table->data, marks[0], 2) != 0 && memcmp(table->data, marks[1], 2) != 0))
        return ERR_OK;
    charset_open_all();
    if (charset_convert("UTF-16", buf_span(table), &text) && !text.over && !strstr(buf_text(&text), "\xef\xbf\xbd"))
        buf_move(table, &text);
    else
        err = diag_set(why, ERR_REJECT, "import.header",
                       "it begins as UTF-16 and is damaged, or too large: save the table as CSV in UTF-8");
    charset_close_all();
    buf_free(&text);
    return err;
}

static enum err fill_csv(struct command_value *v, struct buf *out, struct diag *why)
{
    struct import_reader r;
    enum err err;

    err = to_utf8(&v->bytes, why);
    if (err)
        return err;
    err = import_begin(&r, buf_span(&v->bytes), why);
    put_header(out);
    while (!err && import_next(&r, &err, why))
        put_row(v->word, &r, out);
    import_end(&r);
    return err;
}

/* ---- Schleuder ---- */

struct keyring {
    struct buf packets;
    struct ring_key {
        char fingerprint[PGP_FPR_SIZE];
        struct span certificate;
    } * keys;
    size_t n;
};

static int by_fingerprint(const void *a, const void *b)
{
    return strcasecmp(((const struct ring_key *)a)->fingerprint, ((const struct ring_key *)b)->fingerprint);
}

static enum err read_keyring(const struct command *c, const char *table, struct keyring *out, struct diag *why)
{
    const struct command_value *given = command_value(c, "keys");
    struct buf bytes = {.max = KEYRING_MAX};
    struct span certificate;
    char *path = beside(table, "keys.asc");
    size_t at = 0, n;
    enum err err = given ? ERR_OK : client_read_file(path, &bytes, why);

    buf_init(&out->packets, KEYRING_MAX);
    if (err)
        diag_set(why, err, "command.file",
                 "name the list's exported keyring with --keys, or put it beside as keys.asc");
    else
        err = pgp_key_read_packets(given ? buf_span(&given->bytes) : buf_span(&bytes), &out->packets, why);
    if (!err)
        err = pgp_cert_check(buf_span(&out->packets), &n, why);
    while (!err && pgp_cert_next(buf_span(&out->packets), &at, &certificate)) {
        out->keys = mem_resize(out->keys, out->n + 1, sizeof *out->keys);
        out->keys[out->n].certificate = certificate;
        if (pgp_cert_fingerprint(certificate, out->keys[out->n].fingerprint))
            out->n++;
    }
    if (out->n)
        qsort(out->keys, out->n, sizeof *out->keys, by_fingerprint);
    buf_free(&bytes);
    free(path);
    return err;
}

static const struct ring_key *find_key(const struct keyring *ring, const char *fingerprint)
{
    struct ring_key wanted;

    if (strlen(fingerprint) >= sizeof wanted.fingerprint)
        return NULL;
    snprintf(wanted.fingerprint, sizeof wanted.fingerprint, "%s", fingerprint);
    return ring->n ? bsearch(&wanted, ring->keys, ring->n, sizeof *ring->keys, by_fingerprint) : NULL;
}

/* Schleuder knows addresses, and no organisations: the domain names them. number: of the subscription, from 1. */
static void put_subscription(const struct command *c, const struct schleuder_row *row, size_t number,
                             const struct keyring *ring, struct buf *out)
{
    const struct ring_key *key = find_key(ring, row->fingerprint);
    const char *at = strrchr(row->address, '@');
    struct buf text = BUF_EMPTY;
    char line[24];

    import_put(out, true, at ? at + 1 : row->address);
    import_put(out, false, command_word(c, "class"));
    import_put(out, false, command_word(c, "tier"));
    import_put(out, false, row->address);
    if (row->fault)
        buf_printf(&text, IMPORT_NOTE_ROW "%s", row->fault);
    else if (row->admin)
        buf_add_str(&text, IMPORT_NOTE_ADMIN);
    else if (!row->delivery)
        buf_add_str(&text, IMPORT_NOTE_NO_DELIVERY);
    else if (key)
        armor(key->certificate, &text);
    else if (*row->fingerprint)
        buf_add_str(&text, row->fingerprint);
    csv_put(out, false, buf_text(&text));
    snprintf(line, sizeof line, "%zu", number);
    csv_put(out, false, line);
    csv_put_end(out);
    buf_free(&text);
}

static enum err fill_schleuder(const struct command *c, const struct command_value *v, struct buf *out,
                               struct diag *why)
{
    struct schleuder_row *rows = NULL;
    struct keyring ring = {0};
    size_t n = 0;
    enum err err = ERR_OK;

    if (!command_word(c, "class") || !command_word(c, "tier"))
        return diag_set(why, ERR_USAGE, "command.option",
                        "a Schleuder database knows no classes and tiers: give --class and --tier for all of it");
    if (strcmp(v->word, "-") == 0)
        return diag_set(why, ERR_USAGE, "command.file", "a Schleuder database must be named as a file");
    err = schleuder_read(v->word, command_word(c, "from"), &rows, &n, why);
    if (!err)
        err = read_keyring(c, v->word, &ring, why);
    put_header(out);
    for (size_t i = 0; !err && i < n; i++)
        put_subscription(c, &rows[i], i + 1, &ring, out);
    schleuder_free(rows, n);
    free(ring.keys);
    buf_free(&ring.packets);
    return err;
}

enum err import_prepare(struct command *c, struct diag *why)
{
    static const char magic[] = "SQLite format 3";

    for (size_t i = 0; i < c->n_values; i++) {
        struct command_value *v = &c->values[i];
        struct buf table = {.max = COMMAND_FILE_MAX};
        enum err err;

        if (v->type != ARG_TABLE)
            continue;
        err = v->bytes.len > sizeof magic && memcmp(v->bytes.data, magic, sizeof magic) == 0
                  ? fill_schleuder(c, v, &table, why)
                  : fill_csv(v, &table, why);
        if (!err && table.over)
            err = diag_set(why, ERR_USAGE, "command.file", "the table with its keys is over %zu bytes: import in parts",
                           COMMAND_FILE_MAX);
        if (!err)
            buf_move(&v->bytes, &table);
        buf_free(&table);
        return err == ERR_REJECT || err == ERR_LIMIT ? ERR_USAGE : err;
    }
    return ERR_OK;
}
