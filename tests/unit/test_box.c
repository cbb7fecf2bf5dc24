#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/box.h"

#include <stdlib.h>
#include <string.h>

static const struct box_place place = {"cases", 7, "sealed_title"};

static struct box *box_of(uint8_t byte)
{
    uint8_t key[BOX_KEY_BYTES];

    memset(key, byte, sizeof key);
    assert_int_equal(box_start(NULL), ERR_OK);
    return box_new(key);
}

static void test_round_trip(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 1000, 100000};
    struct box *box = box_of(1);
    struct buf sealed = BUF_EMPTY, again = BUF_EMPTY, out = BUF_EMPTY;
    struct diag why;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *plain = mem_zero(sizes[i], 1);

        memset(plain, 'p', sizes[i]);
        box_seal(box, place, (struct span){plain, sizes[i]}, &sealed);
        box_seal(box, place, (struct span){plain, sizes[i]}, &again);
        assert_int_equal(sealed.len, sizes[i] + 40);
        assert_memory_not_equal(sealed.data, again.data, 24); /* a nonce is never used twice */
        assert_int_equal(box_open(box, place, buf_span(&sealed), &out, &why), ERR_OK);
        assert_int_equal(out.len, sizes[i]);
        if (sizes[i])
            assert_memory_equal(out.data, plain, sizes[i]);
        free(plain);
    }
    box_seal(box, place, (struct span){NULL, 0}, &sealed);
    assert_int_equal(box_open(box, place, buf_span(&sealed), &out, &why), ERR_OK);
    assert_non_null(out.data);
    buf_free(&sealed);
    buf_free(&again);
    buf_free(&out);
    box_free(&box);
    assert_null(box);
}

/* Every place that differs, alone and where the parts run into each other. */
static void test_moved(void **state)
{
    static const struct box_place others[] = {
        {"cases", 8, "sealed_title"},
        {"cases", -7, "sealed_title"},
        {"cases", 0, "sealed_title"},
        {"cases", 7, "sealed_cves"},
        {"cases", 7, "sealed_titl"},
        {"cases", 7, "sealed_titles"},
        {"case", 7, "sealed_title"},
        {"message", 7, "sealed_title"},
        {"cases", 77, "sealed_title"},
        {"cases", INT64_C(7) << 32, "sealed_title"},
        {"", 7, ""},
    };
    struct box *box = box_of(1);
    struct buf sealed = BUF_EMPTY, out = BUF_EMPTY;
    struct diag why;

    (void)state;
    box_seal(box, place, span_of("secret words"), &sealed);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        buf_add_str(&out, "old");
        assert_int_equal(box_open(box, others[i], buf_span(&sealed), &out, &why), ERR_REJECT);
        assert_string_equal(why.rule, "store.sealed");
        assert_null(strstr(why.text, "secret"));
        assert_int_equal(out.len, 0);
        assert_string_equal(buf_text(&out), "");
    }
    assert_int_equal(box_open(box, place, buf_span(&sealed), &out, &why), ERR_OK);
    buf_free(&sealed);
    buf_free(&out);
    box_free(&box);
}

static void test_altered(void **state)
{
    struct box *box = box_of(1);
    struct buf sealed = BUF_EMPTY, out = BUF_EMPTY;
    struct diag why;

    (void)state;
    box_seal(box, place, span_of("secret words"), &sealed);
    for (size_t i = 0; i < sealed.len; i++)
        for (int bit = 0; bit < 8; bit += 7) {
            sealed.data[i] ^= (uint8_t)(1 << bit);
            assert_int_equal(box_open(box, place, buf_span(&sealed), &out, &why), ERR_REJECT);
            assert_int_equal(out.len, 0);
            sealed.data[i] ^= (uint8_t)(1 << bit);
        }
    for (size_t len = 0; len < sealed.len; len++)
        assert_int_equal(box_open(box, place, (struct span){sealed.data, len}, &out, &why), ERR_REJECT);
    buf_add_byte(&sealed, 0);
    assert_int_equal(box_open(box, place, buf_span(&sealed), &out, &why), ERR_REJECT);
    assert_int_equal(box_open(box, place, (struct span){NULL, 0}, &out, &why), ERR_REJECT);
    buf_free(&sealed);
    buf_free(&out);
    box_free(&box);
}

