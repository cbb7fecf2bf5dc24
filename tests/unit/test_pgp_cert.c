#include "pgp_fixture.h"

#include "codec/pgp_cert.h"
#include "codec/pgp_packet.h"

/* --- a certificate put together by hand; nothing is signed, for pgp_cert checks no signature --- */

static const uint8_t key_body[] = {4, 0x60, 0, 0, 0, 22, 9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1, 0, 1, 0x40};

static uint8_t key_digest[20];

static void put(struct buf *b, int tag, const void *body, size_t len)
{
    buf_add_byte(b, (uint8_t)(0xc0 | tag));
    buf_add_byte(b, (uint8_t)len);
    buf_add(b, body, len);
}

struct made {
    int class;
    int hash;
    uint8_t created; /* seconds; the low byte */
    bool primary;
    const char *ciphers; /* NULL: no such subpacket */
    uint8_t features;    /* 0: no such subpacket */
    bool foreign;
};

static void put_signature(struct buf *b, struct made m)
{
    uint8_t created[6] = {5, 2, 0x60, 0, 0, m.created}, issuer[10] = {9, 16};
    struct buf body = BUF_EMPTY, area = BUF_EMPTY;

    buf_add(&area, created, sizeof created);
    if (m.ciphers) {
        buf_add_byte(&area, (uint8_t)(strlen(m.ciphers) + 1));
        buf_add_byte(&area, 11);
        buf_add_str(&area, m.ciphers);
    }
    if (m.primary)
        buf_add(&area, "\x02\x19\x01", 3);
    if (m.features) {
        buf_add(&area, "\x02\x1e", 2);
        buf_add_byte(&area, m.features);
    }
    memcpy(issuer + 2, key_digest + 12, 8);
    issuer[2] ^= m.foreign;
    buf_add_byte(&body, 4);
    buf_add_byte(&body, (uint8_t)m.class);
    buf_add_byte(&body, 22);
    buf_add_byte(&body, (uint8_t)m.hash);
    buf_add_byte(&body, 0);
    buf_add_byte(&body, (uint8_t)area.len);
    buf_add_buf(&body, &area);
    buf_add_byte(&body, 0);
    buf_add_byte(&body, sizeof issuer);
    buf_add(&body, issuer, sizeof issuer);
    buf_add(&body, "\x12\x34\x00\x01\x01\x00\x01\x01", 8);
    put(b, PGP_TAG_SIGNATURE, body.data, body.len);
    buf_free(&body);
    buf_free(&area);
}

static int make_digest(void **state)
{
    uint8_t head[3] = {0x99, 0, sizeof key_body};

    (void)state;
    pgp_sha1((struct span){head, 3}, (struct span){key_body, sizeof key_body}, key_digest);
    return 0;
}

#define AES    "\x09\x08\x07\x02"
#define DES3   "\x02"
#define SHA256 8

