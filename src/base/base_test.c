/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of str, buf, arena, status, id and clock. */
#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/secret.h"
#include "base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_str_compare(void **state)
{
    (void)state;
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_true(str_eq_nocase(STR("EHLO"), STR("ehlo")));
    assert_true(str_cmp(STR("ab"), STR("abc")) < 0);
    assert_true(str_cmp(STR("b"), STR("abc")) > 0);
    assert_true(str_eq_secret(STR("12345678"), STR("12345678")));
    assert_false(str_eq_secret(STR("12345678"), STR("12345679")));
    assert_false(str_eq_secret(STR("1"), STR("12")));
}

static void test_str_split(void **state)
{
    struct str rest = STR("a,,b"), piece;

    (void)state;
    assert_true(str_split(&rest, ',', &piece) && str_eq(piece, STR("a")));
    assert_true(str_split(&rest, ',', &piece) && piece.n == 0);
    assert_true(str_split(&rest, ',', &piece) && str_eq(piece, STR("b")));
    assert_false(str_split(&rest, ',', &piece));
}

static void test_str_number(void **state)
{
    static const struct {
        struct str in;
        bool ok;
        uint64_t want;
    } rows[] = {
        { STR_INIT("0"), true, 0 },
        { STR_INIT("18446744073709551615"), true, UINT64_MAX },
        { STR_INIT("18446744073709551616"), false, 0 },
        { STR_INIT("99999999999999999999"), false, 0 },
        { STR_INIT(""), false, 0 },
        { STR_INIT("-1"), false, 0 },
        { STR_INIT("1 "), false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t got = 0;

        assert_int_equal(str_to_u64(rows[i].in, UINT64_MAX, &got), rows[i].ok);
        assert_true(got == rows[i].want);
    }
}

static void test_buf(void **state)
{
    struct buf b = { 0 };

    (void)state;
    for (int i = 0; i < 1000; i++)
        buf_addf(&b, "%d,", i);
    assert_int_equal(b.n, 10 * 2 + 90 * 3 + 900 * 4);
    buf_drop(&b, 2);
    assert_true(str_starts(buf_str(&b), STR("1,2,")));
    assert_int_equal(strlen(buf_cstr(&b)), b.n);
    buf_free(&b);
}

static void test_arena(void **state)
{
    struct arena a = { 0 };
    struct str kept[200];

    (void)state;
    for (int i = 0; i < 200; i++)
        kept[i] = arena_printf(&a, "%d-%0100d", i, i);
    for (int i = 0; i < 200; i++)
        assert_true(kept[i].n > 100);
    assert_true(str_starts(kept[7], STR("7-00")));
    arena_reset(&a);
    assert_int_equal(((char *)arena_alloc(&a, 64))[63], 0);
    arena_free(&a);
}

static void test_status(void **state)
{
    struct status st = status_make(550, "5.1.10", "null MX\r\n250 ok");

    (void)state;
    assert_int_equal(st.kind, STATUS_REFUSE);
    assert_int_equal(st.enh[2], 10);
    assert_string_equal(st.why, "null MX??250 ok");
    assert_int_equal(status_defer("x").kind, STATUS_DEFER);
    assert_true(status_is_ok(status_ok()));
}

static void test_id(void **state)
{
    struct id a = id_new(), b = id_new(), c;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        assert_true(strcmp(a.text, b.text) < 0);
        a = b;
        b = id_new();
    }
    assert_true(id_parse(id_str(&a), &c));
    assert_string_equal(a.text, c.text);
    assert_false(id_parse(STR("../../../../../../etc/pass"), &c));
    assert_false(id_parse(STR("zzzzzzzzzzzzzzzzzzzzzzzzzz"), &c));
    assert_false(id_parse(STR("0"), &c));
}

static void test_clock(void **state)
{
    char iso[CLOCK_ISO_SIZE], rfc[CLOCK_RFC5322_SIZE];

    (void)state;
    clock_iso(1700000000123, iso);
    assert_string_equal(iso, "2023-11-14T22:13:20.123Z");
    clock_rfc5322(1700000000123, rfc);
    assert_string_equal(rfc, "Tue, 14 Nov 2023 22:13:20 +0000");
    clock_iso(INT64_MAX, iso);
    assert_true(strncmp(iso, "9999-12-31", 10) == 0);
}

static void test_base64(void **state)
{
    static const struct {
        struct str plain, code;
    } good[] = {
        { STR_INIT(""), STR_INIT("") },
        { STR_INIT("f"), STR_INIT("Zg==") },
        { STR_INIT("fo"), STR_INIT("Zm8=") },
        { STR_INIT("foo"), STR_INIT("Zm9v") },
        { STR_INIT("\0a\0b"), STR_INIT("AGEAYg==") },
        { STR_INIT("\xff\xef\xbe"), STR_INIT("/+++") },
    };
    static const char *const bad[] = { "Zg",   "Zg=",      "Zh==",
                                       "Z===", "Zm9v\n",   "Zm 9",
                                       "====", "Zg==Zg==", "Zm8-" };
    struct buf b = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        buf_clear(&b);
        base64_encode(good[i].plain, &b);
        assert_true(str_eq(buf_str(&b), good[i].code));
        buf_clear(&b);
        assert_true(base64_decode(good[i].code, &b));
        assert_true(str_eq(buf_str(&b), good[i].plain));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        buf_clear(&b);
        assert_false(base64_decode(str_from_cstr(bad[i]), &b));
        assert_int_equal(b.n, 0);
    }
    base64url_encode(STR("\xff\xef\xbe\xff"), &b);
    assert_true(str_eq(buf_str(&b), STR("_---_w")));
    buf_clear(&b);
    assert_true(base64url_decode(STR("_---_w"), &b));
    assert_int_equal(b.n, 4);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str_compare), cmocka_unit_test(test_str_split),
        cmocka_unit_test(test_str_number),  cmocka_unit_test(test_buf),
        cmocka_unit_test(test_arena),       cmocka_unit_test(test_status),
        cmocka_unit_test(test_id),          cmocka_unit_test(test_clock),
        cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
