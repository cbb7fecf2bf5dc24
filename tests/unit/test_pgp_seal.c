#include "pgp_fixture.h"

#include "codec/pgp_armor.h"
#include "codec/pgp_open.h"
#include "codec/pgp_scan.h"
#include "codec/pgp_seal.h"
#include "codec/pgp_split.h"

#include <time.h>

#define MEMBERS 3

static const char payload[] = "Content-Type: text/plain; hp=\"cipher\"\r\nSubject: secret\r\n\r\nHello, members.\r\n";
static char list_fpr[PGP_FPR_SIZE];
static char member_fprs[MEMBERS][PGP_FPR_SIZE];
static const char *const member_names[MEMBERS] = {"m0", "m1", "m2"};
static const char *fprs[MEMBERS];

static int make_homes(void **state)
{
    const char *shard, *list;
    struct diag why;

    make_scratch(state);
    shard = in_scratch("shard");
    check_ok(pgp_home_make(shard, PGP_HOME_SHARD, &why), &why);
    list = home_with_key("list", PGP_HOME_LIST, list_fpr);
    for (int i = 0; i < MEMBERS; i++) {
        const char *home = home_with_key(member_names[i], PGP_HOME_LIST, member_fprs[i]);

        copy_public(home, member_fprs[i], in_scratch("shard"));
        copy_public(in_scratch("list"), list_fpr, home);
        fprs[i] = member_fprs[i];
    }
    (void)list;
    return 0;
}

static void seal_group(struct buf *sealed)
{
    struct buf packets = BUF_EMPTY;
    struct pgp_failed_key failed[MEMBERS];
    size_t n_failed;
    struct diag why;

    check_ok(pgp_sign_inline(in_scratch("list"), list_fpr, span_of(payload), &packets, &why), &why);
    check_ok(pgp_encrypt_group(in_scratch("shard"), buf_span(&packets), fprs, MEMBERS, sealed, failed, MEMBERS,
                               &n_failed, &why),
             &why);
    assert_int_equal(n_failed, 0);
    buf_free(&packets);
}

static uint64_t encryption_id(int member)
{
    struct pgp_key_info info;
    struct diag why;

    check_ok(pgp_key_lookup(in_scratch("shard"), member_fprs[member], &info, &why), &why);
    assert_non_null(pgp_key_pick_encryption(&info, (int64_t)time(NULL)));
    return pgp_key_id_number(pgp_key_pick_encryption(&info, (int64_t)time(NULL))->key_id);
}

static void put_be64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static void gpg_opens(int member, const char *file)
{
    struct buf out = BUF_EMPTY;

    assert_int_equal(
        run_tool(&out, false,
                 ARGS("gpg", "--homedir", in_scratch(member_names[member]), "--batch", "--status-fd", "1", "-d", file)),
        0);
    assert_non_null(strstr(buf_text(&out), "[GNUPG:] GOODSIG "));
    assert_non_null(strstr(buf_text(&out), "[GNUPG:] DECRYPTION_OKAY"));
    assert_non_null(strstr(buf_text(&out), "Hello, members."));
    assert_null(strstr(buf_text(&out), "PLAINTEXT_LENGTH 0"));
    buf_free(&out);
}

static bool have_tool(const char *name)
{
    if (run_tool(NULL, true, ARGS(name, "--version")) == 0)
        return true;
    print_message("skipped: %s is not installed\n", name);
    return false;
}

static void sq_opens(int member, const char *file)
{
    struct buf out = BUF_EMPTY, key = BUF_EMPTY;
    struct diag why;
    const char *secret = in_scratch("secret.pgp"), *signer = in_scratch("list.pgp");

    check_ok(pgp_key_export_secret(in_scratch(member_names[member]), member_fprs[member], &key, &why), &why);
    write_file(secret, buf_span(&key));
    check_ok(pgp_key_export(in_scratch("list"), list_fpr, true, false, &key, &why), &why);
    write_file(signer, buf_span(&key));
    assert_int_equal(
        run_tool(&out, true, ARGS("sq", "decrypt", "--recipient-key", secret, "--signer-cert", signer, file)), 0);
    assert_non_null(strstr(buf_text(&out), "Hello, members."));
    assert_non_null(strstr(buf_text(&out), "1 good signature"));
    if (have_tool("rnp")) {
        const char *ring = in_scratch("rnp");

        run_tool(NULL, false, ARGS("rm", "-rf", ring));
        mkdir(ring, 0700);
        run_tool(NULL, false, ARGS("rnpkeys", "--homedir", ring, "--import-keys", secret));
        run_tool(NULL, false, ARGS("rnpkeys", "--homedir", ring, "--import-keys", signer));
        assert_int_equal(
            run_tool(&out, true, ARGS("rnp", "--homedir", ring, "-d", "--password", "", "--output", "-", file)), 0);
        assert_non_null(strstr(buf_text(&out), "Hello, members."));
        assert_non_null(strstr(buf_text(&out), "Good signature"));
    }
    buf_free(&out);
    buf_free(&key);
}

