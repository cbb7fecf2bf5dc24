/* A gpg that gets only the beginning of its input and says that all is well, as it does after an error of a read. */
#include "pgp_fixture.h"

#include "codec/pgp_seal.h"

#include <sys/stat.h>

static const char text[] = "Subject: secret\r\n\r\nThe last word of it is sesame.\r\n";
static char list_fpr[PGP_FPR_SIZE], member_fpr[PGP_FPR_SIZE];

static void write_script(const char *name, const char *script)
{
    const char *file = in_scratch(name);

    write_file(file, span_of(script));
    assert_int_equal(chmod(file, 0700), 0);
}

/* gpgme asks the gpgconf in $PATH where gpg is. While bin/cut is there, gpg gets so many bytes. */
static int make_all(void **state)
{
    char path[8192], script[8192];
    const char *bin;

    make_scratch(state);
    bin = in_scratch("bin");
    assert_int_equal(mkdir(bin, 0700), 0);
    snprintf(path, sizeof path, "%s:%s", bin, getenv("PATH"));
    snprintf(script, sizeof script,
             "#!/bin/sh\nPATH=${PATH#*:}\nreal=$(command -v gpg)\ngpgconf \"$@\" | sed \"s|$real\\$|%s/gpg|; "
             "s|:$real:|:%s/gpg:|\"\n",
             bin, bin);
    write_script("bin/gpgconf", script);
    snprintf(script, sizeof script,
             "#!/bin/sh\nPATH=${PATH#*:}\ncase \" $* \" in\n*' --encrypt '* | *' --sign '*)\n"
             "    if [ -e %s/cut ]; then\n        for last; do :; done\n        fd=${last#-&}\n"
             "        eval \"head -c $(cat %s/cut) <&$fd | gpg \\\"\\$@\\\" $fd<&0\"\n        exit\n    fi ;;\nesac\n"
             "exec gpg \"$@\"\n",
             bin, bin);
    write_script("bin/gpg", script);
    assert_int_equal(setenv("PATH", path, 1), 0);
    home_with_key("list", PGP_HOME_LIST, list_fpr);
    home_with_key("member", PGP_HOME_LIST, member_fpr);
    return 0;
}

static void cut_at(const char *bytes)
{
    write_file(in_scratch("bin/cut"), span_of(bytes));
}

static void cut_nothing(void)
{
    remove(in_scratch("bin/cut"));
}

static void expect_cut(enum err err, const struct buf *out, const struct diag *why)
{
    assert_int_equal(err, ERR_AGAIN);
    assert_string_equal(why->rule, "pgp.cut-short");
    assert_int_equal(out->len, 0);
}

static void test_cut(void **state)
{
    static const char *const lengths[] = {"0", "1", "40"};
    const char *const fprs[] = {member_fpr};
    struct buf packets = BUF_EMPTY, sealed = BUF_EMPTY;
    struct pgp_failed_key failed[1];
    struct diag why;
    size_t n;

    (void)state;
    check_ok(pgp_home_make(in_scratch("shard"), PGP_HOME_SHARD, &why), &why);
    copy_public(in_scratch("member"), member_fpr, in_scratch("shard"));
    copy_public(in_scratch("member"), member_fpr, in_scratch("list"));
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        cut_at(lengths[i]);
        expect_cut(pgp_sign_inline(in_scratch("list"), list_fpr, span_of(text), &packets, &why), &packets, &why);
        cut_nothing();
        check_ok(pgp_sign_inline(in_scratch("list"), list_fpr, span_of(text), &packets, &why), &why);
        cut_at(lengths[i]);
        expect_cut(pgp_encrypt_group(in_scratch("shard"), buf_span(&packets), fprs, 1, &sealed, failed, 1, &n, &why),
                   &sealed, &why);
        cut_nothing();
        check_ok(pgp_encrypt_group(in_scratch("shard"), buf_span(&packets), fprs, 1, &sealed, failed, 1, &n, &why),
                 &why);
    }
    cut_at("1");
    expect_cut(pgp_encrypt_plain(in_scratch("list"), span_of(text), fprs, 1, &sealed, &why), &sealed, &why);
    cut_nothing();
    check_ok(pgp_encrypt_plain(in_scratch("list"), span_of(text), fprs, 1, &sealed, &why), &why);
    buf_free(&packets);
    buf_free(&sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cut)};

    return cmocka_run_group_tests(tests, make_all, remove_scratch);
}
