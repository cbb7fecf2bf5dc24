/* Opened in one run of gpg or in several: what is concluded is the same (codec/pgp_open_at_once.c). */
#include "pgp_fixture.h"

#include "codec/pgp_judge.h"
#include "codec/pgp_open.h"
#include "codec/pgp_packet.h"

#define MANY 4

static char list_fpr[PGP_FPR_SIZE], ann_fpr[PGP_FPR_SIZE], eve_fpr[PGP_FPR_SIZE];

static int make_homes(void **state)
{
    struct diag why;

    make_scratch(state);
    home_with_key("list", PGP_HOME_LIST, list_fpr);
    home_with_key("ann", PGP_HOME_LIST, ann_fpr);
    home_with_key("eve", PGP_HOME_LIST, eve_fpr);
    copy_public(in_scratch("list"), list_fpr, in_scratch("ann"));
    copy_public(in_scratch("list"), list_fpr, in_scratch("eve"));
    copy_public(in_scratch("ann"), ann_fpr, in_scratch("list"));
    check_ok(pgp_home_make(in_scratch("shard"), PGP_HOME_SHARD, &why), &why);
    copy_public(in_scratch("eve"), eve_fpr, in_scratch("shard"));
    copy_public(in_scratch("list"), list_fpr, in_scratch("shard"));
    write_file(in_scratch("text"), span_of("A report.\r\nOf two lines.\r\n"));
    return 0;
}

/* What gpg makes of a file with these arguments. */
static void made_by(const char *who, const char *file, struct buf *out, const char *const *args)
{
    const char *argv[32] = {"gpg",    "--homedir", in_scratch(who),   "--batch", "--yes", "--trust-model",
                            "always", "-o",        in_scratch("made")};
    size_t n = 9;

    while (*args && n < 30)
        argv[n++] = *args++;
    argv[n++] = in_scratch(file);
    argv[n] = NULL;
    assert_int_equal(run_tool(NULL, false, argv), 0);
    read_file(in_scratch("made"), out);
}

struct outcome {
    enum err err;
    char rule[DIAG_RULE_MAX];
    struct buf packets, plain;
    struct pgp_signature sigs[MANY];
    size_t n;
    struct pgp_decrypt_facts facts;
};

static void in_steps(struct span in, struct outcome *o)
{
    struct diag why = {0};

    memset(o, 0, sizeof *o);
    o->packets = o->plain = BUF_EMPTY;
    o->err = pgp_decrypt(in_scratch("list"), in, &o->packets, &o->facts, &why);
    if (!o->err)
        o->err = pgp_verify_inline(in_scratch("list"), buf_span(&o->packets), &o->plain, o->sigs, MANY, &o->n, &why);
    snprintf(o->rule, sizeof o->rule, "%s", o->err ? why.rule : "");
}

static void at_once(struct span in, struct outcome *o)
{
    struct diag why = {0};

    memset(o, 0, sizeof *o);
    o->packets = o->plain = BUF_EMPTY;
    o->err = pgp_open(in_scratch("list"), in, &o->packets, &o->plain, &o->facts, o->sigs, MANY, &o->n, &why);
    snprintf(o->rule, sizeof o->rule, "%s", o->err ? why.rule : "");
}

/* Verdict or rule as wanted, both ways; what comes out for another home is what is inside. */
static void same_both_ways(const char *what, struct span in, const char *want, size_t sigs)
{
    struct outcome a, b;

    in_steps(in, &a);
    at_once(in, &b);
    print_message("%s: %s\n", what, b.err ? b.rule : b.n ? pgp_verdict_name(b.sigs[0].verdict) : "none");
    assert_int_equal(a.err, b.err);
    assert_string_equal(a.rule, b.rule);
    assert_string_equal(want, b.err ? b.rule : b.n ? pgp_verdict_name(b.sigs[0].verdict) : "none");
    if (!b.err) {
        assert_int_equal(b.n, sigs);
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.sigs, b.sigs, b.n * sizeof *b.sigs);
        assert_int_equal(a.plain.len, b.plain.len);
        assert_memory_equal(a.plain.data, b.plain.data, b.plain.len);
        assert_string_equal(a.facts.opened_by, b.facts.opened_by);
        assert_int_equal(a.facts.cipher, b.facts.cipher);
        assert_int_equal(a.facts.recipients, b.facts.recipients);
        if (b.packets.len || (b.n && b.sigs[0].verdict == PGP_SIG_UNKNOWN_KEY)) {
            assert_int_equal(a.packets.len, b.packets.len);
            assert_memory_equal(a.packets.data, b.packets.data, b.packets.len);
        }
    } else {
        assert_int_equal(b.packets.len + b.plain.len + b.n, 0);
    }
    buf_free(&a.packets);
    buf_free(&a.plain);
    buf_free(&b.packets);
    buf_free(&b.plain);
}