/* The self-signature that gpg would take the preferences of. */
static void test_preferences(void **state)
{
    static const struct {
        struct made direct;
        struct made first[2];
        struct made second[2];
        bool aes, seipd2, weak;
    } cases[] = {
        {.first = {{0x13, SHA256, 1, false, AES, 1, false}}, .aes = true},
        {.first = {{0x13, SHA256, 1, false, AES, 9, false}}, .aes = true, .seipd2 = true},
        {.first = {{0x10, SHA256, 1, false, DES3, 1, false}}},
        {.first = {{0x13, SHA256, 1, false, NULL, 0, false}}},
        {.first = {{0x13, SHA256, 1, false, "", 0, false}}},
        {.first = {{0x13, SHA256, 1, false, "\x07", 0, false}}, .aes = true},
        {.first = {{0x13, 2, 1, false, AES, 0, false}}, .aes = true, .weak = true},
        {.first = {{0x13, 2, 1, false, AES, 0, false}, {0x13, SHA256, 2, false, AES, 0, false}}, .aes = true},
        /* the newest over a user id */
        {.first = {{0x13, SHA256, 1, false, AES, 0, false}, {0x13, SHA256, 2, false, DES3, 0, false}}},
        {.first = {{0x13, SHA256, 2, false, AES, 0, false}, {0x13, SHA256, 1, false, DES3, 0, false}}, .aes = true},
        /* the primary user id, else the one signed last */
        {.first = {{0x13, SHA256, 1, true, AES, 0, false}},
         .second = {{0x13, SHA256, 2, false, DES3, 0, false}},
         .aes = true},
        {.first = {{0x13, SHA256, 1, false, AES, 0, false}}, .second = {{0x13, SHA256, 2, false, DES3, 0, false}}},
        {.first = {{0x13, SHA256, 3, false, AES, 0, false}},
         .second = {{0x13, SHA256, 2, false, DES3, 0, false}},
         .aes = true},
        {.first = {{0x13, SHA256, 1, true, DES3, 0, false}},
         .second = {{0x13, SHA256, 2, true, AES, 0, false}},
         .aes = true},
        /* a direct-key signature where the user id's says nothing */
        {.direct = {0x1f, SHA256, 1, false, AES, 0, false},
         .first = {{0x13, SHA256, 1, false, NULL, 0, false}},
         .aes = true},
        {.direct = {0x1f, SHA256, 1, false, AES, 0, false}, .first = {{0x13, SHA256, 1, false, DES3, 0, false}}},
        /* others' words count for nothing */
        {.first = {{0x13, SHA256, 1, false, DES3, 0, false}, {0x13, SHA256, 9, true, AES, 0, true}}},
        {.first = {{0x13, 2, 1, false, AES, 0, false}, {0x13, SHA256, 2, false, AES, 0, true}},
         .aes = true,
         .weak = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pgp_cert_preferences got;
        struct buf b = BUF_EMPTY;

        put(&b, PGP_TAG_PUBLIC_KEY, key_body, sizeof key_body);
        if (cases[i].direct.class)
            put_signature(&b, cases[i].direct);
        put(&b, PGP_TAG_USER_ID, "one", 3);
        for (int s = 0; s < 2; s++)
            if (cases[i].first[s].class)
                put_signature(&b, cases[i].first[s]);
        if (cases[i].second[0].class) {
            put(&b, PGP_TAG_USER_ID, "two", 3);
            put_signature(&b, cases[i].second[0]);
        }
        pgp_cert_read_preferences(buf_span(&b), &got);
        if (got.aes != cases[i].aes || got.seipd2 != cases[i].seipd2 || got.only_weak_digests != cases[i].weak)
            fail_msg("case %zu: aes %d seipd2 %d weak %d", i, got.aes, got.seipd2, got.only_weak_digests);
        buf_free(&b);
    }
}

static void test_strip(void **state)
{
    const struct made own = {0x13, SHA256, 1, false, AES, 0, false}, other = {0x10, SHA256, 1, false, AES, 0, true};
    const struct made binding = {0x18, SHA256, 1, false, NULL, 0, false};
    const struct made revoker = {0x20, SHA256, 1, false, NULL, 0, true};
    struct buf in = BUF_EMPTY, want = BUF_EMPTY, got = BUF_EMPTY;
    struct diag why;
    size_t n;

    (void)state;
    put(&in, PGP_TAG_PUBLIC_KEY, key_body, sizeof key_body);
    put(&want, PGP_TAG_PUBLIC_KEY, key_body, sizeof key_body);
    for (int i = 0; i < 10; i++) {
        put_signature(&in, revoker);
        if (i < 4)
            put_signature(&want, revoker);
    }
    put(&in, PGP_TAG_USER_ID, "one", 3);
    put(&want, PGP_TAG_USER_ID, "one", 3);
    put(&in, PGP_TAG_TRUST, "\x01", 1);
    for (int i = 0; i < 100; i++)
        put_signature(&in, other);
    put_signature(&in, own);
    put_signature(&want, own);
    put(&in, PGP_TAG_ATTRIBUTE, "picture", 7);
    put_signature(&in, own);
    put(&in, 60, "unknown", 7);
    put_signature(&in, own);
    put(&in, PGP_TAG_PUBLIC_SUBKEY, key_body, sizeof key_body);
    put(&want, PGP_TAG_PUBLIC_SUBKEY, key_body, sizeof key_body);
    put_signature(&in, binding);
    put_signature(&want, binding);
    put_signature(&in, other);
    check_ok(pgp_cert_check(buf_span(&in), &n, &why), &why);
    assert_int_equal(n, 1);
    pgp_cert_strip(buf_span(&in), &got);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.data, want.data, want.len);
    buf_free(&in);
    buf_free(&want);
    buf_free(&got);
}