static void test_other_key(void **state)
{
    struct box *box = box_of(1), *other = box_of(2), *same = box_of(1);
    struct buf sealed = BUF_EMPTY, out = BUF_EMPTY;
    struct diag why;

    (void)state;
    box_seal(box, place, span_of("secret words"), &sealed);
    assert_int_equal(box_open(other, place, buf_span(&sealed), &out, &why), ERR_REJECT);
    assert_int_equal(box_open(same, place, buf_span(&sealed), &out, &why), ERR_OK);
    assert_string_equal(buf_text(&out), "secret words");
    buf_free(&sealed);
    buf_free(&out);
    box_free(&box);
    box_free(&other);
    box_free(&same);
}

static void test_limits(void **state)
{
    struct box *box = box_of(1);
    struct buf sealed, out;
    struct diag why;

    (void)state;
    buf_init(&sealed, 49);
    buf_init(&out, 8);
    box_seal(box, place, span_of("0123456789"), &sealed);
    assert_true(sealed.over);
    assert_int_equal(sealed.len, 0);
    box_seal(box, place, span_of("012345678"), &sealed);
    assert_false(sealed.over);
    assert_int_equal(box_open(box, place, buf_span(&sealed), &out, &why), ERR_LIMIT);
    buf_free(&sealed);
    buf_free(&out);
    box_free(&box);
}

/* Two digests are equal only for the same key, kind, purpose and bytes. */
static void test_digests(void **state)
{
    struct box *box = box_of(1), *other = box_of(2);
    uint8_t d[8][BOX_DIGEST_BYTES], again[BOX_DIGEST_BYTES];

    (void)state;
    box_digest(box, "cipher", span_of("bytes"), d[0]);
    box_digest(box, "payload", span_of("bytes"), d[1]);
    box_digest(box, "cipher", span_of("byte"), d[2]);
    box_digest(other, "cipher", span_of("bytes"), d[3]);
    box_tag(box, "cipher", span_of("bytes"), d[4]);
    box_digest(box, "cipherb", span_of("ytes"), d[5]);
    box_digest(box, "", span_of("cipherbytes"), d[6]);
    box_digest(box, "cipher", (struct span){NULL, 0}, d[7]);
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(d[i], d[k], BOX_DIGEST_BYTES);
    box_digest(box, "cipher", span_of("bytes"), again);
    assert_memory_equal(again, d[0], BOX_DIGEST_BYTES);
    box_free(&box);
    box_free(&other);
}

static void test_hashes(void **state)
{
    char hex[65];

    (void)state;
    box_sha256_hex(span_of("abc"), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    box_sha256_hex((struct span){NULL, 0}, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_random_names(void **state)
{
    static const size_t sizes[] = {0, 1, 5, 10, 13, 16, 20, 64};
    char id[BOX_ID_SIZE], other[BOX_ID_SIZE], token[128];
    uint8_t key[BOX_KEY_BYTES], key2[BOX_KEY_BYTES];

    (void)state;
    box_random_id(id);
    box_random_id(other);
    assert_int_equal(strlen(id), 8);
    assert_int_equal(strspn(id, "abcdefghijklmnopqrstuvwxyz234567"), 8);
    assert_string_not_equal(id, other);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memset(token, 'X', sizeof token);
        box_random_token(sizes[i], token);
        assert_int_equal(strlen(token), (8 * sizes[i] + 4) / 5);
        assert_int_equal(token[strlen(token) + 1], 'X');
    }
    box_make_key(key);
    box_make_key(key2);
    assert_memory_not_equal(key, key2, sizeof key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_moved),        cmocka_unit_test(test_altered),
        cmocka_unit_test(test_other_key),  cmocka_unit_test(test_limits),       cmocka_unit_test(test_digests),
        cmocka_unit_test(test_hashes),     cmocka_unit_test(test_random_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