static void test_forms(void **state)
{
    static const struct {
        const char *who, *compress, *want;
        bool is_signed, hidden;
    } rows[] = {{"ann", "none", "none", false, false},       {"ann", "zlib", "none", false, false},
                {"ann", "none", "good", true, false},        {"ann", "zip", "good", true, false},
                {"eve", "none", "unknown-key", true, false}, {"eve", "zlib", "unknown-key", true, false},
                {"eve", "zlib", "unknown-key", true, true},  {"ann", "none", "none", false, true}};
    struct buf m = BUF_EMPTY, big = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        made_by(rows[i].who, "text", &m,
                ARGS("--compress-algo", rows[i].compress, rows[i].hidden ? "-R" : "-r", list_fpr,
                     rows[i].is_signed ? "-ase" : "-ae"));
        same_both_ways(rows[i].who, buf_span(&m), rows[i].want, rows[i].is_signed);
    }
    made_by("ann", "text", &m, ARGS("-r", list_fpr, "--digest-algo", "SHA1", "-se"));
    same_both_ways("weak", buf_span(&m), "weak", 1);
    made_by("ann", "text", &m, ARGS("-r", list_fpr, "-se"));
    m.data[m.len - 3] ^= 1;
    same_both_ways("changed", buf_span(&m), "corrupt", 0);
    made_by("ann", "text", &m, ARGS("-r", ann_fpr, "-se"));
    same_both_ways("not ours", buf_span(&m), "not-for-us", 0);
    for (int i = 0; i < 30000; i++)
        buf_printf(&big, "line %d\r\n", i);
    write_file(in_scratch("big"), buf_span(&big));
    made_by("eve", "big", &m, ARGS("--compress-algo", "none", "-r", list_fpr, "-se"));
    same_both_ways("large", buf_span(&m), "unknown-key", 1);
    made_by("ann", "big", &m, ARGS("--compress-algo", "none", "-r", list_fpr, "-e"));
    same_both_ways("large", buf_span(&m), "none", 0);
    memset(big.data, 'x', big.len);
    write_file(in_scratch("big"), buf_span(&big));
    made_by("ann", "big", &m, ARGS("--compress-algo", "zlib", "-r", list_fpr, "-e"));
    same_both_ways("bomb", buf_span(&m), "bomb", 0);
    write_file(in_scratch("empty"), span_of(""));
    made_by("ann", "empty", &m, ARGS("-r", list_fpr, "-e"));
    same_both_ways("empty", buf_span(&m), "none", 0);
    buf_free(&m);
    buf_free(&big);
}

