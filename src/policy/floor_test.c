/* SPDX-License-Identifier: Apache-2.0 */
/* Floors, ladders and the TLS verdict, over all their inputs. */
#include "policy/floor.h"
#include "policy/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_names(void **state)
{
    (void)state;
    for (int i = FLOOR_OPEN; i <= FLOOR_SEALED; i++) {
        enum floor back;

        assert_true(floor_parse(floor_name((enum floor)i), &back));
        assert_int_equal(back, i);
    }
    for (int i = 0; i < METHOD_COUNT; i++) {
        enum method back;

        assert_true(method_parse(method_name((enum method)i), &back));
        assert_int_equal(back, i);
    }
    assert_false(floor_parse(STR("secret"), &(enum floor){ 0 }));
    assert_false(method_parse(STR(""), &(enum method){ 0 }));
}

static void test_meets(void **state)
{
    (void)state;
    for (int m = 0; m < METHOD_COUNT; m++)
        for (int f = FLOOR_OPEN; f <= FLOOR_SEALED; f++)
            assert_int_equal(method_meets((enum method)m, (enum floor)f),
                             !(m == METHOD_TLS && f == FLOOR_SEALED));
}

static void test_ladder(void **state)
{
    static const struct {
        const char *in, *want;
        bool ok;
    } rows[] = {
        { "tls portal", "tls portal", true },
        { " pgp  smime tls ", "pgp smime tls", true },
        { "", "", true },
        { "tls tls", "", false },
        { "tls fax", "", false },
        { "tls pgp smime portal tls", "", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct ladder ladder = { .n = 0 };
        struct buf text = { 0 };

        assert_int_equal(ladder_parse(str_from_cstr(rows[i].in), &ladder),
                         rows[i].ok);
        ladder_write(ladder, &text);
        assert_true(str_eq(buf_str(&text), str_from_cstr(rows[i].want)));
        buf_free(&text);
    }
}

/* All ladders of up to four rungs against all floors: order is kept, nothing
 * below the floor is left, nothing that meets it is lost. */
static void test_ladder_above(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 5 * 5 * 5 * 5; code++)
        for (int f = FLOOR_OPEN; f <= FLOOR_SEALED; f++) {
            struct ladder in = { .n = 0 }, out;
            unsigned rest = code, met = 0;

            for (int i = 0; i < 4; i++, rest /= 5)
                if (rest % 5 < 4)
                    in.rung[in.n++] = (enum method)(rest % 5);
            out = ladder_above(in, (enum floor)f);
            for (uint8_t i = 0; i < in.n; i++)
                if (method_meets(in.rung[i], (enum floor)f)) {
                    assert_int_equal(out.rung[met], in.rung[i]);
                    met++;
                }
            assert_int_equal(out.n, met);
        }
}

/* What must hold for every answer, whatever the inputs. */
static void check_verdict(enum tls_need need, const struct tls_seen *s)
{
    enum tls_act act = tls_next(need, s);
    bool failed = !s->up && s->fault[0] != '\0';
    bool proven = need == TLS_NEED_ENCRYPT ||
                  (need == TLS_NEED_PKIX &&
                   (s->by == VERIFIED_PKIX || s->by == VERIFIED_STS)) ||
                  (need == TLS_NEED_STS && s->by == VERIFIED_STS) ||
                  (need == TLS_NEED_DANE &&
                   (s->by == VERIFIED_DANE_EE || s->by == VERIFIED_DANE_TA)) ||
                  (need == TLS_NEED_PIN && s->by == VERIFIED_PIN);

    /* Clear is only ever chosen by "may". */
    if (act == TLS_SEND_OPEN)
        assert_int_equal(need, TLS_NEED_MAY);
    /* Mail under a need goes only over an approved, proven connection. */
    if (act == TLS_SEND)
        assert_true(s->up && s->approved && proven);
    /* And such a connection is not thrown away. */
    if (s->up && s->approved && proven)
        assert_int_equal(act, TLS_SEND);
    if (act == TLS_START)
        assert_true(s->offered && !s->up && !failed && need != TLS_NEED_NEVER);
    if (need == TLS_NEED_NEVER)
        assert_int_equal(act, TLS_NEXT_HOST);
    if (need == TLS_NEED_MAY)
        assert_true(act == TLS_SEND_OPEN || act == TLS_START);
    /* Once STARTTLS failed nothing asks for it again: no endless loop. */
    if (failed)
        assert_int_not_equal(act, TLS_START);
}

