#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/verp.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static struct box *box_of(uint8_t byte)
{
    uint8_t key[BOX_KEY_BYTES];

    memset(key, byte, sizeof key);
    assert_int_equal(box_start(NULL), ERR_OK);
    return box_new(key);
}

/* The tag in an address, as mail comes back to it. */
static struct span tag_of(const char *address, const char *list)
{
    struct span suffix;

    assert_true(addr_is_for(address, list, &suffix));
    assert_true(suffix.len > 2);
    assert_int_equal(strncasecmp((const char *)suffix.data, "b-", 2), 0);
    return (struct span){suffix.data + 2, suffix.len - 2};
}

static void test_round_trip(void **state)
{
    static const int64_t ids[] = {1, 2, 255, 256, 65535, INT64_C(0xffffffff), (INT64_C(1) << 40) - 1};
    struct box *box = box_of(1);
    char out[ADDR_MAX_BYTES + 1];
    struct diag why;

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        assert_int_equal(verp_address(box, "security@example.org", ids[i], out, &why), ERR_OK);
        assert_int_equal(strlen(out), strlen("security+b-@example.org") + 24);
        assert_true(addr_is_valid(out));
        assert_true(verp_copy(box, "security@example.org", tag_of(out, "security@example.org")) == ids[i]);
        for (char *p = out; *p; p++)
            *p = (char)toupper((unsigned char)*p);
        assert_true(verp_copy(box, "security@example.org", tag_of(out, "security@example.org")) == ids[i]);
    }
    box_free(&box);
}

static void test_forged(void **state)
{
    struct box *box = box_of(1), *other = box_of(2);
    const char *list = "security@example.org";
    char out[ADDR_MAX_BYTES + 1], longer[32];
    struct span tag;
    struct diag why;

    (void)state;
    assert_int_equal(verp_address(box, list, 42, out, &why), ERR_OK);
    tag = tag_of(out, list);
    assert_true(verp_copy(box, list, tag) == 42);
    assert_true(verp_copy(other, list, tag) == 0);
    assert_true(verp_copy(box, "infra@example.org", tag) == 0);
    assert_true(verp_copy(box, "security@example.com", tag) == 0);
    for (size_t len = 0; len < tag.len; len++)
        assert_true(verp_copy(box, list, (struct span){tag.data, len}) == 0);
    /* another letter of the alphabet anywhere: another number, or a tag that is not its own */
    memcpy(longer, tag.data, tag.len);
    for (size_t i = 0; i < tag.len; i++) {
        char was = longer[i];

        longer[i] = was == 'a' ? 'b' : 'a';
        assert_true(verp_copy(box, list, (struct span){(const uint8_t *)longer, tag.len}) == 0);
        longer[i] = '!';
        assert_true(verp_copy(box, list, (struct span){(const uint8_t *)longer, tag.len}) == 0);
        longer[i] = was;
    }
    memcpy(longer + tag.len, "aaaaaaaa", 8);
    assert_true(verp_copy(box, list, (struct span){(const uint8_t *)longer, tag.len + 8}) == 0);
    assert_true(verp_copy(box, list, (struct span){NULL, 0}) == 0);
    assert_true(verp_copy(box, list, span_of("aaaaaaaaaaaaaaaaaaaaaaaa")) == 0);
    box_free(&box);
    box_free(&other);
}

/* A local part of 64 octets at most (RFC 5321, section 4.5.3.1.1). */
static void test_local_part(void **state)
{
    struct box *box = box_of(1);
    char list[80], out[ADDR_MAX_BYTES + 1];
    struct diag why;

    (void)state;
    for (size_t n = 1; n <= 50; n++) {
        memset(list, 'x', n);
        memcpy(list + n, "@example.org", sizeof "@example.org");
        if (n + sizeof "+b-" - 1 + 24 <= ADDR_LOCAL_MAX_BYTES) {
            assert_int_equal(verp_address(box, list, 1, out, &why), ERR_OK);
            assert_true((size_t)(strchr(out, '@') - out) <= ADDR_LOCAL_MAX_BYTES);
        } else {
            assert_int_equal(verp_address(box, list, 1, out, &why), ERR_REJECT);
            assert_string_equal(why.rule, "addr.too-long");
        }
    }
    box_free(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_forged),
        cmocka_unit_test(test_local_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
