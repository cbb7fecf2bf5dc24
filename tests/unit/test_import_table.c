/* Tables of members: what is left in one of the keys that were not taken. */
#include "flow/import_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEADER "org,class,tier,address,key\r\n"
#define OPEN   "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"
#define CLOSE  "\n-----END PGP PUBLIC KEY BLOCK-----\n"

/* What is found of a key: taken or refused. */
static void put_found(bool taken, struct buf *packed)
{
    struct pgp_key_info info = {0};
    struct diag why;

    if (!taken)
        diag_set(&why, ERR_REJECT, "key.secret", "it is a secret key");
    import_key_put(taken ? ERR_OK : ERR_REJECT, &why, &info, (struct span){NULL, 0}, packed);
}

static void test_refused_are_wiped(void **state)
{
    static const struct {
        const char *table;
        const char *found; /* of each key: '+' taken, '-' refused */
    } cases[] = {
        {HEADER "acorn,c,t,a@b.example,\"" OPEN "SECRET" CLOSE "\"\r\nbirch,c,t,b@b.example,\"" OPEN "GOOD" CLOSE
                "\"\r\n",
         "-+"},
        {HEADER "birch,c,t,b@b.example,\"" OPEN "GOOD" CLOSE "\"\r\n\r\nacorn,c,t,a@b.example,\"" OPEN "SECRET" CLOSE
                "\"\r\n",
         "+-"},
        {"\xef\xbb\xbfkey;tier;org;class;address\n\"" OPEN "SECRET" CLOSE "" OPEN "SECRET" CLOSE
         "\";t;acorn;c;a@b.example\n\"" OPEN "GOOD" CLOSE "\";t;birch;c;b@b.example\n",
         "-+"},
        /* cut off, of two blocks, and without any line end */
        {HEADER "acorn,c,t,a@b.example,-----BEGIN PGP SECRET\r\nbirch,c,t,b@b.example,\"" OPEN "GOOD" CLOSE "\"\r\n",
         "-+"},
        {HEADER "birch,c,t,b@b.example,\"" OPEN "GOOD" CLOSE "\"\r\nacorn,c,t,a@b.example,\"" OPEN "SECRET\"", "+-"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf csv = BUF_EMPTY, packed = BUF_EMPTY;
        struct import_reader r;
        struct diag why;
        enum err err;
        size_t keys = 0, rows = 0;

        buf_add_str(&csv, cases[i].table);
        for (const char *p = cases[i].found; *p; p++)
            put_found(*p == '+', &packed);
        import_wipe_refused(&csv, buf_span(&packed));
        assert_null(strstr(buf_text(&csv), "SECRET"));
        assert_non_null(strstr(buf_text(&csv), "GOOD"));
        assert_int_equal(csv.len, strlen(cases[i].table));
        assert_int_equal(import_begin(&r, buf_span(&csv), &why), ERR_OK);
        for (; import_next(&r, &err, &why); rows++) {
            keys += import_has_armor(&r);
            assert_string_equal(*r.fault ? r.fault : import_field(&r, IMPORT_TIER), "t");
            assert_non_null(strstr("acorn birch", import_field(&r, IMPORT_ORG)));
        }
        assert_int_equal(rows, 2);
        assert_int_equal(keys, 2);
        import_end(&r);
        buf_free(&csv);
        buf_free(&packed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_are_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
