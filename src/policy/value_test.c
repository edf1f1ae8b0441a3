/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, times, sizes, addresses, patterns, suggestions. */
#include "policy/value.h"

#include "mail/pattern.h"
#include "policy/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#include <arpa/inet.h>

static void test_duration(void **state)
{
    static const struct {
        const char *in;
        int64_t want; /* -1: refused */
        const char *out;
    } rows[] = {
        { "30s", 30000, "30s" },
        { "60s", 60000, "1m" },
        { "5m", 300000, "5m" },
        { "90m", 5400000, "90m" },
        { "2h", 7200000, "2h" },
        { "5d", 432000000, "5d" },
        { "2w", 1209600000, "2w" },
        { "6y", 6ll * 366 * 86400000, "6y" },
        { "0s", 0, "0s" },
        { "", -1, "" },
        { "5", -1, "" },
        { "s", -1, "" },
        { "5x", -1, "" },
        { "-5s", -1, "" },
        { "5 s", -1, "" },
        { "1.5h", -1, "" },
        { "5mm", -1, "" },
        { "9223372036854775807s", -1, "" },
        { "99999999999999999999s", -1, "" },
        { "291672107y", 291672107ll * 366 * 86400000, "291672107y" },
        { "291672108y", -1, "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf text = { 0 };
        int64_t got = -1;
        const char *why = value_duration(str_from_cstr(rows[i].in), &got);

        assert_int_equal(why == NULL, rows[i].want >= 0);
        assert_true(got == rows[i].want);
        if (why == NULL) {
            value_write_duration(got, &text);
            assert_string_equal(buf_cstr(&text), rows[i].out);
        }
        buf_free(&text);
    }
}

static void test_size(void **state)
{
    static const struct {
        const char *in;
        uint64_t want;
        bool ok;
        const char *out;
    } rows[] = {
        { "4096", 4096, true, "4K" },
        { "64K", 65536, true, "64K" },
        { "25M", 26214400, true, "25M" },
        { "2G", 2147483648u, true, "2G" },
        { "1000", 1000, true, "1000" },
        { "0", 0, true, "0" },
        { "25MB", 0, false, "" },
        { "25m", 0, false, "" },
        { "-1", 0, false, "" },
        { "8589934592G", 0, false, "" },
        { "18446744073709551616", 0, false, "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct buf text = { 0 };
        uint64_t got = 0;
        const char *why = value_size(str_from_cstr(rows[i].in), &got);

        assert_int_equal(why == NULL, rows[i].ok);
        assert_true(got == rows[i].want);
        if (why == NULL) {
            value_write_size(got, &text);
            assert_string_equal(buf_cstr(&text), rows[i].out);
        }
        buf_free(&text);
    }
}

static void test_address(void **state)
{
    static const struct {
        const char *in, *out; /* out NULL: refused */
    } rows[] = {
        { "127.0.0.1:25", "127.0.0.1:25" },
        { "0.0.0.0:65535", "0.0.0.0:65535" },
        { "[::1]:25", "[::1]:25" },
        { "[2001:db8::1]:587", "[2001:db8::1]:587" },
        { "127.0.0.1", NULL },
        { "127.0.0.1:", NULL },
        { "127.0.0.1:0", NULL },
        { "127.0.0.1:65536", NULL },
        { "127.0.0.1:25x", NULL },
        { "::1:25", NULL },
        { "[::1]", NULL },
        { "[::1:25", NULL },
        { "[::1]25", NULL },
        { "localhost:25", NULL },
        { "1.2.3:25", NULL },
        { "01.2.3.4:25", NULL },
        { ":25", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sockaddr_storage address;
        struct buf text = { 0 };
        const char *why = value_address(str_from_cstr(rows[i].in), &address);

        if ((why == NULL) != (rows[i].out != NULL))
            fail_msg("%s", rows[i].in);
        if (why == NULL) {
            value_write_address(&address, &text);
            assert_string_equal(buf_cstr(&text), rows[i].out);
        }
        buf_free(&text);
    }
}

static void test_range(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        { "10.0.0.0/8", "10.0.0.0/8" }, { "192.0.2.1", "192.0.2.1/32" },
        { "0.0.0.0/0", "0.0.0.0/0" },   { "2001:db8::/32", "2001:db8::/32" },
        { "::1", "::1/128" },           { "10.0.0.1/8", NULL },
        { "10.0.0.0/33", NULL },        { "10.0.0.0/", NULL },
        { "10.0.0.0/-1", NULL },        { "2001:db8::1/64", NULL },
        { "2001:db8::/129", NULL },     { "all", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct address_range range;
        struct buf text = { 0 };
        const char *why = value_range(str_from_cstr(rows[i].in), &range);

        if ((why == NULL) != (rows[i].out != NULL))
            fail_msg("%s", rows[i].in);
        if (why == NULL) {
            value_write_range(&range, &text);
            assert_string_equal(buf_cstr(&text), rows[i].out);
        }
        buf_free(&text);
    }
}

static void test_names(void **state)
{
    static const char *const good[] = { "gate.clinic.example", "a.b",
                                        "xn--bcher-kva.example" };
    static const char *const bad[] = { "",
                                       "gate",
                                       ".a.b",
                                       "a..b",
                                       "a.b.",
                                       "-a.b",
                                       "a-.b",
                                       "a b.c",
                                       "1.2.3.4",
                                       "a/b.c",
                                       "[::1]",
                                       "*.a.b",
                                       "b\303\274cher.example" };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_null(value_hostname(str_from_cstr(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        if (value_hostname(str_from_cstr(bad[i])) == NULL)
            fail_msg("'%s' passed", bad[i]);
    assert_null(value_domain(STR("*")));
    assert_null(value_domain(STR("*.partner.example")));
    assert_non_null(value_domain(STR("a.*.example")));
    assert_non_null(value_domain(STR("*partner.example")));
    assert_null(value_pattern(STR("*@clinic.example")));
    assert_null(value_pattern(STR("*@*.clinic.example")));
    assert_null(value_pattern(STR("*.clinic.example")));
    assert_non_null(value_pattern(STR("@clinic.example")));
    assert_non_null(value_pattern(STR("a@")));
}

static void test_host_port(void **state)
{
    static const struct {
        const char *in, *host;
        unsigned port;
    } rows[] = {
        { "relay.example:587", "relay.example", 587 },
        { "relay.example", "relay.example", 0 },
        { "10.0.0.5:25", "10.0.0.5", 25 },
        { "[2001:db8::1]:25", "2001:db8::1", 25 },
        { "localhost:2525", "localhost", 2525 },
        { "relay.example:", NULL, 0 },
        { "relay.example:0", NULL, 0 },
        { "relay", NULL, 0 },
        { "a b", NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str host = STR("");
        uint16_t port = 0;
        const char *why =
            value_host_port(str_from_cstr(rows[i].in), &host, &port);

        if ((why == NULL) != (rows[i].host != NULL))
            fail_msg("%s", rows[i].in);
        if (why != NULL)
            continue;
        assert_true(str_eq(host, str_from_cstr(rows[i].host)));
        assert_int_equal(port, rows[i].port);
    }
}

static void test_sha256(void **state)
{
    static const char hex[] =
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    unsigned char a[32], b[32];

    (void)state;
    assert_null(value_sha256(str_from_cstr(hex), a));
    assert_null(
        value_sha256(STR("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), b));
    assert_memory_equal(a, b, 32);
    assert_non_null(value_sha256(str_from_cstr(hex + 1), a));
    assert_non_null(value_sha256(STR("47DEQpj8HBSa"), a));
}

static void test_patterns(void **state)
{
    static const struct {
        const char *pattern, *address;
        bool want;
    } rows[] = {
        { "*@clinic.example", "a@Clinic.Example", true },
        { "*@clinic.example", "a@x.clinic.example", false },
        { "*@clinic.example", "a@notclinic.example", false },
        { "*@*.clinic.example", "a@x.y.clinic.example", true },
        { "*@*.clinic.example", "a@clinic.example", false },
        { "*.clinic.example", "a@x.clinic.example", true },
        { "*.clinic.example", "a@clinic.example", false },
        { "clinic.example", "a@clinic.example", true },
        { "a@clinic.example", "A@clinic.example", true },
        { "lab-*@clinic.example", "lab-7@clinic.example", true },
        { "lab-*@clinic.example", "lab@clinic.example", false },
        { "*@clinic.example", "\"a@b\"@clinic.example", true },
        { "*@b", "a@b@c", false },
        { "*", "a@b", true },
        { "*", "", false },
        { "*@clinic.example", "clinic.example", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (pattern_address(str_from_cstr(rows[i].pattern),
                            str_from_cstr(rows[i].address)) != rows[i].want)
            fail_msg("%s %s", rows[i].pattern, rows[i].address);
    assert_true(pattern_text(STR("a*b*c"), STR("aXbYbZc")));
    assert_false(pattern_text(STR("a*b*c"), STR("aXbYbZ")));
    assert_true(pattern_text(STR("a?c"), STR("abc")));
    assert_true(pattern_text(STR("*"), STR("")));
    assert_false(pattern_text(STR("?"), STR("")));
}

static void test_suggest(void **state)
{
    static const char *const names[] = { "resolver", "trust-anchor", "port",
                                         NULL };

    (void)state;
    assert_string_equal(suggest_name(STR("resolvr"), names), "resolver");
    assert_string_equal(suggest_name(STR("reslover"), names), "resolver");
    assert_string_equal(suggest_name(STR("trust_anchor"), names),
                        "trust-anchor");
    assert_string_equal(suggest_name(STR("prot"), names), "port");
    assert_null(suggest_name(STR("zzz"), names));
    assert_null(suggest_name(STR(""), names));
    assert_int_equal(suggest_distance(STR("abc"), STR("acb")), 1);
    assert_int_equal(suggest_distance(STR("kitten"), STR("sitting")), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration), cmocka_unit_test(test_size),
        cmocka_unit_test(test_address),  cmocka_unit_test(test_range),
        cmocka_unit_test(test_names),    cmocka_unit_test(test_host_port),
        cmocka_unit_test(test_sha256),   cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_suggest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
