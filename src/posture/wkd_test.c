/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the drafts' and RFCs' own examples. */
#include "posture/wkd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define assert_str(s, text) assert_true(str_eq((s), str_from_cstr(text)))

static void test_wkd_example(void **state)
{
    struct arena arena = { 0 };
    struct wkd_place advanced, direct;

    (void)state;
    assert_true(
        wkd_places(STR("Joe.Doe@example.org"), &arena, &advanced, &direct));
    assert_str(advanced.host, "openpgpkey.example.org");
    assert_str(advanced.path, "/.well-known/openpgpkey/example.org/hu/"
                              "iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe");
    assert_str(direct.host, "example.org");
    assert_str(direct.path, "/.well-known/openpgpkey/hu/"
                            "iy9q119eutrkn8s1mk4r39qejnbu3n5q?l=Joe.Doe");
    arena_free(&arena);
}

static void test_smimea_example(void **state)
{
    struct arena arena = { 0 };
    struct str name;

    (void)state;
    assert_true(smimea_name(STR("hugh@example.com"), &arena, &name));
    assert_str(name, "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6"
                     "._smimecert.example.com");
    assert_true(smimea_name(STR("\"hugh\"@example.com"), &arena, &name));
    assert_true(str_starts(name, STR("c93f1e40")));
    arena_free(&arena);
}

static void test_odd_addresses(void **state)
{
    static const char *const none[] = {
        "",
        "a",
        "@a.example",
        "a@",
        "\"\"@a.example",
        "a@[192.0.2.1]",
        "a@b/c.example",
        "a@b.example:8443",
        "a@b.example?x",
        "a@b.example#x",
        "a@b.example\r\nHost: x",
        "a@b .example",
        "a@b%2e.example",
        "a@b\xc3\xbc.example",
        ("0123456789012345678901234567890123456789012345678901234567890123x"
         "@a.example"),
    };
    struct arena arena = { 0 };
    struct wkd_place a, d;
    struct str name;

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        if (wkd_places(str_from_cstr(none[i]), &arena, &a, &d) ||
            smimea_name(str_from_cstr(none[i]), &arena, &name))
            fail_msg("taken: %s", none[i]);
    assert_false(wkd_places(STR("a@b\0.example"), &arena, &a, &d));
    assert_true(wkd_places(STR("a&l=b ?#/@x.example"), &arena, &a, &d));
    assert_true(str_ends(a.path, STR("?l=a%26l%3Db%20%3F%23%2F")));
    arena_free(&arena);
}

/* Quotes and the octets that escape are not part of the name. */
static void test_quoted(void **state)
{
    struct arena arena = { 0 };
    struct wkd_place a, d;
    struct str plain, quoted;

    (void)state;
    assert_true(wkd_places(STR("\"a\\\"b\\\\c@d\"@x.example"), &arena, &a, &d));
    assert_true(str_ends(a.path, STR("?l=a%22b%5Cc%40d")));
    assert_str(d.host, "x.example");
    assert_true(smimea_name(STR("\"h\\ugh\"@example.com"), &arena, &quoted));
    assert_true(smimea_name(STR("hugh@example.com"), &arena, &plain));
    assert_true(str_eq(plain, quoted));
    /* RFC 8162 knows no lower case, a Web Key Directory does. */
    assert_true(smimea_name(STR("Hugh@example.com"), &arena, &quoted));
    assert_false(str_eq(plain, quoted));
    arena_free(&arena);
}

static const struct rdata_row {
    const char *rdata;
    size_t n;
    bool ok;
} rdatas[] = {
    { "", 0, false },
    { "\3\0", 2, false },
    { "\3\0\0", 3, false }, /* no certificate in it */
    { "\3\0\0\x30", 4, true },
    { "\3\0\1\x30", 4, false }, /* digests */
    { "\3\0\2\x30", 4, false },
    { "\3\1\0\x30", 4, false }, /* a bare public key */
    { "\0\0\0\x30", 4, false }, /* an authority's */
    { "\1\0\0\x30", 4, false }, /* a chain is to be checked */
    { "\2\0\0\x30", 4, false },
    { "\377\0\0\x30", 4, false },
};

static void test_smimea_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rdatas) / sizeof(rdatas[0]); i++) {
        struct str der;
        bool ok =
            smimea_certificate(str_of(rdatas[i].rdata, rdatas[i].n), &der);

        if (ok != rdatas[i].ok || (ok && !str_eq(der, STR("\x30"))))
            fail_msg("row %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wkd_example),
        cmocka_unit_test(test_smimea_example),
        cmocka_unit_test(test_odd_addresses),
        cmocka_unit_test(test_quoted),
        cmocka_unit_test(test_smimea_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