/* The heart: sign once, encrypt once, split; every copy opens everywhere and names nobody else. */
static void test_group_copies(void **state)
{
    struct buf sealed = BUF_EMPTY, copy = BUF_EMPTY, armored = BUF_EMPTY;
    uint64_t ids[MEMBERS];
    size_t of[MEMBERS];
    struct pgp_split split;
    struct pgp_armor armor;
    struct diag why;

    (void)state;
    seal_group(&sealed);
    check_ok(pgp_split_parse(buf_span(&sealed), MEMBERS, &split, &why), &why);
    assert_int_equal(split.n, MEMBERS);
    assert_int_equal(split.body_tag, 18);
    for (int i = 0; i < MEMBERS; i++)
        ids[i] = encryption_id(i);
    check_ok(pgp_split_map(&split, ids, MEMBERS, of, &why), &why);
    for (int i = 0; i < MEMBERS; i++) {
        const struct pgp_pkesk *head = &split.pkesk[of[i]];
        struct span parts[2] = {{sealed.data + head->off, head->len}, {sealed.data + split.body_off, split.body_len}};
        const char *file = in_scratch("copy.asc");

        buf_clear(&copy);
        buf_clear(&armored);
        pgp_armor_begin(&armor, PGP_ARMOR_MESSAGE, "\r\n", &armored);
        for (int p = 0; p < 2; p++) {
            buf_add(&copy, parts[p].data, parts[p].len);
            pgp_armor_update(&armor, parts[p], &armored);
        }
        pgp_armor_end(&armor, &armored);
        assert_int_equal(armored.len, pgp_armor_size(PGP_ARMOR_MESSAGE, "\r\n", copy.len));
        for (int j = 0; j < MEMBERS; j++) {
            uint8_t id[8];

            put_be64(id, ids[j]);
            assert_int_equal(memmem(copy.data, copy.len, id, 8) != NULL, i == j);
        }
        write_file(file, buf_span(&armored));
        gpg_opens(i, file);
        if (have_tool("sq"))
            sq_opens(i, file);
    }
    pgp_split_free(&split);
    buf_free(&sealed);
    buf_free(&copy);
    buf_free(&armored);
}

/* The shard holds no secret key, and its result is opened by unwrapping, then verified in another home. */
static void test_open_what_was_sealed(void **state)
{
    struct buf sealed = BUF_EMPTY, inner = BUF_EMPTY, plain = BUF_EMPTY;
    struct pgp_decrypt_facts facts;
    struct pgp_signature sigs[4];
    size_t n;
    struct diag why;

    (void)state;
    seal_group(&sealed);
    check_ok(pgp_decrypt(in_scratch("m1"), buf_span(&sealed), &inner, &facts, &why), &why);
    assert_int_equal(facts.recipients, MEMBERS);
    assert_int_equal(facts.cipher, 9);
    assert_int_equal(strlen(facts.opened_by), 40);
    check_ok(pgp_verify_inline(in_scratch("m2"), buf_span(&inner), &plain, sigs, 4, &n, &why), &why);
    assert_int_equal(n, 1);
    assert_int_equal(sigs[0].verdict, PGP_SIG_GOOD);
    assert_string_equal(sigs[0].fingerprint, list_fpr);
    assert_string_equal(sigs[0].hash, "SHA512");
    assert_string_equal(buf_text(&plain), payload);
    check_ok(pgp_verify_inline(in_scratch("shard"), buf_span(&inner), &plain, sigs, 4, &n, &why), &why);
    assert_int_equal(n, 1);
    assert_int_equal(sigs[0].verdict, PGP_SIG_UNKNOWN_KEY);
    assert_string_equal(sigs[0].issuer, list_fpr);
    assert_string_equal(sigs[0].fingerprint, "");
    check_fails(pgp_decrypt(in_scratch("list"), buf_span(&sealed), &inner, &facts, &why), ERR_REJECT, "not-for-us",
                &why);
    assert_int_equal(inner.len, 0);
    buf_free(&sealed);
    buf_free(&inner);
    buf_free(&plain);
}