static void test_check(void **state)
{
    static const struct {
        int tags[4];
        uint8_t version;
        const char *rule;
    } cases[] = {
        {{6, 13, 2, 14}, 4, ""},     {{10, 6, 13}, 4, ""},
        {{6, 13, 6, 13}, 4, ""},     {{14, 2}, 4, "key.garbage"},
        {{13, 2}, 4, "key.garbage"}, {{2}, 4, "key.garbage"},
        {{5, 13}, 4, "key.secret"},  {{6, 13, 7}, 4, "key.secret"},
        {{6}, 3, "key.v3"},          {{6}, 2, "key.v3"},
        {{6}, 5, "key.v6"},          {{6}, 6, "key.v6"},
        {{6}, 9, "key.garbage"},     {{6, 11}, 4, "key.garbage"},
        {{6, 8}, 4, "key.garbage"},  {{6, 18}, 4, "key.garbage"},
        {{0}, 4, "key.garbage"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t body[20] = {cases[i].version};
        struct buf b = BUF_EMPTY;
        struct diag why = {0};
        size_t n;

        for (int t = 0; t < 4 && cases[i].tags[t]; t++)
            put(&b, cases[i].tags[t], body, sizeof body);
        pgp_cert_check(buf_span(&b), &n, &why);
        if (strcmp(why.rule, cases[i].rule))
            fail_msg("case %zu: %s instead of %s", i, why.rule, cases[i].rule);
        buf_free(&b);
    }
}

static void all_readers(struct span in)
{
    struct pgp_cert_preferences prefs;
    char fingerprint[PGP_FPR_SIZE];
    struct buf out = BUF_EMPTY;
    size_t n;

    pgp_cert_check(in, &n, NULL);
    pgp_cert_strip(in, &out);
    pgp_cert_read_preferences(in, &prefs);
    pgp_cert_fingerprint(in, fingerprint);
    pgp_cert_is_revocation(in, fingerprint);
    buf_free(&out);
}

/* Every prefix and every changed byte, while the sanitizers look on. */
static void test_hostile_bytes(void **state)
{
    struct buf b = BUF_EMPTY;

    (void)state;
    put(&b, PGP_TAG_PUBLIC_KEY, key_body, sizeof key_body);
    put(&b, PGP_TAG_USER_ID, "one", 3);
    put_signature(&b, (struct made){0x13, SHA256, 1, true, AES, 9, false});
    for (size_t i = 0; i < b.len; i++) {
        uint8_t saved = b.data[i], *prefix = mem_zero(i + 1, 1);

        memcpy(prefix, b.data, i);
        all_readers((struct span){prefix, i});
        free(prefix);
        for (int v = 0; v < 256; v++) {
            b.data[i] = (uint8_t)v;
            all_readers(buf_span(&b));
        }
        b.data[i] = saved;
    }
    buf_clear(&b);
    put_signature(&b, (struct made){0x20, SHA256, 1, false, NULL, 0, false});
    char issuer[PGP_FPR_SIZE];
    assert_true(pgp_cert_is_revocation(buf_span(&b), issuer));
    assert_int_equal(strlen(issuer), 16);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preferences),
        cmocka_unit_test(test_strip),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_hostile_bytes),
    };

    return cmocka_run_group_tests(tests, make_digest, NULL);
}