/* Packets in an order that is no message, or that is one and says less than it seems: sealed as they are. */
static void test_odd_insides(void **state)
{
    static const struct {
        const char *order; /* o: one-pass, l: literal, s: signature, c: all that follows is compressed (not at all) */
        const char *want;
        size_t n;
    } rows[] = {{"ols", "good", 1},       {"sl", "good", 1},     {"l", "none", 0},       {"ol", "truncated", 0},
                {"ools", "truncated", 0}, {"ls", "corrupt", 0},  {"olsl", "corrupt", 0}, {"ll", "corrupt", 0},
                {"olss", "corrupt", 0},   {"s", "corrupt", 0},   {"o", "truncated", 0},  {"cols", "good", 1},
                {"cl", "none", 0},        {"cll", "corrupt", 0}, {"clcl", "corrupt", 0}, {"col", "none", 0}};
    struct buf m = BUF_EMPTY, inner = BUF_EMPTY, sealed = BUF_EMPTY;
    struct span pieces[3];
    struct pgp_packet p;
    size_t pos = 0;

    (void)state;
    made_by("ann", "text", &m, ARGS("--compress-algo", "none", "-s"));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pgp_packet_next(buf_span(&m), &pos, &p), PGP_PACKET_OK);
        pieces[i] = (struct span){m.data + p.off, p.len};
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&inner);
        for (const char *c = rows[i].order; *c; c++)
            if (*c == 'c')
                buf_add(&inner, "\xa3\x00", 2);
            else
                buf_add(&inner,
                        pieces[*c == 'o'   ? 0
                               : *c == 'l' ? 1
                                           : 2]
                            .data,
                        pieces[*c == 'o'   ? 0
                               : *c == 'l' ? 1
                                           : 2]
                            .len);
        write_file(in_scratch("inner"), buf_span(&inner));
        made_by("ann", "inner", &sealed, ARGS("--no-literal", "--compress-algo", "none", "-r", list_fpr, "-e"));
        same_both_ways(rows[i].order, buf_span(&sealed), rows[i].want, rows[i].n);
    }
    /* encrypted once more inside */
    made_by("ann", "text", &inner, ARGS("-r", list_fpr, "-se"));
    write_file(in_scratch("inner"), buf_span(&inner));
    made_by("ann", "inner", &sealed, ARGS("--no-literal", "--compress-algo", "none", "-r", list_fpr, "-e"));
    same_both_ways("nested", buf_span(&sealed), "corrupt", 0);
    buf_free(&m);
    buf_free(&inner);
    buf_free(&sealed);
}

/* A home whose keys cannot be read is never said to lack one, and gpg is asked twice. */
static void test_lacks(void **state)
{
    const char *list = in_scratch("list"), *shard = in_scratch("shard"), *ring = in_scratch("shard/pubring.kbx");
    const char *aside = in_scratch("shard/aside");
    char id[17] = "0123456789ABCDEF";
    struct buf m = BUF_EMPTY, ring_bytes = BUF_EMPTY;

    (void)state;
    assert_false(pgp_home_lacks(list, ann_fpr));
    assert_false(pgp_home_lacks(list, ann_fpr + 24));
    assert_true(pgp_home_lacks(list, eve_fpr));
    assert_true(pgp_home_lacks(list, eve_fpr + 24));
    assert_true(pgp_home_lacks(list, id));
    assert_false(pgp_home_lacks(list, "0123456789ABCDEG"));
    assert_false(pgp_home_lacks(list, "0123456789ABCDE"));
    assert_false(pgp_home_lacks(list, ""));
    assert_false(pgp_home_lacks(in_scratch("not-there"), id));
    assert_int_equal(rename(ring, aside), 0);
    assert_false(pgp_home_lacks(shard, id));
    assert_int_equal(rename(aside, ring), 0);
    assert_true(pgp_home_lacks(shard, id));
    write_file(in_scratch("shard/pubring.gpg"), span_of("x"));
    assert_false(pgp_home_lacks(shard, id));
    unlink(in_scratch("shard/pubring.gpg"));
    mkdir(in_scratch("shard/public-keys.d"), 0700);
    assert_false(pgp_home_lacks(shard, id));
    rmdir(in_scratch("shard/public-keys.d"));
    /* the id across the edge of what is read at a time, and at the very end */
    mkdir(in_scratch("edge"), 0700);
    for (size_t at = 65536 - 9; at <= 65536 + 1; at++) {
        buf_clear(&ring_bytes);
        memset(buf_room(&ring_bytes, at), 0, at);
        buf_grown(&ring_bytes, at);
        write_file(in_scratch("edge/pubring.kbx"), buf_span(&ring_bytes));
        assert_true(pgp_home_lacks(in_scratch("edge"), id));
        buf_add(&ring_bytes, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
        write_file(in_scratch("edge/pubring.kbx"), buf_span(&ring_bytes));
        assert_false(pgp_home_lacks(in_scratch("edge"), id));
    }
    buf_free(&m);
    buf_free(&ring_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms), cmocka_unit_test(test_odd_insides),
                                       cmocka_unit_test(test_lacks)};

    return cmocka_run_group_tests(tests, make_homes, remove_scratch);
}
