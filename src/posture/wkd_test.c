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
        "", "a", "@a.example", "a@", "a@[192.0.2.1]", "a@b/c.example"
    };
    struct arena arena = { 0 };
    struct wkd_place a, d;

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_false(wkd_places(str_from_cstr(none[i]), &arena, &a, &d));
    assert_true(wkd_places(STR("a&l=b ?#/@x.example"), &arena, &a, &d));
    assert_true(str_ends(a.path, STR("?l=a%26l%3Db%20%3F%23%2F")));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wkd_example),
        cmocka_unit_test(test_smimea_example),
        cmocka_unit_test(test_odd_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
