/* Where a Web Key Directory has an address's key, and whom the fetch role may speak to. */
#include "codec/wkd.h"
#include "io/fetch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The address of draft-koch-openpgp-webkey-service, section 3.1, with its hash. */
static void test_url(void **state)
{
    static const struct {
        const char *address;
        enum wkd_method method;
        const char *host, *url;
    } rows[] = {
        {"Joe.Doe@Example.ORG", WKD_ADVANCED, "openpgpkey.example.org",
         "https://openpgpkey.example.org/.well-known/openpgpkey/example.org/hu/"
         "iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe"},
        {"Joe.Doe@Example.ORG", WKD_DIRECT, "example.org",
         "https://example.org/.well-known/openpgpkey/hu/iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe"},
        {"a+b&c@example.org", WKD_DIRECT, "example.org", NULL},
        {"x@localhost", WKD_DIRECT, NULL, NULL},
        {"x@127.0.0.1", WKD_DIRECT, NULL, NULL},
        {"x@example.org/../y", WKD_DIRECT, NULL, NULL},
        {"not an address", WKD_DIRECT, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf host = BUF_EMPTY, url = BUF_EMPTY;
        struct diag why;
        enum err err = wkd_url(rows[i].address, rows[i].method, &host, &url, &why);

        assert_int_equal(err, rows[i].host ? ERR_OK : ERR_REJECT);
        if (err)
            assert_string_equal(why.rule, "wkd.address");
        else
            assert_string_equal(buf_text(&host), rows[i].host);
        if (rows[i].url)
            assert_string_equal(buf_text(&url), rows[i].url);
        else if (!err)
            assert_non_null(strstr(buf_text(&url), "?l=a%2Bb%26c"));
        buf_free(&host);
        buf_free(&url);
    }
}

static void test_address(void **state)
{
    static const struct {
        const char *text;
        bool public;
    } rows[] = {
        {"93.184.216.34", true},    {"8.8.8.8", true},          {"127.0.0.1", false},     {"10.1.2.3", false},
        {"172.16.0.1", false},      {"172.31.255.255", false},  {"172.32.0.1", true},     {"192.168.1.1", false},
        {"169.254.169.254", false}, {"100.64.0.1", false},      {"0.0.0.0", false},       {"224.0.0.1", false},
        {"255.255.255.255", false}, {"2606:2800::1", true},     {"::1", false},           {"fe80::1", false},
        {"fd00::1", false},         {"::ffff:10.0.0.1", false}, {"2002:a00:1::1", false}, {"2001::1", false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sockaddr_in in = {.sin_family = AF_INET};
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
        bool v4 = inet_pton(AF_INET, rows[i].text, &in.sin_addr) == 1;

        if (!v4)
            assert_int_equal(inet_pton(AF_INET6, rows[i].text, &in6.sin6_addr), 1);
        assert_int_equal(fetch_address_is_public(v4 ? (const struct sockaddr *)&in : (const struct sockaddr *)&in6),
                         rows[i].public);
    }
}

static void test_frame(void **state)
{
    struct fetch_result in = {.outcome = FETCH_FOUND, .rule = "", .text = "", .bytes = BUF_EMPTY}, out;
    struct buf payload = BUF_EMPTY;
    struct diag why;
    int64_t job;

    (void)state;
    buf_add_str(&in.bytes, "key");
    fetch_result_put(7, &in, &payload);
    assert_int_equal(fetch_result_get(buf_span(&payload), &job, &out, &why), ERR_OK);
    assert_int_equal(job, 7);
    assert_string_equal(buf_text(&out.bytes), "key");
    buf_free(&out.bytes);
    for (size_t n = 0; n < payload.len; n++)
        assert_int_equal(fetch_result_get((struct span){payload.data, n}, &job, &out, &why), ERR_REJECT);
    buf_free(&in.bytes);
    buf_free(&payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_url), cmocka_unit_test(test_address),
                                       cmocka_unit_test(test_frame)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
