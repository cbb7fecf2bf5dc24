#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fill_text(char *out, size_t size, char letter)
{
    memset(out, letter, size - 1);
    out[size - 1] = 0;
}

/* Everything at its largest, each flag by the index. */
static void fill_key(struct pgp_key_info *key, size_t n_uids, size_t n_subkeys)
{
    memset(key, 0, sizeof *key);
    fill_text(key->fingerprint, sizeof key->fingerprint, 'A');
    key->n_uids = n_uids;
    for (size_t i = 0; i < n_uids; i++)
        fill_text(key->uids[i], sizeof key->uids[i], (char)('a' + i));
    key->created_at_utc_s = -1;
    key->expires_at_utc_s = INSTANT_NONE;
    key->n_subkeys = n_subkeys;
    for (size_t i = 0; i < n_subkeys; i++) {
        struct pgp_subkey_info *s = &key->subkeys[i];

        fill_text(s->fingerprint, sizeof s->fingerprint, 'B');
        fill_text(s->key_id, sizeof s->key_id, 'C');
        s->can_encrypt = i & 1;
        s->can_sign = i >> 1 & 1;
        s->can_certify = i >> 2 & 1;
        s->revoked = i >> 3 & 1;
        s->invalid = i >> 4 & 1;
        s->created_at_utc_s = INT64_MIN + (int64_t)i;
        s->expires_at_utc_s = INT64_MAX - (int64_t)i;
        s->algo = (int)i;
        fill_text(s->algo_name, sizeof s->algo_name, 'd');
        s->bits = 4096 + (unsigned)i;
    }
}

static void test_key_round_trip(void **state)
{
    static const size_t rows[][2] = {{0, 0}, {1, 1}, {0, 2}, {PGP_KEY_UIDS_MAX, PGP_KEY_SUBKEYS_MAX}};
    struct pgp_key_info in, out;
    struct buf b = BUF_EMPTY;
    struct diag why;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (unsigned flags = 0; flags < 32; flags++) {
            fill_key(&in, rows[i][0], rows[i][1]);
            in.revoked = flags & 1;
            in.invalid = flags >> 1 & 1;
            in.prefers_aes = flags >> 2 & 1;
            in.prefers_seipd2 = flags >> 3 & 1;
            in.only_weak_digests = flags >> 4 & 1;
            buf_clear(&b);
            pgp_key_info_put(&in, &b);
            assert_int_equal(pgp_key_info_get(buf_span(&b), &out, &why), ERR_OK);
            assert_memory_equal(&in, &out, sizeof in);
        }
    buf_free(&b);
}

static void expect_bad(struct span in)
{
    static const struct pgp_key_info empty;
    struct pgp_key_info out;
    struct diag why;

    memset(&out, 0x55, sizeof out);
    assert_int_equal(pgp_key_info_get(in, &out, &why), ERR_REJECT);
    assert_string_equal(why.rule, "frame.bad");
    assert_memory_equal(&out, &empty, sizeof out);
}

static void test_key_short_and_trailing(void **state)
{
    struct pgp_key_info in;
    struct buf b = BUF_EMPTY;

    (void)state;
    fill_key(&in, 2, 2);
    pgp_key_info_put(&in, &b);
    for (size_t len = 0; len < b.len; len++) {
        uint8_t *exact = mem_zero(len, 1);

        memcpy(exact, b.data, len);
        expect_bad((struct span){exact, len});
        free(exact);
    }
    buf_add_byte(&b, 0);
    expect_bad(buf_span(&b));
    buf_free(&b);
}