static void test_bad_key_is_named(void **state)
{
    char expired[PGP_FPR_SIZE];
    const char *home = in_scratch("exp"), *group[MEMBERS + 1];
    struct buf packets = BUF_EMPTY, sealed = BUF_EMPTY;
    struct pgp_failed_key failed[4];
    struct diag why;
    size_t n_failed;

    (void)state;
    check_ok(pgp_home_make(home, PGP_HOME_LIST, &why), &why);
    check_ok(pgp_home_set_time(home, (int64_t)time(NULL) - 400 * 86400, &why), &why);
    check_ok(pgp_key_generate(home, "exp@example.org", (int64_t)time(NULL) - 86400, expired, &why), &why);
    copy_public(home, expired, in_scratch("shard"));
    check_ok(pgp_sign_inline(in_scratch("list"), list_fpr, span_of(payload), &packets, &why), &why);
    memcpy(group, fprs, sizeof fprs);
    group[MEMBERS] = expired;
    check_fails(pgp_encrypt_group(in_scratch("shard"), buf_span(&packets), group, MEMBERS + 1, &sealed, failed, 4,
                                  &n_failed, &why),
                ERR_REJECT, "key.unusable", &why);
    assert_int_equal(n_failed, 1);
    assert_string_equal(failed[0].fingerprint, expired);
    assert_true(failed[0].reason[0]);
    assert_int_equal(sealed.len, 0);
    group[MEMBERS] = list_fpr; /* not in the shard */
    check_fails(pgp_encrypt_group(in_scratch("shard"), buf_span(&packets), group, MEMBERS + 1, &sealed, failed, 4,
                                  &n_failed, &why),
                ERR_REJECT, "key.unusable", &why);
    assert_int_equal(n_failed, 1);
    assert_string_equal(failed[0].fingerprint, list_fpr);
    check_ok(pgp_encrypt_group(in_scratch("shard"), buf_span(&packets), group, MEMBERS, &sealed, NULL, 0, NULL, &why),
             &why);
    buf_free(&packets);
    buf_free(&sealed);
}

static void test_usage(void **state)
{
    const char *twice[] = {member_fprs[0], member_fprs[0]}, *short_id[] = {member_fprs[0] + 24}, *mail[] = {"m0"};
    struct buf packets = BUF_EMPTY, out = BUF_EMPTY;
    struct diag why;
    size_t n;

    (void)state;
    check_ok(pgp_sign_inline(in_scratch("list"), list_fpr, span_of(payload), &packets, &why), &why);
    check_fails(pgp_encrypt_group(in_scratch("shard"), buf_span(&packets), twice, 2, &out, NULL, 0, &n, &why),
                ERR_USAGE, "pgp.usage", &why);
    check_fails(pgp_encrypt_group(in_scratch("shard"), buf_span(&packets), short_id, 1, &out, NULL, 0, &n, &why),
                ERR_USAGE, "pgp.usage", &why);
    check_fails(pgp_encrypt_group(in_scratch("shard"), buf_span(&packets), mail, 1, &out, NULL, 0, &n, &why), ERR_USAGE,
                "pgp.usage", &why);
    check_fails(pgp_encrypt_group(in_scratch("shard"), buf_span(&packets), fprs, 0, &out, NULL, 0, &n, &why), ERR_USAGE,
                "pgp.usage", &why);
    /* a shard takes signed packets alone, and another home plain data alone */
    check_fails(pgp_encrypt_group(in_scratch("shard"), span_of("text"), fprs, 1, &out, NULL, 0, &n, &why), ERR_USAGE,
                "pgp.usage", &why);
    check_fails(pgp_encrypt_group(in_scratch("m0"), buf_span(&packets), fprs, 1, &out, NULL, 0, &n, &why), ERR_USAGE,
                "pgp.usage", &why);
    check_fails(pgp_encrypt_plain(in_scratch("shard"), span_of("text"), fprs, 1, &out, &why), ERR_USAGE, "pgp.usage",
                &why);
    check_fails(pgp_sign_inline(in_scratch("shard"), list_fpr, span_of("x"), &out, &why), ERR_AGAIN, "agent", &why);
    check_fails(pgp_sign_inline(in_scratch("m0"), list_fpr, span_of("x"), &out, &why), ERR_NOT_FOUND, "key.not-found",
                &why);
    out.max = 50;
    check_fails(pgp_sign_inline(in_scratch("list"), list_fpr, span_of(payload), &out, &why), ERR_LIMIT, "too-large",
                &why);
    check_fails(pgp_encrypt_group(in_scratch("shard"), buf_span(&packets), fprs, 1, &out, NULL, 0, &n, &why), ERR_LIMIT,
                "too-large", &why);
    assert_int_equal(out.len, 0);
    buf_free(&packets);
    buf_free(&out);
}

