/* SPDX-License-Identifier: Apache-2.0 */
/* When watched domains are due, and what counts as the same answer. */
#include "role/dispatch/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { DAY = 86400000 };

static void test_due(void **state)
{
    (void)state;
    /* Each has its place; the next one is at least half an interval away. */
    assert_int_equal(watch_due_ms(0, 4, DAY, 0, 0), DAY);
    assert_int_equal(watch_due_ms(1, 4, DAY, 0, 0), DAY + DAY / 4);
    assert_int_equal(watch_due_ms(3, 4, DAY, 0, 0), DAY / 4 * 3);
    assert_int_equal(watch_due_ms(3, 4, DAY, 0, DAY / 2), DAY + DAY / 4 * 3);
    assert_int_equal(watch_due_ms(0, 1, 1000, 500, 10499), 11500);
    assert_int_equal(watch_due_ms(0, 1, 1000, 500, 10500), 11500);
    for (int64_t now = 0; now < 3ll * DAY; now += 999999) {
        int64_t due = watch_due_ms(2, 7, DAY, 12345, now);

        assert_true(due > now + DAY / 2 && due <= now + 3ll * DAY / 2 + 1);
        assert_int_equal((due - 12345) % DAY, DAY / 7 * 2);
    }
}

/* Hosts of equal preference come in any order: that is no change. */
static void test_answer(void **state)
{
    struct mx_host a = { .name = STR_INIT("a.example") },
                   b = { .name = STR_INIT("b.example") };
    struct probe_host there[] = { { .mx = &a }, { .mx = &b } };
    struct probe_host back[] = { { .mx = &b }, { .mx = &a } };
    struct probe probe = { .hosts = there, .hosts_n = 2 };
    struct finding findings[] = {
        { .id = STR_INIT("one"), .severity = SEVERITY_ERROR },
        { .id = STR_INIT("one"), .severity = SEVERITY_ERROR },
        { .id = STR_INIT("two"), .severity = SEVERITY_NOTICE },
    };
    struct answers answers = { .findings = findings, .findings_n = 3 };
    struct arena arena = { 0 };

    (void)state;
    for (int i = 0; i < ANSWER_FLOORS; i++)
        answers.floor[i] =
            (struct floor_answer){ .floor = (enum floor)i, .can = ANSWER_YES };
    answers.floor[FLOOR_VERIFIED].by = VERIFIED_PKIX;
    struct str first = watch_answer(&probe, &answers, &arena);
    assert_true(str_eq(first, STR("open yes, tls yes, verified yes (pkix), "
                                  "mta-sts no, mx a.example b.example, "
                                  "findings one")));
    probe.hosts = back;
    assert_true(str_eq(watch_answer(&probe, &answers, &arena), first));
    answers.floor[FLOOR_VERIFIED].can = ANSWER_NO;
    assert_false(str_eq(watch_answer(&probe, &answers, &arena), first));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
