/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct row {
    const char *wire;
    size_t n;
    const char *want; /* NULL: refused */
} rows[] = {
    { "\2mX\7Example\0", 12, "mx.example" },
    { "\0", 1, "" },
    { "", 0, NULL },
    { "\2mx", 3, NULL },
    { "\3mx", 3, NULL },
    { "\xc0\x0c", 2, NULL },
    { "\3a\rb\0", 5, NULL },
    { "\3a.b\0", 5, NULL },
    { "\003"
      "192\001"
      "0\001"
      "2\001"
      "1",
      11, "192.0.2.1" },
};

static void names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena = { 0 };
        struct str out;
        size_t used;
        bool ok =
            dns_name_text(str_of(rows[i].wire, rows[i].n), &arena, &out, &used);

        assert_int_equal(ok, rows[i].want != NULL);
        if (ok) {
            assert_true(str_eq(out, str_from_cstr(rows[i].want)));
            assert_int_equal(used, rows[i].n);
        }
        arena_free(&arena);
    }
}

static void longest(void **state)
{
    struct arena arena = { 0 };
    char wire[400];
    struct str out;
    size_t used;

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        wire[i * 64] = 63;
        memset(wire + i * 64 + 1, 'a', 63);
    }
    wire[192] = 61;
    wire[254] = 0;
    assert_true(dns_name_text(str_of(wire, 255), &arena, &out, &used));
    assert_int_equal(out.n, 253);
    wire[192] = 62; /* one octet too long (RFC 1035, 2.3.4) */
    wire[255] = 0;
    assert_false(dns_name_text(str_of(wire, 256), &arena, &out, &used));
    wire[192] = 63;
    assert_false(dns_name_text(str_of(wire, 300), &arena, &out, &used));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(names),
                                        cmocka_unit_test(longest) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
