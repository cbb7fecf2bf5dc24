#include "pgp_fixture.h"

#include "codec/mime_secret.h"
#include "codec/pgp_secret_archive.h"
#include "codec/xfer.h"

#include <time.h>

/* A key of gpg's, packed by tar, gzip and Python's zipfile; and what is packed in it that is none. */
static const char script[] =
    "set -e; cd \"$1\"; mkdir g; chmod 700 g; touch g/gpg.conf\n"
    "g='gpg --homedir g --batch --pinentry-mode loopback --passphrase='\n"
    "$g --quick-generate-key 'a <a@example.org>' future-default default never 2>/dev/null\n"
    "$g --export-secret-keys >k.gpg; $g --armor --export-secret-keys >k.asc; $g --export >p.gpg; $g --armor --export "
    ">p.asc\n"
    "head -c 20000 /dev/urandom >noise; head -c 2000000 /dev/urandom >large\n"
    "gzip -k k.gpg k.asc p.asc; cat p.asc.gz k.asc.gz >two.gz\n"
    "tar -cf k.tar noise k.gpg; tar -cf a.tar noise k.asc; tar -czf k.tar.gz noise p.gpg k.gpg; tar -czf p.tar.gz "
    "noise "
    "p.gpg p.asc\n"
    "tar --format=v7 -cf v7.tar k.asc; tar -czf l.tar.gz large k.gpg\n"
    "cat >z.py <<'X'\n"
    "import sys, zipfile\n"
    "with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_STORED if sys.argv[2] == 's' else zipfile.ZIP_DEFLATED) as z:\n"
    "    z.comment = b'a comment'\n"
    "    for name in sys.argv[3:]: z.write(name)\n"
    "X\n"
    "python3 z.py k.zip d noise k.gpg; python3 z.py a.zip d noise k.asc; python3 z.py s.zip s noise k.gpg\n"
    "python3 z.py p.zip d noise p.gpg p.asc; python3 z.py l.zip d large k.gpg; python3 z.py zz.zip d a.zip\n"
    "python3 z.py zt.zip d noise k.tar.gz; tar -czf t4.tar.gz k.tar.gz; tar -czf t6.tar.gz t4.tar.gz\n"
    "gzip -k t6.tar.gz; gpgconf --homedir g --kill all\n";

static int pack(void **state)
{
    const char *home;

    make_scratch(state);
    home = in_scratch(".");
    assert_int_equal(run_tool(NULL, false, ARGS("sh", "-c", script, "sh", home)), 0);
    return 0;
}

static bool found_in(struct span bytes, struct pgp_secrets *found)
{
    struct archive_budget left = archive_budget();

    return pgp_secret_in_archive(bytes, &left, found);
}

static void test_packed(void **state)
{
    static const struct {
        const char *name;
        bool is;
    } rows[] = {
        {"k.gpg.gz", true},  {"k.asc.gz", true},  {"two.gz", true}, {"k.tar", true},     {"a.tar", true},
        {"k.tar.gz", true},  {"k.zip", true},     {"a.zip", true},  {"s.zip", true},     {"l.zip", true},
        {"l.tar.gz", true},  {"zz.zip", true},    {"zt.zip", true}, {"t4.tar.gz", true}, {"t6.tar.gz", false},
        {"p.asc.gz", false}, {"p.tar.gz", false}, {"p.zip", false}, {"noise", false},    {"k.gpg", false},
        {"k.asc", false},    {"v7.tar", false}, /* text as any other */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pgp_secrets found = {0};
        struct buf bytes = BUF_EMPTY;

        read_file(in_scratch(rows[i].name), &bytes);
        assert_true(bytes.len > 100);
        if (found_in(buf_span(&bytes), &found) != rows[i].is || (found.n > 0) != rows[i].is)
            fail_msg("%s: %s", rows[i].name, rows[i].is ? "not found" : "found");
        assert_int_equal(found.n_keys, rows[i].is ? 1 : 0);
        buf_free(&bytes);
    }
}

/* Cut off anywhere, and with any byte of head and directory changed: no harm, and an end. */
static void test_damaged(void **state)
{
    static const char *const names[] = {"k.gpg.gz", "k.tar", "k.zip", "s.zip", "zt.zip"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct pgp_secrets found = {0};
        struct buf bytes = BUF_EMPTY;
        uint8_t *copy;

        read_file(in_scratch(names[i]), &bytes);
        for (size_t len = 0; len < bytes.len; len += len < 700 || len + 700 > bytes.len ? 1 : 997) {
            copy = mem_zero(len ? len : 1, 1); /* of its own, so that a read behind the end shows */
            memcpy(copy, bytes.data, len);
            found_in((struct span){copy, len}, &found);
            free(copy);
        }
        for (size_t at = 0; at < bytes.len; at += at < 700 || at + 700 > bytes.len ? 1 : 997) {
            uint8_t was = bytes.data[at];

            bytes.data[at] = (uint8_t)(was ^ 0xff);
            found_in(buf_span(&bytes), &found);
            bytes.data[at] = was;
        }
        buf_free(&bytes);
    }
}