static void test_verdict_all(void **state)
{
    unsigned seen = 0;

    (void)state;
    for (int need = TLS_NEED_MAY; need <= TLS_NEED_NEVER; need++)
        for (int by = VERIFIED_NONE; by <= VERIFIED_PKIX; by++)
            for (unsigned bits = 0; bits < 16; bits++) {
                struct tls_seen s = {
                    .offered = bits & 1,
                    .up = bits & 2,
                    .approved = bits & 4,
                    .by = (enum verified_by)by,
                };

                if (bits & 8)
                    strcpy(s.fault, "handshake failed");
                check_verdict((enum tls_need)need, &s);
                seen++;
            }
    assert_int_equal(seen, 7 * 6 * 16);
}

static void test_verdict_rows(void **state)
{
    static const struct {
        const char *name;
        enum tls_need need;
        struct tls_seen seen;
        enum tls_act want;
    } rows[] = {
        { "TP-01 stripped",
          TLS_NEED_ENCRYPT,
          { .offered = false },
          TLS_NEXT_HOST },
        { "offered", TLS_NEED_ENCRYPT, { .offered = true }, TLS_START },
        { "TP-02 failing, forced",
          TLS_NEED_ENCRYPT,
          { .offered = true, .fault = "454" },
          TLS_NEXT_HOST },
        { "TP-02 failing, may",
          TLS_NEED_MAY,
          { .offered = true, .fault = "454" },
          TLS_SEND_OPEN },
        { "not offered, may",
          TLS_NEED_MAY,
          { .offered = false },
          TLS_SEND_OPEN },
        { "TP-04 old version, forced",
          TLS_NEED_ENCRYPT,
          { .offered = true, .up = true, .approved = false },
          TLS_NEXT_HOST },
        { "old version, may",
          TLS_NEED_MAY,
          { .offered = true, .up = true, .approved = false },
          TLS_SEND_OPEN },
        { "TP-05 wrong name",
          TLS_NEED_PKIX,
          { .offered = true, .up = true, .approved = true },
          TLS_NEXT_HOST },
        { "any certificate",
          TLS_NEED_ENCRYPT,
          { .offered = true, .up = true, .approved = true },
          TLS_SEND },
        { "TP-13 DANE match",
          TLS_NEED_DANE,
          { true, true, true, VERIFIED_DANE_EE, .version = "" },
          TLS_SEND },
        { "TP-14 no PKIX rescue",
          TLS_NEED_DANE,
          { true, true, true, VERIFIED_PKIX, .version = "" },
          TLS_NEXT_HOST },
        { "TP-07 host not listed",
          TLS_NEED_STS,
          { true, true, true, VERIFIED_PKIX, .version = "" },
          TLS_NEXT_HOST },
        { "pin is not replaced by DANE",
          TLS_NEED_PIN,
          { true, true, true, VERIFIED_DANE_EE, .version = "" },
          TLS_NEXT_HOST },
        { "bogus DNS",
          TLS_NEED_NEVER,
          { true, true, true, VERIFIED_PKIX, .version = "" },
          TLS_NEXT_HOST },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (tls_next(rows[i].need, &rows[i].seen) != rows[i].want)
            fail_msg("%s", rows[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),       cmocka_unit_test(test_meets),
        cmocka_unit_test(test_ladder),      cmocka_unit_test(test_ladder_above),
        cmocka_unit_test(test_verdict_all), cmocka_unit_test(test_verdict_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