static void test_plain_and_detached(void **state)
{
    uint8_t secret[256];
    struct buf wrapped = BUF_EMPTY, plain = BUF_EMPTY, sig = BUF_EMPTY;
    struct pgp_signature sigs[2];
    struct diag why;
    size_t n;

    (void)state;
    for (int i = 0; i < 256; i++)
        secret[i] = (uint8_t)i;
    check_ok(pgp_encrypt_plain(in_scratch("m0"), (struct span){secret, 256}, fprs, 1, &wrapped, &why), &why);
    check_ok(pgp_decrypt_plain(in_scratch("m0"), buf_span(&wrapped), &plain, &why), &why);
    assert_int_equal(plain.len, 256);
    assert_memory_equal(plain.data, secret, 256);
    check_fails(pgp_decrypt_plain(in_scratch("m1"), buf_span(&wrapped), &plain, &why), ERR_REJECT, "not-for-us", &why);
    assert_int_equal(plain.len, 0);
    check_ok(pgp_sign_detached(in_scratch("list"), list_fpr, span_of(payload), &sig, &why), &why);
    assert_non_null(strstr(buf_text(&sig), "-----BEGIN PGP SIGNATURE-----"));
    check_ok(pgp_verify_detached(in_scratch("m0"), buf_span(&sig), span_of(payload), sigs, 2, &n, &why), &why);
    assert_int_equal(n, 1);
    assert_int_equal(sigs[0].verdict, PGP_SIG_GOOD);
    buf_free(&wrapped);
    buf_free(&plain);
    buf_free(&sig);
}

/* A member whose preferences name 3DES and SHA-1 alone must not pull down the group's cipher or digest. */
static void test_weak_preferences_do_not_spread(void **state)
{
    const char *home = in_scratch("weak"), *group[MEMBERS + 1];
    struct buf packets = BUF_EMPTY, sealed = BUF_EMPTY, inner = BUF_EMPTY;
    struct pgp_decrypt_facts facts;
    char list[1][PGP_FPR_SIZE];
    struct diag why;
    size_t n;

    (void)state;
    check_ok(pgp_home_make(home, PGP_HOME_LIST, &why), &why);
    assert_int_equal(run_tool(NULL, false,
                              ARGS("gpg", "--homedir", home, "--batch", "--pinentry-mode", "loopback", "--passphrase",
                                   "", "--default-preference-list", "3DES SHA1", "--quick-gen-key", "w@example.org",
                                   "future-default", "default", "never")),
                     0);
    check_ok(pgp_key_list(home, true, list, 1, &n, &why), &why);
    copy_public(home, list[0], in_scratch("shard"));
    memcpy(group, fprs, sizeof fprs);
    group[MEMBERS] = list[0];
    check_ok(pgp_sign_inline(in_scratch("list"), list_fpr, span_of(payload), &packets, &why), &why);
    check_ok(pgp_encrypt_group(in_scratch("shard"), buf_span(&packets), group, MEMBERS + 1, &sealed, NULL, 0, &n, &why),
             &why);
    check_ok(pgp_decrypt(home, buf_span(&sealed), &inner, &facts, &why), &why);
    assert_int_equal(facts.cipher, 9);
    assert_int_equal(facts.recipients, MEMBERS + 1);
    buf_free(&packets);
    buf_free(&sealed);
    buf_free(&inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_group_copies),       cmocka_unit_test(test_open_what_was_sealed),
        cmocka_unit_test(test_bad_key_is_named),   cmocka_unit_test(test_usage),
        cmocka_unit_test(test_plain_and_detached), cmocka_unit_test(test_weak_preferences_do_not_spread),
    };

    return cmocka_run_group_tests(tests, make_homes, remove_scratch);
}