/* Bombs, and directories that lead to the same bytes again and again, cost the budget. */
static void test_bounded(void **state)
{
    const char *at = in_scratch(".");
    static const char *const names[] = {"bomb.gz", "bomb.zip", "same.zip", "none.gz"};

    (void)state;
    assert_int_equal(
        run_tool(
            NULL, false,
            ARGS("sh", "-c",
                 "cd \"$1\"; head -c 200000000 /dev/zero | gzip -1 >bomb.gz; cat >b.py <<'X'\n"
                 "import zipfile, struct, gzip\n"
                 "with zipfile.ZipFile('bomb.zip', 'w', zipfile.ZIP_DEFLATED) as z:\n"
                 "    for i in range(3000): z.writestr(str(i), b'\\0' * 1000000)\n"
                 "n = b'\\xff' * 5000000\n"
                 "local = struct.pack('<4sHHHHHIIIHH', b'PK\\3\\4', 20, 0, 0, 0, 0, 0, len(n), 9, 1, 0) + b'x' + n\n"
                 "entry = struct.pack('<4sHHHHHHIIIHHHHHII', b'PK\\1\\2', 20, 20, 0, 0, 0, 0, 0, len(n), 9, 1, 0, 0, "
                 "0, 0, 0, 0) + b'x'\n"
                 "end = struct.pack('<4sHHHHIIH', b'PK\\5\\6', 0, 0, 60000, 60000, len(entry) * 60000, len(local), 0)\n"
                 "open('same.zip', 'wb').write(local + entry * 60000 + end)\n"
                 "open('none.gz', 'wb').write(gzip.compress(b'') * 300000)\n"
                 "X\n"
                 "python3 b.py",
                 "sh", at)),
        0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct archive_budget left = archive_budget();
        struct pgp_secrets found = {0};
        struct buf bytes = BUF_EMPTY;
        clock_t began;

        read_file(in_scratch(names[i]), &bytes);
        began = clock();
        assert_false(pgp_secret_in_archive(buf_span(&bytes), &left, &found));
        if (clock() - began > 2 * CLOCKS_PER_SEC)
            fail_msg("%s takes %.1f s", names[i], (double)(clock() - began) / CLOCKS_PER_SEC);
        assert_true(left.bytes < ARCHIVE_BUDGET - (4 << 20)); /* it was gone into */
        buf_free(&bytes);
    }
}

static const struct mime_limits limits = MIME_LIMITS_DEFAULT;

/* A part of a mail is all sentence afterwards, and what stands around it stays. */
static void check_mail(const char *type, struct span content, bool encode, const char *never)
{
    struct pgp_secrets found = {0}, blanked = {0}, none = {0};
    struct buf mail = BUF_EMPTY, bytes = BUF_EMPTY;
    struct mime_message m;
    struct diag why = {0};

    buf_printf(&mail,
               "From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
               "--b\r\n\r\nThe report.\r\n--b\r\nContent-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n",
               type, encode ? "base64" : "7bit");
    if (encode)
        xfer_base64_encode(content, 76, &mail);
    else
        buf_add(&mail, content.data, content.len);
    buf_add_str(&mail, "\r\n--b\r\n\r\nThe end.\r\n--b--\r\n");
    assert_int_equal(mime_parse(buf_span(&mail), &limits, &m, &why), ERR_OK);
    if (!mime_secret_in(buf_span(&mail), &m, &found))
        fail_msg("%s: not found", type);
    assert_true(mime_secret_blank(mail.data, mail.len, &m, &blanked));
    assert_false(mime_secret_in(buf_span(&mail), &m, &none));
    assert_int_equal(mime_part_decode(buf_span(&mail), &m.parts[2], &bytes, &why), ERR_OK);
    if (!strstr(buf_text(&bytes), "secret key"))
        fail_msg("%s: no sentence", type);
    assert_null(memmem(bytes.data, bytes.len, never, strlen(never)));
    assert_non_null(memmem(mail.data, mail.len, "The report.", 11));
    assert_non_null(memmem(mail.data, mail.len, "The end.", 8));
    mime_message_free(&m);
    buf_free(&mail);
    buf_free(&bytes);
}

static void test_mails(void **state)
{
    static const char *const names[] = {"k.zip", "k.tar.gz", "k.tar", "k.gpg.gz", "l.zip"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buf bytes = BUF_EMPTY;

        read_file(in_scratch(names[i]), &bytes);
        check_mail("application/octet-stream", buf_span(&bytes), true, "noise");
        buf_free(&bytes);
    }
}

#define SETUP                                                                                                          \
    "-----BEGIN PGP MESSAGE-----\nPassphrase-Format: numeric9x4\nPassphrase-Begin: 17\n\n"                             \
    "jA0ECQMCHlzYhE9Zs1P/0sBoAeKDVfKvMt1hDtDdE0d6Zs5kqFN0q3gl2pMW1qUe\n"                                               \
    "hX9m1x0s7QyqXy3HhS0X9r1b0Vb4x1h0S0FtU3c1eXZhbHVlMTIzNDU2Nzg5MGFi\n=AAAA\n-----END PGP MESSAGE-----\n"

/* Autocrypt Setup Messages: by their type whatever is in them, and by their armor wherever it stands. */
static void test_setup(void **state)
{
    struct pgp_secrets found = {0};
    char *plain = mem_strdup(SETUP), *field = strstr(plain, "Passphrase-Format");

    (void)state;
    check_mail("application/autocrypt-setup", span_of("<html><pre>" SETUP "</pre></html>"), false, "jA0ECQ");
    check_mail("application/autocrypt-setup", span_of("<html><pre>" SETUP "</pre></html>"), true, "jA0ECQ");
    check_mail("application/autocrypt-setup", span_of("whatever it may be in a later version of the specification"),
               false, "whatever");
    check_mail("text/html", span_of("<html><pre>" SETUP "</pre></html>"), false, "jA0ECQ");
    check_mail("text/plain", span_of("This is it:\n" SETUP), true, "jA0ECQ");
    assert_true(pgp_secret_in_text(span_of(SETUP), &found));
    memcpy(field, "Comment: No-Format", 17); /* then it is a message as any other */
    assert_false(pgp_secret_in_text(span_of(plain), &found));
    free(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packed), cmocka_unit_test(test_damaged), cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_mails),  cmocka_unit_test(test_setup),
    };

    return cmocka_run_group_tests(tests, pack, remove_scratch);
}
