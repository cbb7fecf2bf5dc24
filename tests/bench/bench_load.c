/*
 * Many members at once, for measurements: writes certificates (bench_cert.h) and, with a database, the rows that
 * `member add` would write, in one transaction. The daemon must not run; its importer fills the shards afterwards.
 *
 *   bench-load N MADE_AT > FILE                              certificates only
 *   bench-load N MADE_AT STATE_DIR LIST CLASS TIER [FIRST]   members FIRST (1) to FIRST + N - 1
 *
 * What member add costs besides (gpg looks at each key, 45 ms) is not what is measured here.
 */
#include "base/instant.h"
#include "store/members.h"
#include "tests/bench/bench_cert.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static enum err add(struct db *db, const struct list_row *list, unsigned number, const char *class_name,
                    const char *tier, int64_t now, struct diag *why)
{
    static struct pgp_key_info facts;
    struct buf certificate = BUF_EMPTY;
    char org[32], address[BENCH_ADDRESS_SIZE];
    struct member_row m = {.list_id = list->id,
                           .org = org,
                           .class_name = (char *)class_name,
                           .tier = (char *)tier,
                           .state = (char *)"active",
                           .added_at = now};
    struct contact_row contact = {.address = address, .fingerprint = facts.fingerprint};
    int64_t key;
    enum err err;

    snprintf(org, sizeof org, "Member %05u", number);
    bench_address(number, address);
    bench_cert_make(number, now, &certificate, &facts);
    err = member_insert(db, &m, why);
    contact.member_id = m.id;
    if (!err)
        err = key_insert(db, list->id, false, &facts, buf_span(&certificate), now, &key, why);
    if (!err)
        err = contact_insert(db, &contact, now, why);
    buf_free(&certificate);
    return err;
}

static enum err load(char **words, int n_words, unsigned n, int64_t now, struct diag *why)
{
    unsigned first = n_words > 4 ? (unsigned)strtoul(words[4], NULL, 10) : 1;
    struct list_row list = {0};
    struct db *db = NULL;
    enum err err = db_open(words[0], DB_OPEN, &db, why);

    if (!err)
        err = list_by_name(db, words[1], &list, why);
    if (!err)
        err = db_begin(db, why);
    for (unsigned i = 0; !err && i < n; i++)
        err = add(db, &list, first + i, words[2], words[3], now, why);
    if (!err)
        err = db_commit(db, why);
    list_row_free(&list);
    db_close(&db);
    return err;
}

static enum err print(unsigned n, int64_t now, struct diag *why)
{
    static struct pgp_key_info facts;
    struct buf certificate = BUF_EMPTY;
    bool ok = true;

    for (unsigned i = 1; ok && i <= n; i++) {
        bench_cert_make(i, now, &certificate, &facts);
        ok = fwrite(certificate.data, 1, certificate.len, stdout) == certificate.len;
    }
    buf_free(&certificate);
    return ok && fflush(stdout) == 0 ? ERR_OK : diag_errno(why, ERR_INTERNAL, "bench.write", "writing certificates");
}

int main(int argc, char **argv)
{
    struct diag why = {0};
    int64_t now;
    unsigned n;

    if ((argc != 3 && argc != 7 && argc != 8) || !instant_parse(argv[2], &now) || sodium_init() < 0) {
        fputs("usage: bench-load N MADE_AT [STATE_DIR LIST CLASS TIER [FIRST]]\n", stderr);
        return 2;
    }
    n = (unsigned)strtoul(argv[1], NULL, 10);
    if (argc == 3 ? print(n, now, &why) : load(argv + 3, argc - 3, n, now, &why)) {
        fprintf(stderr, "bench-load: %s: %s\n", why.rule, why.text);
        return 1;
    }
    return 0;
}