/* A frame with one value replaced by something that no sound worker writes. */
static void hostile(const char *fingerprint, size_t fingerprint_len, uint32_t n_uids, uint32_t flags,
                    uint32_t n_subkeys, uint32_t subkey_flags)
{
    struct buf b = BUF_EMPTY;

    frame_put_bytes(&b, fingerprint, fingerprint_len);
    frame_put_u32(&b, n_uids);
    for (uint32_t i = 0; i < n_uids && i < 20; i++)
        frame_put_str(&b, "uid");
    frame_put_i64(&b, 0);
    frame_put_i64(&b, 0);
    frame_put_u32(&b, flags);
    frame_put_u32(&b, n_subkeys);
    for (uint32_t i = 0; i < n_subkeys && i < 40; i++) {
        frame_put_str(&b, "AA");
        frame_put_str(&b, "BB");
        frame_put_u32(&b, subkey_flags);
        frame_put_i64(&b, 0);
        frame_put_i64(&b, 0);
        frame_put_u32(&b, 1);
        frame_put_str(&b, "rsa");
        frame_put_u32(&b, 1);
    }
    expect_bad(buf_span(&b));
    buf_free(&b);
}

static void test_key_hostile(void **state)
{
    char longer[PGP_FPR_SIZE];

    (void)state;
    memset(longer, 'A', sizeof longer);
    hostile(longer, sizeof longer, 0, 0, 0, 0); /* no room for the NUL */
    hostile("A\0B", 3, 0, 0, 0, 0);
    hostile("AA", 2, PGP_KEY_UIDS_MAX + 1, 0, 0, 0);
    hostile("AA", 2, UINT32_MAX, 0, 0, 0);
    hostile("AA", 2, 0, 32, 0, 0); /* a flag that does not exist */
    hostile("AA", 2, 0, UINT32_MAX, 0, 0);
    hostile("AA", 2, 0, 0, PGP_KEY_SUBKEYS_MAX + 1, 0);
    hostile("AA", 2, 0, 0, UINT32_MAX, 0);
    hostile("AA", 2, 0, 0, 1, 32);
}

static void test_signature(void **state)
{
    struct pgp_signature in = {.made_at_utc_s = 1795359600, .expires_at_utc_s = INSTANT_NONE, .hash = "SHA512"}, out;
    struct frame_reader r;
    struct buf b = BUF_EMPTY;

    (void)state;
    fill_text(in.fingerprint, sizeof in.fingerprint, 'A');
    fill_text(in.issuer, 17, 'B');
    for (int v = PGP_SIG_GOOD; v <= PGP_SIG_ERROR; v++) {
        in.verdict = (enum pgp_verdict)v;
        buf_clear(&b);
        pgp_signature_put(&in, &b);
        frame_reader_init(&r, buf_span(&b));
        pgp_signature_get(&r, &out);
        assert_true(frame_done(&r));
        assert_string_equal(out.fingerprint, in.fingerprint);
        assert_string_equal(out.issuer, in.issuer);
        assert_true(out.made_at_utc_s == in.made_at_utc_s);
        assert_true(out.expires_at_utc_s == in.expires_at_utc_s);
        assert_int_equal(out.verdict, v);
        assert_string_equal(out.hash, "SHA512");
    }
    buf_free(&b);
}

/* Whatever is missing or impossible, a damaged frame never says that a signature is good. */
static void test_signature_damaged(void **state)
{
    struct pgp_signature in = {.fingerprint = "AA", .issuer = "BB", .verdict = PGP_SIG_GOOD, .hash = "SHA512"}, out;
    struct frame_reader r;
    struct buf b = BUF_EMPTY;

    (void)state;
    pgp_signature_put(&in, &b);
    for (size_t len = 0; len < b.len; len++) {
        frame_reader_init(&r, (struct span){b.data, len});
        pgp_signature_get(&r, &out);
        assert_true(r.bad);
        assert_int_not_equal(out.verdict, PGP_SIG_GOOD);
    }
    buf_clear(&b);
    in.verdict = (enum pgp_verdict)(PGP_SIG_ERROR + 1);
    pgp_signature_put(&in, &b);
    frame_reader_init(&r, buf_span(&b));
    pgp_signature_get(&r, &out);
    assert_true(r.bad);
    assert_int_equal(out.verdict, PGP_SIG_ERROR);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_round_trip),    cmocka_unit_test(test_key_short_and_trailing),
        cmocka_unit_test(test_key_hostile),       cmocka_unit_test(test_signature),
        cmocka_unit_test(test_signature_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
